"""Observed over expected risk: calibration in the large."""

import numpy as np

from workbench.survival.inputs import Estimate
from workbench.survival.known_state import KnownState


def observed_expected(
    outcome: np.ndarray, weight: np.ndarray, draws: np.ndarray, survival: np.ndarray
) -> np.ndarray:
    """Observed over mean predicted risk, once a draw, (draw,).

    Observed is the weighted share with an event, which equals 1 - Kaplan-Meier where the censoring
    curve is that of the same patients.
    """
    known = draws @ weight
    happened = draws @ (weight * outcome)
    expected = (draws @ (1 - survival)) / draws.sum(1)
    undefined = np.full(len(draws), np.nan)
    observed = np.divide(happened, known, out=undefined.copy(), where=known > 0)
    return np.divide(observed, expected, out=undefined, where=expected > 0)


def ratio_interval(state: KnownState, survival: np.ndarray, z: float) -> Estimate:
    """Observed over expected, its limits on the log scale from each patient's influence."""
    outcome, weight = state
    ratio = float(observed_expected(outcome, weight, np.ones((1, len(survival))), survival)[0])
    known = weight.sum()
    observed, expected = (weight @ outcome) / known, (1 - survival).mean()
    influence = weight * (outcome - observed) / (known * observed) - (1 - survival - expected) / (
        len(survival) * expected
    )
    factor = np.exp(z * np.sqrt(influence @ influence))
    return Estimate(ratio, float(ratio / factor), float(ratio * factor))
