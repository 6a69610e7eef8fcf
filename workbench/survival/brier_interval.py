"""How sure a Brier score is, over time and against a null model."""

import numpy as np

from workbench.errors import SurvivalError
from workbench.survival.brier import brier_parts, integrated_parts, observed_weights
from workbench.survival.censoring import censoring_curve, free_until
from workbench.survival.censoring_influence import censoring_influence
from workbench.survival.horizon_estimates import HorizonEstimates, horizon_estimates
from workbench.survival.inputs import check_horizons, check_outcome, check_survival
from workbench.survival.kaplan_meier import kaplan_meier


def brier_score_interval(
    time: np.ndarray,
    event: np.ndarray,
    survival: np.ndarray,
    *,
    horizons: np.ndarray,
    stratum: np.ndarray | None = None,
    confidence: float = 0.95,
) -> HorizonEstimates:
    """Brier score at each horizon with the interval of its influence function.

    The censoring curve is estimated from these patients, and the standard error counts that too,
    as ``Score`` of R's riskRegression does. The predictions are taken as given.

    Parameters
    ----------
    time, event, survival, horizons, stratum
        As in ``brier_score``.
    confidence
        Coverage of the Wald limits, in (0, 1).

    Raises
    ------
    SurvivalError
        As in ``brier_score``, or fewer than two patients.

    References
    ----------
    Gerds and Kattan, Medical Risk Prediction Models, 2021, chapter 5.

    Examples
    --------
    No censoring: squared errors .04 and .09, so the mean is .065 and its standard error .025.

    >>> found = brier_score_interval(np.array([1.0, 3]), np.array([True, True]),
    ...                              np.array([0.2, 0.7]), horizons=[2.0])
    >>> found.estimate.round(6).tolist(), found.standard_error.round(6).tolist()
    ([0.065], [0.025])
    """
    time, event = check_outcome(time, event)
    horizons = check_horizons(horizons)
    estimate, influence = _brier(time, event, survival, horizons, stratum)
    return horizon_estimates(
        estimate, influence, horizons=horizons, confidence=confidence, lowest=0.0
    )


def integrated_brier_score_interval(
    time: np.ndarray,
    event: np.ndarray,
    survival: np.ndarray,
    *,
    horizons: np.ndarray,
    stratum: np.ndarray | None = None,
    confidence: float = 0.95,
) -> HorizonEstimates:
    """Integrated Brier score with the interval of its influence function, at the last horizon.

    Parameters and errors are those of ``brier_score_interval``, the integral that of
    ``integrated_brier_score``.

    Examples
    --------
    The score rises from 0 to .065 at 2 in a straight line: its mean is .0325.

    >>> found = integrated_brier_score_interval(np.array([1.0, 3]), np.array([True, True]),
    ...                                         np.array([0.2, 0.7]), horizons=[2.0])
    >>> found.estimate.round(6).tolist(), found.standard_error.round(6).tolist()
    ([0.0325], [0.0125])
    """
    time, event = check_outcome(time, event)
    horizons = check_horizons(horizons)
    estimate, influence = _brier(time, event, survival, horizons, stratum)
    return horizon_estimates(
        integrated_parts(estimate[None], horizons=horizons),
        integrated_parts(influence, horizons=horizons)[:, None],
        horizons=horizons[-1:],
        confidence=confidence,
        lowest=0.0,
    )


def index_of_prediction_accuracy(
    time: np.ndarray,
    event: np.ndarray,
    survival: np.ndarray,
    *,
    horizons: np.ndarray,
    null_survival: np.ndarray | None = None,
    stratum: np.ndarray | None = None,
    confidence: float = 0.95,
) -> HorizonEstimates:
    r"""Index of prediction accuracy: how much of a null model's Brier score is saved.

    .. math:: 1 - \frac{BS(t)}{BS_0(t)}

    Parameters
    ----------
    time, event, survival, horizons, stratum
        As in ``brier_score``.
    null_survival
        Survival that the null model predicts, (patient, horizon), such as that of the training
        folds; None takes the Kaplan-Meier curve of these patients. It is taken as given.
    confidence
        Coverage of the Wald limits, in (0, 1).

    Returns
    -------
    HorizonEstimates
        1 is perfect, 0 no better than the null, negative worse.

    Raises
    ------
    SurvivalError
        As in ``brier_score_interval``; or the null predicts perfectly at a horizon, as where none
        has had the event.

    References
    ----------
    Kattan and Gerds, Diagn Progn Res 2018;2:7.

    Examples
    --------
    The null says 1/2 for both and scores .25; the model scores .065.

    >>> found = index_of_prediction_accuracy(np.array([1.0, 3]), np.array([True, True]),
    ...                                      np.array([0.2, 0.7]), horizons=[2.0])
    >>> found.estimate.round(6).tolist()
    [0.74]
    """
    time, event = check_outcome(time, event)
    horizons = check_horizons(horizons)
    if null_survival is None:
        null_survival = np.broadcast_to(
            _marginal(time, event, horizons), (len(time), len(horizons))
        )
    score, moved = _brier(time, event, survival, horizons, stratum)
    null, null_moved = _brier(time, event, null_survival, horizons, stratum)
    if (null <= 0).any():
        raise SurvivalError(
            f"the null model's Brier score is 0 at {int((null <= 0).sum())} horizons, where none "
            "of it can be saved: choose horizons between the first and the last event"
        )
    share = score / null
    return horizon_estimates(
        1 - share,
        (share * null_moved - moved) / null,
        horizons=horizons,
        confidence=confidence,
        lowest=-np.inf,
    )


def _brier(
    time: np.ndarray,
    event: np.ndarray,
    survival: np.ndarray,
    horizons: np.ndarray,
    stratum: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Brier score (horizon,) and what each patient moves it (patient, horizon)."""
    survival = check_survival(survival, len(time), len(horizons))
    censoring = censoring_curve(time, event, stratum=stratum)
    weight = observed_weights(time, event, horizons=horizons, censoring=censoring, stratum=stratum)
    parts = brier_parts(time, event, survival, horizons=horizons, weight=weight) / len(time)
    estimate = parts.sum(0)
    free = free_until(time, event)[:, None] > horizons
    moved = censoring_influence(
        time, event, parts * ~free, parts * free, horizons=horizons, stratum=stratum
    )
    return estimate, parts - estimate / len(time) + moved


def _marginal(time: np.ndarray, event: np.ndarray, horizons: np.ndarray) -> np.ndarray:
    found = kaplan_meier(time, event).at(horizons)
    if np.isnan(found).any():
        raise SurvivalError(
            f"Kaplan-Meier of these patients is unknown at {int(np.isnan(found).sum())} horizons "
            "beyond their follow-up: choose earlier horizons, or pass null_survival"
        )
    return found
