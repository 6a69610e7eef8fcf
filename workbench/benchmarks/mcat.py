"""The cancers of MCAT on its own folds and patients: with and without what its slides said.

The published per-patient risks of four networks stand beside ours in the same bootstraps, so the
differences are paired.
"""

import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from workbench import study_steps as steps
from workbench.benchmarks.comparison_rows import dataset_rows, mean_rows
from workbench.benchmarks.record import BenchmarkResult, BenchmarkRow, claim
from workbench.benchmarks.tcga_members import (
    COLLECTION,
    HORIZON,
    Member,
    cross_fitted,
    data_hash,
    read_members,
    widened,
)
from workbench.data.paths import data_folder
from workbench.errors import DataCardError
from workbench.evaluation import evaluate
from workbench.run_folder import RunFolder
from workbench.study_steps import OnProgress

if TYPE_CHECKING:
    from fusion.dataset import Modality
    from fusion.predictions import Predictions

RISKS = "published_slide_risks.csv.gz"
COLUMNS = ("cancer", "model", "fold", "patient_id", "risk_score")
PUBLISHED = {
    "SNN": {"blca": 0.541, "brca": 0.466, "gbmlgg": 0.598, "luad": 0.539, "ucec": 0.493},
    "AMIL": {"blca": 0.536, "brca": 0.564, "gbmlgg": 0.787, "luad": 0.559, "ucec": 0.625},
    "AMIL_concat": {"blca": 0.605, "brca": 0.551, "gbmlgg": 0.816, "luad": 0.563, "ucec": 0.614},
    "MCAT": {"blca": 0.624, "brca": 0.580, "gbmlgg": 0.817, "luad": 0.620, "ucec": 0.622},
}
"""Fold-mean concordance by network and cancer: Chen et al., ICCV 2021, table 1."""
SLIDES, MCAT = "AMIL", "MCAT"
"""The network of slides alone, and that of slides and omics."""
SMALL = 0.01
"""A gain in concordance that matters."""
OURS = ("clinical", "concatenation", "stack", "fusion_net", "selected")


def mcat(
    data_dir: str | os.PathLike[str] | None,
    out: str | os.PathLike[str],
    on_progress: OnProgress,
) -> BenchmarkResult:
    """Judge every cancer for which published risks lie in the data folder.

    Raises
    ------
    DataCardError
        If the published risks, or the tables of their cancers, are not there.
    """
    risks = published_risks(data_dir)
    everyone, left_out = read_members("clinical_staged", data_dir, on_progress)
    of_cancer = {name: risks[risks["cancer"] == name] for name in everyone}
    candidates = {name: m for name, m in everyone.items() if len(of_cancer[name])}
    if not candidates:
        raise DataCardError(f"{COLLECTION}: no cancer of {RISKS} has its table in the data folder")
    problems = {name: _incomplete(m, of_cancer[name]) for name, m in candidates.items()}
    members = {name: m for name, m in candidates.items() if problems[name] is None}
    left_out += tuple(problem for problem in problems.values() if problem is not None)
    if not members:
        raise DataCardError("; ".join(left_out))
    folder = claim("mcat", data_hash(members), out)
    rows: list[BenchmarkRow] = []
    for member in members.values():
        rows += _member_rows(member, of_cancer[member.name], folder, on_progress)
    names = tuple(members)
    published = {
        model: sum(of[name] for name in names) / len(names)
        for model, of in PUBLISHED.items()
        if all(name in of for name in names)
    }
    means = list(mean_rows("mean", rows, names, published))
    return BenchmarkResult(
        "mcat",
        (*means, *rows),
        {},
        (*left_out, *_notes(), _slides_answer(means)),
        {"members": list(names), "horizon_months": HORIZON},
    )


def published_risks(data_dir: str | os.PathLike[str] | None) -> pd.DataFrame:
    """Per-patient risks of the published networks, one row a network and patient.

    Raises
    ------
    DataCardError
        If the file is not there, is damaged or lacks a column.
    """
    path = data_folder(COLLECTION, data_dir) / RISKS
    if not path.exists():
        raise DataCardError(
            f"{COLLECTION}: {RISKS} is not in the data folder: put the published per-patient risks "
            f"there (columns {', '.join(COLUMNS)})"
        )
    try:
        risks = pd.read_csv(path)
    except (OSError, EOFError, UnicodeDecodeError, pd.errors.ParserError, zlib.error) as error:
        raise DataCardError(f"{COLLECTION}: {RISKS} cannot be read: {error}") from None
    lacking = [column for column in COLUMNS if column not in risks.columns]
    if lacking:
        raise DataCardError(
            f"{COLLECTION}: {RISKS} has no column {lacking[0]}: it needs {', '.join(COLUMNS)}"
        )
    return risks


def _incomplete(member: Member, risks: pd.DataFrame) -> str | None:
    """What keeps a cancer from being compared, in words; None where every patient has a risk."""
    for model in PUBLISHED:
        own = risks[risks["model"] == model]
        if own["patient_id"].duplicated().any():
            return f"{member.name} is left out: {model} has two risks for one patient"
        known = own[np.isfinite(pd.to_numeric(own["risk_score"], errors="coerce"))]
        n_lacking = int((~np.isin(member.dataset.patient_id, known["patient_id"])).sum())
        if n_lacking:
            return (
                f"{member.name} is left out: {n_lacking} of {member.dataset.n_patients} patients "
                f"have no published risk of {model}"
            )
    return None


