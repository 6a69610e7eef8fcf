"""What may leave the kernel: counts of every view without small cells, and coarse curves."""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from workbench.cohort.crossfilter.index import CrossFilter
from workbench.cohort.crossfilter.outcome import BinnedCurve
from workbench.cohort.crossfilter.picture import Count, Shown, ShownCurve, ShownView
from workbench.cohort.crossfilter.selection import Counts, Selection
from workbench.cohort.crossfilter.small_cells import (
    hidden_parts,
    hidden_totals,
    total_given_away,
)
from workbench.cohort.crossfilter.ticks import round_edges
from workbench.cohort.privacy import small
from workbench.data.card.cohorts import MINIMUM_CELL

CURVE_POINTS = 40


class Curve(Protocol):
    """A survival curve that can be asked at any time."""

    def at(self, times: np.ndarray) -> np.ndarray:
        """Survival."""
        ...

    def at_risk_at(self, times: np.ndarray) -> np.ndarray:
        """Number at risk just before."""
        ...


@dataclass(frozen=True, eq=False)
class Display:
    """The door through which counts leave the kernel.

    Parameters
    ----------
    index
        The cohort.
    minimum
        Smallest count that may be shown; 0 or 1 withholds nothing.
    rounded_to
        Counts of a selection, and numbers at risk, are the nearest multiples of this, and survival
        moves in steps that so many patients make; 1 shows them as they are. With the minimum, two
        pictures never tell of a bar that they differ by 1 to ``minimum`` - 1 patients.
    """

    index: CrossFilter
    minimum: int = MINIMUM_CELL
    rounded_to: int = 1

    def selection(self, selection: Selection) -> Shown:
        """The picture of a selection, with exact curves."""
        return self.counts(selection.counts, selection.survival, selection.survival_rest)

    def counts(
        self, counts: Counts, survival: Curve | None = None, survival_rest: Curve | None = None
    ) -> Shown:
        """The picture of counts, with the curves given or those of the counts.

        Parameters
        ----------
        counts
            Of a selection or of a brush in motion.
        survival, survival_rest
            Better curves of the same patients, where there are any.
        """
        n_patients, n_selected = self.index.n_patients, counts.n_selected
        n_rest = n_patients - n_selected
        n_shown = int(self._rounded(np.array([n_selected]), np.array([n_patients]))[0])
        apart = not small(np.array([n_selected, n_rest]), self.minimum).any()
        apart &= not self._given_away(counts)
        parts = {name: self._parts(name, counts) for name in self.index.dimensions}
        apart &= all(each is not None for each in parts.values())
        views = {name: self._view(name, counts, parts[name], apart) for name in parts}
        curves = self._curves(survival or counts.survival, survival_rest or counts.survival_rest)
        return Shown(
            views,
            n_patients if not small(np.array(n_patients), self.minimum) else None,
            n_shown if apart else None,
            n_patients - n_shown if apart else None,
            *(curves if apart else (None, None)),
            counts.exact,
            self.rounded_to,
        )

    @cached_property
    def _hidden_totals(self) -> dict[str, np.ndarray]:
        return {
            name: hidden_totals(total, self.minimum) for name, total in self.index.total.items()
        }

    @cached_property
    def _times(self) -> np.ndarray:
        outcome = self.index.outcome
        if outcome is None or not outcome.ends[-1] > 0:
            return np.zeros(1)
        return np.append(0.0, round_edges(0.0, float(outcome.ends[-1]), CURVE_POINTS))

    def _given_away(self, counts: Counts) -> bool:
        return any(
            total_given_away(total, self._hidden_totals[name], within, self.minimum)
            for name, within in counts.brushed.items()
            if np.array_equal(total := self.index.total[name], counts.selected[name])
        )

    def _parts(self, name: str, counts: Counts) -> np.ndarray | None:
        total, selected = self.index.total[name], counts.selected[name]
        within = counts.brushed.get(name, np.ones(len(total), bool))
        hidden = self._hidden_totals[name]
        return hidden_parts(selected, total - selected, hidden, within, self.minimum)

    def _view(self, name: str, counts: Counts, parts: np.ndarray | None, apart: bool) -> ShownView:
        total, selected = self.index.total[name], counts.selected[name]
        if parts is None or not apart:
            parts = np.ones(len(total), bool)
        rounded = self._rounded(selected, total)
        return ShownView(
            self.index.dimensions[name].labels,
            _shown(total, self._hidden_totals[name]),
            _shown(rounded, parts),
            _shown(total - rounded, parts),
        )

    def _rounded(self, selected: np.ndarray, total: np.ndarray) -> np.ndarray:
        """The nearest multiples that leave no small rest; nobody and everybody are said."""
        to = self.rounded_to
        nearest = (selected + to // 2) // to * to
        nearest -= np.where(total - nearest < to, to, 0)
        return np.where((selected == 0) | (selected == total), selected, nearest)

    def _curves(
        self, survival: Curve | None, survival_rest: Curve | None
    ) -> tuple[ShownCurve | None, ShownCurve | None]:
        """Of the selected and of the rest, who together are everyone at risk.

        A reader may know how many these are: while few of one are left, neither is said.
        """
        n_selected, n_rest = (
            np.zeros(len(self._times), np.int64) if curve is None else _at_risk(curve, self._times)
            for curve in (survival, survival_rest)
        )
        everyone = n_selected + n_rest
        rounded = self._rounded(n_selected, everyone)
        few = small(np.array([n_selected, n_rest]), self.minimum).any(axis=0)
        few &= self.rounded_to > 1
        return (
            self._curve(survival, np.where(few, 0, n_selected), rounded),
            self._curve(survival_rest, np.where(few, 0, n_rest), everyone - rounded),
        )

    def _curve(
        self, curve: Curve | None, at_risk: np.ndarray, rounded: np.ndarray
    ) -> ShownCurve | None:
        n_at_risk = at_risk.tolist()
        if curve is None or not n_at_risk[0] or n_at_risk[0] < self.minimum:
            return None
        kept = [0]
        for at, n in enumerate(n_at_risk[1:], start=1):
            lost = n_at_risk[kept[-1]] - n
            if n and n >= self.minimum and (not lost or lost >= self.minimum):
                kept.append(at)
        times, survival, off_by = self._times[kept], curve.at(self._times[kept]), 0.0
        if isinstance(curve, BinnedCurve):
            off_by = float(curve.gap_at(times).max())
        if self.rounded_to > 1 and n_at_risk[0] < self.index.n_patients:
            step = self.rounded_to / rounded[0]
            survival = np.minimum(np.floor(survival / step + 0.5) * step, 1.0)
            off_by += step / 2
        return ShownCurve(
            tuple(times.tolist()),
            tuple(survival.tolist()),
            tuple(rounded[kept].tolist()),
            exact=not isinstance(curve, BinnedCurve) or curve.exact,
            off_by=off_by,
        )


def _at_risk(curve: Curve, times: np.ndarray) -> np.ndarray:
    return np.asarray(curve.at_risk_at(times), np.int64)


def _shown(counts: np.ndarray, hidden: np.ndarray) -> tuple[Count, ...]:
    pairs = zip(counts.tolist(), hidden.tolist(), strict=True)
    return tuple(None if hide else count for count, hide in pairs)
