"""Who is in, since when, until what: each step returns a changed copy and keeps its account."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import pandas as pd

from workbench.cohort.criteria import Criterion, Population, parse
from workbench.cohort.definition import Definition
from workbench.cohort.folds import (
    TRAINING_ONLY,
    check_folds,
    latest_fold,
    site_folds,
    stratified_folds,
)
from workbench.cohort.privacy import suppress_attrition
from workbench.cohort.table_one import availability, table_one
from workbench.cohort.time_zero import check_columns, cut_late_modalities, cut_late_values
from workbench.cohort.values import plain
from workbench.data.card import EhrModality, did_you_mean
from workbench.data.modalities import available_patients
from workbench.data.store import read_outcome, read_patients
from workbench.errors import CohortError

if TYPE_CHECKING:
    from workbench.data.open_card import DataCard


@dataclass(frozen=True, eq=False, repr=False)
class Cohort:
    """Patients with an outcome, and the account of how they were chosen.

    Parameters
    ----------
    card
        The dataset.
    outcome
        Name of the outcome in the card.
    patients
        Index ``patient_id`` (str, sorted). ``time`` (float64, positive, in ``time_unit``),
        ``event`` (bool), every declared column of the card, ``has_<modality>`` (bool), and once
        split ``fold`` (Int64; missing for patients who only train), with ``fold_2``, ``fold_3`` …
        for further repeats. Values observed after the index date are missing.
    published_folds
        Fold of each patient by published split, Int64, missing in no fold.
    definition
        What decides who is in.
    attrition
        One row a step: ``step``, ``sentence``, ``n_before``, ``n_removed``, ``n_after``,
        ``n_unknown`` (of the removed, those for whom a value is missing), ``events_removed``,
        ``events_after``. Exact; :meth:`attrition_for_export` is what may leave the room.
    warnings
        What a reader must know, one sentence each.
    """

    card: "DataCard"
    outcome: str
    patients: pd.DataFrame
    published_folds: pd.DataFrame
    definition: Definition
    attrition: pd.DataFrame
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Counts only: what a notebook shows and saves holds no patient."""
        split = self.definition.split
        folds = "not split" if split is None else f"split by {split['kind']}"
        return (
            f"Cohort({self.card.name}, {self.outcome}: {self.n_patients} patients, "
            f"{self.n_events} events, {folds})"
        )

    @property
    def n_patients(self) -> int:
        """Patients in the cohort."""
        return len(self.patients)

    @property
    def n_events(self) -> int:
        """Patients whose event was observed."""
        return int(self.patients["event"].sum())

    @property
    def time_unit(self) -> str:
        """Unit of ``patients["time"]``."""
        return self.card.spec.outcomes[self.outcome].unit

    @property
    def available(self) -> dict[str, np.ndarray]:
        """Modality → whether each patient has it, (patient,) bool."""
        return {name: self.patients[f"has_{name}"].to_numpy() for name in self.card.spec.modalities}

    @property
    def _population(self) -> Population:
        return Population(self.patients, self.available)

    def select(self, *criteria: Criterion) -> Self:
        """Keep the patients for whom every criterion holds; one attrition row each.

        Folds are made of the patients who were selected, so selecting comes before splitting.

        Raises
        ------
        CohortError
            If a criterion does not fit the card, rests on what is known only later, or nobody is
            left; or if the cohort is already split.
        """
        if "fold" in self.patients:
            raise CohortError("select before split: folds are made of the patients selected")
        cohort = self
        for criterion in criteria:
            cohort = cohort._select_one(criterion)
        return cohort

    def _select_one(self, criterion: Criterion) -> Self:
        if not isinstance(criterion, Criterion):
            raise CohortError(
                f"select takes criteria such as col('age') >= 18, got {type(criterion).__name__}"
            )
        spec = self.card.spec
        warnings = check_columns(spec, criterion.columns(), "a criterion")
        keep = criterion.mask(self._population)
        unknown = criterion.unknown(self._population)
        if not keep.any():
            raise CohortError(f"nobody is left after {criterion.sentence()!r}")
        for name, column in spec.columns.items():
            if column.role == "group" and name not in criterion.columns():
                values, minimum = self.patients[name], spec.privacy.minimum_cell
                warnings += _lost_levels(values, keep, criterion.sentence(), minimum)
        step = criterion.name or f"criterion {len(self.definition.select) + 1}"
        return replace(
            self._keep(keep, step, criterion.sentence(), int(unknown.sum())),
            definition=self.definition.selecting((criterion,)),
            warnings=(*self.warnings, *warnings),
        )

    def split(
        self,
        kind: Literal["given", "kfold", "site", "time"] = "kfold",
        *,
        column: str | None = None,
        k: int | None = None,
        repeats: int = 1,
        seed: int = 0,
    ) -> Self:
        """Assign each patient to the fold in which it is held out.

        Parameters
        ----------
        kind
            ``given``: a published split, named by ``column``; patients in no fold leave, as an
            attrition row. ``kfold``: at random, stratified by event. ``site``: whole sites,
            grouped into folds of similar size; patients of unknown site leave. ``time``: the
            latest patients are held out once, by models of the earlier ones, who are evaluated by
            nobody (:attr:`evaluated`); patients of unknown time leave. The earlier patients'
            follow-up is not cut at the time when the later ones entered.
        column
            Published split, or site column; where the card has just one, it need not be named.
            For ``time`` the number that orders patients, such as the year of diagnosis.
        k
            Number of folds: 5 for ``kfold``; for ``site`` one a site, or five of more than six.
            ``time`` holds out about one patient in ``k``, 5 if not given.
        repeats
            Of ``kfold``: how often patients are dealt anew.
        seed
            Of ``kfold``.

        Raises
        ------
        CohortError
            If the card has no such split, site or number, ``k`` or ``repeats`` does not fit, a
            fold has no event, or the cohort is already split.
        """
        if "fold" in self.patients:
            raise CohortError("the cohort is already split: split the cohort from before")
        if repeats != 1 and kind != "kfold":
            raise CohortError(f"only random folds can be repeated, not those of kind {kind!r}")
        if kind == "given":
            return self._split_given(column, k)
        if kind == "site":
            return self._split_site(column, k)
        if kind == "time":
            return self._split_time(column, 5 if k is None else k)
        if kind == "kfold":
            if column is not None:
                raise CohortError("a kfold split takes no column: did you mean kind 'given'?")
            return self._split_kfold(5 if k is None else k, repeats, seed)
        raise CohortError(f"no split is called {kind!r}: use given, kfold, site or time")

    def unsplit(self) -> Self:
        """The same patients before they were split, to be split another way."""
        whole = replace(self.definition, split=None)
        patients = self.patients.drop(columns=self._fold_columns())
        return replace(self, patients=patients, definition=whole)

    @property
    def folds(self) -> np.ndarray:
        """Fold of each patient in each repeat, (repeat, patient) int; -1 for who only trains."""
        columns = self.patients[self._fold_columns()]
        return columns.fillna(TRAINING_ONLY).to_numpy(int).T

    @property
    def evaluated(self) -> Self:
        """The patients whom some fold holds out: all, but in a temporal split the latest.

        Those who only train are then the last attrition row.
        """
        held_out = self.folds[0] != TRAINING_ONLY
        if held_out.all():
            return self
        return self._keep(held_out, "evaluated", self._evaluated_words(), 0)

    def _evaluated_words(self) -> str:
        split = self.definition.split or {}
        return (
            f"held out to be evaluated: {split['column']} from {split['from']:g} on; the earlier "
            "patients only train the models"
        )

    def compared_by(self, groups: Sequence[str]) -> str | None:
        """By what table one compares patients.

        In a temporal split by who is evaluated and who only trains, since its reader asks how
        alike they are; else by the first of the study's groups that is a column, if there is one.
        """
        if (self.folds[0] == TRAINING_ONLY).any():
            return "fold"
        return next((name for name in groups if name in self.card.spec.columns), None)

    def _fold_columns(self) -> list[str]:
        split = self.definition.split
        if split is None:
            raise CohortError("the cohort has no folds yet: split it")
        return [_fold_column(repeat) for repeat in range(split.get("repeats", 1))]

    def _split_kfold(self, k: int, repeats: int, seed: int) -> Self:
        folds = stratified_folds(self.patients["event"].to_numpy(), k, seed, repeats)
        split = {"kind": "kfold", "k": k, "seed": seed}
        return self._with_folds(folds, split | ({"repeats": repeats} if repeats > 1 else {}))

    def _split_time(self, column: str | None, k: int) -> Self:
        spec = self.card.spec
        if k < 2:
            raise CohortError(f"k must be at least 2, to hold out one patient in k; got {k}")
        numbers = [name for name, c in spec.columns.items() if c.type == "numeric"]
        if column not in numbers:
            near = "" if column is None else f"; got {column!r}{did_you_mean(column, numbers)}"
            raise CohortError(
                f"a temporal split needs the numeric column that orders patients{near}"
            )
        warnings = check_columns(spec, [column], "the order of a temporal split")
        cohort = self._known(column, "time known")
        fold, first = latest_fold(cohort.patients[column].to_numpy(float), k)
        split = {"kind": "time", "column": column, "k": k, "from": plain(first)}
        cohort = replace(cohort, warnings=(*cohort.warnings, *warnings))
        return cohort._with_folds(fold[None], split)

    def _split_given(self, column: str | None, k: int | None) -> Self:
        column = _only(column, list(self.published_folds), "published split")
        if k is not None:
            raise CohortError("a published split has its own number of folds: leave k out")
        known = self.published_folds[column].notna().to_numpy()
        if not known.any():
            raise CohortError(f"no patient stands in a fold of {column!r}")
        cohort = self._keep(known, "published folds", f"stands in a published fold ({column})", 0)
        fold = cohort.published_folds[column].to_numpy(int)
        return cohort._with_folds(fold[None], {"kind": "given", "column": column})

    def _split_site(self, column: str | None, k: int | None) -> Self:
        sites = [name for name, spec in self.card.spec.columns.items() if spec.role == "site"]
        column = _only(column, sites, "column of role site")
        cohort = self._known(column, "site known")
        site = cohort.patients[column].astype(str).to_numpy()
        fold = site_folds(site, cohort.patients["event"].to_numpy(), k)
        split = {"kind": "site", "column": column, "k": int(fold.max()) + 1}
        return cohort._with_folds(fold[None], split)

    def _known(self, column: str, step: str) -> Self:
        """Without the patients of whom a column is missing, if there are any."""
        known = self.patients[column].notna().to_numpy()
        if known.all():
            return self
        return self._keep(known, step, f"{column} is known", int((~known).sum()))

    def _with_folds(self, folds: np.ndarray, split: dict[str, Any]) -> Self:
        columns = {}
        for repeat, fold in enumerate(folds):
            check_folds(fold, self.patients["event"].to_numpy())
            numbers = pd.array(fold, dtype="Int64")
            numbers[fold == TRAINING_ONLY] = pd.NA
            columns[_fold_column(repeat)] = numbers
        patients = self.patients.assign(**columns)
        return replace(self, patients=patients, definition=replace(self.definition, split=split))

    def _keep(self, keep: np.ndarray, step: str, sentence: str, n_unknown: int) -> Self:
        row = _attrition_row(step, sentence, keep, self.patients["event"].to_numpy(), n_unknown)
        return replace(
            self,
            patients=self.patients[keep],
            published_folds=self.published_folds[keep],
            attrition=pd.concat([self.attrition, pd.DataFrame([row])], ignore_index=True),
        )

    def features(self, modality: str) -> tuple[str, ...]:
        """Columns of ``patients`` that a modality reads, once they are known to be fit for it.

        Matrices and images are not columns: for them the tuple is empty.

        Raises
        ------
        CohortError
            If the modality, or one of its columns, is observed after the index date, is known
            only after the outcome, or does not say when it was observed.
        """
        modalities = self.card.spec.modalities
        if modality not in modalities:
            raise CohortError(
                f"no modality is called {modality!r}; there are {', '.join(modalities)}"
                f"{did_you_mean(modality, modalities)}"
            )
        spec = modalities[modality]
        if isinstance(spec, EhrModality):
            unfit = self.card.spec.unfit_features(spec.columns)
            for name, reason in unfit.items():
                raise CohortError(f"{name} cannot be a feature of {modality}: it {reason}")
            check_columns(self.card.spec, spec.columns, f"a feature of {modality}")
            return spec.columns
        if spec.observed_at.days is not None and spec.observed_at.days > 0:
            raise CohortError(
                f"{modality} is observed {spec.observed_at.days} days after the index date: "
                "no model may see it"
            )
        return ()

    def group_masks(self, names: Sequence[str]) -> dict[str, np.ndarray]:
        """Patients of each reported group.

        Parameters
        ----------
        names
            A categorical or boolean column gives one group a level that occurs, titled by the
            level; a group of the card gives its criteria, titled by its title.

        Returns
        -------
        dict
            Title → (patient,) bool, in the order given. Whoever misses the value is in none.

        Raises
        ------
        CohortError
            If there is no such group, it is known only later, or two groups have one title.
        """
        masks: dict[str, np.ndarray] = {}
        for name in names:
            for title, mask in self._groups_of(name).items():
                if title in masks:
                    raise CohortError(f"two groups are called {title!r}: rename one in the card")
                masks[title] = mask
        return masks

    def _groups_of(self, name: str) -> dict[str, np.ndarray]:
        spec = self.card.spec
        if name in spec.groups:
            criteria = [parse(written) for written in spec.groups[name].criteria]
            for criterion in criteria:
                check_columns(spec, criterion.columns(), f"the group {name}")
            masks = [c.mask(self._population) for c in criteria]
            return {spec.groups[name].title: np.logical_and.reduce(masks)}
        check_columns(spec, [name], "a group")
        if spec.columns[name].type == "numeric":
            raise CohortError(f"{name} is a number: declare a group with criteria in the card")
        values = self.patients[name].astype(object)
        levels = (
            self.patients[name].cat.categories
            if spec.columns[name].type == "categorical"
            else [False, True]
        )
        prefix = "" if spec.columns[name].type == "categorical" else f"{name}: "
        masks = {f"{prefix}{level}": (values == level).fillna(False) for level in levels}
        return {title: mask.to_numpy(bool) for title, mask in masks.items() if mask.any()}

    def table_one(
        self, by: str | None = None, columns: Sequence[str] | None = None
    ) -> pd.DataFrame:
        """Who the patients are; see :func:`workbench.cohort.table_one.table_one`."""
        return table_one(self, by=by, columns=columns)

    def availability(self, by: str | None = None) -> pd.DataFrame:
        """Who has which modality; see :func:`workbench.cohort.table_one.availability`."""
        return availability(self, by=by)

    def attrition_for_export(self) -> pd.DataFrame:
        """The attrition without small cells, as the card's privacy asks."""
        return suppress_attrition(self.attrition, self.card.spec.privacy.minimum_cell)


