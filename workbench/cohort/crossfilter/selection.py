"""Who is selected, exactly: masks by real values, and what every view then shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workbench.cohort.crossfilter.brushes import Brushes
from workbench.cohort.crossfilter.counting import count_codes, in_threads
from workbench.cohort.crossfilter.cover import cover
from workbench.cohort.crossfilter.index import CrossFilter
from workbench.cohort.crossfilter.masks import dimension_of, row_mask
from workbench.cohort.crossfilter.outcome import BinnedCurve
from workbench.errors import CohortError
from workbench.survival.kaplan_meier import KaplanMeier

MOST_CLAUSES = 255


@dataclass(frozen=True, eq=False)
class Counts:
    """What the views show at one moment. It stays in the kernel: see ``shown``.

    Parameters
    ----------
    selected
        View → patients in each bin for whom the clauses of all *other* views hold, missing values
        last, (bin + 1,) int.
    brushed
        View with a clause on its own column → bins that stand for the clause, (bin + 1,) bool.
    n_selected
        Patients for whom all clauses hold.
    survival, survival_rest
        Curve of those patients, and of all others; None without an outcome.
    exact
        False while a brush cuts through bins: the bins nearest to it are counted instead.
    """

    selected: Mapping[str, np.ndarray]
    brushed: Mapping[str, np.ndarray]
    n_selected: int
    survival: BinnedCurve | None
    survival_rest: BinnedCurve | None
    exact: bool


@dataclass(frozen=True, eq=False)
class Selection:
    """Who is selected, by every clause of ``brushes``.

    Parameters
    ----------
    index
        What was asked.
    brushes
        What is asked.
    masks
        View → patients for whom its clause holds, (patient,) bool.
    n_failed
        How many clauses do not hold, (patient,) uint8.
    """

    index: CrossFilter
    brushes: Brushes
    masks: Mapping[str, np.ndarray]
    n_failed: np.ndarray

    @cached_property
    def mask(self) -> np.ndarray:
        """Patients for whom all clauses hold, (patient,) bool."""
        return self.n_failed == 0

    def rows_without(self, *views: str) -> np.ndarray | None:
        """Rows of patients for whom all clauses hold but those of ``views``; None: all rows."""
        ignored = {view for view in views if view in self.masks}
        if len(ignored) == len(self.masks):
            return None
        n_failed = self.n_failed
        for view in ignored:
            n_failed = n_failed - ~self.masks[view]
        return np.flatnonzero(n_failed == 0)

    @cached_property
    def counts(self) -> Counts:
        """What every view shows: its own clause ignored, all others respected."""
        index, rows = self.index, self.rows_without()

        def selected(name: str) -> np.ndarray:
            dimension = index.dimensions[name]
            if name not in self.masks:
                return count_codes(dimension.codes, dimension.n_codes, rows)
            without = self.rows_without(name)
            return count_codes(dimension.codes, dimension.n_codes, without)

        names = list(index.dimensions)
        bars = in_threads(selected, names, index.n_threads)
        return Counts(
            dict(zip(names, bars, strict=True)),
            brushed(index, self.brushes),
            index.n_patients if rows is None else len(rows),
            *curves(index, self._outcome_counts),
            exact=True,
        )

    @cached_property
    def survival(self) -> KaplanMeier | None:
        """Kaplan-Meier estimate of the selected; None without an outcome or a patient."""
        outcome = self.index.outcome
        return outcome.kaplan_meier(self.mask, self._outcome_counts) if outcome else None

    @cached_property
    def survival_rest(self) -> KaplanMeier | None:
        """Kaplan-Meier estimate of all others; None without an outcome or a patient."""
        outcome, rest = self.index.outcome, self.index.outcome_total - self._outcome_counts
        return outcome.kaplan_meier(~self.mask, rest) if outcome else None

    @cached_property
    def _outcome_counts(self) -> np.ndarray:
        outcome, rows = self.index.outcome, self.rows_without()
        if outcome is None or rows is None:
            return self.index.outcome_total
        return count_codes(outcome.codes, outcome.n_codes, rows)


def select(index: CrossFilter, brushes: Brushes, after: Selection | None = None) -> Selection:
    """Whoever all clauses hold for.

    Parameters
    ----------
    index
        The cohort.
    brushes
        Clauses by view.
    after
        An earlier selection of the same index: clauses that did not change are not judged again.

    Raises
    ------
    CohortError
        A clause does not fit the index, ``after`` is of another index, or there are more than 255
        clauses.
    """
    if len(brushes.present) > MOST_CLAUSES:
        raise CohortError(f"at most {MOST_CLAUSES} clauses, got {len(brushes.present)}")
    if after is not None and after.index is not index:
        raise CohortError("`after` is a selection of another index: pass one of this index")
    known = after.brushes.clauses if after is not None else {}
    masks = {}
    for view, clause in brushes.present:
        if after is not None and known.get(view) == clause:
            masks[view] = after.masks[view]
        else:
            masks[view] = row_mask(dimension_of(index.dimensions, clause), clause)
    n_failed = np.zeros(index.n_patients, np.uint8)
    for mask in masks.values():
        n_failed += ~mask
    return Selection(index, brushes, masks, n_failed)


def brushed(index: CrossFilter, brushes: Brushes) -> dict[str, np.ndarray]:
    """View → bins that stand for its own clause, of the views that have one on their column."""
    covers = {}
    for view, clause in brushes.present:
        dimension = dimension_of(index.dimensions, clause)
        if dimension.name == view:
            covers[view] = cover(dimension, clause).chosen
    return covers


def curves(index: CrossFilter, counts: np.ndarray) -> tuple[BinnedCurve | None, BinnedCurve | None]:
    """Curves of the patients counted, and of all others."""
    if index.outcome is None:
        return None, None
    return index.outcome.curve(counts), index.outcome.curve(index.outcome_total - counts)
