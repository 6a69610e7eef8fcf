"""Folds of a cohort: published, at random, by site, or the latest patients."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.cohort.folds import (
    TRAINING_ONLY,
    check_folds,
    latest_fold,
    site_folds,
    stratified_folds,
)
from workbench.cohort.time_zero import check_columns
from workbench.cohort.values import plain
from workbench.data.card import did_you_mean
from workbench.errors import CohortError

if TYPE_CHECKING:
    from workbench.cohort.cohort import Cohort


def split_kfold(cohort: "Cohort", k: int, repeats: int, seed: int) -> "Cohort":
    """At random, stratified by event."""
    folds = stratified_folds(cohort.patients["event"].to_numpy(), k, seed, repeats)
    split = {"kind": "kfold", "k": k, "seed": seed}
    return _with_folds(cohort, folds, split | ({"repeats": repeats} if repeats > 1 else {}))


def split_time(cohort: "Cohort", column: str | None, k: int) -> "Cohort":
    """The latest patients, about one in ``k``, held out once."""
    spec = cohort.card.spec
    if k < 2:
        raise CohortError(f"k must be at least 2, to hold out one patient in k; got {k}")
    numbers = [name for name, c in spec.columns.items() if c.type == "numeric"]
    if column not in numbers:
        near = "" if column is None else f"; got {column!r}{did_you_mean(column, numbers)}"
        raise CohortError(f"a temporal split needs the numeric column that orders patients{near}")
    warnings = check_columns(spec, [column], "the order of a temporal split")
    cohort = _known(cohort, column, "time known")
    fold, first = latest_fold(cohort.patients[column].to_numpy(float), k)
    split = {"kind": "time", "column": column, "k": k, "from": plain(first)}
    cohort = replace(cohort, warnings=(*cohort.warnings, *warnings))
    return _with_folds(cohort, fold[None], split)


def split_given(cohort: "Cohort", column: str | None, k: int | None) -> "Cohort":
    """A published split; patients in no fold leave."""
    column = _only(column, list(cohort.published_folds), "published split")
    if k is not None:
        raise CohortError("a published split has its own number of folds: leave k out")
    known = cohort.published_folds[column].notna().to_numpy()
    if not known.any():
        raise CohortError(f"no patient stands in a fold of {column!r}")
    cohort = cohort.losing("published folds", f"stands in a published fold ({column})", known)
    fold = cohort.published_folds[column].to_numpy(int)
    return _with_folds(cohort, fold[None], {"kind": "given", "column": column})


def split_site(cohort: "Cohort", column: str | None, k: int | None) -> "Cohort":
    """Whole sites, grouped into folds; patients of unknown site leave."""
    sites = [name for name, spec in cohort.card.spec.columns.items() if spec.role == "site"]
    column = _only(column, sites, "column of role site")
    cohort = _known(cohort, column, "site known")
    site = cohort.patients[column].astype(str).to_numpy()
    fold = site_folds(site, cohort.patients["event"].to_numpy(), k)
    split = {"kind": "site", "column": column, "k": int(fold.max()) + 1}
    return _with_folds(cohort, fold[None], split)


def fold_column(repeat: int) -> str:
    """Name of the column that holds the folds of a repeat, from 0."""
    return "fold" if repeat == 0 else f"fold_{repeat + 1}"


def _known(cohort: "Cohort", column: str, step: str) -> "Cohort":
    """Without the patients of whom a column is missing, if there are any."""
    known = cohort.patients[column].notna().to_numpy()
    if known.all():
        return cohort
    return cohort.losing(step, f"{column} is known", known, unknown=~known)


def _with_folds(cohort: "Cohort", folds: np.ndarray, split: dict[str, Any]) -> "Cohort":
    columns = {}
    for repeat, fold in enumerate(folds):
        check_folds(fold, cohort.patients["event"].to_numpy())
        numbers = pd.array(fold, dtype="Int64")
        numbers[fold == TRAINING_ONLY] = pd.NA
        columns[fold_column(repeat)] = numbers
    patients = cohort.patients.assign(**columns)
    return replace(cohort, patients=patients, definition=replace(cohort.definition, split=split))


def _only(name: str | None, choices: Sequence[str], what: str) -> str:
    """The one that is named, or the only one there is."""
    choices = list(choices)
    if name is None and len(choices) == 1:
        return choices[0]
    if name is None or name not in choices:
        asked = "" if name is None else f" called {name!r}"
        listed = ", ".join(choices) or "none"
        raise CohortError(f"no {what}{asked} to split by: the card has {listed}")
    return name
