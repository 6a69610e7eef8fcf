"""How far predicted incidence lies from what happened, and how well it ranks, when events compete.

The state at a horizon is one of three: had the cause, had another event, or still event-free. It is
unknown for patients censored before; the others stand in for them with inverse probability of
censoring weights.
"""

import numpy as np

from workbench.errors import SurvivalError
from workbench.survival.brier import observed_weights
from workbench.survival.censoring import CensoringCurve, censoring_curve
from workbench.survival.competing.aalen_johansen import aalen_johansen
from workbench.survival.competing.counts import cause_seen
from workbench.survival.inputs import check_cause, check_horizons, check_numbers


def competing_brier(
    time: np.ndarray,
    cause: np.ndarray,
    incidence: np.ndarray,
    *,
    horizons: np.ndarray | list[float],
    of: int = 1,
    censoring: CensoringCurve | None = None,
    stratum: np.ndarray | None = None,
) -> np.ndarray:
    r"""Brier score of predicted cumulative incidence at each horizon, weighted for censoring.

    .. math:: \frac1n \sum_i \hat w_i(t) \left[
        1(T_i \le t,\ \text{cause}_i = k) - \hat F_i(t) \right]^2, \qquad
        \hat w_i(t) = \frac{1(T_i \le t,\ \text{cause}_i > 0)}{\hat G(T_i-)} +
        \frac{1(T_i > t\ \text{or censored at}\ t)}{\hat G(t-)}

    At a tied time events come before censorings: whoever is censored at t is event-free there.

    Parameters
    ----------
    time
        From index date to event or censoring, (patient,), not negative.
    cause
        What happened, (patient,) int: 0 censored, 1, 2, ... the competing events.
    incidence
        Predicted probability that the cause has come by each horizon, (patient, horizon) in
        [0, 1]; with one horizon also (patient,).
    horizons
        Ascending times, (horizon,).
    of
        The cause that is predicted.
    censoring
        Censoring curve (events of any cause, so of ``cause > 0``); None estimates it here.
    stratum
        Stratum of each patient in the censoring curve, (patient,).

    Returns
    -------
    array
        (horizon,); 0 is perfect.

    Raises
    ------
    SurvivalError
        The input is not valid, nobody had the cause, or follow-up ends before a horizon.

    References
    ----------
    Schoop, Beyersmann, Schumacher and Binder, Biom J 2011;53:88-112.

    Examples
    --------
    No censoring: by 2 the first had the cause (predicted .7), the second another event (.2), the
    third none (.1): (.09 + .04 + .01) / 3.

    >>> score = competing_brier(np.array([1.0, 2, 3]), np.array([1, 2, 1]),
    ...                         np.array([0.7, 0.2, 0.1]), horizons=[2.0])
    >>> score.round(6).tolist()
    [0.046667]
    """
    time, cause, horizons, happened, weight = _states(time, cause, horizons, of, censoring, stratum)
    incidence = _check_incidence(incidence, len(time), len(horizons))
    had = happened[:, None] & (time[:, None] <= horizons)
    return (weight * (had - incidence) ** 2).mean(0)


def competing_ipa(
    time: np.ndarray,
    cause: np.ndarray,
    incidence: np.ndarray,
    *,
    horizons: np.ndarray | list[float],
    of: int = 1,
    censoring: CensoringCurve | None = None,
    stratum: np.ndarray | None = None,
) -> np.ndarray:
    """Index of prediction accuracy: 1 - Brier score / that of the Aalen-Johansen estimate.

    The null gives every patient the incidence estimated from these patients. Parameters, errors
    and conventions are those of :func:`competing_brier`; 0 is no better than the null.

    Returns
    -------
    array
        (horizon,), at most 1; NaN where the null is perfect (nobody or everybody has the cause).

    References
    ----------
    Kattan and Gerds, Diagn Progn Res 2018;2:7.

    Examples
    --------
    The null predicts 1/3 for all three: (4/9 + 1/9 + 1/9) / 3 = 2/9.

    >>> ipa = competing_ipa(np.array([1.0, 2, 3]), np.array([1, 2, 1]),
    ...                     np.array([0.7, 0.2, 0.1]), horizons=[2.0])
    >>> ipa.round(4).tolist()
    [0.79]
    """
    options = {"horizons": horizons, "of": of, "censoring": censoring, "stratum": stratum}
    score = competing_brier(time, cause, incidence, **options)
    everyone = aalen_johansen(time, cause).at(check_horizons(horizons))[:, of - 1]
    null = competing_brier(time, cause, np.tile(everyone, (len(time), 1)), **options)
    return 1 - np.divide(score, null, out=np.full(len(score), np.nan), where=null > 0)


