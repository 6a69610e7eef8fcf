"""Brier score: R, scikit-survival, closed forms."""

import numpy as np
from numpy.testing import assert_allclose
from sksurv.metrics import brier_score as sksurv_brier_score
from sksurv.metrics import integrated_brier_score as sksurv_integrated_brier_score
from sksurv.util import Surv

from workbench.survival import brier_score, integrated_brier_score, kaplan_meier

HORIZONS = np.array([6.5, 12.5, 24.5])
GRID = np.linspace(0.5, 12, 40)


def predicted(table):
    return np.exp(-np.exp(0.5 * table["risk_score"].to_numpy()[:, None]) * GRID / 10)


def test_equals_r_with_stratified_censoring(inputs, reference):
    survival = inputs[[f"survival_{h:g}" for h in HORIZONS]].to_numpy()
    scores = brier_score(
        inputs["time"].to_numpy(),
        inputs["event"].to_numpy(),
        survival,
        horizons=HORIZONS,
        stratum=inputs["stratum"].to_numpy(),
    )
    assert_allclose(scores, reference("brier"), rtol=1e-10)


def test_equals_scikit_survival(untied):
    time, event = untied["time"].to_numpy(), untied["event"].to_numpy()
    survival = predicted(untied)
    outcome = Surv.from_arrays(event, time)
    scores = brier_score(time, event, survival, horizons=GRID)
    assert_allclose(scores, sksurv_brier_score(outcome, outcome, survival, GRID)[1], rtol=1e-10)

    # Ours begins at time 0 with a score of 0, theirs at the first horizon.
    integral = integrated_brier_score(time, event, survival, horizons=GRID) * GRID[-1]
    theirs = sksurv_integrated_brier_score(outcome, outcome, survival, GRID)
    assert_allclose((integral - scores[0] * GRID[0] / 2) / (GRID[-1] - GRID[0]), theirs, rtol=1e-10)


def test_without_censoring_it_is_the_mean_squared_error(untied):
    time = untied["time"].to_numpy()
    survival = predicted(untied)
    error = ((time[:, None] > GRID) - survival) ** 2
    everyone = np.ones(len(time), dtype=bool)
    assert_allclose(brier_score(time, everyone, survival, horizons=GRID), error.mean(0))


def test_kaplan_meier_for_everyone_scores_its_variance(inputs):
    """With G from the same patients the identity is exact: BS = S (1 - S)."""
    time, event = inputs["time"].to_numpy(), inputs["event"].to_numpy()
    survival = kaplan_meier(time, event).at(HORIZONS)
    scores = brier_score(time, event, np.tile(survival, (len(time), 1)), horizons=HORIZONS)
    assert_allclose(scores, survival * (1 - survival), rtol=1e-10)
