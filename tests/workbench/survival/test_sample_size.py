"""Sample size: the published examples of ``pmsampsize``, and what its criteria say."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from workbench.errors import SurvivalError
from workbench.survival import binary_sample_size, r_squared_from_c, sample_size
from workbench.survival.binary_sample_size import largest_r_squared_of_binary
from workbench.survival.sample_size import largest_r_squared

EXAMPLE = {"r_squared": 0.051, "rate": 0.065, "mean_follow_up": 2.07, "horizon": 2.0}


@pytest.mark.parametrize(
    ("n_parameters", "changed", "n_patients", "per_parameter"),
    [
        # Tests 3.1 to 3.4 of R package pmsampsize (tests/testthat/test_surv.R).
        (25, {}, (4286, 866), (23.07, 4.66)),
        (25, {"r_squared": 0.065}, (3335, 859), (17.95, 4.62)),
        (50, {}, (8572, 1731), (23.07, 4.66)),
        (25, {"rate": 0.1}, (4286, 731), (35.49, 6.05)),
        # The example of its documentation, and of Riley et al., BMJ 2020.
        (30, {}, (5143, 1039), (23.07, 4.66)),
    ],
)
def test_equals_pmsampsize(n_parameters, changed, n_patients, per_parameter):
    found = sample_size(n_parameters, **EXAMPLE | changed)
    first, second, _ = found.criteria
    assert first.n_patients == n_patients[0]
    assert abs(second.n_patients - n_patients[1]) <= 1  # pmsampsize rounds events up first
    assert round(first.events_per_parameter, 2) == per_parameter[0]
    assert_allclose(second.events_per_parameter, per_parameter[1], atol=0.01)
    assert found.n_patients == n_patients[0]


def test_overall_risk_of_the_example():
    """pmsampsize prints 95 % CI (.113, .13) for a true value of .122 and n = 5143."""
    found = sample_size(30, **EXAMPLE)
    assert round(found.overall_risk, 3) == 0.122
    assert (round(found.risk_lower, 3), round(found.risk_upper, 3)) == (0.113, 0.13)
    assert found.sentence == (
        "At least 5,143 patients with 692 events (23.1 a parameter) are needed, set by small "
        "overfitting; the overall risk of 0.122 would be known within 0.113 to 0.130."
    )


def test_a_precise_overall_risk_can_ask_for_most():
    found = sample_size(1, **EXAMPLE | {"r_squared": 0.3})
    third = found.criteria[2]
    assert found.n_patients == third.n_patients
    person_time = third.n_patients * 2.07
    error = 1.959963984540054 * math.sqrt(0.065 / person_time)
    risk = 1 - math.exp(-0.13)
    assert 0.049 < risk - (1 - math.exp(-(0.065 - error) * 2)) <= 0.05
    fewer = 1.959963984540054 * math.sqrt(0.065 / (person_time - 2.07))
    assert risk - (1 - math.exp(-(0.065 - fewer) * 2)) > 0.05


@given(st.floats(1e-5, 3), st.floats(0.001, 1), st.floats(0.01, 40), st.floats(0.005, 0.4))
def test_the_margin_is_kept_and_no_patient_is_too_many(rate, events, horizon, margin):
    follow_up = events / rate * (1 - 1e-12)
    asked = {"rate": rate, "mean_follow_up": follow_up, "horizon": horizon, "margin": margin}
    n_patients = sample_size(1, r_squared=0.001, **asked).criteria[2].n_patients

    def reach(n):
        error = 1.959963984540054 * math.sqrt(rate / (n * follow_up))
        return math.exp(-rate * horizon) * math.expm1(min(error * horizon, 700))

    assert reach(n_patients) <= margin * (1 + 1e-9)
    assert n_patients == 1 or reach(n_patients - 1) > margin * (1 - 1e-9)


def test_largest_r_squared_of_the_example():
    assert_allclose(largest_r_squared(0.065 * 2.07), 0.555, atol=5e-4)


@given(st.integers(1, 200), st.floats(0.01, 0.5))
def test_shrinkage_of_the_size_found_is_the_one_asked(n_parameters, r_squared):
    """Van Houwelingen's shrinkage 1 + p / (n log(1 - R2_apparent)) with R2_apparent = R2 / S."""
    found = sample_size(n_parameters, **EXAMPLE | {"r_squared": r_squared})
    for criterion in found.criteria[:2]:
        apparent = r_squared / criterion.shrinkage
        reached = 1 + n_parameters / (criterion.n_patients * math.log(1 - apparent))
        fewer = criterion.n_patients - 1
        assert reached >= criterion.shrinkage - 1e-12
        assert fewer == 0 or 1 + n_parameters / (fewer * math.log(1 - apparent)) < (
            criterion.shrinkage + 1e-12
        )


