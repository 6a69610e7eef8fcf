"""The spread over repeats of cross-validation."""

import numpy as np
import pandas as pd

from fusion.predictions import Predictions
from workbench.evaluation.repeats import harrell_c_by_repeat, spread_sentence

PATIENTS = pd.DataFrame(
    {"time": [1.0, 2.0, 3.0, 4.0], "event": [True, True, True, False]}, index=list("abcd")
)


def predicted(order: str, risk_score: list[float], fold: list[int]) -> Predictions:
    score = np.array(risk_score)
    survival = np.zeros((4, 0))
    return Predictions("m", np.array(list(order)), np.array(fold), score, np.array([]), survival)


def test_each_repeat_is_judged_within_its_own_folds_and_by_patient() -> None:
    right = predicted("abcd", [4, 3, 2, 1], [0, 0, 0, 0])
    backwards = predicted("dcba", [4, 3, 2, 1], [0, 0, 0, 0])
    # Wrong only between folds, which nobody compares.
    halves = predicted("abcd", [2, 1, 4, 3], [0, 0, 1, 1])
    null = predicted("abcd", [0, 0, 0, 0], [0, 0, 0, 0])
    repeats = [{"null": null, "m": each} for each in (right, backwards, halves)]
    assert harrell_c_by_repeat(PATIENTS, repeats) == {"m": [1.0, 0.0, 1.0]}


def test_the_sentence_names_mean_spread_and_range() -> None:
    assert "was 0.650 on average (SD 0.071; 0.600 to 0.700)" in spread_sentence("rna", [0.6, 0.7])
