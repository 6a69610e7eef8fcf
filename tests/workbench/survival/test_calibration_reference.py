"""Calibration's intervals, integrated index and competing causes: R, and what must hold."""

import dataclasses

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from workbench.errors import SurvivalError
from workbench.survival import (
    bootstrap_draws,
    calibration,
    competing_calibration,
    kaplan_meier,
)
from workbench.survival.brier import observed_weights
from workbench.survival.calibration_bins import incidence_at
from workbench.survival.censoring import censoring_curve
from workbench.survival.known_state import known_state

HORIZON = 12.5


def judged(table, name):
    """The same call as R's ``calibrate`` of that name."""
    time = table["time"].to_numpy()
    if name == "cause":
        cause, risk = table["cause"].to_numpy(), table["risk"].to_numpy()
        return competing_calibration(time, cause, risk, horizon=HORIZON)
    stratum = table["stratum"].to_numpy() if name == "any_stratified" else None
    survival = 1 - table["any_risk"].to_numpy()
    return calibration(time, table["event"].to_numpy(), survival, horizon=HORIZON, stratum=stratum)


def assert_equals_r(found, values, name, **where):
    for number in ("intercept", "slope", "observed_expected"):
        expected = values(f"{name}:{number}", **where)
        assert_allclose(getattr(found.intervals, number), expected, rtol=1e-8, atol=1e-9)
        assert getattr(found, number) == getattr(found.intervals, number).estimate
    error = [each.estimate for each in found.error]
    assert_allclose(error, values(f"{name}:error", **where), rtol=1e-8)


@pytest.mark.parametrize("name", ["any", "any_stratified", "cause"])
def test_equals_r(calibration_inputs, calibration_reference, name):
    assert_equals_r(judged(calibration_inputs, name), calibration_reference, name)


def test_observed_is_aalen_johansen(calibration_inputs, calibration_reference):
    found = judged(calibration_inputs, "cause")
    observed = found.observed_expected * calibration_inputs["risk"].mean()
    assert_allclose(observed, calibration_reference("aalen_johansen")[1], rtol=1e-10)


def test_bins_equal_r(calibration_inputs, calibration_reference):
    """Incidence and jackknife error of survfit; riskRegression has the same bins."""
    found = judged(calibration_inputs, "cause").bins
    observed = [each.observed for each in found]
    error = calibration_reference("bin_error").to_numpy()
    assert_allclose(observed, calibration_reference("bin_observed"), rtol=1e-10)
    assert_allclose(observed, calibration_reference("bin_observed_riskregression"), rtol=1e-10)
    predicted = [each.predicted for each in found]
    assert_allclose(predicted, calibration_reference("bin_predicted_riskregression"), rtol=1e-10)
    free = 1 - np.array(observed)
    spread = 1.959963984540054 * error / (free * np.log(free))
    assert_allclose([each.lower for each in found], 1 - free ** np.exp(spread), rtol=1e-9)
    assert_allclose([each.upper for each in found], 1 - free ** np.exp(-spread), rtol=1e-9)


def test_without_competing_events_both_are_one(calibration_inputs):
    time, event = calibration_inputs["time"].to_numpy(), calibration_inputs["event"].to_numpy()
    risk = calibration_inputs["any_risk"].to_numpy()
    one = calibration(time, event, 1 - risk, horizon=HORIZON)
    other = competing_calibration(time, event.astype(int), risk, horizon=HORIZON)
    assert_allclose(other.intervals, one.intervals, rtol=1e-9)
    for mine, theirs in zip(other.bins, one.bins, strict=True):
        assert_allclose(mine.observed, theirs.observed, rtol=1e-12)
        # Greenwood's variance and the jackknife differ a little where patients are censored.
        assert_allclose((mine.lower, mine.upper), (theirs.lower, theirs.upper), atol=2e-3)


def test_smoothing_by_a_cox_model_is_near(calibration_inputs, calibration_reference):
    """Austin's curve is another estimator of the same; it differs by less than its error."""
    found = judged(calibration_inputs, "any").error.ici.estimate
    assert abs(found - calibration_reference("any:error_by_cox")[1]) < 0.01


