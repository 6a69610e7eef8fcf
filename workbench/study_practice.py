"""What a report says beyond the metrics: use, groups and sites, failures, folds, sample size."""

import hashlib
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from platform import machine, python_version
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.cohort.cohort import Cohort
from workbench.errors import SurvivalError
from workbench.evaluation.fold_balance import fold_balance
from workbench.evaluation.in_practice import decision_curves, failure_cases, subgroup_tables
from workbench.run_folder import PACKAGES
from workbench.study_settings import Study
from workbench.study_steps import JUDGED
from workbench.survival import SampleSize, binary_sample_size, sample_size
from workbench.survival.binary_sample_size import largest_r_squared_of_binary
from workbench.survival.sample_size import largest_r_squared

if TYPE_CHECKING:
    from fusion.dataset import PatientDataset
    from fusion.predictions import Predictions

ANTICIPATED = 0.15
"""Share of the largest Cox-Snell R² that a model of unknown strength is taken to reach."""


def in_practice(
    study: Study,
    cohort: Cohort,
    dataset: "PatientDataset",
    predictions: Mapping[str, "Predictions"],
) -> dict[str, Any]:
    """Entries of ``report.json`` that tell what the judged model would mean in practice.

    Parameters
    ----------
    study, cohort, predictions
        Of the finished run.
    dataset
        The arrays it was trained on.

    Returns
    -------
    dict
        ``decision_curves, subgroups, failure_cases, fold_balance, sample_size``, JSON-ready.
        Counts are not yet withheld: that is the report's.
    """
    evaluated = cohort.evaluated
    groups = evaluated.group_masks(study.groups)
    models = [m for m in ("clinical", "clinical_markers", JUDGED) if m in predictions]
    settings = {"horizons": study.asked_at, "seed": study.seed}
    clinical = dataset.modalities[dataset.clinical]
    return {
        "decision_curves": decision_curves(
            evaluated, predictions, models=models, groups=groups, **settings
        ),
        "subgroups": subgroup_tables(
            evaluated,
            predictions[JUDGED],
            null=predictions["null"],
            groups=groups | _with_and_without(study, evaluated),
            site=_site(evaluated),
            **settings,
        ),
        "failure_cases": failure_cases(
            evaluated, predictions[JUDGED], horizons=study.asked_at, groups=groups
        ),
        "fold_balance": fold_balance(
            cohort.folds[0],
            dataset.event,
            np.where(clinical.present[:, None], clinical.values, np.nan),
            names=clinical.names,
        ),
        "sample_size": sample_size_record(
            cohort, len(clinical.names), horizon=study.horizons[-1] if study.horizons else None
        ),
    }


def _with_and_without(study: Study, evaluated: Cohort) -> dict[str, np.ndarray]:
    """Patients who have a modality, and those who lack it, where there are both."""
    has = {name: evaluated.available[name] for name in study.modalities}
    return {
        f"patients {word} {name}": mask if word == "with" else ~mask
        for name, mask in has.items()
        if not mask.all()
        for word in ("with", "without")
    }


def _site(evaluated: Cohort) -> np.ndarray | None:
    """Site of each evaluated patient, by the first column of that role; None without one."""
    columns = evaluated.card.spec.columns
    name = next((name for name, column in columns.items() if column.role == "site"), None)
    if name is None or not evaluated.release(name).allowed:
        return None
    return evaluated.patients[name].astype("object").fillna("site not known").to_numpy(str)


def sample_size_record(
    cohort: Cohort, n_parameters: int, horizon: float | None
) -> dict[str, Any] | None:
    """Riley's minimum for a model of the clinical variables, beside what there was.

    None where the criteria do not apply, as with no clinical feature.

    Parameters
    ----------
    horizon
        By when the risk is asked for, days; None where the outcome has no time.
    """
    patients = cohort.patients
    n, n_events = len(patients), int(patients["event"].sum())
    if not n_parameters or not n_events:
        return None
    try:
        needed = (
            _needed_without_time(n_parameters, n_events / n)
            if horizon is None
            else _needed(n_parameters, n, n_events, float(patients["time"].sum()), horizon)
        )
    except SurvivalError:  # Nobody was followed, or all have the event: no R² to start from.
        return None
    return {
        "n_parameters": n_parameters,
        "anticipated_r_squared": ANTICIPATED * needed.largest_r_squared,
        "needed_patients": needed.n_patients,
        "needed_events": needed.n_events,
        "needed_events_per_parameter": needed.events_per_parameter,
        "n_patients": n,
        "n_events": n_events,
        "events_per_parameter": n_events / n_parameters,
        "sufficient": n >= needed.n_patients,
        "sentence": needed.sentence,
    }


def _needed(
    n_parameters: int, n: int, n_events: int, person_time: float, horizon: float
) -> SampleSize:
    if person_time <= 0:
        raise SurvivalError("nobody was followed")
    return sample_size(
        n_parameters,
        r_squared=ANTICIPATED * largest_r_squared(n_events / n),
        rate=n_events / person_time,
        mean_follow_up=person_time / n,
        horizon=horizon,
    )


def _needed_without_time(n_parameters: int, prevalence: float) -> SampleSize:
    if prevalence == 1:
        raise SurvivalError("every patient has the event: a model has nothing to tell apart")
    return binary_sample_size(
        n_parameters,
        r_squared=ANTICIPATED * largest_r_squared_of_binary(prevalence),
        prevalence=prevalence,
    )


def saved_model(folder: Path) -> dict[str, Any]:
    """What identifies the model that was kept: its files with size and sha256, and one for all."""
    files = [
        {
            "name": path.name,
            "bytes": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        for path in sorted(folder.iterdir())
        if path.is_file()
    ]
    together = "".join(f"{each['name']} {each['sha256']}\n" for each in files)
    return {"files": files, "sha256": hashlib.sha256(together.encode()).hexdigest()}


def environment() -> dict[str, Any]:
    """What of this machine numbers may depend on: versions, kind of processor, threads."""
    import torch

    return {
        "python": python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "processor": machine(),
        "threads": torch.get_num_threads(),
        "device": "cuda" if torch.cuda.is_available() else "cpu",
    }