def start_cohort(card: "DataCard", outcome: str | None = None) -> Cohort:
    """All patients of a card whose outcome is known.

    Parameters
    ----------
    card
        The dataset.
    outcome
        Name of the outcome; that of the card's default study, if not given.

    Raises
    ------
    CohortError
        If nobody has the outcome, or the card uses a name that the cohort needs.
    DataCardError
        If the card has no such outcome, or a file is not as the card says.
    """
    spec = card.spec
    outcome = spec.study.get("outcome") if outcome is None else outcome
    if not isinstance(outcome, str):
        raise CohortError(f"name an outcome: {', '.join(spec.outcomes)}")
    raw = read_patients(card)
    _check_names(card, raw)
    patients, warnings = cut_late_values(spec, raw[list(spec.columns)])
    for name in spec.modalities:
        patients[f"has_{name}"] = _has(card, name, patients)
    patients, more = cut_late_modalities(spec, patients, raw)
    followed = read_outcome(card, outcome, patients.index)
    patients.insert(0, "time", followed["time"])
    patients.insert(1, "event", followed["event"].fillna(False).astype(bool))
    everyone = np.ones(len(patients), bool)
    event = patients["event"].to_numpy()
    population = _attrition_row("population", "every patient of the dataset", everyone, event, 0)
    folds = [name for name, c in spec.columns.items() if c.role == "split"] + list(spec.splits)
    cohort = Cohort(
        card=card,
        outcome=outcome,
        patients=patients.drop(columns=[name for name in folds if name in patients]),
        published_folds=raw[folds].apply(_fold_numbers),
        definition=Definition(spec.name, spec.version, outcome),
        attrition=pd.DataFrame([population]),
        warnings=(*warnings, *more),
    )
    return _with_outcome(cohort, followed)


