"""Cox regression, residuals and tests against R on simulated rows with ties."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from workbench.survival import (
    CoxRegression,
    cox,
    design,
    deviance_residuals,
    dfbeta,
    martingale_residuals,
    proportional_hazards,
    restricted_cubic_spline,
    scaled_schoenfeld_residuals,
    schoenfeld_residuals,
    score_residuals,
)
from workbench.survival.splines import harrell_knots

REFERENCE = Path(__file__).parents[2] / "reference" / "cox_inference"
TIMES = [2.0, 4.0, 7.0, 11.0, 16.0]

Reference = Callable[[str], np.ndarray]


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "inputs.csv")


@pytest.fixture(scope="module")
def of_r() -> Reference:
    """R's values of a name (cox_inference.R, versions.txt)."""
    found = {
        name: part["value"].to_numpy(float)
        for name, part in pd.read_csv(REFERENCE / "simulated.csv").groupby("name")
    }
    return found.__getitem__


GIVEN = {
    "plain": {},
    "strata": {"stratum": "stratum"},
    "weighted": {"weights": "weight"},
    "clustered": {"cluster": "cluster", "offset": "offset"},
    "entry": {"entry": "entry"},
    "all": {"entry": "entry", "stratum": "stratum", "weights": "weight", "cluster": "cluster"},
}
WAYS = [f"{way}_{ties}" for way in GIVEN for ties in ("efron", "breslow")]


def fit(rows: pd.DataFrame, name: str) -> CoxRegression:
    """One way of fitting, as cox_inference.R names it."""
    way, ties = name.split("_")
    return cox(
        rows["time"].to_numpy(),
        rows["event"].to_numpy() == 1,
        design(rows[["x1", "x2", "level"]], reference={"level": "I"}),
        robust=way == "weighted",
        ties=ties,
        **{argument: rows[column].to_numpy() for argument, column in GIVEN[way].items()},
    )


@pytest.fixture(scope="module", params=WAYS)
def fitted(rows: pd.DataFrame, request: pytest.FixtureRequest) -> tuple[str, CoxRegression]:
    return request.param, fit(rows, request.param)


def close(found: np.ndarray, expected: np.ndarray, rtol: float = 1e-8) -> None:
    expected = np.reshape(expected, np.shape(found), order="F")
    assert_allclose(found, expected, rtol=rtol, atol=rtol * np.nanmax(np.abs(expected)))


def test_estimates_and_tests_equal_r(fitted, of_r) -> None:
    name, model = fitted
    close(model.coefficients, of_r(f"{name}:coefficients"))
    close(model.model_covariance, of_r(f"{name}:model_covariance"))
    close(model.covariance, of_r(f"{name}:covariance"))
    close([model.log_likelihood_null, model.log_likelihood], of_r(f"{name}:log_likelihood"), 1e-12)
    close(model.score.statistic, of_r(f"{name}:score"))
    close(model.wald.statistic, of_r(f"{name}:wald"))
    assert [model.n_rows, model.n_events] == of_r(f"{name}:counts").tolist()
    if model.robust and not name.startswith("clustered"):  # R leaves the offset out of this test
        close(model.robust_score.statistic, of_r(f"{name}:robust_score"))
    gained = 2 * np.diff(of_r(f"{name}:log_likelihood"))
    close(model.likelihood_ratio.statistic, gained)
    table = model.table(confidence=0.9)
    close(table[["lower", "upper"]].dropna().to_numpy(), of_r(f"{name}:limits"))


def test_the_robust_score_test_of_r_without_the_offset(rows, of_r) -> None:
    model = fit(rows.assign(offset=0.0), "clustered_efron")
    close(model.robust_score.statistic, of_r("clustered_efron:robust_score"))


def test_residuals_equal_r(fitted, of_r) -> None:
    name, model = fitted
    close(martingale_residuals(model), of_r(f"{name}:martingale"))
    close(deviance_residuals(model), of_r(f"{name}:deviance"))
    close(score_residuals(model), of_r(f"{name}:score_residuals"))
    close(dfbeta(model), of_r(f"{name}:dfbeta"))
    close(schoenfeld_residuals(model).values, of_r(f"{name}:schoenfeld"))
    close(scaled_schoenfeld_residuals(model).values, of_r(f"{name}:scaledsch"))


def test_baseline_hazards_equal_r(fitted, rows, of_r) -> None:
    name, model = fitted
    nobody = np.zeros((1, 4))
    # R's curve is of a patient with the mean offset, ours with the one passed.
    usual = rows["offset"].mean() if name.startswith("clustered") else 0.0
    for baseline in model.baseline:
        label = "all" if baseline.stratum is None else baseline.stratum
        expected = of_r(f"{name}:baseline_{label}")
        seen = np.array(TIMES) <= baseline.last_time
        found = model.cumulative_hazard(nobody, TIMES, stratum=baseline.stratum, offset=usual)[0]
        assert seen.sum() >= 4
        close(found[seen], expected[seen])
        assert np.isnan(found[~seen]).all()
        survival = model.predict_survival(nobody, TIMES, stratum=baseline.stratum, offset=usual)[0]
        close(survival[seen], np.exp(-expected[seen]))


@pytest.mark.parametrize("transform", ["km", "identity", "rank", "log"])
def test_proportional_hazards_equals_r(fitted, of_r, transform) -> None:
    name, model = fitted
    result = proportional_hazards(model, transform)
    tests = [*result.tests, result.overall]
    close([test.statistic for test in tests], of_r(f"{name}:zph_{transform}"))
    assert [test.degrees_of_freedom for test in tests] == of_r(f"{name}:zph_df")[:4].tolist()


def test_the_curve_over_time_equals_r(fitted, of_r) -> None:
    name, model = fitted
    smooth = proportional_hazards(model).smooth("x1", confidence=0.95)
    error = (smooth.upper - smooth.lower) / 2 / 1.959963984540054
    close(smooth.coefficient[::5], of_r(f"{name}:smooth"))
    close(error[::5], of_r(f"{name}:smooth_error"))


@pytest.mark.parametrize("name", ["all_efron", "all_breslow"])
def test_points_of_the_plot_equal_r(rows, of_r, name) -> None:
    result = proportional_hazards(fit(rows, name))
    close(result.transformed, of_r(f"{name}:zph_axis"))
    points = np.reshape(of_r(f"{name}:zph_points"), result.residuals.shape, order="F")
    # R turns the order of tied events round.
    close(result.residuals[np.argsort(result.residuals[:, 0])], points[np.argsort(points[:, 0])])


@pytest.mark.parametrize("n_knots", [3, 4, 5, 6, 7])
def test_knots_equal_harrells(rows, of_r, n_knots) -> None:
    x = rows["x1"].to_numpy()
    long = np.concatenate([x, x + 0.5, x**2])
    heaped = np.concatenate([np.full(20, -5.0), long, np.full(17, 20.0)])
    for name, values in (("small", x), ("large", long), ("heaped", heaped)):
        close(harrell_knots(values, n_knots), of_r(f"knots_{name}_{n_knots}"), 1e-12)


def test_spline_columns_equal_harrells(rows, of_r) -> None:
    close(restricted_cubic_spline(rows["x1"].to_numpy(), 5).columns, of_r("spline_columns"), 1e-12)
