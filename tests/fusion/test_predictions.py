"""Predictions are checked where they are made and joined."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fusion.predictions import Predictions, concatenate


@pytest.fixture
def predictions() -> Predictions:
    return Predictions(
        model="clinical",
        patient_id=np.array(["a", "b", "c"]),
        fold=np.array([0, 0, 0]),
        risk_score=np.array([0.2, -1.0, 3.0]),
        horizons=np.array([365.0, 1095.0]),
        survival=np.array([[0.9, 0.5], [1.0, 0.8], [0.4, 0.0]]),
        contributions={"clinical": np.array([0.2, -1.0, 3.0])},
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fold": np.zeros(2, dtype=int)}, r"fold must have shape \(3,\), got \(2,\)"),
        ({"risk_score": np.zeros((3, 1))}, "risk_score must have shape"),
        ({"survival": np.zeros((3, 3))}, r"survival must have shape \(3, 2\)"),
        ({"contributions": {"mri": np.zeros(2)}}, r"contributions\[mri\] must have shape"),
        ({"risk_score": np.array([0, np.nan, 1])}, "must be finite"),
        ({"survival": np.full((3, 2), np.inf)}, "must be finite"),
        ({"survival": np.full((3, 2), 1.1)}, r"must lie in \[0, 1\]"),
        ({"survival": np.full((3, 2), -0.1)}, r"must lie in \[0, 1\]"),
        ({"horizons": np.array([1095.0, 365.0])}, "must ascend"),
        ({"horizons": np.array([365.0, 365.0])}, "must ascend"),
    ],
)
def test_what_does_not_fit_is_refused(predictions, change, message):
    with pytest.raises(ValueError, match=f"clinical: .*{message}"):
        replace(predictions, **change)


def test_survival_at_a_horizon(predictions):
    assert_array_equal(predictions.at(1095.0), [0.5, 0.8, 0.0])
    with pytest.raises(ValueError, match="no survival at 400; predicted at 365, 1095"):
        predictions.at(400.0)


def test_take_keeps_rows_together(predictions):
    taken = predictions.take(np.array([2, 0]))
    assert taken.patient_id.tolist() == ["c", "a"]
    assert_array_equal(taken.risk_score, taken.contributions["clinical"])
    assert_array_equal(taken.at(365.0), [0.4, 0.9])


def test_parts_are_joined_and_an_unused_modality_contributes_nothing(predictions):
    other = replace(
        predictions,
        patient_id=np.array(["d", "e", "f"]),
        fold=np.array([1, 1, 1]),
        contributions={"clinical": np.zeros(3), "mri": np.ones(3)},
    )
    whole = concatenate([predictions, other], model="selected")
    assert whole.model == "selected"
    assert whole.fold.tolist() == [0, 0, 0, 1, 1, 1]
    assert whole.contributions["mri"].tolist() == [0, 0, 0, 1, 1, 1]


def test_a_patient_of_two_folds_is_refused(predictions):
    with pytest.raises(ValueError, match="predicted in two folds"):
        concatenate([predictions, replace(predictions, fold=np.array([1, 1, 1]))])


def test_other_horizons_are_refused(predictions):
    other = replace(
        predictions, patient_id=np.array(["d", "e", "f"]), horizons=np.array([100.0, 1095.0])
    )
    with pytest.raises(ValueError, match="different horizons"):
        concatenate([predictions, other])
