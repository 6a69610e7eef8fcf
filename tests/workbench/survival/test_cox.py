"""What must hold of any Cox regression, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from workbench.errors import SurvivalError
from workbench.survival import (
    cox,
    deviance_residuals,
    dfbeta,
    log_rank,
    martingale_residuals,
    proportional_hazards,
    restricted_cubic_spline,
    schoenfeld_residuals,
    score_residuals,
)

SEEDS = st.integers(0, 2**32 - 1)


def simulate(seed: int, *, n_rows: int = 120, digits: int = 12) -> tuple[np.ndarray, ...]:
    """Time, event, two features and entries; few ``digits`` tie the times."""
    rng = np.random.default_rng(seed)
    features = np.column_stack([rng.normal(size=n_rows), rng.integers(0, 2, n_rows)])
    survived = rng.exponential(10 / np.exp(features @ [0.5, -0.4]))
    censored = rng.exponential(15, n_rows)
    time = np.minimum(survived, censored).round(digits) + 10.0**-digits
    return time, survived <= censored, features, time * rng.uniform(0, 0.9, n_rows)


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, factor=st.sampled_from([1e-120, 1e-9, 3.0, 1e9]), shift=st.sampled_from([0, 50]))
def test_units_and_origins_change_nothing_but_the_unit(seed, factor, shift) -> None:
    time, event, features, _ = simulate(seed, digits=0)
    model = cox(time, event, features)
    moved = cox(time, event, (features + shift) * [factor, 1.0])
    assert_allclose(moved.coefficients * [factor, 1.0], model.coefficients, rtol=1e-8, atol=1e-12)
    assert_allclose(moved.standard_errors * [factor, 1], model.standard_errors, rtol=1e-8)
    assert_allclose(moved.log_likelihood, model.log_likelihood, rtol=1e-12)
    assert_allclose(moved.baseline[0].cumulative_hazard, model.baseline[0].cumulative_hazard)


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS)
def test_order_of_rows_does_not_matter(seed) -> None:
    time, event, features, entry = simulate(seed, digits=0)
    order = np.random.default_rng(seed).permutation(len(time))
    model = cox(time, event, features, entry=entry, robust=True)
    mixed = cox(time[order], event[order], features[order], entry=entry[order], robust=True)
    assert_allclose(mixed.covariance, model.covariance, rtol=1e-9)
    for residuals in (martingale_residuals, deviance_residuals, score_residuals, dfbeta):
        assert_allclose(residuals(mixed), residuals(model)[order], rtol=1e-7, atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS)
def test_efron_equals_breslow_without_ties_and_not_with_them(seed) -> None:
    time, event, features, _ = simulate(seed)
    efron, breslow = (cox(time, event, features, ties=ties) for ties in ("efron", "breslow"))
    assert_allclose(efron.covariance, breslow.covariance, rtol=1e-12)
    assert_allclose(efron.log_likelihood, breslow.log_likelihood, rtol=1e-12)
    tied = np.ceil(time / 5)
    efron, breslow = (cox(tied, event, features, ties=ties) for ties in ("efron", "breslow"))
    assert abs(efron.coefficients - breslow.coefficients).max() > 1e-4


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS)
def test_a_row_cut_in_two_is_the_same_patient(seed) -> None:
    time, event, features, _ = simulate(seed, digits=1)
    whole = cox(time, event, features, robust=True)
    cut = time / 2
    model = cox(
        np.concatenate([cut, time]),
        np.concatenate([np.zeros(len(time), dtype=bool), event]),
        np.concatenate([features, features]),
        entry=np.concatenate([-np.ones(len(time)), cut]),
        cluster=np.tile(np.arange(len(time)), 2),
    )
    assert_allclose(model.coefficients, whole.coefficients, rtol=1e-9, atol=1e-12)
    assert_allclose(model.covariance, whole.covariance, rtol=1e-8)
    assert_allclose(model.log_likelihood, whole.log_likelihood, rtol=1e-11)
    assert (model.n_rows, model.n_clusters) == (2 * len(time), len(time))


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_breslow_weights_are_copies_and_zero_leaves_out(seed) -> None:
    time, event, features, entry = simulate(seed, digits=1)
    weights = np.random.default_rng(seed).integers(0, 4, len(time))
    given = {"ties": "breslow", "robust": True}
    weighted = cox(time, event, features, entry=entry, weights=weights, **given)
    copies = np.repeat(np.arange(len(time)), weights)
    copied = cox(
        time[copies], event[copies], features[copies], entry=entry[copies], cluster=copies,
        ties="breslow",
    )  # fmt: skip
    assert_allclose(weighted.coefficients, copied.coefficients, rtol=1e-9, atol=1e-12)
    assert_allclose(weighted.covariance, copied.covariance, rtol=1e-8)


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_residuals_sum_to_nothing(seed) -> None:
    time, event, features, entry = simulate(seed, digits=0)
    entry = np.floor(entry)
    stratum = np.arange(len(time)) % 3
    model = cox(time, event, features, entry=entry, stratum=stratum)
    for residuals in (martingale_residuals(model), score_residuals(model)):
        assert_allclose(residuals.sum(0), 0, atol=1e-8)
    assert_allclose(schoenfeld_residuals(model).values.sum(0), 0, atol=1e-8)
    assert martingale_residuals(model).max() <= 1


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_the_score_test_of_two_groups_is_the_log_rank_test(seed) -> None:
    time, event, features, _ = simulate(seed)
    group = features[:, 1:]
    score = cox(time, event, group).score
    test = log_rank(time, event, group[:, 0])
    assert_allclose(score.statistic, test.statistic, rtol=1e-8)
    assert score.degrees_of_freedom == 1


def test_an_offset_of_the_whole_effect_leaves_nothing() -> None:
    time, event, features, _ = simulate(1)
    model = cox(time, event, features)
    rest = cox(time, event, features, offset=features @ model.coefficients)
    assert_allclose(rest.coefficients, 0, atol=1e-9)
    assert_allclose(rest.log_likelihood_null, model.log_likelihood)


@pytest.mark.parametrize(
    ("ties", "steps"), [("breslow", [2 / 6, 2 / 2]), ("efron", [1 / 6 + 1 / 5, 1 / 2 + 1 / 1])]
)
def test_with_no_effect_the_baseline_is_nelson_aalens(ties, steps) -> None:
    time = np.array([1.0, 1.0, 2.0, 2.0, 3.0, 3.0])
    x = np.array([[0.0], [1.0]] * 3)
    model = cox(time, time != 2, x, ties=ties)
    assert_allclose(model.coefficients, 0, atol=1e-12)
    assert model.baseline[0].time.tolist() == [1, 3]
    assert_allclose(model.baseline[0].cumulative_hazard, np.cumsum(steps))
    assert_allclose(model.cumulative_hazard(x[:1], [0.5, 1, 2])[0], [0, steps[0], steps[0]])


def test_nearly_collinear_columns_cost_no_digits() -> None:
    """Against a direct sum of the information in extended precision."""
    rng = np.random.default_rng(5)
    x = rng.lognormal(0, 1, 150)
    columns = restricted_cubic_spline(x, 5).columns
    time = np.ceil(rng.exponential(20 / np.exp(0.5 * np.log(x))))
    event = rng.random(150) < 0.7
    model = cox(time, event, columns)
    z = columns.astype(np.longdouble)
    hazard = np.exp(z @ model.coefficients.astype(np.longdouble))
    information = np.zeros((4, 4), dtype=np.longdouble)
    for moment in np.unique(time[event]):
        at_risk, tied = time >= moment, (time == moment) & event
        for gone in range(tied.sum()):
            share = hazard * at_risk - hazard * tied * np.longdouble(gone) / tied.sum()
            share = share / share.sum()
            gap = z - share @ z
            information += (gap * share[:, None]).T @ gap
    error = model.standard_errors
    assert np.linalg.cond(model.covariance / np.outer(error, error)) > 1e5
    product = (model.covariance / error[:, None]) @ (information * error)
    assert_allclose(product.astype(float), np.eye(4), atol=1e-8)


def test_predictions_are_of_the_strata_that_were_fitted() -> None:
    time, event, features, _ = simulate(3, digits=1)
    stratum = np.where(time > np.median(time), "late", "early")
    model = cox(time, event, features, stratum=stratum)
    survival = model.predict_survival(features[:5], [0.5, 1.0], stratum="early")
    assert survival.shape == (5, 2)
    assert ((survival[:, 1] <= survival[:, 0]) & (survival[:, 0] <= 1)).all()
    beyond = model.predict_survival(features[:5], [1000.0], stratum="late")
    assert np.isnan(beyond).all()
    for label in (None, "never"):
        with pytest.raises(SurvivalError, match="one of the 2 strata"):
            model.predict_survival(features, [1.0], stratum=label)


TIME, EVENT, FEATURES, ENTRY = simulate(4, digits=1)
ONES = np.ones(len(TIME))
GROUPS = np.arange(len(TIME)) % 4


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cox(TIME, EVENT & False, FEATURES), r"needs events, got 0 among 120 rows"),
        (lambda: cox(TIME, EVENT, FEATURES[:, :0]), r"must have a column"),
        (lambda: cox(TIME, EVENT, FEATURES[:9]), r"features must have shape \(120, 'any'\)"),
        (lambda: cox(TIME, EVENT, FEATURES * np.nan), r"features must be finite, got 240"),
        (lambda: cox(TIME, EVENT, FEATURES, names=["a"]), r"2 distinct names"),
        (lambda: cox(TIME, EVENT, FEATURES, names=["a", "a"]), r"2 distinct names"),
        (lambda: cox(TIME, EVENT, FEATURES, ties="exact"), r"ties must be"),
        (lambda: cox(TIME, EVENT, FEATURES, weights=-ONES), r"weights must not be negative"),
        (lambda: cox(TIME, EVENT, FEATURES, entry=TIME), r"entry must lie before time"),
        (lambda: cox(TIME, EVENT, FEATURES, offset=ONES[:3]), r"offset must have shape"),
        (lambda: cox(TIME, EVENT, FEATURES, cluster=GROUPS[:3]), r"cluster must have shape"),
        (lambda: cox(TIME, EVENT, FEATURES, cluster=ONES), r"2 labels or more, got 1 of 120 rows"),
        (lambda: cox(TIME, EVENT, FEATURES, weights=np.where(EVENT, 0.0, 1.0)), r"needs events"),
        (lambda: cox(TIME[:1], EVENT[:1] | True, FEATURES[:1]), r"must vary, 'x1', 'x2'"),
        (lambda: proportional_hazards(cox(TIME, EVENT, FEATURES), "square"), r"transform must be"),
        (lambda: proportional_hazards(cox(ONES, EVENT, FEATURES)), r"three or more distinct"),
    ],
)
def test_invalid_input_is_refused(call, message) -> None:
    with pytest.raises(SurvivalError, match=message):
        call()


@pytest.mark.parametrize(
    ("added", "stratum", "message"),
    [
        (0.1 + 0 * ONES, None, r"features must vary, 'added' does not in any row"),
        (FEATURES @ [2.0, -3.0] + 1, None, r"determine each other, 'x1', 'x2', 'added' do"),
        (2 * FEATURES[:, 1], None, r"determine each other, 'x2', 'added' do"),
        (GROUPS, GROUPS, r"patients at risk together, 'added' does not"),
        (np.where(EVENT, 0.0, GROUPS == 1), None, r"coefficient of 'added' grows without bound"),
        (np.where(EVENT, 1.0, GROUPS != 1), None, r"coefficient of 'added' grows without bound"),
        (-1e-9 * TIME, None, r"coefficient of 'added' grows without"),
    ],
)
def test_a_column_without_an_estimate_is_named(added, stratum, message) -> None:
    columns = np.column_stack([FEATURES, added])
    with pytest.raises(SurvivalError, match=message):
        cox(TIME, EVENT, columns, names=["x1", "x2", "added"], stratum=stratum)


def test_more_columns_than_rows_are_refused() -> None:
    columns = np.random.default_rng(0).normal(size=(8, 12))
    with pytest.raises(SurvivalError, match="determine each other"):
        cox(np.arange(1.0, 9), np.ones(8, dtype=bool), columns)


def test_entry_at_zero_is_no_entry() -> None:
    for time in (TIME, np.ceil(TIME)):
        model = cox(time, EVENT, FEATURES)
        same = cox(time, EVENT, FEATURES, entry=np.zeros(len(time)))
        assert_allclose(same.covariance, model.covariance, rtol=1e-12)


def test_all_events_at_one_time_is_a_regression_still() -> None:
    event = np.arange(len(TIME)) % 3 == 0
    model = cox(ONES, event, FEATURES)
    assert len(model.baseline[0].time) == 1
    assert_allclose(martingale_residuals(model).sum(), 0, atol=1e-9)


def test_events_at_zero_and_rare_levels_are_counted() -> None:
    time = TIME.copy()
    time[np.flatnonzero(EVENT)[:3]] = 0
    rare = np.zeros(len(TIME))
    rare[np.flatnonzero(EVENT)[[0, 5]]] = 1
    rare[np.flatnonzero(~EVENT)[0]] = 1
    model = cox(time, EVENT, np.column_stack([FEATURES, rare]))
    assert model.level_counts[2].tolist() == [3, 2]
    assert model.baseline[0].time[0] == 0
    with pytest.raises(SurvivalError, match="events after 0"):
        proportional_hazards(model, "log")


def test_a_fitted_record_prints_no_patient() -> None:
    model = cox(TIME, EVENT, FEATURES)
    assert "fit=" not in repr(model)
    assert isinstance(model.table(), pd.DataFrame)