def _with_outcome(cohort: Cohort, followed: pd.DataFrame) -> Cohort:
    """Without the patients of unknown outcome, and those whose time does not pass zero."""
    title = cohort.card.spec.outcomes[cohort.outcome].title
    known = followed.notna().all(axis=1).to_numpy()
    if not known.any():
        raise CohortError(f"no patient has both time and event of {cohort.outcome}")
    cohort = cohort._keep(known, "outcome known", f"{title}: time and event are known", 0)
    positive = (cohort.patients["time"] > 0).to_numpy()
    if not positive.any():
        raise CohortError(f"no patient has a time of {cohort.outcome} above zero")
    return cohort._keep(positive, "followed up", "time from the index date is above zero", 0)


def _has(card: "DataCard", name: str, patients: pd.DataFrame) -> np.ndarray:
    """Whether each patient has a modality; clinical variables as far as they were not cut."""
    modality = card.spec.modalities[name]
    if isinstance(modality, EhrModality):
        return patients[list(modality.columns)].notna().any(axis=1).to_numpy()
    return patients.index.isin(available_patients(card, name))


def _fold_column(repeat: int) -> str:
    return "fold" if repeat == 0 else f"fold_{repeat + 1}"


def _fold_numbers(values: pd.Series) -> pd.Series:
    parsed = pd.to_numeric(values.astype(object), errors="coerce")
    numbers = pd.Series(parsed, index=values.index, dtype="Float64")
    if (numbers.isna() & values.notna()).any() or (numbers % 1 != 0).any():
        raise CohortError(f"{values.name}: folds must be whole numbers")
    return numbers.astype("Int64")


