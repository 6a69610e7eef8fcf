"""Decision curves: R's survfit, what must hold at the ends, and bootstraps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from workbench.errors import SurvivalError
from workbench.survival import (
    bootstrap_draws,
    competing_decision_curve,
    decision_curve,
    kaplan_meier,
)

HORIZON = 12.5


def curve_of(table, name, thresholds, **more):
    """The same call as R's ``benefit`` of that name."""
    time, more = table["time"].to_numpy(), {"horizon": HORIZON, "thresholds": thresholds} | more
    if name == "any":
        return decision_curve(time, table["event"].to_numpy(), table["any_risk"].to_numpy(), **more)
    risk = table["risk" if name == "cause" else "crude_risk"].to_numpy()
    return competing_decision_curve(time, table["cause"].to_numpy(), risk, **more)


@pytest.mark.parametrize("name", ["any", "cause", "crude"])
def test_equals_r(calibration_inputs, calibration_reference, name):
    expected = calibration_reference(f"{name}:net_benefit")
    found = curve_of(calibration_inputs, name, expected.index.to_numpy(float))
    assert_allclose(found.net_benefit.estimate, expected, rtol=1e-9, atol=1e-13)
    treat_all = calibration_reference(f"{name}:treat_all")
    assert_allclose(found.treat_all.estimate, treat_all, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("name", ["any", "cause", "crude"])
def test_the_form_of_vickers(calibration_inputs, calibration_reference, name):
    """Near with one censoring curve; the same with a curve of its own above the threshold."""
    vickers = calibration_reference(f"{name}:net_benefit_vickers").dropna()
    vickers = vickers[vickers.index.astype(float) <= 0.6]
    assert len(vickers) > 6
    thresholds = vickers.index.to_numpy(float)
    found = curve_of(calibration_inputs, name, thresholds)
    assert_allclose(found.net_benefit.estimate, vickers, atol=0.015)
    risk = calibration_inputs[{"any": "any_risk", "cause": "risk", "crude": "crude_risk"}[name]]
    for threshold, expected in zip(thresholds, vickers, strict=True):
        high = (risk >= threshold).to_numpy()
        exact = curve_of(calibration_inputs, name, np.array([threshold]), stratum=high)
        assert_allclose(exact.net_benefit.estimate, expected, rtol=1e-9, atol=1e-13)


def test_without_censoring_it_is_a_count():
    """Both forms are then the definition: true positives less false ones at the odds."""
    rng = np.random.default_rng(1)
    time, risk = rng.exponential(1, 500), rng.random(500)
    thresholds = np.array([0.0, 0.25, 0.5, 0.9])
    event = np.ones(500, dtype=bool)
    found = decision_curve(time, event, risk, horizon=1, thresholds=thresholds)
    happened = time <= 1
    for place, threshold in enumerate(thresholds):
        high = risk >= threshold
        true, false = (high & happened).mean(), (high & ~happened).mean()
        expected = true - false * threshold / (1 - threshold)
        assert_allclose(found.net_benefit.estimate[place], expected, atol=1e-12)
        assert found.n_treated[place] == high.sum()


def test_ends_of_the_thresholds(calibration_inputs):
    """Below every risk all are treated, above every risk nobody is."""
    thresholds = np.array([0.0, 0.001, 0.5, 0.9999])
    found = curve_of(calibration_inputs, "cause", thresholds)
    risk = calibration_inputs["risk"]
    assert risk.min() > 0.001
    assert risk.max() < 0.9999
    benefit, treat_all = found.net_benefit.estimate, found.treat_all.estimate
    assert_allclose(benefit[:2], treat_all[:2], rtol=1e-12)
    assert benefit[3] == 0
    assert_array_equal(found.n_treated[[0, 1, 3]], [300, 300, 0])
    assert_array_equal(found.treat_none, 0)
    avoided = found.interventions_avoided.estimate
    assert np.isnan(avoided[0])
    assert_allclose(avoided[1], 0, atol=1e-9)
    assert_allclose(avoided[2], (benefit[2] - treat_all[2]) * 1.0, rtol=1e-12)
    assert_allclose(found.standardized_net_benefit.estimate[0], 1, rtol=1e-12)


def test_a_patient_at_a_threshold_is_treated():
    time, event = np.repeat([1.0, 3.0], 20), np.repeat([True, False], 20)
    risk = np.full(40, 0.3)
    found = decision_curve(time, event, risk, horizon=2, thresholds=np.array([0.3, 0.300001]))
    assert_array_equal(found.n_treated, [40, 0])


def test_treating_all_is_kaplan_meier(calibration_inputs):
    time, event = calibration_inputs["time"].to_numpy(), calibration_inputs["event"].to_numpy()
    found = curve_of(calibration_inputs, "any", np.array([0.0, 0.2]))
    free = kaplan_meier(time, event).at(HORIZON)
    assert_allclose(found.treat_all.estimate, [1 - free, 1 - free - free / 4], rtol=1e-12)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.floats(0, 1), min_size=60, max_size=60),
    st.lists(st.floats(0, 0.99), min_size=1, max_size=12, unique=True),
)
def test_thresholds_are_counted_exactly(risks, thresholds):
    """The table of cells finds what a comparison of each risk with each threshold finds."""
    time, event = np.tile([1.0, 3.0, 3.0], 20), np.tile([True, False, False], 20)
    risk, thresholds = np.array(risks), np.sort(np.abs(thresholds))
    found = decision_curve(time, event, risk, horizon=2, thresholds=thresholds)
    high = risk[:, None] >= thresholds
    assert_array_equal(found.n_treated, high.sum(0))
    odds = thresholds / (1 - thresholds)
    expected = (high * np.where(event[:, None], 1, -odds)).mean(0)
    assert_allclose(found.net_benefit.estimate, expected, atol=1e-9)