def competing_auc(
    time: np.ndarray,
    cause: np.ndarray,
    risk_score: np.ndarray,
    *,
    horizons: np.ndarray | list[float],
    of: int = 1,
    censoring: CensoringCurve | None = None,
    stratum: np.ndarray | None = None,
) -> np.ndarray:
    r"""Cumulative-dynamic AUC of one cause: its cases by each horizon against all others.

    .. math:: \frac{\sum_{ij} \hat w_i \hat w_j\, 1(i \text{ case},\ j \text{ control})\,
        [1(r_i > r_j) + \tfrac12 1(r_i = r_j)]}
        {\sum_{ij} \hat w_i \hat w_j\, 1(i \text{ case},\ j \text{ control})}

    Cases had the cause by the horizon; controls had another event by then or are event-free at
    it (the second definition of Blanche et al., and that of riskRegression). Weights are those of
    :func:`competing_brier`. Costs n log n.

    Parameters
    ----------
    time, cause, horizons, of, censoring, stratum
        As in :func:`competing_brier`.
    risk_score
        Higher is worse, (patient,), or one a horizon, such as the predicted incidence,
        (patient, horizon).

    Returns
    -------
    array
        (horizon,) in [0, 1].

    Raises
    ------
    SurvivalError
        A horizon has no case or no control, or the input is not valid.

    References
    ----------
    Blanche, Dartigues and Jacqmin-Gadda, Stat Med 2013;32:5381-5397.

    Examples
    --------
    By 2.5 the cases have scores 3 and 1, the controls 2 (another event) and 0 (event-free): three
    of four pairs are concordant.

    >>> outcome = np.array([1.0, 1.5, 2, 3]), np.array([1, 2, 1, 0])
    >>> competing_auc(*outcome, np.array([3.0, 2, 1, 0]), horizons=[2.5]).tolist()
    [0.75]
    """
    time, cause, horizons, happened, weight = _states(time, cause, horizons, of, censoring, stratum)
    shape = (len(time),) if np.ndim(risk_score) == 1 else (len(time), len(horizons))
    risk_score = check_numbers("risk_score", risk_score, shape)
    scores = np.broadcast_to(risk_score.reshape(len(time), -1), weight.shape)
    had = happened[:, None] & (time[:, None] <= horizons)
    lacking = [
        f"{horizon:g} has {int(cases.sum())} cases and {int((~cases & (known > 0)).sum())} controls"
        for horizon, cases, known in zip(horizons, had.T, weight.T, strict=True)
        if not (cases.any() and (~cases & (known > 0)).any())
    ]
    if lacking:
        raise SurvivalError(
            f"AUC needs cases of cause {of} and controls at every horizon, but {lacking[0]}: "
            "choose another horizon"
        )
    return np.array(
        [
            _concordant_share(score, cases * known, ~cases * known)
            for score, cases, known in zip(scores.T, had.T, weight.T, strict=True)
        ]
    )


def _concordant_share(score: np.ndarray, case: np.ndarray, control: np.ndarray) -> float:
    """Weighted share of pairs in which the case scores higher; equal scores count one half."""
    levels, position = np.unique(score, return_inverse=True)
    cases = np.bincount(position, case, minlength=len(levels))
    controls = np.bincount(position, control, minlength=len(levels))
    below = np.cumsum(controls) - controls / 2
    return float(cases @ below / (cases.sum() * controls.sum()))


def _states(
    time: np.ndarray,
    cause: np.ndarray,
    horizons: np.ndarray | list[float],
    of: int,
    censoring: CensoringCurve | None,
    stratum: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    time, cause = check_cause(time, cause)
    horizons = check_horizons(horizons)
    happened, event = cause_seen(cause, of), cause > 0
    if horizons[-1] > time.max() and not event.all():
        raise SurvivalError(
            f"follow-up ends at {time.max():g}, before the horizon {horizons[-1]:g}, with "
            f"{int((~event).sum())} patients censored: choose an earlier horizon"
        )
    censoring = censoring or censoring_curve(time, event, stratum=stratum)
    weight = observed_weights(time, event, horizons=horizons, censoring=censoring, stratum=stratum)
    return time, cause, horizons, happened, weight


def _check_incidence(incidence: np.ndarray, n_patients: int, n_horizons: int) -> np.ndarray:
    incidence = np.asarray(incidence)
    if incidence.ndim == 1 and n_horizons == 1:
        incidence = incidence[:, None]
    incidence = check_numbers("incidence", incidence, (n_patients, n_horizons))
    outside = (incidence < 0) | (incidence > 1)
    if outside.any():
        raise SurvivalError(
            f"incidence must lie in [0, 1], got {int(outside.sum())} values outside: pass the "
            "probability that the cause has come by each horizon"
        )
    return incidence