def _member_rows(
    member: Member, risks: pd.DataFrame, folder: RunFolder, on_progress: OnProgress
) -> Iterator[BenchmarkRow]:
    member = member.having(*(_modality(member, risks, model) for model in (SLIDES, MCAT)))
    ladder = dict(steps.models(member.study, member.dataset, single=False))
    for model in (SLIDES, MCAT):
        ladder |= widened(member, (model,), model)
    predictions = cross_fitted(member, ladder, folder, on_progress)
    predictions |= {
        model: _as_predictions(model, risks, predictions["null"]) for model in PUBLISHED
    }
    wide = tuple(f"{rung}_{model}" for rung in ("stack", "selected") for model in (SLIDES, MCAT))
    shown = (*PUBLISHED, *OURS, *wide)
    published = {model: of[member.name] for model, of in PUBLISHED.items() if member.name in of}
    evaluation = steps.judge(member.study, member.cohort, predictions)
    for row in dataset_rows(member.name, evaluation, shown, published):
        # Their survival was not published: only what ranks says anything of them.
        if row.model not in PUBLISHED or "harrell_c" in row.metric:
            yield row
    yield from _over(member, predictions, MCAT, ("clinical", "stack", "selected", *wide))
    yield from _over(member, predictions, "stack", (f"stack_{SLIDES}", f"stack_{MCAT}"))
    yield from _over(member, predictions, "selected", (f"selected_{SLIDES}", f"selected_{MCAT}"))


def _in_folds(member: Member, risks: pd.DataFrame, model: str) -> pd.Series:
    """Published risk of each patient, in units of its fold's spread: folds are not comparable."""
    own = risks[risks["model"] == model].set_index("patient_id")
    by_fold = own.groupby("fold")["risk_score"]
    scaled = (own["risk_score"] - by_fold.transform("mean")) / by_fold.transform("std")
    return scaled.reindex(member.dataset.patient_id)


def _modality(member: Member, risks: pd.DataFrame, model: str) -> "Modality":
    from fusion.dataset import Modality

    risk = _in_folds(member, risks, model).to_numpy(float)
    present = np.isfinite(risk)
    values = np.where(present, risk, 0.0)[:, None]
    return Modality(model, "embedding", values, present, (f"published risk of {model}",))


def _as_predictions(model: str, risks: pd.DataFrame, null: "Predictions") -> "Predictions":
    """Published risks as predictions. They rank within folds; survival was not published."""
    own = risks[risks["model"] == model].set_index("patient_id")["risk_score"]
    risk = own.reindex(null.patient_id).to_numpy(float)
    return replace(null, model=model, risk_score=risk, provenance={})


def _over(
    member: Member,
    predictions: "Mapping[str, Predictions]",
    reference: str,
    models: Sequence[str],
) -> Iterator[BenchmarkRow]:
    """Paired differences in concordance over ``reference``."""
    evaluation = evaluate(
        member.cohort,
        {name: predictions[name] for name in ("null", reference, *models)},
        horizons=member.study.horizons,
        clinical=reference,
        judged=models[-1],
        calibrated=(),
        seed=member.study.seed,
    )
    for row in evaluation.ladder:
        value = row["delta_harrell_c"]
        if row["model"] in models and value is not None and value["lower"] is not None:
            yield BenchmarkRow(
                member.name, row["model"], f"delta_harrell_c over {reference}", **value
            )


def _slides_answer(means: Sequence[BenchmarkRow]) -> str:
    metric = "delta_harrell_c over selected"
    for row in means:
        if (row.model, row.metric) != (f"selected_{SLIDES}", metric):
            continue
        if row.lower is not None and row.upper is not None:
            return _answer(row.estimate, row.lower, row.upper)
    return "Whether slides add cannot be said: not every cancer has an interval."


def _answer(change: float, lower: float, upper: float) -> str:
    """What may be said of slides, by the rule that holds for every gain."""
    if lower > 0:
        verdict = "Slides add to stage, grade, histology and omics"
    elif upper < 0:
        verdict = "With slides, the order is worse than by stage, grade, histology and omics alone"
    elif upper < SMALL:
        verdict = (
            f"That slides add {SMALL:g} or more to stage, grade, histology and omics is unlikely"
        )
    else:
        verdict = "It is not shown that slides add to stage, grade, histology and omics"
    return (
        f"{verdict}: with the published risk of slides alone ({SLIDES}), concordance changes by "
        f"{change:+.3f} ({lower:+.3f} to {upper:+.3f})."
    )


def _notes() -> tuple[str, ...]:
    return (
        "Unequal inputs: the published networks saw neither stage nor grade, and other omics "
        "columns; ours saw no slides but through the published risks.",
        f"{SLIDES} is the published network of slides alone, {MCAT} of slides and omics, "
        "AMIL_concat their late fusion, SNN of omics alone. Their survival probabilities were not "
        "published: only their ranks are judged.",
        "A published risk comes from a network that did not see the patient's own fold, but saw "
        "the other folds, so weights learned for it are a little too favourable to it.",
    )
