"""How likely a patient was still under observation: the censoring curve."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from workbench.errors import SurvivalError
from workbench.survival.counting import count_events, distinct_labels, rows_by_code
from workbench.survival.inputs import check_outcome

Side = Literal["left", "right"]


@dataclass(frozen=True)
class CensoringCurve:
    r"""Probability G(t) of not being censored by t, one curve a stratum.

    Parameters
    ----------
    time
        Distinct observed times of each stratum, ascending.
    probability
        G at each of those times, right-continuous.
    """

    time: dict[object, np.ndarray]
    probability: dict[object, np.ndarray]

    def at(self, times: np.ndarray, stratum: np.ndarray | None = None) -> np.ndarray:
        """G(t): not censored up to and at t.

        Parameters
        ----------
        times
            (time,).
        stratum
            (patient,) labels; None where the curve has one stratum.

        Returns
        -------
        array
            (patient, time) if ``stratum`` is given, else (time,).
        """
        return self._evaluate(times, stratum, "right")

    def before(self, times: np.ndarray, stratum: np.ndarray | None = None) -> np.ndarray:
        """G(t-): not censored before t; shapes as in ``at``."""
        return self._evaluate(times, stratum, "left")

    def before_own(self, time: np.ndarray, stratum: np.ndarray | None = None) -> np.ndarray:
        """G(T-) of each patient at the own time and in the own stratum, (patient,)."""
        if stratum is None:
            return self.before(time)
        found = np.empty(len(time))
        labels, code = distinct_labels("stratum", stratum, len(time))
        for label, rows in zip(labels, rows_by_code(code, len(labels)), strict=True):
            found[rows] = self._one(label, time[rows], "left")
        return found

    def _evaluate(self, times: np.ndarray, stratum: np.ndarray | None, side: Side) -> np.ndarray:
        if stratum is None:
            if len(self.time) > 1:
                raise SurvivalError(
                    f"this censoring curve has {len(self.time)} strata and no stratum came: "
                    "pass each patient's stratum"
                )
            return self._one(next(iter(self.time)), times, side)
        labels, code = distinct_labels("stratum", stratum, len(stratum))
        return np.stack([self._one(label, times, side) for label in labels])[code]

    def _one(self, label: object, times: np.ndarray, side: Side) -> np.ndarray:
        if label not in self.time:
            raise SurvivalError(
                "the censoring curve lacks a stratum of these patients: estimate it from "
                "patients of every stratum"
            )
        position = np.searchsorted(self.time[label], times, side=side)
        return np.append(1.0, self.probability[label])[position]


def censoring_curve(
    time: np.ndarray, event: np.ndarray, *, stratum: np.ndarray | None = None
) -> CensoringCurve:
    r"""Reverse Kaplan-Meier estimate of the time to censoring.

    .. math:: \hat G(t) = \prod_{t_j \le t} \left(1 - \frac{c_j}{n_j - d_j}\right)

    At a tied time events come first, so they are not at risk of censoring there. An event at T is
    weighted by 1 / G(T-), a patient known to be event-free at t by 1 / G(t-): neither was censored
    before.

    Parameters
    ----------
    time
        From index date to event or censoring, (patient,), not negative.
    event
        True if the event was observed, (patient,) bool.
    stratum
        Labels of groups that may be censored differently, (patient,); one curve each.

    Raises
    ------
    SurvivalError
        The outcome is not valid.

    References
    ----------
    Graf, Schmoor, Sauerbrei and Schumacher, Stat Med 1999;18:2529-2545.

    Examples
    --------
    Event at 1, censored at 2, event at 2, censored at 3: at 2 the event leaves first, so one of
    two is censored there.

    >>> curve = censoring_curve(np.array([1.0, 2, 2, 3]), np.array([True, False, True, False]))
    >>> curve.at(np.array([1.0, 2, 3])).tolist(), curve.before(np.array([2.0, 3])).tolist()
    ([1.0, 0.5, 0.0], [1.0, 0.5])
    """
    time, event = check_outcome(time, event)
    if stratum is None:
        stratum = np.zeros(len(time), dtype=np.int64)
    if len(stratum) != len(time):
        raise SurvivalError(
            f"stratum must have one label a patient ({len(time)}), got {len(stratum)}"
        )
    labels, code = distinct_labels("stratum", stratum, len(time))
    times, probability = {}, {}
    for label, rows in zip(labels, rows_by_code(code, len(labels)), strict=True):
        counts = count_events(time[rows], event[rows])
        exposed = counts.n_at_risk - counts.n_events
        step = np.divide(counts.n_censored, exposed, out=np.zeros(len(exposed)), where=exposed > 0)
        times[label], probability[label] = counts.time, np.cumprod(1 - step)
    return CensoringCurve(times, probability)


def free_until(time: np.ndarray, event: np.ndarray) -> np.ndarray:
    """Each patient is known to be event-free at every horizon below this, (patient,).

    At a tied time events come first, so whoever is censored at a horizon had no event by then: with
    follow-up that ends there for all, these are the survivors.

    Examples
    --------
    Of an event, a censoring and a longer follow-up, only the first is not event-free at 5:

    >>> (free_until(np.array([5.0, 5, 6]), np.array([True, False, True])) > 5).tolist()
    [False, True, True]
    """
    return np.where(event, time, np.nextafter(time, np.inf))


def inverse_probability(probability: np.ndarray, *, where: np.ndarray) -> np.ndarray:
    """1 / ``probability`` where asked and 0 elsewhere, of the same shape.

    Raises
    ------
    SurvivalError
        A probability is 0 where asked: the censoring curve ends before these patients do.
    """
    if (probability[where] <= 0).any():
        raise SurvivalError(
            f"the censoring curve is 0 where {int((probability[where] <= 0).sum())} weights are "
            "asked: choose an earlier horizon, or estimate it from patients followed as long"
        )
    return np.divide(1.0, probability, out=np.zeros(probability.shape), where=where)
