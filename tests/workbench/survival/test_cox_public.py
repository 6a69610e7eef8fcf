"""Cox regressions of public tables against R: twelve fits of eleven tables."""

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
    effect_curve,
    martingale_residuals,
    nonlinearity_test,
    proportional_hazards,
    scaled_schoenfeld_residuals,
    schoenfeld_residuals,
    score_residuals,
)

REFERENCE = Path(__file__).parents[2] / "reference" / "cox_inference"

pytestmark = pytest.mark.shared_data

Read = Callable[[str], pd.DataFrame]


def fit(
    table: pd.DataFrame,
    time: str,
    event: pd.Series,
    columns: list[str],
    *,
    reference: dict[str, str] | None = None,
    ties: str = "efron",
    robust: bool = False,
    **given: str,
) -> CoxRegression:
    """A Cox regression of the complete rows; ``given`` names columns (entry, stratum, ...)."""
    used = table[[time, *columns, *given.values()]].notna().all(axis=1) & event.notna()
    table, event = table[used], event[used].astype(bool)
    return cox(
        table[time].to_numpy(float),
        event.to_numpy(),
        design(table[columns], reference=reference),
        ties=ties,
        robust=robust,
        **{argument: table[column].to_numpy() for argument, column in given.items()},
    )


def pbc(read: Read) -> CoxRegression:
    table = read("pbc").assign(bili=lambda t: np.log(t["bili"]))
    table["protime"] = np.log(table["protime"])
    columns = ["age", "edema", "bili", "albumin", "protime"]
    return fit(table, "time", table["status"] == 2, columns)


def colon(read: Read) -> CoxRegression:
    table = read("colon").query("etype == 2")
    columns = ["rx", "sex", "age", "node4"]
    return fit(
        table, "time", table["status"] == 1, columns, reference={"rx": "Obs"}, stratum="differ"
    )


def colon_both(read: Read) -> CoxRegression:
    table = read("colon")
    columns = ["rx", "sex", "age", "node4"]
    given = {"stratum": "etype", "cluster": "id"}
    return fit(table, "time", table["status"] == 1, columns, reference={"rx": "Obs"}, **given)


def mgus2(read: Read) -> CoxRegression:
    table = read("mgus2")
    columns = ["age", "sex", "hgb", "creat", "mspike"]
    return fit(
        table, "futime", table["death"] == 1, columns, reference={"sex": "F"}, ties="breslow",
        robust=True,
    )  # fmt: skip


def rotterdam(read: Read) -> CoxRegression:
    table = read("rotterdam")
    table["size"] = pd.Categorical(table["size"], ["<=20", "20-50", ">50"])
    columns = ["age", "meno", "size", "grade", "nodes", "pgr", "er", "hormon", "chemo"]
    return fit(table, "dtime", table["death"] == 1, columns, reference={"size": "<=20"})


def gbsg(read: Read) -> CoxRegression:
    table = read("gbsg").assign(weight=lambda t: 1 + t["pid"] % 3)
    table["grade"] = table["grade"].astype(str)
    columns = ["age", "meno", "size", "grade", "nodes", "pgr", "er", "hormon"]
    return fit(
        table, "rfstime", table["status"] == 1, columns, reference={"grade": "1"}, robust=True,
        weights="weight",
    )  # fmt: skip


def flchain(read: Read) -> CoxRegression:
    table = read("flchain").query("futime > 0")
    table = table.assign(entry=365 * table["age"], exit=365 * table["age"] + table["futime"])
    columns = ["sex", "kappa", "lambda", "mgus"]
    return fit(table, "exit", table["death"] == 1, columns, reference={"sex": "F"}, entry="entry")


def cancer(read: Read) -> CoxRegression:
    table = read("cancer")
    return fit(
        table, "time", table["status"] == 2, ["age", "sex", "ph.ecog", "wt.loss"], stratum="inst"
    )


def heart(read: Read) -> CoxRegression:
    table = read("heart")
    columns = ["age", "year", "surgery", "transplant"]
    given = {"entry": "start", "cluster": "id"}
    return fit(table, "stop", table["event"] == 1, columns, **given)


def transplant(read: Read) -> CoxRegression:
    table = read("transplant")
    return fit(
        table, "futime", table["event"] == "ltx", ["age", "sex", "abo", "year"], ties="breslow",
        reference={"abo": "O", "sex": "f"},
    )  # fmt: skip


def myeloid(read: Read) -> CoxRegression:
    table = read("myeloid")
    reference = {"trt": "A", "sex": "f", "flt3": "A"}
    return fit(table, "futime", table["death"] == 1, ["trt", "sex", "flt3"], reference=reference)


def pbcseq(read: Read) -> CoxRegression:
    table = read("pbcseq").sort_values(["id", "day"], kind="stable")
    following = table.groupby("id")["day"].shift(-1)
    table = table.assign(
        stop=following.fillna(table["futime"]),
        death=following.isna() & (table["status"] == 2),
        bili=np.log(table["bili"]),
    ).query("day < stop")
    columns = ["age", "edema", "bili", "albumin"]
    return fit(table, "stop", table["death"], columns, entry="day", cluster="id")


FITS = {
    f.__name__: f
    for f in (
        pbc, colon, colon_both, mgus2, rotterdam, gbsg, flchain, cancer, heart, transplant, myeloid,
        pbcseq,
    )
}  # fmt: skip


