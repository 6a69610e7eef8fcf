"""Accelerated failure time regressions against R's survreg, scipy and closed forms."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import gengamma

from workbench.errors import SurvivalError
from workbench.survival import design, parametric
from workbench.survival.cox_regression.distributions import DISTRIBUTIONS, generalised_gamma

REFERENCE = Path(__file__).parents[2] / "reference" / "cox_inference"
NAMES = list(DISTRIBUTIONS)


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "inputs.csv").assign(event=lambda table: table["event"] == 1)


@pytest.fixture(scope="module")
def inputs(rows: pd.DataFrame) -> tuple:
    """Time, event and design."""
    made = design(rows[["x1", "x2", "level"]], reference={"level": "I"})
    return rows["time"].to_numpy(), rows["event"].to_numpy(), made


@pytest.mark.parametrize("name", NAMES)
def test_equals_survreg(inputs, name) -> None:
    table = pd.read_csv(REFERENCE / "simulated.csv")
    start = f"aft_{name.replace('-', '')}:"
    of_r = {n.removeprefix(start): p["value"].to_numpy() for n, p in table.groupby("name")}
    model = parametric(*inputs, name)
    assert_allclose(model.coefficients[:5], of_r["coefficients"], rtol=1e-8)
    assert_allclose(model.covariance.ravel(), of_r["covariance"], rtol=1e-8)
    assert_allclose(model.log_likelihood, of_r["log_likelihood"][1], rtol=1e-12)
    assert_allclose(model.aic, of_r["aic"], rtol=1e-12)
    if name != "exponential":
        assert_allclose(np.exp(model.coefficients[-1]), of_r["scale"], rtol=1e-8)
    survival = model.predict_survival(inputs[2].features[:3], [2.0, 5.0, 9.0])
    assert_allclose(survival.ravel(order="F"), of_r["survival"], rtol=1e-8)


def test_the_generalised_gamma_is_at_the_maximum_of_scipys_likelihood(inputs) -> None:
    time, event, made = inputs
    model = parametric(time, event, made, "generalised-gamma")

    def log_likelihood(theta: np.ndarray) -> float:
        law = _scipys(theta[0] + made.features @ theta[1:5], np.exp(theta[5]), theta[6])
        return float(np.where(event, law.logpdf(time), law.logsf(time)).sum())

    assert_allclose(log_likelihood(model.coefficients), model.log_likelihood, rtol=1e-10)
    error = np.sqrt(np.diagonal(model.covariance))
    for step in np.diag(0.05 * error):
        moved = [log_likelihood(model.coefficients + sign * step) for sign in (-1, 1)]
        assert max(moved) < model.log_likelihood
        # The parabola through three points has its top within a ten-thousandth of an error.
        assert abs(moved[1] - moved[0]) < 4e-2 * (2 * model.log_likelihood - sum(moved))
    for name in ("weibull", "log-normal"):  # both are special cases
        assert parametric(time, event, made, name).log_likelihood < model.log_likelihood
    law = _scipys(
        model.coefficients[0] + made.features[:3] @ model.coefficients[1:5],
        np.exp(model.coefficients[5]), model.coefficients[6],
    )  # fmt: skip
    survival = model.predict_survival(made.features[:3], [2.0, 9.0])
    assert_allclose(survival, np.column_stack([law.sf(2.0), law.sf(9.0)]), rtol=1e-10)


def _scipys(location: np.ndarray, scale: float, shape: float) -> object:
    unit = np.exp(location) * abs(shape) ** (2 * scale / shape)
    return gengamma(a=shape**-2, c=shape / scale, scale=unit)


@pytest.mark.parametrize("shape", [-2.0, -0.3, -1e-3, 0.0, 1e-5, 0.099, 0.101, 1.0])
def test_derivatives_of_the_generalised_gamma_are_derivatives(shape) -> None:
    z, step = np.linspace(-3, 1.5, 19), 1e-5
    law = generalised_gamma(shape)
    for part in (law.log_density, law.log_survival):
        low, high, here = part(z - step), part(z + step), part(z)
        assert_allclose((high.value - low.value) / (2 * step), here.slope, atol=2e-6)
        assert_allclose((high.slope - low.slope) / (2 * step), here.bend, atol=2e-6)


def test_neighbouring_shapes_agree_across_the_seams() -> None:
    z = np.linspace(-3, 3, 13)
    for seam in (1e-6, 0.1):
        below, above = generalised_gamma(seam * (1 - 1e-9)), generalised_gamma(seam * (1 + 1e-9))
        assert_allclose(below.log_density(z).value, above.log_density(z).value, atol=3e-5)
        assert_allclose(below.log_survival(z).value, above.log_survival(z).value, atol=3e-5)
    weibull, one = DISTRIBUTIONS["weibull"], generalised_gamma(1.0)
    assert_allclose(one.log_density(z).value, weibull.log_density(z).value, rtol=1e-12)
    assert_allclose(one.log_survival(z).value, weibull.log_survival(z).value, rtol=1e-12)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_exponential_rates_are_events_over_time_at_risk(seed) -> None:
    rng = np.random.default_rng(seed)
    time, event, group = rng.exponential(5, 60), rng.random(60) < 0.7, np.arange(60) % 2
    entry, weights = time * rng.choice([0, 0.5], 60), rng.integers(1, 4, 60)
    model = parametric(time, event, group[:, None], "exponential", entry=entry, weights=weights)
    spent = np.bincount(group, weights * (time - entry))
    happened = np.bincount(group, weights * event)
    mean = np.exp(np.cumsum(model.coefficients))
    assert_allclose(mean, spent / happened, rtol=1e-9)
    assert_allclose(np.diagonal(model.covariance)[0], 1 / happened[0], rtol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_units_of_time_move_the_intercept_alone(inputs, name) -> None:
    time, event, made = inputs
    model, months = (parametric(time * unit, event, made, name) for unit in (1, 1 / 30.4375))
    assert_allclose(months.coefficients[0], model.coefficients[0] - np.log(30.4375), rtol=1e-9)
    assert_allclose(months.coefficients[1:], model.coefficients[1:], rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_entry_conditions_on_having_come_that_far(rows, inputs, name) -> None:
    """At the maximum the conditional log likelihood, summed by its definition, does not rise."""
    time, event, made = inputs
    entry = rows["entry"].to_numpy()
    model = parametric(time, event, made, name, entry=entry)
    law, scaled = DISTRIBUTIONS[name], name != "exponential"

    def log_likelihood(theta: np.ndarray) -> float:
        location = theta[0] + made.features @ theta[1:5]
        log_scale = theta[5] if scaled else 0.0
        z = (np.log(time) - location) / np.exp(log_scale)
        dense = law.log_density(z).value - log_scale - np.log(time)
        late = entry > 0
        before = (np.log(entry[late]) - location[late]) / np.exp(log_scale)
        alive = law.log_survival(z).value
        return float(np.where(event, dense, alive).sum() - law.log_survival(before).value.sum())

    assert_allclose(log_likelihood(model.coefficients), model.log_likelihood, rtol=1e-12)
    error = np.sqrt(np.diagonal(model.covariance))
    for step in np.diag(0.1 * error):
        for sign in (-1, 1):
            assert log_likelihood(model.coefficients + sign * step) < model.log_likelihood


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"distribution": "gompertz"}, r"distribution must be one of \['exponential'"),
        ({"time": np.array([0.0, 1, 2, 3])}, r"3 events and 1 times of 0"),
        ({"event": np.zeros(4, dtype=bool)}, r"0 events and 0 times"),
        ({"features": np.ones((4, 1))}, r"features must vary, 'x1'"),
        ({"features": np.array([[0.0], [0], [0], [1]])}, r"found no maximum"),
    ],
)
def test_what_has_no_fit_is_refused(change, message) -> None:
    call = {
        "time": np.array([1.0, 3.0, 2.0, 4.0]),
        "event": np.array([True, True, True, False]),
        "features": np.array([[0.0], [1], [0], [1]]),
        "distribution": "weibull",
    }
    with pytest.raises(SurvivalError, match=message):
        parametric(**{**call, **change})