def test_the_index_is_a_mean_distance_and_has_limits(calibration_inputs):
    time, cause = calibration_inputs["time"].to_numpy(), calibration_inputs["cause"].to_numpy()
    risk = calibration_inputs["risk"].to_numpy()
    draws = np.stack(list(bootstrap_draws(len(time), n_bootstrap=60, seed=1)))
    found = competing_calibration(time, cause, risk, horizon=HORIZON, draws=draws).error
    for each in found:
        assert 0 <= each.lower < each.upper <= 1
    assert found.e50.estimate < found.ici.estimate < found.e90.estimate
    again = bootstrap_draws(len(time), n_bootstrap=60, seed=1)
    assert competing_calibration(time, cause, risk, horizon=HORIZON, draws=again).error == found


def test_the_cohort_as_its_own_draw_gives_the_estimate(calibration_inputs):
    time, event = calibration_inputs["time"].to_numpy(), calibration_inputs["event"].to_numpy()
    survival = 1 - calibration_inputs["any_risk"].to_numpy()
    found = calibration(time, event, survival, horizon=HORIZON, draws=np.ones((3, len(time)))).error
    for each in found:
        assert_allclose((each.lower, each.upper), each.estimate, rtol=1e-7)


def test_intervals_cover_the_truth():
    """A calibrated model: about 95 % of the cohorts hold intercept 0, slope 1 and ratio 1."""
    rng = np.random.default_rng(5)
    n_cohorts, n_patients = 200, 300
    covered = np.zeros(3)
    for _ in range(n_cohorts):
        log_hazard = rng.normal(0, 0.8, n_patients)
        survived = rng.exponential(10 / np.exp(log_hazard))
        censored = rng.exponential(20, n_patients)
        time, event = np.minimum(survived, censored), survived <= censored
        survival = np.exp(-np.exp(log_hazard) * 0.5)
        found = calibration(time, event, survival, horizon=5).intervals
        for place, truth in enumerate((0, 1, 1)):
            covered[place] += found[place].lower <= truth <= found[place].upper
    assert (covered >= 182).all(), covered
    assert (covered <= 200).all()


def test_weights_are_those_of_one_sort(calibration_inputs):
    """The fast weights equal the general ones, ties and competing causes included."""
    time, cause = calibration_inputs["time"].to_numpy(), calibration_inputs["cause"].to_numpy()
    horizons = np.array([HORIZON])
    curve = censoring_curve(time, cause > 0)
    slow = observed_weights(time, cause > 0, horizons=horizons, censoring=curve)[:, 0]
    fast = known_state(time, cause, of=1, horizon=HORIZON).weight
    assert_allclose(fast, slow, rtol=1e-12)
    assert_allclose(fast.sum(), len(time), rtol=1e-12)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_incidences_and_weights_agree(data):
    """The weighted share with a cause is its incidence; incidences and survival make up 1."""
    n_patients = data.draw(st.integers(3, 40))

    def drawn(largest):
        each = st.integers(0, largest)
        return np.array(data.draw(st.lists(each, min_size=n_patients, max_size=n_patients)))

    time, cause, horizon = drawn(9).astype(float), drawn(2), 4.5
    assume((time > horizon).any() and ((cause == 1) & (time <= horizon)).any())
    state = known_state(time, cause, of=1, horizon=horizon)
    incidence = incidence_at(time, cause, of=1, horizon=horizon)
    assert_allclose(state.weight @ state.outcome / n_patients, incidence.estimate, rtol=1e-9)
    other = incidence_at(time, cause, of=2, horizon=horizon).estimate
    free = kaplan_meier(time, cause > 0).at(horizon)
    assert_allclose(incidence.estimate + other + free, 1, rtol=1e-9)
    assert incidence.lower <= incidence.estimate <= incidence.upper


