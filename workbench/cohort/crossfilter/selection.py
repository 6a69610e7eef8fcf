"""Who is selected, exactly: masks by real values, and what every view then shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workbench.cohort.crossfilter.brushes import Brushes
from workbench.cohort.crossfilter.counting import count_codes, in_threads
from workbench.cohort.crossfilter.cover import cover
from workbench.cohort.crossfilter.index import OUTCOME, CrossFilter
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
    counted
        The counts, where they are known from a brush; None: they are made when they are asked for.
    """

    index: CrossFilter
    brushes: Brushes
    masks: Mapping[str, np.ndarray]
    n_failed: np.ndarray
    counted: Counts | None = None

    @cached_property
    def mask(self) -> np.ndarray:
        """Patients for whom all clauses hold, (patient,) bool."""
        return self.n_failed == 0

    def rows_without(self, *views: str) -> np.ndarray | None:
        """Rows of patients for whom all clauses hold but those of ``views``; None: all rows."""
        if set(views) >= self.masks.keys():
            return None
        return np.flatnonzero(self.passing(slice(None), *views))

    def passing(self, rows: np.ndarray | slice, *views: str) -> np.ndarray:
        """Whether all clauses but those of ``views`` hold for the patients in ``rows``, bool."""
        n_failed = self.n_failed[rows]
        for view in set(views) & self.masks.keys():
            n_failed = n_failed - ~self.masks[view][rows]
        return n_failed == 0

    @cached_property
    def counts(self) -> Counts:
        """What every view shows: its own clause ignored, all others respected."""
        return self.counted or _count(self)

    @cached_property
    def survival(self) -> KaplanMeier | None:
        """Kaplan-Meier estimate of the selected; None without an outcome or a patient."""
        outcome, binned = self.index.outcome, self.counts.survival
        return outcome.kaplan_meier(self.mask, binned) if outcome and binned else None

    @cached_property
    def survival_rest(self) -> KaplanMeier | None:
        """Kaplan-Meier estimate of all others; None without an outcome or a patient."""
        outcome, binned = self.index.outcome, self.counts.survival_rest
        return outcome.kaplan_meier(~self.mask, binned) if outcome and binned else None


def _count(selection: Selection) -> Counts:
    index, rows = selection.index, selection.rows_without()

    def bars(name: str) -> np.ndarray:
        of_this = selection.rows_without(name) if name in selection.masks else rows
        return count_codes(*index.coded(name), of_this)

    names = [*index.dimensions, OUTCOME]
    counted = dict(zip(names, in_threads(bars, names, index.n_threads), strict=True))
    return Counts(
        counted,
        brushed(index, selection.brushes),
        index.n_patients if rows is None else len(rows),
        *curves(index, counted.pop(OUTCOME)),
        exact=True,
    )


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
