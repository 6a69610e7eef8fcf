"""Who is in, since when, until what: each step returns a changed copy and keeps its account."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import pandas as pd

from workbench.cohort.criteria import Criterion, Population
from workbench.cohort.criteria.modality import Has
from workbench.cohort.criteria.population import FIRST, LAST
from workbench.cohort.definition import Definition
from workbench.cohort.flow import Flow, Step
from workbench.cohort.folds import TRAINING_ONLY
from workbench.cohort.groups import group_masks
from workbench.cohort.privacy import (
    COUNTS_ELSEWHERE,
    Answer,
    ReleaseLog,
    card_log,
    release_attrition,
    suppress_attrition,
)
from workbench.cohort.splitting import (
    fold_column,
    split_given,
    split_kfold,
    split_site,
    split_time,
)
from workbench.cohort.table_one import availability, shown_groups, table_one
from workbench.cohort.time_zero import check_columns
from workbench.data.card import Card, EhrModality, did_you_mean
from workbench.data.sources.card_tables import read_card
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
        Index ``patient_id`` (str, sorted). ``time`` (float64, positive, in ``time_unit``),
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
    def time_unit(self) -> str:
        """Unit of ``patients["time"]``."""
        return self.card.spec.outcomes[self.outcome].unit

    @property
    def available(self) -> dict[str, np.ndarray]:
        """Modality → whether each patient has it, (patient,) bool."""
        return {name: self.patients[f"has_{name}"].to_numpy() for name in self.card.spec.modalities}

    @property
    def population(self) -> Population:
        """The patients as criteria see them."""
        return _population(self.patients, self.card.spec)

    def _everyone_asked(self, criterion: Criterion) -> Population:
        """Every patient of the dataset, with events where the criterion asks for some."""
        population = _population(self.everyone, self.card.spec)
        if not criterion.reads_events():
            return population
        return replace(population, **_at_zero(self.card, len(self.everyone)))

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
            cohort = cohort._select_one(criterion)
        return cohort

    def _select_one(self, criterion: Criterion) -> Self:
        if not isinstance(criterion, Criterion):
            raise CohortError(
                f"select takes criteria such as col('age') >= 18, got {type(criterion).__name__}"
            )
        spec = self.card.spec
        warnings = check_columns(spec, criterion.columns(), "a criterion")
        if criterion.looks_ahead():
            raise CohortError(
                f"{criterion.sentence()!r} sees what happens after the index date: whoever meets "
                "it must live to do so; end its window on day 0 or before"
            )
        # Asked of everyone, so that rules can change places, and each can be dropped alone.
        holds, fails = criterion.truth(self._everyone_asked(criterion))
        keep = holds[self.flow.kept]
        if not keep.any():
            raise CohortError(f"nobody is left after {criterion.sentence()!r}")
        for name, column in spec.columns.items():
            if column.role == "group" and name not in criterion.columns():
                values, minimum = self.patients[name], spec.privacy.minimum_cell
                warnings += _lost_levels(values, keep, criterion.sentence(), minimum)
        name = criterion.name or f"criterion {len(self.definition.select) + 1}"
        step = Step(name, criterion.sentence(), holds, ~holds & ~fails)
        flow = self.flow
        for each in self._with_reading(criterion, step):
            flow = flow.rule(each)
        return replace(
            self,
            patients=self.patients[keep],
            published_folds=self.published_folds[keep],
            flow=flow,
            definition=self.definition.selecting((criterion,)),
            warnings=(*self.warnings, *warnings),
        )

    def _with_reading(self, criterion: Criterion, step: Step) -> tuple[Step, ...]:
        """The step of a criterion; files that are there, and files that can be read, apart."""
        if not isinstance(criterion, Has) or criterion.window is not None:
            return (step,)
        unread = self.unread.get(criterion.modality)
        if unread is None or not (unread & self.flow.kept).any():
            return (step,)
        sentence = f"the files of {criterion.modality} can be read"
        nobody = np.zeros(len(unread), bool)
        reading = Step(f"{criterion.modality} read", sentence, ~unread, nobody)
        return replace(step, holds=step.holds | unread), reading

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
        log, words = self.release_log, self._words()
        groups = {} if by is None or log.minimum <= 1 else shown_groups(self, by)
        levels = {f"{words}, {by} {level}": mask for level, mask in groups.items()}
        everyone = {words: np.ones(self.n_patients, bool)}
        return log.show_all(self.patients.index.to_numpy(object), everyone | levels)

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
        parts = {f"{self._words()}, {title}": mask for title, mask in groups.items()}
        ids = self.patients.index.to_numpy(object)
        answers = self.release_log.show(ids, parts).values()
        return {
            title: answer.sentence
            for title, answer in zip(groups, answers, strict=True)
            if not answer.allowed
        }

    def _words(self) -> str:
        steps = [step.sentence for step in (*self.flow.rules, *self.flow.after)]
        return ", ".join([f"patients of {self.outcome}", *steps])

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
        return self._released_attrition()[0]

    def withheld_notes(self) -> tuple[str, ...]:
        """Why the attrition withholds counts that are not small, one sentence each."""
        return self._released_attrition()[1]

    def _released_attrition(self) -> tuple[pd.DataFrame, tuple[str, ...]]:
        privacy, ids = self.card.spec.privacy, self.everyone.index.to_numpy(object)
        if not privacy.restricted:
            return suppress_attrition(self.attrition, privacy.minimum_cell), ()
        return release_attrition(
            self.attrition, self.flow, ids, log=self.release_log, words=self._words()
        )


def _at_zero(card: "DataCard", n_patients: int) -> dict[str, Any]:
    """What a population needs to be asked for events: each patient at the card's index date."""
    open_end = np.full(n_patients, LAST)
    return {
        "patient": np.arange(n_patients, dtype=np.int32),
        "index": np.zeros(n_patients, np.int64),
        "exit": open_end,
        "observed_from": np.full(n_patients, FIRST),
        "observed_to": open_end,
        "records": read_card(card),
    }


def _population(patients: pd.DataFrame, spec: Card) -> Population:
    available = {name: patients[f"has_{name}"].to_numpy() for name in spec.modalities}
    return Population(patients, available)


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
