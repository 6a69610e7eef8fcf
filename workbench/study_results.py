"""What a study leaves of its patients and models: predictions, and a model for new patients."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from workbench.cohort.cohort import Cohort
from workbench.data.card import ImageModality
from workbench.exported_names import exported_names
from workbench.report.model_card import model_card
from workbench.report.read import read_document
from workbench.run_folder import RunFolder
from workbench.study_settings import Study
from workbench.study_steps import JUDGED, embedder, identity, models

if TYPE_CHECKING:
    from fusion.dataset import PatientDataset
    from fusion.predictions import Predictions


def save_model(study: Study, cohort: Cohort, dataset: "PatientDataset", folder: RunFolder) -> Path:
    """Fit the judged model on every evaluated patient, and keep it for new ones."""
    from fusion.cross_fit import fit_all
    from fusion.saving import save_record

    encoders = embedder(study.image_encoder).fit(dataset, seed=study.seed)
    ladder = models(study, dataset, single=False)
    fitted = fit_all({JUDGED: ladder[JUDGED]}, encoders.embed(dataset), seed=study.seed)[JUDGED]
    record = {
        "risk": fitted,
        "embedder": encoders,
        "study": json.dumps(study.resolved(cohort.card), sort_keys=True),
        "identity": identity(study, cohort),
        "time_unit": cohort.time_unit,
        "image_sizes": {
            name: spec.size
            for name, spec in cohort.card.spec.modalities.items()
            if isinstance(spec, ImageModality)
        },
    }
    return folder.replace_folder("model", lambda path: save_record(record, path))


def save_predictions(
    study: Study, cohort: Cohort, predictions: Mapping[str, "Predictions"], folder: RunFolder
) -> Path:
    """``predictions.parquet``: one row a patient and model, pseudonyms where the card says so.

    Rows are sorted by the name that is written, for their order would tell who is who.
    """
    names = exported_names(cohort.card, cohort.patients.index, folder)
    frames = [
        pd.DataFrame(
            {
                "patient_id": [names[p] for p in prediction.patient_id.tolist()],
                "fold": prediction.fold,
                "model": name,
                "risk_score": prediction.risk_score,
                **study.probabilities(prediction),
            }
        )
        for name, prediction in predictions.items()
    ]
    frames = [frame.sort_values("patient_id", ignore_index=True) for frame in frames]
    table = pd.concat(frames, ignore_index=True)
    return folder.write("predictions.parquet", lambda path: table.to_parquet(path, index=False))


def write_cards(report: Path, folder: RunFolder) -> None:
    """``model_card.json`` and ``croissant.json``, from the numbers of the written report."""
    document = read_document(report.parent)
    folder.write_json("model_card.json", model_card(document))
    folder.write_json("croissant.json", document["croissant"])
