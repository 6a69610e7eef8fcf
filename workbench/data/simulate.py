"""A simulated glioma cohort whose truth is known.

Images, expression, mutations and health records each carry their own part of a log hazard. Event
times are Weibull with proportional hazards, so the true log hazard is the best risk score there
is, and its C-index is the ceiling (the oracle) that a model can approach but not pass.
"""

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.data.simulated_clinical import draw_outcomes, draw_record
from workbench.data.simulated_files import write_files
from workbench.data.simulated_genomics import (
    MUTATION_LOG_HAZARD,
    PATHWAY_LOG_HAZARD,
    draw_expression,
    draw_mutations,
    pathways,
)
from workbench.data.simulated_images import draw_images
from workbench.errors import DataCardError

IMAGE_LOG_HAZARD = {"size": 0.76, "texture": 0.46}
RNA_MISSING = MUTATIONS_MISSING = 0.11


@dataclass(frozen=True)
class Truth:
    """What was simulated and no real study would know.

    Parameters
    ----------
    log_hazard
        Index patient_id; columns ``clinical``, ``imaging``, ``genomics`` and their sum
        ``total``. It holds for patients whose image or genes are missing, too.
    causal_genes, causal_pathways, causal_mutations
        Names of what carries risk; all others carry none.
    oracle_c
        Harrell's C of ``total`` on the realised data, by outcome.
    """

    log_hazard: pd.DataFrame
    causal_genes: tuple[str, ...]
    causal_pathways: tuple[str, ...]
    causal_mutations: tuple[str, ...]
    oracle_c: dict[str, float]


@dataclass(frozen=True)
class SimulatedCohort:
    """The files of the cohort, in memory.

    Parameters
    ----------
    clinical
        One row a patient, index patient_id: health record, site and both outcomes.
    rna, mutations
        Rows of the patients who have them; log2 expression, and 0/1.
    images, masks
        (patient, 64, 64, 3) uint8 and (patient, 64, 64) bool, in the order of ``clinical``; also
        of patients whose image the study lacks.
    has_image
        (patient,) bool.
    truth
        The parts of the log hazard, and what causes them.
    """

    clinical: pd.DataFrame
    rna: pd.DataFrame
    mutations: pd.DataFrame
    images: np.ndarray
    masks: np.ndarray
    has_image: np.ndarray
    truth: Truth


def simulate(n_patients: int = 600, seed: int = 0) -> SimulatedCohort:
    """Draw a cohort.

    Parameters
    ----------
    n_patients
        At least 20, so that each site and grade occurs.
    seed
        The same seed gives the same cohort.

    Raises
    ------
    DataCardError
        With fewer than 20 patients.
    """
    if n_patients < 20:
        raise DataCardError(f"a simulated cohort needs at least 20 patients, got {n_patients}")
    draw = [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(6)]
    patient_id = pd.Index([f"SIM-{i:04d}" for i in range(1, n_patients + 1)], name="patient_id")

    record, clinical_part = draw_record(draw[0], patient_id)
    images, masks, size, texture = draw_images(draw[1], record["site"].to_numpy())
    rna, rna_part = draw_expression(draw[2], patient_id)
    mutations, mutation_part = draw_mutations(draw[3], patient_id)

    log_hazard = pd.DataFrame(
        {
            "clinical": clinical_part,
            "imaging": IMAGE_LOG_HAZARD["size"] * size + IMAGE_LOG_HAZARD["texture"] * texture,
            "genomics": rna_part + mutation_part,
        },
        index=patient_id,
    )
    log_hazard["total"] = log_hazard.sum(axis=1)
    outcomes = draw_outcomes(draw[4], log_hazard["total"].to_numpy())
    clinical = pd.concat([record, outcomes.set_index(patient_id)], axis=1)

    rng = draw[5]
    has_image = _has_image(rng, record)
    has_rna = rng.random(n_patients) >= RNA_MISSING
    has_mutations = rng.random(n_patients) >= MUTATIONS_MISSING
    return SimulatedCohort(
        clinical=clinical,
        rna=rna[has_rna],
        mutations=mutations[has_mutations],
        images=images,
        masks=masks,
        has_image=has_image,
        truth=_truth(log_hazard, clinical),
    )


def _has_image(rng: np.random.Generator, record: pd.DataFrame) -> np.ndarray:
    """Not at random: West images fewer patients, and the old are imaged less everywhere."""
    logit = -2.05 + 1.3 * (record["site"] == "West") + 0.035 * (record["age"] - 54)
    return rng.random(len(record)) >= 1 / (1 + np.exp(-logit.to_numpy()))


def _truth(log_hazard: pd.DataFrame, clinical: pd.DataFrame) -> Truth:
    total = log_hazard["total"].to_numpy()
    members = pathways()
    return Truth(
        log_hazard=log_hazard,
        causal_genes=tuple(gene for name in PATHWAY_LOG_HAZARD for gene in members[name]),
        causal_pathways=tuple(PATHWAY_LOG_HAZARD),
        causal_mutations=tuple(MUTATION_LOG_HAZARD),
        oracle_c={
            "os": _oracle_c(
                clinical["os_days"].to_numpy(),
                (clinical["vital_status"] == "dead").to_numpy(),
                total,
            ),
            "pfi": _oracle_c(
                clinical["pfi_days"].to_numpy(),
                (clinical["progressed"] == 1).to_numpy(),
                total,
            ),
        },
    )


def _oracle_c(time: np.ndarray, event: np.ndarray, risk_score: np.ndarray) -> float:
    """Harrell's C by counting every pair: usable if the earlier time is an event.

    Written out here, apart from ``workbench.survival``, so that the truth does not rest on the
    code that it judges.
    """
    usable = event[:, None] & (time[:, None] < time[None, :])
    difference = risk_score[:, None] - risk_score[None, :]
    concordant = (difference > 0) + 0.5 * (difference == 0)
    return float(concordant[usable].mean())


def write(folder: str | Path, *, n_patients: int = 600, seed: int = 0) -> Path:
    """Write the cohort as ordinary files that a card describes.

    The folder appears whole or not at all.

    Parameters
    ----------
    folder
        Where to; it must not exist yet.
    n_patients, seed
        As in :func:`simulate`.

    Returns
    -------
    Path
        ``folder``, with ``clinical.csv``, ``rna.parquet``, ``mutations.csv``, ``images/*.png``,
        ``masks/*.png``, and the truth: ``truth.csv`` (log hazard by patient) and ``truth.json``.

    Raises
    ------
    DataCardError
        If ``folder`` exists.
    """
    folder = Path(folder)
    if folder.exists():
        raise DataCardError(f"{folder} exists: name a new folder, or remove it first")
    cohort = simulate(n_patients, seed)
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        write_files(cohort, draft)
        draft.chmod(0o755)
        os.replace(draft, folder)
    except BaseException:
        # Also on Ctrl-C: nothing half-written stays behind.
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return folder
