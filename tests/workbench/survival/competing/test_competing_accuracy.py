"""Brier score, IPA and AUC with competing events: riskRegression, closed forms, refusals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import rankdata

from workbench.errors import SurvivalError
from workbench.survival import (
    aalen_johansen,
    brier_score,
    competing_auc,
    competing_brier,
    competing_ipa,
)

HORIZONS = np.array([6.5, 12.5, 20.5])


@pytest.mark.parametrize("times", ["tied", "untied"])
def test_equals_risk_regression(patients, r_value, times):
    time = patients["untied" if times == "untied" else "time"].to_numpy()
    predicted = patients[[f"risk_{horizon:g}" for horizon in HORIZONS]].to_numpy()
    scored = time, patients["cause"].to_numpy(), predicted
    for name, statistic in [
        ("brier", competing_brier),
        ("ipa", competing_ipa),
        ("auc", competing_auc),
    ]:
        found = statistic(*scored, horizons=HORIZONS)
        assert_allclose(found, r_value(f"{times}:{name}"), rtol=1e-8)


@pytest.mark.shared_data
@pytest.mark.parametrize(
    "name", ["mgus2", "pbc", "transplant", "colon", "rotterdam", "myeloid", "flchain"]
)
def test_equals_risk_regression_on_public_tables(competing_table, r_value, name):
    table = competing_table(name)
    # riskRegression leaves out who is censored at a horizon, as we do just after it.
    horizons = np.nextafter(r_value(f"{name}:brier").index.to_numpy(float), np.inf)
    score = rankdata(table.features[:, 0]) / len(table.time) / 2
    predicted = np.tile(score[:, None], (1, len(horizons)))
    outcome = table.time, table.cause
    brier = competing_brier(*outcome, predicted, horizons=horizons)
    assert_allclose(brier, r_value(f"{name}:brier"), rtol=1e-8)
    auc = competing_auc(*outcome, score, horizons=horizons)
    assert_allclose(auc, r_value(f"{name}:auc"), rtol=1e-8)


def test_with_one_cause_it_is_the_ordinary_brier_score(patients):
    time, event = patients["time"].to_numpy(), patients["cause"].to_numpy() > 0
    predicted = patients[[f"risk_{horizon:g}" for horizon in HORIZONS]].to_numpy()
    stratum = patients["stratum"].to_numpy()
    found = competing_brier(time, event.astype(int), predicted, horizons=HORIZONS, stratum=stratum)
    ordinary = brier_score(time, event, 1 - predicted, horizons=HORIZONS, stratum=stratum)
    assert_allclose(found, ordinary, rtol=1e-12)


def test_the_estimate_for_everyone_scores_its_variance(patients):
    """With G from the same patients the identity is exact: F (1 - F)."""
    time, cause = patients["time"].to_numpy(), patients["cause"].to_numpy()
    for of in (1, 2):
        incidence = aalen_johansen(time, cause).at(HORIZONS)[:, of - 1]
        everyone = np.tile(incidence, (len(time), 1))
        found = competing_brier(time, cause, everyone, horizons=HORIZONS, of=of)
        assert_allclose(found, incidence * (1 - incidence), rtol=1e-10)
        ipa = competing_ipa(time, cause, everyone, horizons=HORIZONS, of=of)
        assert_allclose(ipa, 0, atol=1e-10)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 2), st.integers(0, 4)), min_size=4))
def test_without_censoring_the_auc_is_the_share_of_pairs(rows):
    rows = [(1, 1, 2), (2, 2, 1), *rows]
    time, cause, score = np.array(rows).T
    case = (cause == 1) & (time <= 5)
    above = score[case][:, None] - score[~case]
    expected = ((above > 0) + 0.5 * (above == 0)).mean()
    found = competing_auc(time.astype(float), cause, score, horizons=[5.0])
    assert_allclose(found, [expected], rtol=1e-12)
    turned = competing_auc(time.astype(float), cause, np.exp(score / 3.0), horizons=[5.0])
    assert_allclose(turned, found, rtol=1e-12)


TIME, CAUSE = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1, 2, 0, 0])
RISK = np.array([0.6, 0.3, 0.2, 0.1])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: competing_brier(TIME, CAUSE, 2 * RISK, horizons=[2.0]), r"\[0, 1\], got 1 values"),
        (lambda: competing_brier(TIME, CAUSE, RISK, horizons=[2.0, 3.0]), r"shape \(4, 2\)"),
        (lambda: competing_brier(TIME, CAUSE, RISK, horizons=[5.0]), r"follow-up ends at 4"),
        (lambda: competing_brier(TIME, CAUSE, RISK, horizons=[2.0], of=3), r"none of cause 3"),
        (lambda: competing_auc(TIME, CAUSE, RISK[:3], horizons=[2.0]), r"risk_score must have"),
        (lambda: competing_auc(TIME, CAUSE, RISK, horizons=[0.5]), r"0\.5 has 0 cases and 4"),
        (
            lambda: competing_auc(TIME[:1], CAUSE[:1], RISK[:1], horizons=[1.0]),
            r"1 has 1 cases and 0 controls",
        ),
    ],
)
def test_an_undefined_accuracy_is_refused(call, message):
    with pytest.raises(SurvivalError, match=message):
        call()
