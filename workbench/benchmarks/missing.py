"""Missing modalities: what is lost where many patients have no omics, and how they are best used.

Omics are taken away at random, in training and held-out patients alike. The same stack is trained
twice: on everyone, and on the patients who kept everything. Both are judged on everyone.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from workbench import study_steps as steps
from workbench.benchmarks.comparison_rows import calibration_note, dataset_rows, mean_rows
from workbench.benchmarks.record import BenchmarkResult, BenchmarkRow, claim
from workbench.benchmarks.tcga_members import HORIZON, Member, data_hash, read_members
from workbench.evaluation import evaluate
from workbench.study_steps import OnProgress

if TYPE_CHECKING:
    from fusion.dataset import PatientDataset
    from fusion.models import RiskModel
    from fusion.predictions import Predictions

SHARES = (0.0, 0.3, 0.6)
"""Share of patients whose omics are taken away."""
COMPLETE_ONLY = "stack_complete_only"
MODELS = ("clinical", "stack", COMPLETE_ONLY)


def missing(
    data_dir: str | os.PathLike[str] | None,
    out: str | os.PathLike[str],
    on_progress: OnProgress,
) -> BenchmarkResult:
    """Judge the stack on every cancer in the data folder, at each share of :data:`SHARES`."""
    members, left_out = read_members("clinical_staged", data_dir, on_progress)
    claim("missing", data_hash(members), out)
    rows: list[BenchmarkRow] = []
    n_done = 0
    for name, member in members.items():
        for share in SHARES:
            on_progress(steps.Progress("missing omics", n_done, len(members) * len(SHARES)))
            rows += _rows(member, share, titled(name, share))
            n_done += 1
    on_progress(steps.Progress("missing omics", n_done, n_done))
    means, notes = [], []
    for share in SHARES:
        titles = tuple(titled(name, share) for name in members)
        means += mean_rows(titled("mean", share), rows, titles)
        notes.append(f"{share:.0%} missing. {calibration_note(rows, 'stack', titles, 0.75, 1.3)}")
    return BenchmarkResult(
        "missing",
        (*means, *rows),
        {},
        (
            *left_out,
            "A patient loses all omics or none, at random, the same patients for every model.",
            f"{COMPLETE_ONLY} is the same stack, trained on the patients who kept their omics, and "
            "judged on everyone; a patient without omics then has the neutral score.",
            *notes,
        ),
        {"members": list(members), "horizon_months": HORIZON, "shares": list(SHARES)},
    )


def titled(dataset: str, share: float) -> str:
    """A dataset with the share that it lost."""
    return f"{dataset}, {share:.0%} without omics"


def _rows(member: Member, share: float, title: str) -> Iterator[BenchmarkRow]:
    dataset, complete = without_omics(member.dataset, share, member.study.seed)
    base = steps.models(member.study, dataset, single=False)
    ladder = {name: base[name] for name in ("null", "clinical", "stack")}
    fold = member.cohort.folds[0]
    everyone = _cross_fitted(ladder, dataset, fold, np.ones_like(complete))
    only = _cross_fitted({"stack": base["stack"]}, dataset, fold, complete)
    everyone[COMPLETE_ONLY] = only["stack"]
    evaluation = evaluate(
        member.cohort,
        everyone,
        horizons=member.study.horizons,
        judged="stack",
        seed=member.study.seed,
    )
    yield from dataset_rows(title, evaluation, MODELS)
    against = evaluate(
        member.cohort,
        everyone,
        horizons=member.study.horizons,
        clinical=COMPLETE_ONLY,
        judged="stack",
        calibrated=(),
        seed=member.study.seed,
    )
    for row in against.ladder:
        value = row["delta_harrell_c"]
        if row["model"] == "stack" and value is not None and value["lower"] is not None:
            yield BenchmarkRow(title, "stack", f"delta_harrell_c over {COMPLETE_ONLY}", **value)


def without_omics(
    dataset: "PatientDataset", share: float, seed: int
) -> "tuple[PatientDataset, np.ndarray]":
    """The same patients, a random share of them without any modality but the clinical one.

    Returns
    -------
    PatientDataset
    array
        Who kept everything, (patient,) bool.
    """
    n_lost = round(share * dataset.n_patients)
    lost = np.zeros(dataset.n_patients, bool)
    lost[np.random.default_rng(seed).permutation(dataset.n_patients)[:n_lost]] = True
    return withheld(dataset, lost), ~lost


def withheld(dataset: "PatientDataset", lost: np.ndarray) -> "PatientDataset":
    """The same patients, those who ``lost`` (patient,) bool with the clinical modality alone."""
    for name, modality in dataset.modalities.items():
        if name != dataset.clinical:
            present = modality.present & ~lost
            values = np.where(present[:, None], modality.values, 0.0)
            dataset = dataset.replace_modality(replace(modality, present=present, values=values))
    return dataset


def _cross_fitted(
    ladder: "Mapping[str, RiskModel]",
    dataset: "PatientDataset",
    fold: np.ndarray,
    may_train: np.ndarray,
) -> "dict[str, Predictions]":
    """Out-of-fold predictions of everyone by models trained on some."""
    from fusion.cross_fit import fit_all
    from fusion.predictions import concatenate

    parts: dict[str, list[Predictions]] = {name: [] for name in ladder}
    grid = steps.curve_grid((HORIZON,))
    for held_out in np.unique(fold[fold >= 0]).tolist():
        test = fold == held_out
        for name, fitted in fit_all(ladder, dataset.take(~test & may_train)).items():
            parts[name].append(fitted.predict(dataset.take(test), grid, held_out))
    return {name: concatenate(of) for name, of in parts.items()}
