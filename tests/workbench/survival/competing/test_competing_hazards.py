"""Cause-specific hazards, what they make together, and what 1 - Kaplan-Meier would claim."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from workbench.errors import SurvivalError
from workbench.survival import (
    aalen_johansen,
    cause_specific,
    incidence_from_hazards,
    kaplan_meier,
    kaplan_meier_overstatement,
)

OUTCOMES = st.lists(st.tuples(st.integers(1, 9), st.integers(0, 2)), min_size=2, max_size=40)


def test_other_causes_are_censored():
    time, event = cause_specific(np.array([1.0, 2, 3]), np.array([0, 1, 2]), 2)
    assert_array_equal(time, [1, 2, 3])
    assert_array_equal(event, [False, False, True])
    with pytest.raises(SurvivalError, match=r"2 had an event and none of cause 3"):
        cause_specific(time, np.array([0, 1, 2]), 3)


@settings(deadline=None)
@given(OUTCOMES)
def test_nelson_aalen_hazards_make_the_aalen_johansen_estimate(outcomes):
    time, cause = np.array(outcomes).T
    curve = aalen_johansen(time.astype(float), cause, n_causes=2)
    hazards = np.cumsum(curve.n_events / curve.n_at_risk[:, None], axis=0).T
    found = incidence_from_hazards(curve.time, hazards, curve.time)
    assert_allclose(found, curve.incidence.T, atol=1e-12)


def test_cause_specific_cox_models_predict_as_in_r(patients, r_value):
    first = patients.head(20)[["x1", "x2", "x3"]].to_numpy()
    baseline, risk = [], []
    for cause in (1, 2):
        hazard = r_value(f"cause_specific:hazard_{cause}")
        baseline.append(hazard.to_numpy())
        risk.append(np.exp(first @ r_value(f"cause_specific:coefficient_{cause}").to_numpy()))
    times = hazard.index.to_numpy()
    cumulative = np.stack(risk, axis=1)[:, :, None] * np.stack(baseline)
    horizons = [5.0, 10.0, 20.0, 35.0]
    found = incidence_from_hazards(times, cumulative, horizons)
    for cause in (1, 2):
        for column, horizon in enumerate(horizons):
            expected = r_value(f"cause_specific:incidence_{cause}_at_{horizon:g}")
            assert_allclose(found[:, cause - 1, column], expected, rtol=1e-6)


def test_hazards_of_more_than_one_leave_nobody():
    hazards = np.array([[1.5, 1.5, 2.0], [0.5, 0.9, 1.0]])
    found = incidence_from_hazards(np.array([1.0, 2, 3]), hazards, [0.5, 1.0, 3.0])
    assert_allclose(found, [[0, 0.75, 0.75], [0, 0.25, 0.25]])


@pytest.mark.parametrize(
    ("times", "hazards", "horizons", "message"),
    [
        ([1.0, 1.0], [[0.1, 0.2]], [1.0], r"times must be ascending"),
        ([1.0, 2.0], [0.1, 0.2], [1.0], r"shape \(\.\.\., cause, 2\), got \(2,\)"),
        ([1.0, 2.0], [[0.1, 0.2, 0.3]], [1.0], r"got \(1, 3\)"),
        ([1.0, 2.0], [[0.2, 0.1]], [1.0], r"never decrease, got 1 values"),
        ([1.0, 2.0], [[np.nan, 0.1]], [1.0], r"must be finite"),
        ([1.0, 2.0], [[0.1, 0.2]], [3.0], r"hazards end at 2, before the horizon 3"),
    ],
)
def test_hazards_that_are_none_are_refused(times, hazards, horizons, message):
    with pytest.raises(SurvivalError, match=message):
        incidence_from_hazards(np.array(times), np.array(hazards), horizons)


@settings(deadline=None)
@given(OUTCOMES)
def test_one_minus_kaplan_meier_never_says_less(outcomes):
    time, cause = np.array(outcomes).T
    cause[0] = 1
    horizons = np.unique(time).astype(float)
    said = kaplan_meier_overstatement(time, cause, horizons=horizons)
    naive = 1 - kaplan_meier(time, cause == 1).at(horizons)
    assert_allclose(said.one_minus_kaplan_meier, naive, atol=1e-12)
    assert (said.one_minus_kaplan_meier >= said.incidence - 1e-12).all()
    assert_allclose(said.incidence, aalen_johansen(time, cause).at(horizons)[:, 0], atol=1e-12)


def test_without_competing_events_nothing_is_overstated():
    said = kaplan_meier_overstatement(
        np.array([1.0, 2, 3, 4]), np.array([1, 0, 1, 0]), horizons=[0.5, 4]
    )
    assert_allclose(said.difference, 0, atol=1e-15)
    assert np.isnan(said.ratio[0])
    assert said.ratio[1] == pytest.approx(1)


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["mgus2", "pbc", "transplant", "colon", "myeloid", "flchain"])
def test_the_overstatement_equals_r_on_public_tables(competing_table, r_value, name):
    table = competing_table(name)
    expected = r_value(f"{name}:one_minus_kaplan_meier")
    said = kaplan_meier_overstatement(
        table.time, table.cause, horizons=expected.index.to_numpy(float)
    )
    assert_allclose(said.one_minus_kaplan_meier, expected, rtol=1e-10)
    assert_allclose(said.incidence, r_value(f"{name}:incidence_1"), rtol=1e-10)


@pytest.mark.shared_data
def test_the_warning_is_a_sentence(competing_table):
    table = competing_table("mgus2")
    said = kaplan_meier_overstatement(table.time, table.cause, horizons=300)
    assert said.sentences() == [
        "By 300, 1 − Kaplan–Meier says 26.1 %, the cumulative incidence is 10.9 %: "
        "15.1 percentage points too high (857 competing events censored)."
    ]


def test_an_overstatement_beyond_follow_up_is_refused():
    with pytest.raises(SurvivalError, match=r"follow-up ends at 2, before the horizon 3"):
        kaplan_meier_overstatement(np.array([1.0, 2]), np.array([1, 2]), horizons=[1, 3])
