"""Random effects over sites: R's metafor, and sites that agree."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from workbench.errors import SurvivalError
from workbench.evaluation import random_effects

REFERENCE = Path(__file__).parents[2] / "reference" / "calibration"


@pytest.mark.parametrize("column", ["spread", "alike"])
def test_equals_metafor(column):
    """DerSimonian-Laird with test="knha"; the prediction interval takes t with k - 2."""
    sites = pd.read_csv(REFERENCE / "sites.csv")
    reference = pd.read_csv(REFERENCE / "reference.csv").set_index("name")["value"]
    found = random_effects(sites[column].to_numpy(), sites["standard_error"].to_numpy())
    numbers = (
        found.estimate,
        found.lower,
        found.upper,
        found.tau_squared,
        100 * found.i_squared,
    )
    expected = reference[f"sites_{column}"].to_numpy()
    assert_allclose(numbers, expected[:5], rtol=1e-10)
    assert_allclose((found.prediction_lower, found.prediction_upper), expected[6:], rtol=1e-10)
    assert found.n_sites == 8


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
