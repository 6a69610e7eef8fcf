"""Patients censored exactly at the horizon had no event by then, as events precede censorings."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.metrics import roc_auc_score

from workbench.survival import (
    brier_score,
    brier_score_interval,
    calibration,
    censoring_curve,
    decision_curve,
    dynamic_auc,
    dynamic_auc_interval,
    index_of_prediction_accuracy,
    kaplan_meier,
)
from workbench.survival.brier import observed_weights
from workbench.survival.competing.accuracy import competing_auc, competing_brier
from workbench.survival.known_state import known_state

END = 5.0
HORIZONS = np.array([2.0, END])


def administrative(n_patients=200, *, lost=False, seed=0):
    """Follow-up that ends at ``END`` for all, and with ``lost`` for some before; two events there.

    Returns time, event, and survival by each horizon of the true model.
    """
    rng = np.random.default_rng(seed)
    hazard = np.exp(rng.normal(size=n_patients)) / 8
    survived = rng.exponential(1 / hazard)
    until = np.minimum(END, rng.exponential(6, n_patients)) if lost else END
    time, event = np.minimum(survived, until), survived <= until
    at_the_end = np.flatnonzero(time == END)[:2]
    event[at_the_end] = True
    return time, event, np.exp(-hazard[:, None] * HORIZONS)


def followed_further(time, event):
    """Censorings put off until just after: the order in which tied ones are taken anyway."""
    return np.where(event, time, time + 1e-9), event


def test_where_every_state_is_known_scores_are_plain_ones():
    time, event, survival = administrative()
    by_end = event & (time <= END)
    plain = ((~by_end - survival[:, 1]) ** 2).mean()
    assert_allclose(brier_score(time, event, survival, horizons=HORIZONS)[1], plain)
    assert_allclose(
        brier_score_interval(time, event, survival, horizons=HORIZONS).estimate[1], plain
    )
    rate = by_end.mean()
    assert_allclose(1 - kaplan_meier(time, event).at(END), rate)
    ipa = index_of_prediction_accuracy(time, event, survival, horizons=HORIZONS).estimate[1]
    assert_allclose(ipa, 1 - plain / (rate * (1 - rate)))
    auc = roc_auc_score(by_end, -survival[:, 1])
    assert_allclose(dynamic_auc(time, event, -survival[:, 1], horizons=HORIZONS)[1], auc)


def test_predicting_the_event_for_everyone_is_not_perfect():
    time, event, _ = administrative()
    nobody_survives = np.zeros((len(time), 1))
    score = brier_score(time, event, nobody_survives, horizons=np.array([END]))
    assert_allclose(score, (~event).mean())


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("stratified", [False, True])
def test_scores_are_those_of_a_follow_up_that_ends_just_after(lost, stratified):
    time, event, survival = administrative(lost=lost)
    stratum = np.arange(len(time)) % 2 if stratified else None
    options = {"horizons": HORIZONS, "stratum": stratum}
    for statistic, predicted in (
        (brier_score_interval, survival),
        (index_of_prediction_accuracy, survival),
        (dynamic_auc_interval, 1 - survival[:, 1]),
    ):
        found = statistic(time, event, predicted, **options)
        further = statistic(*followed_further(time, event), predicted, **options)
        assert_allclose(found.estimate, further.estimate, rtol=1e-9)
        assert_allclose(found.influence, further.influence, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("lost", [False, True])
def test_calibration_and_net_benefit_too(lost):
    time, event, survival = administrative(lost=lost)
    further = followed_further(time, event)
    found = calibration(time, event, survival[:, 1], horizon=END)
    later = calibration(*further, survival[:, 1], horizon=END)
    assert_allclose((found.intercept, found.slope), (later.intercept, later.slope), rtol=1e-9)
    assert_allclose(found.observed_expected, later.observed_expected, rtol=1e-9)
    options = {"horizon": END, "thresholds": np.array([0.2, 0.5])}
    benefit, expected = (
        decision_curve(*outcome, 1 - survival[:, 1], **options).net_benefit.estimate
        for outcome in ((time, event), further)
    )
    assert_allclose(benefit, expected, rtol=1e-9)


def test_competing_scores_too():
    time, event, survival = administrative(lost=True)
    cause = event * (1 + np.arange(len(time)) % 2)
    further, _ = followed_further(time, event)
    for statistic in (competing_brier, competing_auc):
        found = statistic(time, cause, 1 - survival, horizons=HORIZONS)
        assert_allclose(found, statistic(further, cause, 1 - survival, horizons=HORIZONS))


def test_known_states_are_weighted_alike_on_both_paths():
    time, event, _ = administrative(lost=True)
    slow = observed_weights(
        time, event, horizons=np.array([END]), censoring=censoring_curve(time, event)
    )[:, 0]
    state = known_state(time, event.astype(int), of=1, horizon=END)
    assert_allclose(state.weight, slow)
    assert (state.weight[time == END] > 0).all()
    assert_allclose(state.weight.sum(), len(time))
    assert_allclose((state.weight * state.outcome).mean(), 1 - kaplan_meier(time, event).at(END))


def test_the_weights_are_unbiased_with_half_censored_at_the_horizon():
    """The mean weighted share over many cohorts is the truth; by G(t), lower there, it is above."""
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(300):
        survived = rng.exponential(8, 100)
        until = np.where(rng.random(100) < 0.5, END, rng.exponential(10, 100))
        time, event = np.minimum(survived, until), survived <= until
        weight = observed_weights(
            time, event, horizons=np.array([END]), censoring=censoring_curve(time, event)
        )[:, 0]
        shares.append((weight * (time >= END)).mean())
    error = np.std(shares) / np.sqrt(len(shares))
    assert abs(np.mean(shares) - np.exp(-END / 8)) < 3 * error