def _check_names(card: "DataCard", patients: pd.DataFrame) -> None:
    """Refuse columns that would hide behind the cohort's own."""
    own = {"time", "event", *(f"has_{name}" for name in card.spec.modalities)}
    free = {name for name, column in card.spec.columns.items() if column.role == "split"}
    folds = {name for name in card.spec.columns if re.fullmatch(r"fold(_\d+)?", name)}
    taken = sorted((own & set(card.spec.columns)) | (folds - free))
    if taken:
        raise CohortError(
            f"{card.name}: the column name {taken[0]!r} is the cohort's own: give the column "
            "another name in the card, and its header as `source`"
        )
    if patients.index.has_duplicates:
        raise CohortError(f"{card.name}: a patient stands in two rows")


def _attrition_row(
    step: str, sentence: str, keep: np.ndarray, event: np.ndarray, n_unknown: int
) -> dict[str, Any]:
    return {
        "step": step,
        "sentence": sentence,
        "n_before": len(keep),
        "n_removed": int((~keep).sum()),
        "n_after": int(keep.sum()),
        "n_unknown": n_unknown,
        "events_removed": int(event[~keep].sum()),
        "events_after": int(event[keep].sum()),
    }


def _lost_levels(
    group: pd.Series, keep: np.ndarray, sentence: str, minimum: int
) -> tuple[str, ...]:
    """A warning for each level of a group of which nobody is left."""
    before, after = group.value_counts(), group[keep].value_counts()
    lost = [level for level, n in before.items() if n > 0 and after.get(level, 0) == 0]
    return tuple(
        f"{sentence} removes all "
        + ("" if before[level] < minimum else f"{before[level]} ")
        + f"patients with {group.name} = {level}"
        for level in lost
    )


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