def test_order_of_patients_does_not_matter(calibration_inputs):
    shuffled = calibration_inputs.sample(frac=1, random_state=0)
    one, other = judged(calibration_inputs, "cause"), judged(shuffled, "cause")
    assert_allclose(other.intervals, one.intervals, rtol=1e-9)
    assert_allclose(other.error, one.error, rtol=1e-9)


def test_words_hold_only_numbers_with_limits(calibration_inputs):
    found = judged(calibration_inputs, "cause")
    ratio = found.intervals.observed_expected
    assert found.sentence.startswith(
        f"At 12.5: observed over expected risk {ratio.estimate:.3f} ({ratio.lower:.3f} to "
    )
    assert f"(300 patients, {found.n_events} events)" in found.sentence
    assert "integrated" not in found.sentence
    limited = found.error._replace(ici=found.error.ici._replace(lower=0.01, upper=0.08))
    assert "integrated calibration index" in dataclasses.replace(found, error=limited).sentence


TIME = np.arange(1.0, 41)
CAUSE = np.tile([1, 2, 0, 0], 10)
RISK = np.linspace(0.1, 0.9, 40)


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"cause": np.tile([2, 0], 20)}, "got 0 events"),
        ({"horizon": 41.0, "cause": np.tile([1, 0], 20)}, "and 0 event-free patients"),
        ({"risk": np.full(40, 0.3)}, "predictions that vary"),
        ({"risk": np.zeros(40)}, "predictions that vary"),
        ({"risk": np.where((TIME <= 20) & (CAUSE == 1), 0.9, 0.1)}, "do not separate"),
        ({"risk": RISK + 0.2}, "risk must lie in"),
        ({"cause": CAUSE.astype(float)}, "cause must be whole numbers"),
        ({"draws": np.full((2, 40), 0.5)}, "whole counts of patients, got others in draw 0"),
        ({"draws": np.ones((2, 39))}, "must have shape"),
    ],
)
def test_input_that_cannot_be_judged_is_refused(changed, match):
    asked = {"time": TIME, "cause": CAUSE, "risk": RISK, "horizon": 20.0} | changed
    with pytest.raises(SurvivalError, match=match):
        competing_calibration(asked.pop("time"), asked.pop("cause"), asked.pop("risk"), **asked)


def test_events_at_time_zero_count(calibration_inputs):
    """A time of 0 is an event like another; the horizon must lie above it."""
    moved = calibration_inputs.assign(time=calibration_inputs["time"] - 1)
    time, cause = moved["time"].to_numpy(), moved["cause"].to_numpy()
    assert (time == 0).any()
    risk = moved["risk"].to_numpy()
    found = competing_calibration(time, cause, risk, horizon=HORIZON - 1)
    assert_allclose(found.intervals, judged(calibration_inputs, "cause").intervals, rtol=1e-9)
    with pytest.raises(SurvivalError, match="horizons must be positive"):
        competing_calibration(time, cause, risk, horizon=0.0)


def test_incidence_after_follow_up_is_unknown():
    found = incidence_at(np.array([1.0, 2.0]), np.array([1, 0]), of=1, horizon=3.0)
    assert np.isnan(found).all()
    assert incidence_at(TIME, CAUSE * 0, of=1, horizon=3.0) == (0, 0, 0)


def test_a_draw_too_few_is_refused():
    with pytest.raises(SurvivalError, match="needs a patient and a draw"):
        bootstrap_draws(10, n_bootstrap=0, seed=0)


def test_limits_of_the_index_hold_it_where_predictions_are_right():
    """A bootstrap moves a distance up: its plain percentiles can lie above the estimate."""
    for seed in range(20, 25):
        generator = np.random.default_rng(seed)
        rate = np.exp(generator.normal(size=400)) / 3
        survived, censored = generator.exponential(1 / rate), generator.exponential(6.0, 400)
        time, event = np.minimum(survived, censored), survived <= censored
        draws = bootstrap_draws(400, n_bootstrap=100, seed=seed)
        found = calibration(time, event, np.exp(-rate), horizon=1.0, draws=draws)
        for each in found.error:
            assert 0 <= each.lower <= each.estimate <= each.upper
