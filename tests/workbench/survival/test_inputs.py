"""What survival statistics refuse, and how they say so."""

import numpy as np
import pytest

from workbench.errors import SurvivalError
from workbench.survival import (
    brier_score,
    calibration,
    censoring_curve,
    dynamic_auc,
    harrell_c,
    integrated_brier_score,
    kaplan_meier,
    log_rank,
    uno_c,
)
from workbench.survival.inputs import check_cause, check_entry, check_weights

TIME = np.array([1.0, 2.0, 3.0, 4.0])
EVENT = np.array([True, False, True, False])
SCORE = np.array([4.0, 3.0, 2.0, 1.0])
SURVIVAL = np.array([0.2, 0.4, 0.6, 0.8])


@pytest.mark.parametrize(
    ("time", "event", "message"),
    [
        (TIME, EVENT.astype(int), r"event must be boolean, got int64: pass `status == 1`"),
        (TIME[:3], EVENT, r"time must have shape \(4,\), got \(3,\)"),
        (np.array([1.0, np.nan, 3, 4]), EVENT, r"time must be finite, got 1 .*row 1"),
        (np.array([1.0, np.inf, 3, 4]), EVENT, r"time must be finite, got 1"),
        (np.array([1.0, 2, -3, 4]), EVENT, r"time must not be negative, got 1 .*row 2"),
        (np.array(["1", "2", "3", "4"]), EVENT, r"time must be numbers"),
        (np.empty(0), np.empty(0, dtype=bool), r"at least one patient"),
        (TIME[:, None], EVENT[:, None], r"one value a patient"),
    ],
)
@pytest.mark.parametrize(
    "statistic",
    [
        kaplan_meier,
        censoring_curve,
        lambda time, event: log_rank(time, event, np.array([0, 0, 1, 1])),
        lambda time, event: harrell_c(time, event, SCORE),
        lambda time, event: uno_c(time, event, SCORE, tau=5),
        lambda time, event: dynamic_auc(time, event, SCORE, horizons=[2.0]),
        lambda time, event: brier_score(time, event, SURVIVAL, horizons=[2.0]),
        lambda time, event: integrated_brier_score(time, event, SURVIVAL, horizons=[2.0]),
        lambda time, event: calibration(time, event, SURVIVAL, horizon=2.0),
    ],
)
def test_an_invalid_outcome_is_refused_by_every_statistic(statistic, time, event, message):
    with pytest.raises(SurvivalError, match=message):
        statistic(time, event)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: harrell_c(TIME, EVENT, SCORE[:2]), r"risk_score must have shape"),
        (lambda: harrell_c(TIME, EVENT, SCORE * np.nan), r"risk_score must be finite, got 4"),
        (lambda: harrell_c(TIME, EVENT & False, SCORE), r"4 patients form no comparable pair;"),
        (
            lambda: harrell_c(TIME, EVENT, SCORE, fold=np.arange(4)),
            r"comparable pair within a fold",
        ),
        (lambda: harrell_c(TIME, EVENT, SCORE, fold=np.arange(3)), r"fold must have shape"),
        (lambda: uno_c(TIME, EVENT, SCORE, tau=1), r"no comparable pair"),
        (lambda: dynamic_auc(TIME, EVENT, SCORE, horizons=[9.0]), r"no comparable pair"),
        (lambda: dynamic_auc(TIME, EVENT, SCORE, horizons=[2.0, 1.0]), r"ascending"),
        (lambda: brier_score(TIME, EVENT, SURVIVAL, horizons=[0.0]), r"positive"),
        (lambda: brier_score(TIME, EVENT, 2 * SURVIVAL, horizons=[2.0]), r"\[0, 1\], got 2 values"),
        (lambda: brier_score(TIME, EVENT, SURVIVAL, horizons=[1.0, 2.0]), r"survival must have"),
        (lambda: log_rank(TIME, EVENT, np.zeros(4)), r"two or more groups"),
        (lambda: log_rank(TIME, EVENT & False, np.array([0, 0, 1, 1])), r"needs an event"),
        (lambda: calibration(TIME, EVENT, SURVIVAL, horizon=0.5), r"0 events and 4 event-free"),
        (lambda: calibration(TIME, EVENT, SURVIVAL, horizon=2.0), r"separate"),
        (
            lambda: calibration(TIME, EVENT, 0 * SURVIVAL + 0.5, horizon=2.0),
            r"predictions that vary",
        ),
        (lambda: censoring_curve(TIME, EVENT, stratum=np.zeros(2)), r"one label a patient"),
    ],
)
def test_an_undefined_statistic_raises_instead_of_standing_in(call, message):
    with pytest.raises(SurvivalError, match=message):
        call()


def test_a_censoring_curve_of_shorter_follow_up_is_refused():
    short = censoring_curve(np.array([1.0, 2.0]), np.array([False, False]))
    with pytest.raises(SurvivalError, match="the censoring curve is 0"):
        uno_c(TIME, EVENT, SCORE, tau=5, censoring=short)


def test_a_stratum_the_censoring_curve_lacks_is_refused():
    curve = censoring_curve(TIME, EVENT, stratum=np.array([0, 0, 1, 1]))
    with pytest.raises(SurvivalError, match="lacks a stratum"):
        uno_c(TIME, EVENT, SCORE, tau=5, censoring=curve, stratum=np.array([0, 0, 1, 2]))
    with pytest.raises(SurvivalError, match="2 strata and no stratum came"):
        uno_c(TIME, EVENT, SCORE, tau=5, censoring=curve)


def test_causes_are_whole_numbers_from_zero() -> None:
    time, cause = check_cause(np.array([1.0, 2.0, 3.0]), np.array([0, 2, 1], dtype=np.uint8))
    assert (time.tolist(), cause.tolist()) == ([1.0, 2.0, 3.0], [0, 2, 1])
    with pytest.raises(SurvivalError, match=r"whole numbers from 0 \(0 = censored\), got float64"):
        check_cause(time, np.array([0.0, 1.0, 2.0]))
    with pytest.raises(SurvivalError, match="with negative values"):
        check_cause(time, np.array([0, 1, -1]))


def test_a_patient_who_enters_at_their_end_was_never_at_risk() -> None:
    time = np.array([1.0, 2.0, 3.0])
    assert check_entry(None, time) is None
    assert check_entry(np.array([0, 1, 2]), time) == pytest.approx([0, 1, 2])
    with pytest.raises(SurvivalError, match=r"got 2 patients .* \(first in row 1\)"):
        check_entry(np.array([0.0, 2.0, 4.0]), time)


def test_weights_say_how_much_a_patient_counts() -> None:
    assert check_weights(None, 2).tolist() == [1.0, 1.0]
    assert check_weights(np.array([0, 2]), 2).tolist() == [0.0, 2.0]
    for wrong in ([-1.0, 2.0], [0.0, 0.0]):
        with pytest.raises(SurvivalError, match="must not be negative nor all 0"):
            check_weights(np.array(wrong), 2)
