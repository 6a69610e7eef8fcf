"""Curves, quantiles, means and tests against R's survival package (tests/reference/curves)."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from workbench.survival import (
    adjusted_kaplan_meier,
    follow_up,
    kaplan_meier,
    log_rank,
    nelson_aalen,
    pairwise_log_rank,
    rmst,
)
from workbench.survival.limits import LIMITS

FOLDER = Path(__file__).parents[2] / "reference" / "curves"
SIMULATED = pd.read_csv(FOLDER / "inputs.csv")
ALL = pd.read_csv(FOLDER / "reference.csv")
REFERENCE = {name: table.set_index("at")["value"] for name, table in ALL.groupby("name")}
# Twelve digits: the two programs add and multiply in another order.
CLOSE = 1e-11


class Patients(NamedTuple):
    """One table in the words of this package."""

    time: np.ndarray
    event: np.ndarray
    group: np.ndarray
    stratum: np.ndarray
    entry: np.ndarray | None = None


def _patients(table: pd.DataFrame, time: str, event: object, group: str, stratum: str) -> Patients:
    labels = (table[each].astype(str).to_numpy() for each in (group, stratum))
    return Patients(table[time].to_numpy(dtype=float), np.asarray(event, dtype=bool), *labels)


def _pbc(table: pd.DataFrame) -> Patients:
    table = table.assign(advanced=table["stage"] > 2)
    return _patients(table, "time", table["status"] == 2, "advanced", "sex")


def _colon(table: pd.DataFrame) -> Patients:
    table = table[table["etype"] == 2]
    return _patients(table, "time", table["status"] == 1, "rx", "sex")


def _transplant(table: pd.DataFrame) -> Patients:
    table = table[table["futime"] > 0]
    return _patients(table, "futime", table["event"] == "death", "abo", "sex")


def _pbcseq(table: pd.DataFrame) -> Patients:
    table = table[table["day"] == 0]
    return _patients(table, "futime", table["status"] == 2, "edema", "trt")


def _over(age: int) -> Callable[[pd.DataFrame], pd.Series]:
    return lambda table: table["age"] > age


TABLES: dict[str, Callable[[pd.DataFrame], Patients]] = {
    "pbc": _pbc,
    "colon": _colon,
    "mgus2": lambda t: _patients(t.assign(old=_over(70)), "futime", t["death"] == 1, "sex", "old"),
    "rotterdam": lambda t: _patients(t, "dtime", t["death"] == 1, "size", "meno"),
    "gbsg": lambda t: _patients(t, "rfstime", t["status"] == 1, "grade", "hormon"),
    "flchain": lambda t: _patients(t, "futime", t["death"] == 1, "flc.grp", "sex"),
    "cancer": lambda t: _patients(t.assign(old=_over(65)), "time", t["status"] == 2, "sex", "old"),
    "transplant": _transplant,
    "myeloid": lambda t: _patients(t, "futime", t["death"] == 1, "flt3", "sex"),
    "pbcseq": _pbcseq,
}


def _late(name: str, table: pd.DataFrame) -> Patients:
    if name == "heart":
        outcome = _patients(table, "stop", table["event"] == 1, "transplant", "transplant")
        return outcome._replace(entry=table["start"].to_numpy(dtype=float))
    table = table[table["futime"] > 3]
    table = table.assign(exit=(table["age"] + table["futime"] / 365).round(2))
    outcome = _patients(table, "exit", table["death"] == 1, "sex", "sex")
    return outcome._replace(entry=table["age"].to_numpy(dtype=float))


def _simulated(late: bool = False) -> Patients:
    outcome = _patients(SIMULATED, "time", SIMULATED["event"] == 1, "group", "stratum")
    return outcome._replace(entry=SIMULATED["entry"].to_numpy() if late else None)


def _every_fourth(n_patients: int) -> np.ndarray:
    return 1.0 + np.arange(1, n_patients + 1) % 4


def _assert_curve_equals_r(name: str, patients: Patients, weights: np.ndarray | None) -> None:
    given = {"entry": patients.entry, "weights": weights}
    expected = REFERENCE[f"{name}:survival"]
    for limits in LIMITS:
        curve = kaplan_meier(patients.time, patients.event, limits=limits, **given)
        assert_allclose(curve.at(expected.index), expected, rtol=CLOSE)
        # R leaves log-log limits of a survival of 1 undefined; here both are 1.
        for found, side in zip(curve.limits_at(expected.index), ("lower", "upper"), strict=True):
            assert_allclose(found, REFERENCE[f"{name}:{side}_{limits}"].fillna(1), rtol=CLOSE)
        shares = REFERENCE[f"{name}:quantile_{limits}"].index
        for found, side in zip(curve.quantile(shares), ("", "_lower", "_upper"), strict=True):
            r = REFERENCE[f"{name}:quantile{side}_{limits}"].fillna(np.inf)
            assert_allclose(found, r, rtol=1e-12, err_msg=f"{limits} {side}")
    error = REFERENCE[f"{name}:error"]
    assert_allclose(curve.standard_error_at(error.index), error, rtol=CLOSE)
    hazard = nelson_aalen(patients.time, patients.event, **given)
    assert_allclose(hazard.at(expected.index), REFERENCE[f"{name}:hazard"], rtol=CLOSE)
    found = hazard.standard_error_at(expected.index)
    assert_allclose(found, REFERENCE[f"{name}:hazard_error"], rtol=CLOSE)
    r = REFERENCE[f"{name}:rmst"]
    mean = rmst(patients.time, patients.event, tau=r.index[0], **given)
    assert_allclose([mean.mean.estimate, mean.standard_error], r, rtol=CLOSE)


def _assert_tests_equal_r(name: str, patients: Patients) -> None:
    time, event, group, stratum, _ = patients
    for kind, settings in {
        "log_rank": {},
        "rho_1": {"rho": 1},
        "rho_half": {"rho": 0.5},
        "strata": {"stratum": stratum},
        "strata_rho_1": {"stratum": stratum, "rho": 1},
    }.items():
        test = log_rank(time, event, group, **settings)
        assert_allclose(test.statistic, REFERENCE[f"{name}:{kind}"].iloc[0], rtol=1e-9)
        assert_allclose(test.expected, REFERENCE[f"{name}:{kind}_expected"], rtol=CLOSE)
        assert_allclose(test.observed, REFERENCE[f"{name}:{kind}_observed"], rtol=CLOSE)
    adjusted = [pair.p_adjusted for pair in pairwise_log_rank(time, event, group)]
    assert_allclose(adjusted, REFERENCE[f"{name}:pairwise"], rtol=1e-8, atol=1e-250)
    curve = follow_up(time, event)
    shares = REFERENCE[f"{name}:follow_up"].index
    for found, side in zip(curve.quantile(shares), ("", "_lower", "_upper"), strict=True):
        assert_allclose(found, REFERENCE[f"{name}:follow_up{side}"].fillna(np.inf), rtol=1e-12)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_simulated_curves_equal_r(late, weighted):
    name = "_".join(["late"] * late + ["weighted"] * weighted) or "simulated"
    weights = SIMULATED["weight"].to_numpy() if weighted else None
    _assert_curve_equals_r(name, _simulated(late), weights)


def test_simulated_tests_equal_r():
    _assert_tests_equal_r("simulated", _simulated())


def test_a_test_with_late_entry_equals_r():
    time, event, group, _, entry = _simulated(late=True)
    test = log_rank(time, event, group, entry=entry)
    assert_allclose(test.statistic, REFERENCE["simulated:late_log_rank"].iloc[0], rtol=1e-9)


def test_adjusted_curves_equal_r_with_robust_errors():
    time, event, *_ = _simulated()
    treated, propensity = SIMULATED["treated"].to_numpy(), SIMULATED["propensity"].to_numpy()
    found = adjusted_kaplan_meier(time, event, treated, propensity)
    for group, curve in zip(found.groups, found.curves, strict=True):
        expected = REFERENCE[f"adjusted_{group}:survival"]
        lower, upper = curve.limits_at(expected.index)
        for name, value in {
            "survival": curve.at(expected.index),
            "error": curve.standard_error_at(expected.index),
            "lower": lower,
            "upper": upper,
        }.items():
            r = REFERENCE[f"adjusted_{group}:{name}"].fillna(1)
            assert_allclose(value, r, rtol=CLOSE, err_msg=name)


@pytest.mark.shared_data
@pytest.mark.parametrize("name", TABLES)
def test_public_tables_equal_r(public_table, name):
    patients = TABLES[name](public_table(name))
    _assert_curve_equals_r(name, patients, None)
    _assert_curve_equals_r(f"{name}_weighted", patients, _every_fourth(len(patients.time)))
    _assert_tests_equal_r(name, patients)


@pytest.mark.shared_data
def test_heart_with_late_entry_equals_r(public_table):
    patients = _late("heart", public_table("heart"))
    _assert_curve_equals_r("heart", patients, None)
    _assert_curve_equals_r("heart_weighted", patients, _every_fourth(len(patients.time)))
    test = log_rank(patients.time, patients.event, patients.group, entry=patients.entry)
    assert_allclose(test.statistic, REFERENCE["heart:late_log_rank"].iloc[0], rtol=1e-9)
    # which is the score test of a Cox model with exact ties
    assert_allclose(test.statistic, REFERENCE["heart:score"].iloc[0], rtol=1e-9)


@pytest.mark.shared_data
def test_age_as_the_time_scale_equals_r(public_table):
    _assert_curve_equals_r("flchain_age", _late("flchain_age", public_table("flchain")), None)