def test_r_squared_from_c():
    """Jinks' D of .7 is 1.18208; the rest of the way by hand."""
    d = 5.5 * 0.2 + 10.26 * 0.008
    royston = d**2 / (d**2 + (8 / math.pi) * math.pi**2 / 6)
    quigley = royston / (royston + (6 / math.pi**2) * (1 - royston))
    assert_allclose(r_squared_from_c(0.7, events_a_patient=0.2), 1 - (1 - quigley) ** 0.2)
    assert r_squared_from_c(0.8, events_a_patient=0.2) > r_squared_from_c(0.7, events_a_patient=0.2)


@pytest.mark.parametrize(
    ("n_parameters", "changed", "match"),
    [
        (0, {}, "n_parameters must be a whole number from 1"),
        (2.5, {}, "n_parameters must be a whole number from 1"),
        (5, {"rate": 0.0}, "rate must be above 0"),
        (5, {"rate": 0.6}, "rate x mean_follow_up must be at most 1, got 1.242"),
        (5, {"horizon": float("nan")}, "horizon must be above 0"),
        (5, {"r_squared": 0.6}, "r_squared must lie below 0.555"),
        (5, {"r_squared": 0.0}, r"r_squared must lie in \(0, 1\)"),
        (5, {"shrinkage": 1.0}, r"shrinkage must lie in \(0, 1\)"),
    ],
)
def test_values_out_of_range_are_refused(n_parameters, changed, match):
    with pytest.raises(SurvivalError, match=match):
        sample_size(n_parameters, **EXAMPLE | changed)


@pytest.mark.parametrize(
    ("r_squared", "n_patients", "per_parameter"),
    [
        # pmsampsize's own tests of binary outcomes, 24 parameters and a prevalence of .174.
        (0.288, (623, 662, 221), (4.52, 4.80, 1.60)),
        (0.55, (255, 532, 221), (1.85, 3.86, 1.60)),
    ],
)
def test_equals_pmsampsize_without_a_time(r_squared, n_patients, per_parameter):
    found = binary_sample_size(24, r_squared=r_squared, prevalence=0.174)
    assert tuple(each.n_patients for each in found.criteria) == n_patients
    assert_allclose([c.events_per_parameter for c in found.criteria], per_parameter, atol=0.01)
    assert found.n_patients == max(n_patients)


@given(st.floats(0.001, 0.999))
def test_largest_r_squared_without_a_time_is_that_of_the_likelihood(prevalence):
    """1 - L0^(2/n) of a million patients, whose best model tells each outcome for sure."""
    n = 1_000_000
    null = n * (prevalence * math.log(prevalence) + (1 - prevalence) * math.log1p(-prevalence))
    assert_allclose(largest_r_squared_of_binary(prevalence), -math.expm1(2 * null / n))
    precise = binary_sample_size(1, r_squared=1e-4, prevalence=prevalence).criteria[2].n_patients
    error = 1.959963984540054 * math.sqrt(prevalence * (1 - prevalence) / precise)
    assert error <= 0.05


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"prevalence": 1.0}, r"prevalence must lie in \(0, 1\)"),
        ({"prevalence": math.nan}, r"prevalence must lie in \(0, 1\)"),
        ({"r_squared": 0.61}, "r_squared must lie below 0.603"),
    ],
)
def test_values_without_a_time_out_of_range_are_refused(changed, match):
    with pytest.raises(SurvivalError, match=match):
        binary_sample_size(24, **{"r_squared": 0.288, "prevalence": 0.174} | changed)


def test_c_out_of_range_is_refused():
    with pytest.raises(SurvivalError, match=r"c must lie in"):
        r_squared_from_c(0.5, events_a_patient=0.2)
    with pytest.raises(SurvivalError, match="events_a_patient"):
        r_squared_from_c(0.7, events_a_patient=1.2)
