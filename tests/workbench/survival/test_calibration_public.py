"""Calibration and net benefit on ten tables of R's survival package, against R."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from workbench.survival import competing_calibration, competing_decision_curve

SETTINGS = pd.read_csv(
    Path(__file__).parents[2] / "reference" / "calibration" / "public_settings.csv",
    index_col="table",
)


def prepared(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Time, cause and the column that predicts, as public_tables.R prepares them."""
    if name == "colon":
        table = table[table["etype"] == 2]
    if name == "pbcseq":
        table = table.drop_duplicates("id")
    col = table.get
    transplanted = {"censored": 0, "ltx": 1, "death": 2, "withdraw": 2}
    death_second = {0: 0, 1: 2, 2: 1}
    made = {
        "cancer": lambda: (col("time"), col("status") == 2, col("age")),
        "colon": lambda: (col("time"), col("status"), col("age")),
        "flchain": lambda: (col("futime"), col("death"), col("age")),
        "gbsg": lambda: (col("rfstime"), col("status"), np.log1p(col("nodes"))),
        "mgus2": lambda: (
            col("ptime"),
            np.where(col("pstat") == 1, 1, 2 * col("death")),
            col("mspike"),
        ),
        "myeloid": lambda: (
            col("futime"),
            col("death"),
            col("flt3").map({"A": 0, "B": 1, "C": 2}),
        ),
        "pbc": lambda: (col("time"), col("status").map(death_second), col("age")),
        "pbcseq": lambda: (col("futime"), col("status").map(death_second), np.log(col("bili"))),
        "rotterdam": lambda: (
            col("rtime"),
            np.where(col("recur") == 1, 1, 2 * col("death")),
            col("age"),
        ),
        "transplant": lambda: (col("futime"), col("event").map(transplanted), col("age")),
    }
    time, cause, value = made[name]()
    return pd.DataFrame({"time": time, "cause": cause, "value": value}).dropna()


@pytest.fixture(params=SETTINGS.index)
def prepared_table(request, public_table):
    """Name, time, cause, predicted risk and horizon of one table.

    R's formulas leave out who is censored at the horizon, as we do just after it (in gbsg one is).
    """
    name = request.param
    table, asked = prepared(public_table(name), name), SETTINGS.loc[name]
    score = asked["constant"] + 0.5 * (table["value"] - asked["centre"]) / asked["scale"]
    risk = 1 - np.exp(-np.exp(score.to_numpy(float)))
    outcome = table["time"].to_numpy(float), table["cause"].to_numpy().astype(int)
    return name, *outcome, risk, np.nextafter(float(asked["horizon"]), np.inf)


@pytest.mark.shared_data
def test_calibration_equals_r(prepared_table, calibration_reference):
    name, time, cause, risk, horizon = prepared_table
    assert len(time) == calibration_reference(f"{name}:n", public=True).iloc[0]
    found = competing_calibration(time, cause, risk, horizon=horizon)
    for number in ("intercept", "slope", "observed_expected"):
        expected = calibration_reference(f"{name}:{number}", public=True)
        assert_allclose(getattr(found.intervals, number), expected, rtol=1e-8, atol=1e-9)
    error = [each.estimate for each in found.error]
    assert_allclose(error, calibration_reference(f"{name}:error", public=True), rtol=1e-6)


@pytest.mark.shared_data
def test_net_benefit_equals_r(prepared_table, calibration_reference):
    name, time, cause, risk, horizon = prepared_table
    expected = calibration_reference(f"{name}:net_benefit", public=True)
    thresholds = expected.index.to_numpy(float)
    found = competing_decision_curve(time, cause, risk, horizon=horizon, thresholds=thresholds)
    assert_allclose(found.net_benefit.estimate, expected, rtol=1e-8, atol=1e-12)
    treat_all = calibration_reference(f"{name}:treat_all", public=True)
    assert_allclose(found.treat_all.estimate, treat_all, rtol=1e-8, atol=1e-12)
    vickers = calibration_reference(f"{name}:net_benefit_vickers", public=True)
    assert_allclose(found.net_benefit.estimate, vickers, atol=0.011)
    for threshold, value in zip(thresholds, vickers, strict=True):
        asked = {"horizon": horizon, "thresholds": [threshold], "stratum": risk >= threshold}
        exact = competing_decision_curve(time, cause, risk, **asked).net_benefit.estimate[0]
        assert_allclose(exact, value, rtol=1e-8, atol=1e-12)
