"""Who is in, since when, until what: each step returns a changed copy and keeps its account."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
import pandas as pd

from workbench.cohort.criteria import Criterion, Population
from workbench.cohort.definition import Definition
from workbench.cohort.flow import Flow, Step
from workbench.cohort.folds import TRAINING_ONLY
from workbench.cohort.groups import group_masks
from workbench.cohort.privacy import COUNTS_ELSEWHERE, Answer, ReleaseLog, card_log
from workbench.cohort.releasing import refused_groups, release_cohort, released_attrition
from workbench.cohort.selecting import population_of, select_one
from workbench.cohort.splitting import (
    fold_column,
    split_given,
    split_kfold,
    split_site,
    split_time,
)
from workbench.cohort.table_one import availability, table_one
from workbench.cohort.time_zero import fit_columns
from workbench.errors import CohortError, PrivacyError

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
    everyone
        Every patient of the dataset, as in ``patients``.
    patients
        Index ``patient_id`` (str, sorted). ``time`` (float64, positive, in ``time_unit``; of an
        outcome without a time only an order, :data:`workbench.data.card.STATE_HORIZON`),
        ``event`` (bool), every declared column of the card, ``has_<modality>`` (bool), and once
        split ``fold`` (Int64; missing for patients who only train), with ``fold_2``, ``fold_3`` …
        for further repeats. Values observed after the index date are missing.
    published_folds
        Fold of each patient by published split, Int64, missing in no fold.
    definition
        What decides who is in.
    flow
        What each step asks, and of whom it holds; :attr:`attrition` is its table.
    warnings
        What a reader must know, one sentence each.
    unread
        Modality → whose files are there and cannot be read, one value a row of ``everyone``.
    """

    card: "DataCard"
    outcome: str
    everyone: pd.DataFrame
    patients: pd.DataFrame
    published_folds: pd.DataFrame
    definition: Definition
    flow: Flow
    warnings: tuple[str, ...] = ()
    unread: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __repr__(self) -> str:
        """What a notebook shows and saves: no patient, and of a restricted card no count either."""
        split = self.definition.split
        folds = "not split" if split is None else f"split by {split['kind']}"
        counts = f"{self.n_patients} patients, {self.n_events} events"
        counts = COUNTS_ELSEWHERE if self.release_log.minimum > 1 else counts
        return f"Cohort({self.card.name}, {self.outcome}: {counts}, {folds})"

    @property
    def n_patients(self) -> int:
        """Patients in the cohort."""
        return len(self.patients)

    @property
    def n_events(self) -> int:
        """Patients whose event was observed."""
        return int(self.patients["event"].sum())

    @property
    def time_unit(self) -> str | None:
        """Unit of ``patients["time"]``; None where the outcome is there or not, without a time."""
        return self.card.spec.outcomes[self.outcome].unit

    @property
    def available(self) -> dict[str, np.ndarray]:
        """Modality → whether each patient has it, (patient,) bool."""
        return {name: self.patients[f"has_{name}"].to_numpy() for name in self.card.spec.modalities}

    @property
    def population(self) -> Population:
        """The patients as criteria see them."""
        return population_of(self.patients, self.card.spec)

    @property
    def attrition(self) -> pd.DataFrame:
        """Who was lost where, one row a step.

        ``step``, ``sentence``, ``n_before``, ``n_removed``, ``n_after``, ``n_unknown`` (of the
        removed, those for whom a value is missing), ``events_removed``, ``events_after``,
        ``n_regained`` (of a criterion: patients who would be in without it alone). Exact;
        :meth:`attrition_for_export` is what may leave the room.
        """
        return self.flow.table().drop(columns=["records_removed", "records_after"])

    def select(self, *criteria: Criterion) -> Self:
        """Keep the patients for whom every criterion holds; one attrition row each.

        Where a modality is asked for, patients whose files of it cannot be read leave in a row of
        their own.

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
            cohort = select_one(cohort, criterion)
        return cohort

    def losing(
        self, name: str, sentence: str, holds: np.ndarray, *, unknown: np.ndarray | None = None
    ) -> Self:
        """With a later loss: images that cannot be read, inputs that a model lacks.

        Parameters
        ----------
        name, sentence
            What to call the step, and what it asks.
        holds
            Who stays, one value a row of ``patients``.
        unknown
            Who leaves because a value is missing, likewise; nobody, if not given.
        """
        if np.shape(holds) != (self.n_patients,):
            raise CohortError(
                f"{name}: expected one value for each of {self.n_patients} patients, got "
                f"{np.shape(holds)}"
            )
        kept = self.flow.kept
        whole, missing = np.ones(len(kept), bool), np.zeros(len(kept), bool)
        whole[kept] = holds
        if unknown is not None:
            missing[kept] = unknown
        return replace(
            self,
            patients=self.patients[holds],
            published_folds=self.published_folds[holds],
            flow=self.flow.later(Step(name, sentence, whole, missing)),
        )

    def split(
        self,
        kind: Literal["given", "kfold", "site", "time"] = "kfold",
        *,
        column: str | None = None,
        k: int | None = None,
        repeats: int = 1,
        seed: int = 0,
    ) -> "Cohort":
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
            return split_given(self, column, k)
        if kind == "site":
            return split_site(self, column, k)
        if kind == "time":
            return split_time(self, column, 5 if k is None else k)
        if kind == "kfold":
            if column is not None:
                raise CohortError("a kfold split takes no column: did you mean kind 'given'?")
            return split_kfold(self, 5 if k is None else k, repeats, seed)
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
        return self.losing("evaluated", self._evaluated_words(), held_out)

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
        return [fold_column(repeat) for repeat in range(split.get("repeats", 1))]

    def features(self, modality: str) -> tuple[str, ...]:
        """Columns of ``patients`` that a modality reads, once they are known to be fit for it.

        Matrices and images are not columns: for them the tuple is empty.

        Raises
        ------
        CohortError
            If the modality, or one of its columns, is observed after the index date, is known
            only after the outcome, or does not say when it was observed.
        """
        return fit_columns(self.card.spec, modality)

    def group_masks(self, names: Sequence[str]) -> dict[str, np.ndarray]:
        """Patients of each reported group; see :func:`workbench.cohort.groups.group_masks`."""
        return group_masks(self, names)

    @property
    def release_log(self) -> ReleaseLog:
        """What was shown of the dataset; it allows everything unless the card is restricted."""
        return card_log(self.card)

    def release(self, by: str | None = None) -> Answer:
        """Whether these patients, and the groups of a column, may be shown now.

        Everything that a restricted card's cohort shows asks here first:
        :mod:`workbench.cohort.privacy.release_log`.

        Parameters
        ----------
        by
            As of :meth:`table_one`.

        Raises
        ------
        CohortError
            As :meth:`table_one`.
        """
        return release_cohort(self, by)

    def require_release(self, by: str | None = None) -> None:
        """As :meth:`release`, for what cannot be shown otherwise.

        Raises
        ------
        PrivacyError
            If it may not be shown.
        """
        answer = self.release(by)
        if not answer.allowed:
            raise PrivacyError(answer.sentence)

    def release_groups(self, groups: Mapping[str, np.ndarray]) -> dict[str, str]:
        """Which groups' counts may not be shown, and why.

        Parameters
        ----------
        groups
            Title → (patient,) bool, as of :meth:`group_masks`.
        """
        return refused_groups(self, groups)

    def table_one(
        self, by: str | None = None, columns: Sequence[str] | None = None
    ) -> pd.DataFrame:
        """Who the patients are; see :func:`workbench.cohort.table_one.table_one`.

        Raises
        ------
        PrivacyError
            If together with what was shown before, the table would give a small group away.
        """
        return table_one(self, by=by, columns=columns)

    def availability(self, by: str | None = None) -> pd.DataFrame:
        """Who has which modality; see :func:`workbench.cohort.table_one.availability`.

        Raises
        ------
        PrivacyError
            As :meth:`table_one`.
        """
        return availability(self, by=by)

    def attrition_for_export(self) -> pd.DataFrame:
        """The attrition without small cells, as the card's privacy asks.

        Raises
        ------
        PrivacyError
            If together with what was shown before, the patients who are left would give a small
            group away. Counts on the way to them are withheld instead.
        """
        return released_attrition(self)[0]

    def withheld_notes(self) -> tuple[str, ...]:
        """Why the attrition withholds counts that are not small, one sentence each."""
        return released_attrition(self)[1]
