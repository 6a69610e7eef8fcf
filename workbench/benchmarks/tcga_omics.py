"""TCGA cancers on their published folds: what omics add to age and sex, or to the whole clinic."""

import os
from collections.abc import Mapping

from workbench import study_steps as steps
from workbench.benchmarks.comparison_rows import calibration_note, dataset_rows, mean_rows
from workbench.benchmarks.record import BenchmarkResult, BenchmarkRow, claim
from workbench.benchmarks.tcga_members import (
    HORIZON,
    TRANSFER,
    Member,
    cross_fitted,
    data_hash,
    on_whole_sites,
    read_members,
    taught,
    widened,
)
from workbench.errors import CohortError, StudyError, SurvivalError
from workbench.run_folder import RunFolder
from workbench.study_steps import OnProgress

MODELS = (
    "clinical",
    "concatenation",
    "stack",
    "fusion_net",
    "selected",
    f"stack_{TRANSFER}",
    f"selected_{TRANSFER}",
)
GENOMIC_SNN = {"blca": 0.541, "brca": 0.466, "gbmlgg": 0.598, "luad": 0.539, "ucec": 0.493}
"""Genomic self-normalising network, fold-mean C on the same folds: Chen et al., ICCV 2021."""


def tcga_omics(
    data_dir: str | os.PathLike[str] | None,
    out: str | os.PathLike[str],
    on_progress: OnProgress,
    *,
    staged: bool,
) -> BenchmarkResult:
    """Judge every cancer in the data folder, on its published folds and on whole hospitals.

    Parameters
    ----------
    out
        Folder of the benchmark; finished folds are kept there until the benchmark is done.
    staged
        Whether the clinical variables are age, sex, stage, grade and histology; else age and sex.
    """
    name = "tcga_omics_staged" if staged else "tcga_omics"
    clinical = "clinical_staged" if staged else "clinical"
    members, left_out = read_members(clinical, data_dir, on_progress)
    folder = claim(name, data_hash(members), out)
    members = taught(members, on_progress)
    rows: list[BenchmarkRow] = []
    for member in members.values():
        try:
            rows += _published_folds(member, folder, on_progress, staged)
        except (CohortError, StudyError, SurvivalError) as error:
            left_out += (f"{member.name} is left out: {error}",)
            continue
        try:
            rows += _whole_hospitals(member, folder, on_progress)
        except (CohortError, StudyError, SurvivalError) as error:
            left_out += (f"{member.name} is not judged on whole hospitals: {error}",)
    judged = {row.dataset for row in rows}
    if not judged:
        raise StudyError("; ".join(left_out))
    names = tuple(name for name in members if name in judged)
    hospitals = tuple(_on_hospitals(name) for name in names if _on_hospitals(name) in judged)
    means = [
        *mean_rows("mean", rows, names),
        *mean_rows(_on_hospitals("mean"), rows, hospitals),
    ]
    return BenchmarkResult(
        name,
        (*means, *rows),
        {},
        (
            *left_out,
            *_notes(members),
            calibration_note(rows, "selected", names),
            calibration_note(rows, "stack", names),
        ),
        {
            "members": list(names),
            "horizon_months": HORIZON,
            "clinical": "age, sex, stage, grade, histology" if staged else "age, sex",
        },
    )


def _published_folds(
    member: Member, folder: RunFolder, on_progress: OnProgress, staged: bool
) -> list[BenchmarkRow]:
    ladder = dict(steps.models(member.study, member.dataset, single=False))
    if TRANSFER in member.dataset.modalities:
        ladder |= widened(member, (TRANSFER,), TRANSFER)
    predictions = cross_fitted(member, ladder, folder, on_progress)
    for model in ("stack", "selected"):
        predictions.setdefault(f"{model}_{TRANSFER}", predictions[model])
    evaluation = steps.judge(member.study, member.cohort, predictions)
    published = {} if staged else {"fusion_net": GENOMIC_SNN.get(member.name)}
    known = {model: value for model, value in published.items() if value is not None}
    return list(dataset_rows(member.name, evaluation, MODELS, known))


def _whole_hospitals(
    member: Member, folder: RunFolder, on_progress: OnProgress
) -> list[BenchmarkRow]:
    rows = []
    for there in on_whole_sites(member):
        ladder = dict(steps.models(there.study, there.dataset, single=False))
        predictions = cross_fitted(there, ladder, folder, on_progress)
        evaluation = steps.judge(there.study, there.cohort, predictions)
        rows += dataset_rows(_on_hospitals(member.name), evaluation, MODELS)
    return rows


def _on_hospitals(dataset: str) -> str:
    return f"{dataset}, whole hospitals"


def _notes(members: Mapping[str, Member]) -> tuple[str, ...]:
    without = [name for name, m in members.items() if TRANSFER not in m.dataset.modalities]
    lacking = f" (not for {', '.join(without)}: there they are the same models)" if without else ""
    return (
        "Every penalty, epoch and model is chosen in inner folds of the training patients. The "
        "judged model is selected; the others describe.",
        f"Models named {TRANSFER} read one more input{lacking}: a score that the expression of the "
        "other cancers' patients taught, with no outcome of this cancer. Published models saw one "
        "cancer: compare them with the models without it.",
        "The published number is a genomic network without age and sex (MCAT repository): unequal "
        "inputs.",
        "Intervals hold for the fitted models; that of a mean follows from those of its datasets.",
    )
