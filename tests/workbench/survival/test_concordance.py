"""Concordance: R, scikit-survival, and what must not change it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sksurv.metrics import (
    concordance_index_censored,
    concordance_index_ipcw,
    cumulative_dynamic_auc,
)
from sksurv.util import Surv

from workbench.survival import dynamic_auc, harrell_c, uno_c

HORIZONS = np.array([6.5, 12.5, 24.5])


@st.composite
def cohorts(draw):
    """Time, event, risk score and fold of patients of whom each fold has a comparable pair."""
    n_folds = draw(st.integers(1, 3))
    n_patients = draw(st.integers(4, 12)) * n_folds
    whole = st.integers(1, 9)
    time = np.array(draw(st.lists(whole, min_size=n_patients, max_size=n_patients)), dtype=float)
    score = np.array(draw(st.lists(whole, min_size=n_patients, max_size=n_patients)), dtype=float)
    event = np.array(draw(st.lists(st.booleans(), min_size=n_patients, max_size=n_patients)))
    fold = np.arange(n_patients) % n_folds
    for label in range(n_folds):
        first, second = np.flatnonzero(fold == label)[:2]
        time[first], event[first], time[second] = 1, True, 10
    return time, event, score, fold


def arrays(table, *names):
    return tuple(table[name].to_numpy() for name in ("time", "event", "risk_score", *names))


def test_equals_r_with_ties(inputs, reference):
    time, event, score = arrays(inputs)
    assert_allclose(harrell_c(time, event, score), reference("simulated:harrell"), rtol=1e-12)
    uno = uno_c(time, event, score, tau=20.5)
    assert_allclose(uno, reference("simulated:uno"), rtol=1e-12)


def test_within_folds_equals_r_with_strata(inputs, reference):
    time, event, score, fold = arrays(inputs, "fold")
    within = harrell_c(time, event, score, fold=fold)
    assert_allclose(within, reference("simulated_within_fold:harrell"), rtol=1e-12)
    auc = dynamic_auc(
        time,
        event,
        score,
        horizons=HORIZONS,
        fold=fold,
        stratum=inputs["stratum"].to_numpy(),
    )
    assert_allclose(auc, reference("auc_within_fold"), rtol=1e-10)


def test_stratified_censoring_equals_r(inputs, reference):
    time, event, score, stratum = arrays(inputs, "stratum")
    uno = uno_c(time, event, score, tau=20.5, stratum=stratum)
    assert_allclose(uno, reference("uno_stratified"), rtol=1e-10)
    auc = dynamic_auc(time, event, score, horizons=HORIZONS, stratum=stratum)
    assert_allclose(auc, reference("auc"), rtol=1e-10)


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "time", "status", "died", "score"),
    [
        ("pbc", "time", "status", 2, "bili"),
        ("colon", "time", "status", 1, "age"),
        ("rotterdam", "dtime", "death", 1, "nodes"),
    ],
)
def test_equals_r_on_public_tables(public_table, reference, name, time, status, died, score):
    table = public_table(name)
    if name == "colon":
        table = table[table["etype"] == 2]
    outcome = table[time].to_numpy(), (table[status] == died).to_numpy(), table[score].to_numpy()
    assert_allclose(harrell_c(*outcome), reference(f"{name}:harrell"), rtol=1e-12)
    assert_allclose(uno_c(*outcome, tau=2000.5), reference(f"{name}:uno"), rtol=1e-10)


def test_equals_scikit_survival(untied):
    time, event, score = arrays(untied)
    outcome = Surv.from_arrays(event, time)
    assert_allclose(
        harrell_c(time, event, score),
        concordance_index_censored(event, time, score)[0],
        rtol=1e-12,
    )
    assert_allclose(
        uno_c(time, event, score, tau=12),
        concordance_index_ipcw(outcome, outcome, score, tau=12)[0],
        rtol=1e-10,
    )
    horizons = np.array([2.0, 5.0, 10.0])
    assert_allclose(
        dynamic_auc(time, event, score, horizons=horizons),
        cumulative_dynamic_auc(outcome, outcome, score, horizons)[0],
        rtol=1e-10,
    )


@settings(deadline=None)
@given(cohorts())
def test_a_monotone_transform_changes_nothing(cohort):
    time, event, score, fold = cohort
    transformed = np.exp(score / 3) - 5
    for index in (harrell_c, lambda *a, **k: uno_c(*a, tau=9, **k)):
        assert_allclose(
            index(time, event, transformed, fold=fold), index(time, event, score, fold=fold)
        )


@settings(deadline=None)
@given(cohorts())
def test_reversed_scores_give_the_complement(cohort):
    time, event, score, fold = cohort
    assert_allclose(
        harrell_c(time, event, -score, fold=fold), 1 - harrell_c(time, event, score, fold=fold)
    )


@settings(deadline=None)
@given(cohorts(), st.lists(st.floats(-50, 50), min_size=3, max_size=3))
def test_a_shift_of_a_folds_scores_changes_nothing(cohort, shifts):
    """Scores of different folds come from different models; a shift between them is no skill."""
    time, event, score, fold = cohort
    shifted = score + np.round(shifts)[fold]
    assert_allclose(
        harrell_c(time, event, shifted, fold=fold), harrell_c(time, event, score, fold=fold)
    )


def test_ranking_across_folds_would_be_seen(inputs):
    """The fault itself: without ``fold``, a shift that knows the fold's outcome raises C."""
    time, event, score = arrays(inputs)
    fold = np.where(time < np.median(time), 0, 1)
    shifted = score + 10 * (1 - fold)
    assert harrell_c(time, event, shifted) > harrell_c(time, event, score) + 0.1
    assert_allclose(
        harrell_c(time, event, shifted, fold=fold), harrell_c(time, event, score, fold=fold)
    )


@settings(deadline=None)
@given(cohorts())
def test_one_fold_equals_none(cohort):
    time, event, score, _ = cohort
    fold = np.full(len(time), 3)
    assert harrell_c(time, event, score, fold=fold) == harrell_c(time, event, score)


@settings(deadline=None)
@given(cohorts(), st.randoms(use_true_random=False))
def test_the_order_of_patients_does_not_matter(cohort, random):
    time, event, score, fold = cohort
    order = np.array(random.sample(range(len(time)), len(time)))
    assert_allclose(
        harrell_c(time[order], event[order], score[order], fold=fold[order]),
        harrell_c(time, event, score, fold=fold),
    )


def test_equal_scores_count_one_half(untied):
    time, event, score = arrays(untied)
    assert harrell_c(time, event, 0 * score) == 0.5
    assert_allclose(dynamic_auc(time, event, 0 * score, horizons=[5.0]), 0.5)
