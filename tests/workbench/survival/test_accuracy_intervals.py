"""Intervals of Brier score, IPA and AUC: what moves them, and where they are refused.

R's values are in test_discrimination_reference.py.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from workbench.errors import SurvivalError
from workbench.survival import (
    brier_score,
    brier_score_interval,
    compare_at_horizons,
    dynamic_auc,
    dynamic_auc_interval,
    harrell_c_interval,
    index_of_prediction_accuracy,
    integrated_brier_score,
    integrated_brier_score_interval,
    kaplan_meier,
)

HORIZONS = np.array([2.0, 5.0, 10.0])


@pytest.fixture
def patients(untied):
    time, event = untied["time"].to_numpy(), untied["event"].to_numpy()
    score = untied["risk_score"].to_numpy()
    survival = np.exp(-np.exp(0.5 * score)[:, None] * HORIZONS / 10)
    return time, event, score, survival, untied["fold"].to_numpy()


def leave_one_out(statistic, n_patients):
    """Jackknife standard errors: an oracle that knows nothing of influence functions."""
    without = np.array(
        [statistic(np.delete(np.arange(n_patients), row)) for row in range(n_patients)]
    )
    return np.sqrt((n_patients - 1) * without.var(0))


@pytest.mark.parametrize("is_stratified", [False, True])
def test_standard_errors_are_those_of_leaving_patients_out(patients, is_stratified):
    time, event, score, survival, fold = patients

    def given(rows):
        return {"horizons": HORIZONS, "stratum": fold[rows] if is_stratified else None}

    def brier(rows):
        return brier_score(time[rows], event[rows], survival[rows], **given(rows))

    def integrated(rows):
        return integrated_brier_score(time[rows], event[rows], survival[rows], **given(rows))

    def auc(rows):
        return dynamic_auc(time[rows], event[rows], score[rows], fold=fold[rows], **given(rows))

    everyone = np.arange(len(time))
    for statistic, found in (
        (brier, brier_score_interval(time, event, survival, **given(everyone))),
        (integrated, integrated_brier_score_interval(time, event, survival, **given(everyone))),
        (auc, dynamic_auc_interval(time, event, score, fold=fold, **given(everyone))),
    ):
        assert_allclose(found.estimate, statistic(everyone), rtol=1e-12)
        assert_allclose(found.standard_error, leave_one_out(statistic, len(time)), rtol=0.06)
        assert_allclose(found.influence.sum(0), 0, atol=1e-12)


def test_strata_of_the_censoring_curve_move_only_their_own(patients):
    """Two cohorts judged as one: each patient moves what they moved in their own cohort."""
    time, event, _, survival, fold = patients
    stratum = fold == 0
    whole = brier_score_interval(time, event, survival, horizons=HORIZONS, stratum=stratum)
    for own in (stratum, ~stratum):
        alone = brier_score_interval(time[own], event[own], survival[own], horizons=HORIZONS)
        assert_allclose(
            whole.influence[own] * len(time),
            alone.influence * own.sum() + alone.estimate - whole.estimate,
            rtol=1e-9,
            atol=1e-12,
        )


def test_ipa_is_the_share_of_the_nulls_score_saved(patients):
    time, event, _, survival, _ = patients
    null = np.tile(kaplan_meier(time, event).at(HORIZONS), (len(time), 1))

    def ipa(rows):
        of = time[rows], event[rows]
        scores = brier_score(*of, survival[rows], horizons=HORIZONS)
        return 1 - scores / brier_score(*of, null[rows], horizons=HORIZONS)

    found = index_of_prediction_accuracy(time, event, survival, horizons=HORIZONS)
    everyone = np.arange(len(time))
    assert_allclose(found.estimate, ipa(everyone), rtol=1e-12)
    assert_allclose(found.standard_error, leave_one_out(ipa, len(time)), rtol=0.03)
    own = index_of_prediction_accuracy(time, event, null, horizons=HORIZONS, null_survival=null)
    assert_allclose([own.estimate, own.standard_error], 0, atol=1e-12)


def test_without_censoring_the_standard_error_is_that_of_a_mean(patients):
    time, _, _, survival, _ = patients
    found = brier_score_interval(time, np.ones(len(time), bool), survival, horizons=HORIZONS)
    errors = ((time[:, None] > HORIZONS) - survival) ** 2
    assert_allclose(found.standard_error, errors.std(0, ddof=1) / np.sqrt(len(time)), rtol=1e-12)


def test_blocks_of_patients_change_no_score(patients, monkeypatch):
    time, event, _, survival, fold = patients
    whole = brier_score(time, event, survival, horizons=HORIZONS, stratum=fold)
    monkeypatch.setattr("workbench.survival.brier.BLOCK", 7)
    blocks = brier_score(time, event, survival, horizons=HORIZONS, stratum=fold)
    assert_allclose(blocks, whole, rtol=1e-13)


def test_a_model_against_itself_differs_by_nothing(patients):
    time, event, _, survival, _ = patients
    found = brier_score_interval(time, event, survival, horizons=HORIZONS)
    difference = compare_at_horizons(found, found)
    assert_allclose([difference.estimate, difference.standard_error], 0)
    assert np.isnan(difference.p_value).all()


def test_what_has_no_interval_is_refused(patients):
    time, event, score, survival, _ = patients
    one = slice(0, 1)
    alive = np.full(len(time), 50.0), np.zeros(len(time), bool)
    refusals = [
        (
            lambda: brier_score_interval(time[one], event[one], survival[one], horizons=HORIZONS),
            "at least two patients",
        ),
        (
            lambda: index_of_prediction_accuracy(*alive, survival, horizons=HORIZONS),
            "null model's Brier score is 0 at 3 horizons",
        ),
        (
            lambda: index_of_prediction_accuracy(
                time, event & (time < time.max()), survival, horizons=[2, 5, 999]
            ),
            "unknown at 1 horizons beyond",
        ),
        (
            lambda: dynamic_auc_interval(time, event, score, horizons=[999.0]),
            "no comparable pair",
        ),
        (
            lambda: compare_at_horizons(
                dynamic_auc_interval(time, event, score, horizons=[2.0]),
                dynamic_auc_interval(time, event, score, horizons=[3.0]),
            ),
            "at the same horizons on the same patients",
        ),
        (
            lambda: harrell_c_interval(time, event, score, confidence=95),
            "between 0 and 1, got 95",
        ),
    ]
    for call, message in refusals:
        with pytest.raises(SurvivalError, match=message):
            call()
