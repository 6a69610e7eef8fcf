"""Random effects over sites: R's metafor, and sites that agree."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.stats import t as student

from workbench.errors import SurvivalError
from workbench.evaluation import random_effects

REFERENCE = Path(__file__).parents[2] / "reference" / "calibration"


def around(estimate, quantile, variance):
    return estimate + np.array([-1, 1]) * quantile * np.sqrt(variance)


@pytest.mark.parametrize("column", ["spread", "alike"])
def test_equals_metafor_above_its_floor(column):
    """DerSimonian-Laird with test="knha", which has no floor: here both reach it."""
    sites = pd.read_csv(REFERENCE / "sites.csv")
    reference = pd.read_csv(REFERENCE / "reference.csv").set_index("name")["value"]
    errors = sites["standard_error"].to_numpy()
    found = random_effects(sites[column].to_numpy(), errors)
    estimate, lower, upper, tau_squared, i_squared, *_ = reference[f"sites_{column}"].to_numpy()
    numbers = (found.estimate, found.tau_squared, 100 * found.i_squared)
    assert_allclose(numbers, (estimate, tau_squared, i_squared), rtol=1e-10)
    mean_t, further_t = student.ppf(0.975, 7), student.ppf(0.975, 6)
    floor = 1 / (1 / (errors**2 + tau_squared)).sum()
    assert ((upper - lower) / 2 / mean_t) ** 2 < floor
    assert_allclose((found.lower, found.upper), around(estimate, mean_t, floor), rtol=1e-9)
    assert_allclose(
        (found.prediction_lower, found.prediction_upper),
        around(estimate, further_t, tau_squared + floor),
        rtol=1e-9,
    )
    assert found.n_sites == 8


def test_above_the_floor_the_spread_of_the_sites_decides():
    """Sites far from a large one have a weighted spread above 1: no floor."""
    values, errors = np.array([0.0, 1.0, 1.2, 3.0]), np.array([0.5, 0.05, 0.5, 0.6])
    found = random_effects(values, errors)
    weight = 1 / (errors**2 + found.tau_squared)
    q = weight @ (values - found.estimate) ** 2 / 3
    assert q > 1
    variance = q / weight.sum()
    assert_allclose(
        (found.lower, found.upper), around(found.estimate, student.ppf(0.975, 3), variance)
    )
    assert_allclose(
        (found.prediction_lower, found.prediction_upper),
        around(found.estimate, student.ppf(0.975, 2), found.tau_squared + variance),
    )


def test_sites_that_agree_exactly_are_as_sure_as_their_errors():
    """The mean of two of error 0.5 has error 0.5 / sqrt(2), and t with 1 degree is 12.7."""
    found = random_effects(np.array([1.0, 1.0]), np.array([0.5, 0.5]))
    assert_allclose((found.estimate, found.upper - 1), (1, 12.7062 * 0.5 / np.sqrt(2)), rtol=1e-5)
    three = random_effects(np.ones(3), np.full(3, 0.3))
    assert three.prediction_lower < three.lower < 1 < three.upper < three.prediction_upper


def test_two_sites_predict_no_third():
    found = random_effects(np.array([1.0, 3.0]), np.array([0.5, 0.5]))
    assert np.isnan([found.prediction_lower, found.prediction_upper]).all()
    assert found.lower < 2 < found.upper


def test_the_order_and_unit_of_sites_do_not_matter():
    rng = np.random.default_rng(0)
    values, errors = rng.normal(size=6), rng.uniform(0.2, 0.5, 6)
    one = random_effects(values, errors)
    other = random_effects(10 * values[::-1], 10 * errors[::-1])
    assert_allclose(other.estimate, 10 * one.estimate, rtol=1e-12)
    assert_allclose(other.tau_squared, 100 * one.tau_squared, rtol=1e-10)
    assert_allclose(other.prediction_upper, 10 * one.prediction_upper, rtol=1e-10)


@pytest.mark.parametrize(
    ("values", "errors", "match"),
    [
        ([1.0], [0.1], "needs two with a standard error above 0, got 1"),
        ([1.0, 2.0], [0.1, 0.0], "got 2 of which 1 have none"),
        ([1.0, np.nan], [0.1, 0.2], "must be finite"),
        ([1.0, 2.0], [0.1], "must have shape"),
    ],
)
def test_sites_that_cannot_be_summarised_are_refused(values, errors, match):
    with pytest.raises(SurvivalError, match=match):
        random_effects(np.array(values), np.array(errors))
