"""What 1 - Kaplan-Meier would claim where events compete, and how far that is too much."""

from dataclasses import dataclass

import numpy as np

from workbench.errors import SurvivalError
from workbench.survival.competing.aalen_johansen import aalen_johansen
from workbench.survival.competing.counts import cause_seen
from workbench.survival.inputs import check_cause, check_horizons


@dataclass(frozen=True)
class Overstatement:
    """1 - Kaplan-Meier with competing events censored, beside the cumulative incidence.

    Parameters
    ----------
    horizons
        Times, (horizon,).
    one_minus_kaplan_meier
        Risk if competing events could be abolished and changed nothing else, (horizon,).
    incidence
        Risk as it is (Aalen-Johansen), (horizon,).
    n_competing
        Competing events by each horizon, (horizon,) int.
    """

    horizons: np.ndarray
    one_minus_kaplan_meier: np.ndarray
    incidence: np.ndarray
    n_competing: np.ndarray

    @property
    def difference(self) -> np.ndarray:
        """How much 1 - Kaplan-Meier is too high, (horizon,), never negative."""
        return np.maximum(self.one_minus_kaplan_meier - self.incidence, 0.0)

    @property
    def ratio(self) -> np.ndarray:
        """1 - Kaplan-Meier over the incidence, (horizon,); NaN where the incidence is 0."""
        known = self.incidence > 0
        out = np.full(len(known), np.nan)
        return np.divide(self.one_minus_kaplan_meier, self.incidence, out=out, where=known)

    def sentences(self) -> list[str]:
        """One a horizon, for people: what each estimate says and the difference in points."""
        return [
            f"By {horizon:g}, 1 − Kaplan–Meier says {100 * naive:.1f} %, the cumulative incidence "
            f"is {100 * risk:.1f} %: {100 * gap:.1f} percentage points too high "
            f"({n_competing} competing events censored)."
            for horizon, naive, risk, gap, n_competing in zip(
                self.horizons,
                self.one_minus_kaplan_meier,
                self.incidence,
                self.difference,
                self.n_competing,
                strict=True,
            )
        ]


def kaplan_meier_overstatement(
    time: np.ndarray,
    cause: np.ndarray,
    *,
    horizons: np.ndarray | list[float] | float,
    of: int = 1,
    entry: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> Overstatement:
    r"""How far 1 - Kaplan-Meier overstates the risk of one of several competing events.

    .. math:: 1 - \prod_{t_j \le t} \left(1 - \frac{d_{kj}}{n_j}\right) \;\ge\;
        \sum_{t_j \le t} \hat S(t_j-) \frac{d_{kj}}{n_j}

    The first lets the patients whom another event took go on to have the cause later. Ties,
    late entry and weights as in :func:`aalen_johansen`.

    Parameters
    ----------
    time
        From index date to event or censoring, (patient,), not negative.
    cause
        What happened, (patient,) int: 0 censored, 1, 2, ... the competing events.
    horizons
        Ascending times, (horizon,), none after the end of follow-up.
    of
        The cause of interest.
    entry, weights
        As in :func:`aalen_johansen`.

    Raises
    ------
    SurvivalError
        The input is not valid, nobody had the cause, or follow-up ends before a horizon.

    References
    ----------
    Gooley, Leisenring, Crowley and Storer, Stat Med 1999;18:695-706.

    Examples
    --------
    Three patients, all with events, the cause at 1 and 3: its incidence is 2/3 at 3, but with
    the competing event at 2 censored Kaplan-Meier falls to 2/3, then to 0.

    >>> said = kaplan_meier_overstatement(np.array([1.0, 2, 3]), np.array([1, 2, 1]), horizons=3)
    >>> said.one_minus_kaplan_meier.tolist(), said.incidence.round(4).tolist()
    ([1.0], [0.6667])
    """
    time, cause = check_cause(time, cause)
    horizons = check_horizons(horizons)
    happened = cause_seen(cause, of)
    if horizons[-1] > time.max():
        raise SurvivalError(
            f"follow-up ends at {time.max():g}, before the horizon {horizons[-1]:g}: nothing is "
            "known there, choose an earlier one"
        )
    curve = aalen_johansen(time, cause, entry=entry, weights=weights)
    step = np.append(1.0, np.cumprod(1 - curve.n_events[:, of - 1] / curve.n_at_risk))
    position = np.searchsorted(curve.time, horizons, side="right")
    other = np.sort(time[(cause > 0) & ~happened])
    return Overstatement(
        horizons=horizons,
        one_minus_kaplan_meier=1 - step[position],
        incidence=np.vstack([np.zeros(curve.incidence.shape[1]), curve.incidence])[
            position, of - 1
        ],
        n_competing=np.searchsorted(other, horizons, side="right"),
    )