@pytest.fixture(scope="module")
def of_r() -> Callable[[str], pd.Series]:
    """R's values of a name, by where they hold (cox_inference.R, versions.txt)."""
    table = pd.read_csv(REFERENCE / "public.csv")
    found = {name: part.set_index("at")["value"] for name, part in table.groupby("name")}
    return found.__getitem__


@pytest.fixture(scope="module", params=list(FITS))
def fitted(public_table: Read, request: pytest.FixtureRequest) -> tuple[str, CoxRegression]:
    return request.param, FITS[request.param](public_table)


def close(found: np.ndarray, expected: np.ndarray, rtol: float = 1e-8) -> None:
    expected = np.reshape(np.asarray(expected), np.shape(found), order="F")
    assert_allclose(found, expected, rtol=rtol, atol=rtol * np.nanmax(np.abs(expected)))


def test_estimates_and_tests_equal_r(fitted, of_r) -> None:
    name, model = fitted
    close(model.coefficients, of_r(f"{name}:coefficients"))
    for kind in ("model_covariance", "covariance"):
        expected = of_r(f"{name}:{kind}").to_numpy().reshape(model.covariance.shape)
        scale = np.sqrt(np.outer(np.diagonal(expected), np.diagonal(expected)))
        assert_allclose(getattr(model, kind) / scale, expected / scale, rtol=1e-8, atol=1e-8)
    close([model.log_likelihood_null, model.log_likelihood], of_r(f"{name}:log_likelihood"), 1e-12)
    close(model.score.statistic, of_r(f"{name}:score"))
    close(model.wald.statistic, of_r(f"{name}:wald"))
    assert [model.n_rows, model.n_events] == of_r(f"{name}:counts").tolist()
    if model.robust:
        close(model.robust_score.statistic, of_r(f"{name}:robust_score"))
    table = model.table(confidence=0.9)
    close(table[["lower", "upper"]].dropna().to_numpy(), of_r(f"{name}:limits"))


def test_sums_of_residuals_equal_r(fitted, of_r) -> None:
    name, model = fitted
    residuals = {
        "martingale": martingale_residuals(model),
        "deviance": deviance_residuals(model),
        "score_residuals": score_residuals(model),
        "dfbeta": dfbeta(model),
        "schoenfeld": schoenfeld_residuals(model).values,
        "scaledsch": scaled_schoenfeld_residuals(model).values,
    }
    for kind, values in residuals.items():
        close([(values**2).sum(), np.abs(values).sum()], of_r(f"{name}:{kind}"))


def test_proportional_hazards_equals_r(fitted, of_r) -> None:
    name, model = fitted
    for transform in ("km", "identity", "rank"):
        result = proportional_hazards(model, transform)
        tests = [*result.tests, result.overall]
        close([test.statistic for test in tests], of_r(f"{name}:zph_{transform}"))
        freedom = of_r(f"{name}:zph_df").tolist()[: len(tests)]
        assert [test.degrees_of_freedom for test in tests] == freedom
    result = proportional_hazards(model)
    smooth = result.smooth(result.names[0], confidence=0.95)
    error = (smooth.upper - smooth.lower) / 2 / 1.959963984540054
    close(smooth.coefficient[::5], of_r(f"{name}:smooth"))
    close(error[::5], of_r(f"{name}:smooth_error"))


@pytest.mark.parametrize("name", [name for name in FITS if name != "cancer"])
def test_baseline_hazards_equal_r(public_table, of_r, name) -> None:
    model = FITS[name](public_table)
    nobody = np.zeros((1, len(model.names)))
    for baseline in model.baseline:
        label = "all" if baseline.stratum is None else f"{baseline.stratum:g}"
        expected = of_r(f"{name}:baseline_{label}")
        expected = expected[expected.index.astype(float) <= baseline.last_time]
        assert len(expected) >= 6
        times = expected.index.to_numpy(float)
        found = model.cumulative_hazard(nobody, times, stratum=baseline.stratum)
        close(found[0], expected)


@pytest.fixture(scope="module")
def bent(public_table: Read) -> CoxRegression:
    """Age and bilirubin of the pbc table as splines."""
    table = public_table("pbc")[["time", "status", "age", "bili", "albumin"]]
    made = design(table[["age", "bili", "albumin"]], splines={"age": 4, "bili": 5})
    return cox(table["time"].to_numpy(), table["status"].to_numpy() == 2, made)


def test_splines_equal_rms(bent, of_r) -> None:
    close(bent.coefficients, of_r("rms:coefficients"))
    scale = np.outer(bent.standard_errors, bent.standard_errors)
    expected = of_r("rms:covariance").to_numpy().reshape(scale.shape)
    # The columns are nearly collinear, and inverting their information costs R seven digits.
    assert_allclose(bent.covariance / scale, expected / scale, rtol=0, atol=3e-7)
    nonlinear = [nonlinearity_test(bent, name).statistic for name in ("age", "bili")]
    close(nonlinear, of_r("rms:nonlinear"))
    assert nonlinearity_test(bent, "bili").degrees_of_freedom == 3


@pytest.mark.parametrize(("name", "reference"), [("age", 50.0), ("bili", 1.0)])
def test_the_curve_of_a_spline_equals_rms(bent, of_r, name, reference) -> None:
    values = of_r(f"rms:{name}").index.to_numpy(float)
    curve = effect_curve(bent, name, values, reference=reference)
    close(curve.log_hazard_ratio, of_r(f"rms:{name}"))
    # rms takes its covariance one Newton step early: it differs from coxph's by this much.
    close(curve.lower, of_r(f"rms:{name}_lower"), 1e-6)