def test_strata_of_censoring_are_used(calibration_inputs):
    stratum = calibration_inputs["stratum"].to_numpy()
    plain = curve_of(calibration_inputs, "any", np.array([0.3]))
    stratified = curve_of(calibration_inputs, "any", np.array([0.3]), stratum=stratum)
    gap = abs(plain.net_benefit.estimate - stratified.net_benefit.estimate)[0]
    assert 0 < gap < 0.02


def test_limits_come_from_the_draws_and_differences_are_paired(calibration_inputs):
    thresholds = np.array([0.2, 0.4])
    draws = np.stack(list(bootstrap_draws(300, n_bootstrap=200, seed=3)))
    model = curve_of(calibration_inputs, "cause", thresholds, draws=draws)
    crude = curve_of(calibration_inputs, "crude", thresholds, draws=draws)
    band, gain = model.net_benefit, model.over(crude)
    assert (band.lower < band.estimate).all()
    assert (band.estimate < band.upper).all()
    assert_allclose(gain.estimate, band.estimate - crude.net_benefit.estimate, rtol=1e-12)
    width = (band.upper - band.lower) + (crude.net_benefit.upper - crude.net_benefit.lower)
    assert (gain.upper - gain.lower < 0.75 * width).all()
    # A draw is the cohort with some patients repeated.
    chosen = calibration_inputs.loc[np.repeat(np.arange(300), draws[0].astype(int))]
    assert len(chosen) == 300
    again = curve_of(calibration_inputs, "cause", thresholds, draws=draws[:1])
    weight = np.where(calibration_inputs["risk"].to_numpy()[:, None] >= thresholds, 1, 0)
    assert (weight.sum(0) == model.n_treated).all()
    assert_array_equal(again.net_benefit_draws[1], model.net_benefit_draws[1])


def test_a_draw_of_everyone_twice_changes_nothing(calibration_inputs):
    found = curve_of(calibration_inputs, "any", np.array([0.1, 0.5]), draws=np.full((4, 300), 2.0))
    assert_allclose(found.net_benefit.lower, found.net_benefit.estimate, rtol=1e-12)


def test_a_draw_without_an_event_has_no_standard(calibration_inputs):
    free = (~calibration_inputs["event"]).to_numpy().astype(float)
    found = curve_of(calibration_inputs, "any", np.array([0.1]), draws=free[None])
    assert np.isnan(found.standardized_net_benefit.lower).all()
    assert found.net_benefit.lower[0] < 0


def test_curves_of_other_draws_are_not_compared(calibration_inputs):
    thresholds = np.array([0.2])
    one, other = (
        curve_of(
            calibration_inputs,
            "cause",
            thresholds,
            draws=bootstrap_draws(300, n_bootstrap=5, seed=seed),
        )
        for seed in (0, 1)
    )
    with pytest.raises(SurvivalError, match="same patients, horizon, thresholds and draws"):
        one.over(other)


def test_words(calibration_inputs):
    found = curve_of(calibration_inputs, "cause", np.array([0.1, 0.2]))
    benefit = found.net_benefit.estimate[1]
    assert f"threshold of 20% by 12.5, net benefit is {benefit:.3f} for" in found.sentence(0.2)
    with pytest.raises(SurvivalError, match="one of the 2 of the curve"):
        found.sentence(0.3)


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"thresholds": np.array([0.5, 1.0])}, r"ascending risks in \[0, 1\)"),
        ({"thresholds": np.array([0.5, 0.2])}, r"ascending risks in \[0, 1\)"),
        ({"thresholds": np.array([-0.1, 0.2])}, r"ascending risks in \[0, 1\)"),
        ({"thresholds": np.array([])}, r"ascending risks in \[0, 1\)"),
        ({"horizon": 32.0}, "got 9 at 32"),
        ({"horizon": 50.0}, "got 0 at 50"),
        ({"event": np.zeros(40, dtype=bool)}, "got 0 events"),
        ({"risk": np.linspace(0, 2, 40)}, "risk must lie in"),
        ({"time": np.array([1.0])}, "must have shape"),
    ],
)
def test_input_that_cannot_be_judged_is_refused(changed, match):
    asked = {
        "time": np.arange(1.0, 41),
        "event": np.tile([True, False], 20),
        "risk": np.linspace(0, 1, 40),
        "horizon": 20.0,
        "thresholds": np.array([0.2, 0.5]),
    } | changed
    with pytest.raises(SurvivalError, match=match):
        decision_curve(asked.pop("time"), asked.pop("event"), asked.pop("risk"), **asked)
