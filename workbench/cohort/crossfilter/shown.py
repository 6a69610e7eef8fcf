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
    """

    index: CrossFilter
    minimum: int = MINIMUM_CELL

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
        apart = not small(np.array([n_selected, n_rest]), self.minimum).any()
        apart &= not self._given_away(counts)
        parts = {name: self._parts(name, counts) for name in self.index.dimensions}
        apart &= all(each is not None for each in parts.values())
        views = {name: self._view(name, counts, parts[name], apart) for name in parts}
        return Shown(
            views,
            n_patients if not small(np.array(n_patients), self.minimum) else None,
            n_selected if apart else None,
            n_rest if apart else None,
            self._curve(survival or counts.survival) if apart else None,
            self._curve(survival_rest or counts.survival_rest) if apart else None,
            counts.exact,
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
        return ShownView(
            self.index.dimensions[name].labels,
            _shown(total, self._hidden_totals[name]),
            _shown(selected, parts),
            _shown(total - selected, parts),
        )

    def _curve(self, curve: Curve | None) -> ShownCurve | None:
        if curve is None:
            return None
        n_at_risk = curve.at_risk_at(self._times).tolist()
        if not n_at_risk[0] or n_at_risk[0] < self.minimum:
            return None
        kept = [0]
        for at, n in enumerate(n_at_risk[1:], start=1):
            lost = n_at_risk[kept[-1]] - n
            if n and n >= self.minimum and (not lost or lost >= self.minimum):
                kept.append(at)
        times = self._times[kept]
        return ShownCurve(
            tuple(times.tolist()),
            tuple(curve.at(times).tolist()),
            tuple(n_at_risk[at] for at in kept),
            exact=not isinstance(curve, BinnedCurve) or curve.exact,
            off_by=float(curve.gap_at(times).max()) if isinstance(curve, BinnedCurve) else 0.0,
        )


def _shown(counts: np.ndarray, hidden: np.ndarray) -> tuple[Count, ...]:
    pairs = zip(counts.tolist(), hidden.tolist(), strict=True)
    return tuple(None if hide else count for count, hide in pairs)
