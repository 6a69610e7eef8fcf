"""Whether a model is worth explaining: does its risk rank patients that it was not fitted on?"""

import numpy as np

from fusion.explanation.checks import Check, at_least

BY_CHANCE = 2.33
"""One in a hundred models that learned nothing passes."""


def held_out_check(
    time: np.ndarray,
    event: np.ndarray,
    risk_score: np.ndarray,
    *,
    fold: np.ndarray,
) -> Check:
    """The score test of Cox's model for the risk score of held-out patients, within folds.

    Parameters
    ----------
    time, event, risk_score
        (patient,) each; risk scores by models that were not fitted on the patient.
    fold
        Held-out fold, (patient,): patients are compared with others of theirs.
    """
    return at_least(
        "score test of the held-out risk (standard errors)",
        score_statistic(time, event, risk_score, fold=fold),
        BY_CHANCE,
        meaning="A model that does not rank patients it was not fitted on has learned nothing, and "
        "its reasons are noise. One in a hundred models of shuffled outcomes passes by chance.",
    )


def score_statistic(
    time: np.ndarray, event: np.ndarray, risk_score: np.ndarray, *, fold: np.ndarray
) -> float:
    """Score statistic over its standard error at no effect; NaN where all scores are equal.

    Tied events share one risk set (Breslow); each fold is a stratum.

    References
    ----------
    Cox, D. (1972). Regression models and life-tables. JRSS B 34.

    Examples
    --------
    >>> time = np.arange(1.0, 9.0)
    >>> everyone, one = np.ones(8, dtype=bool), np.zeros(8, dtype=int)
    >>> round(score_statistic(time, everyone, -time, fold=one), 2)
    3.46
    """
    score = variance = 0.0
    for label in np.unique(fold):
        rows = fold == label
        order = (-time[rows]).argsort(kind="stable")
        late, happened, risk = time[rows][order], event[rows][order], risk_score[rows][order]
        # Patients stand by descending time, so a risk set ends with the last of its time.
        end = np.searchsorted(-late, -late, side="right")
        mean = risk.cumsum()[end - 1] / end
        square = (risk**2).cumsum()[end - 1] / end
        score += float((risk - mean)[happened].sum())
        variance += float(np.maximum(square - mean**2, 0.0)[happened].sum())
    return score / variance**0.5 if variance > 1e-12 else float("nan")
