"""The simulated cohort as ordinary files that a card describes."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from workbench.data.simulate import SimulatedCohort


def write_files(cohort: "SimulatedCohort", folder: Path) -> None:
    """Write tables, images, masks and the truth into a folder that is there."""
    cohort.clinical.to_csv(folder / "clinical.csv")
    cohort.rna.to_parquet(folder / "rna.parquet")
    cohort.mutations.to_csv(folder / "mutations.csv")
    (folder / "images").mkdir()
    (folder / "masks").mkdir()
    for i in np.flatnonzero(cohort.has_image):
        name = f"{cohort.clinical.index[i]}.png"
        Image.fromarray(cohort.images[i]).save(folder / "images" / name)
        Image.fromarray(255 * cohort.masks[i].astype(np.uint8)).save(folder / "masks" / name)
    truth = cohort.truth
    truth.log_hazard.round(6).to_csv(folder / "truth.csv")
    facts = {
        "simulated": True,
        "causal_genes": truth.causal_genes,
        "causal_pathways": truth.causal_pathways,
        "causal_mutations": truth.causal_mutations,
        "oracle_c": truth.oracle_c,
    }
    (folder / "truth.json").write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n")
