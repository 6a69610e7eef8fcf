"""From risk scores to survival probabilities."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class BaselineHazard:
    """Breslow's cumulative hazard at risk score 0.

    Parameters
    ----------
    times
        Distinct event times, ascending, (event,).
    cumulative
        Cumulative hazard from each of them on, (event,).
    """

    times: np.ndarray
    cumulative: np.ndarray

    def survival(self, risk_score: np.ndarray, horizons: np.ndarray) -> np.ndarray:
        """Probability of no event by each horizon, (patient, horizon).

        Beyond the last training event the curve stays flat, as Kaplan–Meier's does.
        """
        steps = np.concatenate([[0.0], self.cumulative])
        at = steps[np.searchsorted(self.times, horizons, side="right")]
        return np.exp(-at[None, :] * _relative_hazard(risk_score)[:, None])

    def slope(self, survival: np.ndarray) -> np.ndarray:
        """Derivative of survival by the risk score, where it is ``survival``, any shape."""
        # log S = −H exp(s), so dS/ds = S log S.
        steep = np.zeros_like(survival)
        inside = survival > 0
        steep[inside] = survival[inside] * np.log(survival[inside])
        return steep


def breslow(time: np.ndarray, event: np.ndarray, risk_score: np.ndarray) -> BaselineHazard:
    """Breslow's estimator of the baseline cumulative hazard.

    Parameters
    ----------
    time, event, risk_score
        (patient,) each.

    References
    ----------
    Breslow, N. (1972). Discussion of Professor Cox's paper. JRSS B 34.

    Examples
    --------
    With equal risk it is Nelson–Aalen's: 1/3, then 1/3 + 1/1.

    >>> hazard = breslow(np.array([1., 2., 3.]), np.array([True, False, True]), np.zeros(3))
    >>> hazard.cumulative.round(4).tolist()
    [0.3333, 1.3333]
    """
    order = np.argsort(time, kind="stable")
    relative = _relative_hazard(risk_score[order])
    at_risk = relative[::-1].cumsum()[::-1]
    times, first = np.unique(time[order], return_index=True)
    counts = np.add.reduceat(event[order].astype(float), first)
    happened = counts > 0
    return BaselineHazard(times[happened], (counts / at_risk[first])[happened].cumsum())


def product_limit(time: np.ndarray, event: np.ndarray) -> BaselineHazard:
    """Kaplan–Meier as a cumulative hazard, −log S; infinite once the curve reaches 0."""
    times, counts = np.unique(time[event], return_counts=True)
    at_risk = len(time) - np.searchsorted(np.sort(time), times, side="left")
    with np.errstate(divide="ignore"):
        return BaselineHazard(times, -np.log1p(-counts / at_risk).cumsum())


def _relative_hazard(risk_score: np.ndarray) -> np.ndarray:
    """exp(risk score), within limits that neither overflow nor reach 0."""
    return np.exp(np.clip(risk_score, -50.0, 50.0))
