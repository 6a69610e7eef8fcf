"""From risk scores to probabilities, where an event is there or not."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import expit

from fusion.logistic_solver import intercept


@dataclass(frozen=True)
class BaselineOdds:
    """What :class:`fusion.baseline_hazard.BaselineHazard` is for times.

    Parameters
    ----------
    log_odds
        Log odds of the event at risk score 0; infinite where all or none of the patients had it.
    """

    log_odds: float

    def survival(self, risk_score: np.ndarray, horizons: np.ndarray) -> np.ndarray:
        """Probability of no event, (patient, horizon): the same at whatever is asked for."""
        free = expit(-(self.log_odds + risk_score))
        return np.repeat(free[:, None], len(horizons), axis=1)

    def slope(self, survival: np.ndarray) -> np.ndarray:
        """Derivative of the probability of no event by the risk score, where it is ``survival``."""
        return -survival * (1 - survival)


def baseline_odds(event: np.ndarray, risk_score: np.ndarray) -> BaselineOdds:
    """Log odds at risk score 0 with which as many events are expected as there were.

    Parameters
    ----------
    event, risk_score
        (patient,) each.

    Examples
    --------
    >>> event = np.array([True, False, False, False])
    >>> baseline_odds(event, np.zeros(4)).survival(np.zeros(1), np.ones(1)).round(6).tolist()
    [[0.75]]
    """
    if event.all() or not event.any():
        return BaselineOdds(np.inf if event.all() else -np.inf)
    score = torch.as_tensor(risk_score, dtype=torch.float64)
    found = intercept(score, torch.as_tensor(event), torch.ones_like(score))
    return BaselineOdds(float(found))
