"""Time and event of each patient in bins of time, for a curve that follows a brush."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workbench.survival.counting import EventCounts
from workbench.survival.inputs import check_outcome
from workbench.survival.kaplan_meier import KaplanMeier, curve_of, kaplan_meier

CELLS = 2**16
MOST_TIMES = 4096
"""Distinct times up to which each has a bin of its own, so that no curve is approximate."""
MOST_BINS = 1024


@dataclass(frozen=True, eq=False)
class Outcome:
    """Bins of time that all curves share.

    Parameters
    ----------
    time, event
        (patient,) float64 and bool.
    ends
        Last time of each bin, (time bin,), ascending.
    codes
        Twice the time bin, and one more at an event, (patient,) uint16.
    exact
        Whether each bin holds one distinct time, so that curves of counts are no approximation.
    """

    time: np.ndarray
    event: np.ndarray
    ends: np.ndarray
    codes: np.ndarray
    exact: bool

    @property
    def n_codes(self) -> int:
        """Twice the bins of time."""
        return 2 * len(self.ends)

    def curve(self, counts: np.ndarray) -> "BinnedCurve":
        """The curve of patients counted by ``codes``, (2 x time bin,) int."""
        by_time = counts.reshape(-1, 2)
        return BinnedCurve(self.ends, by_time[:, 1], by_time[:, 0], self.exact)

    def kaplan_meier(self, mask: np.ndarray, binned: "BinnedCurve") -> KaplanMeier | None:
        """The exact curve of the patients in ``mask``; None if there are none.

        Parameters
        ----------
        mask
            (patient,) bool.
        binned
            The curve of the same patients in bins: where each is one time, its counts suffice.
        """
        if not binned.n_at_risk[0]:
            return None
        if not self.exact:
            rows = np.flatnonzero(mask)
            return kaplan_meier(self.time[rows], self.event[rows])
        occurs = binned.n_events + binned.n_censored > 0
        counts = (binned.n_at_risk, binned.n_events, binned.n_censored)
        events = EventCounts(binned.time[occurs], *(each[occurs] for each in counts))
        return curve_of(events, 0.95, "log-log")


@dataclass(frozen=True, eq=False)
class BinnedCurve:
    """Survival from counts in bins of time.

    Within a bin the order of events and censorings is not known. Had all censorings come last,
    the product over a bin's events would be 1 - d / n; had they come first, 1 - d / (n - c). What
    Kaplan and Meier's estimator is at the end of the bin lies between: ``lowest`` and ``highest``
    are no confidence limits but the most that binning can hide. ``survival`` takes half of the
    censored out first, as life tables do. Where each bin is one time all three are the estimator.

    Parameters
    ----------
    time
        Last time of each bin, (time bin,).
    n_events, n_censored
        Patients with an event, and censored, in each bin, (time bin,) int.
    exact
        Whether each bin is one distinct time.

    References
    ----------
    Cutler and Ederer, J Chronic Dis 1958;8:699-712 (life tables).
    """

    time: np.ndarray
    n_events: np.ndarray
    n_censored: np.ndarray
    exact: bool

    @cached_property
    def n_at_risk(self) -> np.ndarray:
        """Patients at risk at the beginning of each bin, (time bin,) int."""
        return np.cumsum((self.n_events + self.n_censored)[::-1])[::-1]

    @cached_property
    def survival(self) -> np.ndarray:
        """Probability of no event up to the end of each bin, (time bin,)."""
        return self._product(0.0 if self.exact else 0.5)

    @property
    def lowest(self) -> np.ndarray:
        """The estimator is no lower at the end of each bin, (time bin,)."""
        return self.survival if self.exact else self._product(1.0)

    @property
    def highest(self) -> np.ndarray:
        """The estimator is no higher at the end of each bin, (time bin,)."""
        return self.survival if self.exact else self._product(0.0)

    def at(self, times: np.ndarray) -> np.ndarray:
        """Survival at ``times`` (any shape), as known at the end of the last whole bin."""
        return self._at_ends(self.survival, times)

    def gap_at(self, times: np.ndarray) -> np.ndarray:
        """How far apart ``lowest`` and ``highest`` are at ``times`` (any shape)."""
        return 1 - self._at_ends(1 - (self.highest - self.lowest), times)

    def at_risk_at(self, times: np.ndarray) -> np.ndarray:
        """Number at risk at the beginning of the bins that hold ``times`` (any shape), int."""
        n_at_risk = np.append(self.n_at_risk, 0)
        return n_at_risk[np.searchsorted(self.time, times, side="left")]

    def _product(self, share_first: float) -> np.ndarray:
        at_risk = self.n_at_risk - share_first * self.n_censored
        falls = self.n_events / np.where(self.n_events > 0, at_risk, 1.0)
        return np.cumprod(1 - falls)

    def _at_ends(self, values: np.ndarray, times: np.ndarray) -> np.ndarray:
        return np.append(1.0, values)[np.searchsorted(self.time, times, side="right")]


def bin_outcome(time: np.ndarray, event: np.ndarray) -> Outcome:
    """Time and event in bins: one a distinct time while these are few, else even in what is lost.

    Bins hold about equal shares of those still at risk, so that the last patients are told apart
    as finely as the first.

    Parameters
    ----------
    time, event
        From index date to event or censoring, (patient,), and whether it was the event.

    Raises
    ------
    SurvivalError
        The outcome is not valid.
    """
    time, event = check_outcome(time, event)
    cell = (time / (time.max() or 1.0) * (CELLS - 1)).astype(np.uint16)
    in_cell = np.bincount(cell, minlength=CELLS)
    occupied = np.flatnonzero(in_cell)
    bin_of = np.zeros(CELLS, np.uint16)
    if len(occupied) <= MOST_TIMES:
        ends = np.zeros(CELLS)
        ends[cell] = time
        if (ends[cell] == time).all():
            bin_of[occupied] = range(len(occupied))
            return Outcome(time, event, ends[occupied], 2 * bin_of[cell] + event, True)
    at_risk = np.cumsum(in_cell[occupied][::-1])[::-1]
    lost = np.log(len(time) / at_risk) / np.log(len(time) + 1) * MOST_BINS
    bins, last = np.unique(lost.astype(int)[::-1], return_index=True)
    bin_of[occupied] = np.searchsorted(bins, lost.astype(int))
    closing = np.zeros(CELLS, bool)
    closing[occupied[::-1][last]] = True
    rows = np.flatnonzero(closing[cell])
    ends = np.zeros(len(bins))
    np.maximum.at(ends, bin_of[cell[rows]], time[rows])
    return Outcome(time, event, ends, 2 * bin_of[cell] + event, False)
