"""Residuals of a Cox regression: who it fails, who moves it, where hazards are not proportional.

All are of the rows and columns as they were passed, and equal those of R's ``residuals.coxph``.
"""

from dataclasses import dataclass

import numpy as np

from workbench.survival.cox_regression.likelihood import AtRisk
from workbench.survival.cox_regression.record import CoxFit, CoxRegression


@dataclass(frozen=True)
class SchoenfeldResiduals:
    """One a event, by stratum and rising time.

    Parameters
    ----------
    time
        Event times, (event,).
    row
        Row of the patient who had the event, (event,) int.
    stratum
        Code of the stratum, in the order of the baselines, (event,) int.
    values
        (event, column).
    """

    time: np.ndarray
    row: np.ndarray
    stratum: np.ndarray
    values: np.ndarray


def martingale_residuals(model: CoxRegression) -> np.ndarray:
    """Events of each row less those expected, (row,): at most 1; their weighted sum is 0.

    References
    ----------
    Therneau, Grambsch and Fleming, Biometrika 1990;77:147-160.
    """
    at_risk = model.fit.at_risk
    residual = at_risk.data.sets.event - np.exp(at_risk.predictor) * at_risk.expected(
        at_risk.increment
    )
    return _as_passed(model.fit, residual)


def deviance_residuals(model: CoxRegression) -> np.ndarray:
    r"""Martingale residuals M made more symmetric, (row,).

    .. math:: \operatorname{sign}(M) \sqrt{-2 \left[ M + \delta \log(\delta - M) \right]}
    """
    martingale = martingale_residuals(model)
    event = model.fit.event
    expected = np.where(event, event - martingale, 1.0)
    inside = -2 * (martingale + np.log(expected))
    return np.sign(martingale) * np.sqrt(np.maximum(inside, 0.0))


def score_residuals(model: CoxRegression) -> np.ndarray:
    """What each row adds to the slope of the log likelihood, over its weight, (row, column)."""
    return _as_passed(model.fit, model.fit.basis.values(standard_scores(model.fit.at_risk))).T


def dfbeta(model: CoxRegression) -> np.ndarray:
    """Change of each coefficient by leaving a row out, to first order, (row, column).

    The score residuals, weighted, times the inverse of the information.
    """
    return _weights(model.fit)[:, None] * score_residuals(model) @ model.model_covariance


def schoenfeld_residuals(model: CoxRegression) -> SchoenfeldResiduals:
    """Features of each event less the mean of its risk set.

    References
    ----------
    Schoenfeld, Biometrika 1982;69:239-241.
    """
    at_risk, sets = model.fit.at_risk, model.fit.at_risk.data.sets
    gaps = at_risk.data.features[:, sets.event_rows] - at_risk.means[:, sets.event_group]
    row = sets.order[sets.event_rows]
    time, stratum = sets.time[sets.event_group], sets.stratum[sets.event_group]
    rising = np.lexsort((row, time, stratum))
    values = model.fit.basis.values(gaps).T
    return SchoenfeldResiduals(time[rising], row[rising], stratum[rising], values[rising])


def scaled_schoenfeld_residuals(model: CoxRegression) -> SchoenfeldResiduals:
    """Schoenfeld residuals whose local mean estimates the coefficient at that time.

    Each times the number of events and the inverse of the information, plus the coefficient: the
    variance of the residuals is taken as constant over time. For the plot that goes with a test
    see :func:`proportional_hazards`.

    References
    ----------
    Grambsch and Therneau, Biometrika 1994;81:515-526.
    """
    raw = schoenfeld_residuals(model)
    values = len(raw.time) * raw.values @ model.model_covariance + model.coefficients
    return SchoenfeldResiduals(raw.time, raw.row, raw.stratum, values)


def standard_scores(at_risk: AtRisk) -> np.ndarray:
    """Score residuals of the uncorrelated columns in sorted rows, (column, row)."""
    data, sets = at_risk.data, at_risk.data.sets
    relative = np.exp(at_risk.predictor)
    expected = at_risk.expected(at_risk.increment)
    of_risk, of_events = at_risk.feature_sums
    square = at_risk.increment / at_risk.total
    both, cross, tied = (sets.event_sums(square * p) for p in (1.0, data.gone, data.gone**2))
    # What a patient at risk sees of the mean features at each time, and a tied event less of it.
    lived = sets.lived_sums(of_risk * both - of_events * cross)
    own = of_risk * cross - of_events * tied
    lived[:, sets.event_rows] -= own[:, sets.event_group]
    scores = (sets.event - relative * expected) * data.features + relative * lived
    scores[:, sets.event_rows] -= at_risk.means[:, sets.event_group]
    return scores


def clustered(values: np.ndarray, cluster: np.ndarray | None) -> np.ndarray:
    """Sums of rows within clusters, (cluster, column); the rows themselves where None."""
    if cluster is None:
        return values
    return np.column_stack([np.bincount(cluster, column) for column in values.T])


def _weights(fit: CoxFit) -> np.ndarray:
    return _as_passed(fit, fit.at_risk.data.weights)


def _as_passed(fit: CoxFit, values: np.ndarray) -> np.ndarray:
    """Sorted rows (last axis) back in the caller's order."""
    restored = np.empty_like(values, dtype=np.float64)
    restored[..., fit.at_risk.data.sets.order] = values
    return restored
