"""Gray's test: R's cmprsk, invariances, refusals."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from workbench.errors import SurvivalError
from workbench.survival import gray_test

OPTIONS = {
    "tied": {},
    "untied": {},
    "tied_rho": {"rho": 1.0},
    "stratified": {"stratum": "stratum"},
    "stratified_rho": {"stratum": "stratum", "rho": -0.5},
}


def assert_equals_r(test, expected):
    statistic, p_value, degrees_of_freedom = expected
    assert_allclose(test.statistic, statistic, rtol=1e-10)
    assert_allclose(test.p_value, p_value, rtol=1e-8, atol=1e-14)  # R's is 1 - pchisq
    assert test.degrees_of_freedom == degrees_of_freedom


@pytest.mark.parametrize("cause", [1, 2])
@pytest.mark.parametrize("name", OPTIONS)
def test_equals_r(patients, r_value, name, cause):
    options = dict(OPTIONS[name])
    if "stratum" in options:
        options["stratum"] = patients["stratum"].to_numpy()
    time = patients["untied" if name == "untied" else "time"].to_numpy()
    outcome = time, patients["cause"].to_numpy(), patients["group"].to_numpy()
    assert_equals_r(gray_test(*outcome, of=cause, **options), r_value(f"{name}:gray_{cause}"))


def test_equals_r_with_two_groups(patients, r_value):
    outcome = (patients[name].to_numpy() for name in ("time", "cause", "stratum"))
    assert_equals_r(gray_test(*outcome), r_value("two_groups:gray_1"))


@pytest.mark.shared_data
@pytest.mark.parametrize(
    "name", ["mgus2", "pbc", "transplant", "colon", "rotterdam", "myeloid", "flchain"]
)
def test_equals_r_on_public_tables(competing_table, r_value, name):
    table = competing_table(name)
    for cause in range(1, table.cause.max() + 1):
        test = gray_test(table.time, table.cause, table.group, of=cause)
        assert_equals_r(test, r_value(f"{name}:gray_{cause}"))


def test_names_and_order_of_groups_and_patients_do_not_matter(patients):
    time, cause, group = (patients[name].to_numpy() for name in ("time", "cause", "group"))
    test = gray_test(time, cause, group)
    renamed = gray_test(time[::-1], cause[::-1], np.array(["c", "a", "b"])[group][::-1])
    assert_allclose(renamed.statistic, test.statistic, rtol=1e-10)
    assert_allclose(renamed.observed, test.observed[[1, 2, 0]])
    assert_allclose(test.observed.sum(), test.expected.sum())


def test_only_the_order_of_times_matters(patients):
    time, cause, group = (patients[name].to_numpy() for name in ("time", "cause", "group"))
    stretched = gray_test(np.sqrt(time), cause, group)
    assert_allclose(stretched.statistic, gray_test(time, cause, group).statistic, rtol=1e-10)


def test_a_planted_difference_is_found_and_an_equal_pair_is_not():
    rng = np.random.default_rng(3)
    group = rng.integers(0, 2, 600)
    first, second = rng.exponential(np.where(group, 5, 10)), rng.exponential(10, 600)
    time, cause = np.minimum(first, second), np.where(first < second, 1, 2)
    assert gray_test(time, cause, group).p_value < 1e-4
    twins = np.tile(time, 2), np.tile(cause, 2), np.repeat([0, 1], 600)
    assert_allclose(gray_test(*twins).statistic, 0, atol=1e-15)


TIME, CAUSE = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1, 2, 1, 0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gray_test(TIME, CAUSE, np.zeros(4)), r"two or more groups, got 1"),
        (lambda: gray_test(TIME, CAUSE, np.array([0, 0, 1, 1]), of=3), r"none of cause 3"),
        (lambda: gray_test(TIME, CAUSE, np.array([0, 0, 1, 1]), of=0), r"1 or more, got 0"),
        (lambda: gray_test(TIME, CAUSE, np.array([0, 0, 1])), r"group must have shape \(4,\)"),
        (lambda: gray_test(TIME, CAUSE, np.array([0, 0, 1, 1]), rho=np.nan), r"rho must be finite"),
        # Strata hold one group each, so no two groups are ever compared.
        (
            lambda: gray_test(TIME, CAUSE, np.array([0, 0, 1, 1]), stratum=np.array([0, 0, 1, 1])),
            r"each of 2 groups at risk together with another",
        ),
        # Everyone has the cause at once.
        (lambda: gray_test(TIME * 0 + 1, CAUSE * 0 + 1, TIME), r"each of 4 groups at risk"),
    ],
)
def test_an_undefined_test_is_refused(call, message):
    with pytest.raises(SurvivalError, match=message):
        call()
