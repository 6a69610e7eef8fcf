"""How sure a time-dependent AUC is."""

import numpy as np

from workbench.survival.censoring import censoring_curve, free_until
from workbench.survival.censoring_influence import censoring_influence
from workbench.survival.concordance import concordance, within
from workbench.survival.concordant_counts import PairSums, order_by_score
from workbench.survival.horizon_estimates import HorizonEstimates, horizon_estimates
from workbench.survival.inputs import check_horizons, check_numbers, check_outcome
from workbench.survival.pair_weights import auc_pairs


def dynamic_auc_interval(
    time: np.ndarray,
    event: np.ndarray,
    risk_score: np.ndarray,
    *,
    horizons: np.ndarray,
    fold: np.ndarray | None = None,
    stratum: np.ndarray | None = None,
    confidence: float = 0.95,
) -> HorizonEstimates:
    """Cumulative-dynamic AUC with the interval of its influence function.

    The censoring curve is estimated from these patients, and the standard error counts that too
    (as ``Score`` of R's riskRegression does; to hold the curve fixed would widen it). Ties of
    scores count one half in the influence as in the AUC.

    Parameters
    ----------
    time, event, risk_score, horizons, fold, stratum
        As in ``dynamic_auc``.
    confidence
        Coverage of the Wald limits, in (0, 1).

    Raises
    ------
    SurvivalError
        As in ``dynamic_auc``.

    References
    ----------
    Blanche, Dartigues and Jacqmin-Gadda, Stat Med 2013;32:5381-5397.

    Examples
    --------
    Two cases by 2.5 with scores 3 and 1, two others with 2 and 0: AUC 3/4. Each patient is in two
    pairs and moves it by (concordant - 3/4 pairs) / 4: .125, -.125, -.125, .125.

    >>> outcome = np.array([1.0, 2, 3, 4]), np.array([True, True, True, True])
    >>> found = dynamic_auc_interval(*outcome, np.array([3.0, 1, 2, 0]), horizons=[2.5])
    >>> found.estimate.tolist(), found.influence.ravel().tolist()
    ([0.75], [0.125, -0.125, -0.125, 0.125])
    """
    time, event = check_outcome(time, event)
    risk_score = check_numbers("risk_score", risk_score, time.shape)
    horizons = check_horizons(horizons)
    censoring = censoring_curve(time, event, stratum=stratum)
    among = within(len(time), fold)
    order = order_by_score(risk_score, among)
    before = censoring.before_own(time, stratum)
    estimate, own = np.empty(len(horizons)), np.empty((len(time), len(horizons)))
    for column, horizon in enumerate(horizons):
        sums = auc_pairs(
            time,
            event,
            order,
            horizon=horizon,
            own=before,
            censoring=censoring,
            censoring_stratum=stratum,
        ).of_each()
        total = PairSums(*(each.sum() / 2 for each in sums))
        estimate[column] = concordance(total, among)
        agreeing = sums.concordant + sums.tied / 2
        own[:, column] = (agreeing - estimate[column] * sums.comparable) / total.comparable
    free = free_until(time, event)[:, None] > horizons
    influence = own + censoring_influence(
        time, event, own * ~free, own * free, horizons=horizons, stratum=stratum
    )
    return horizon_estimates(
        estimate, influence, horizons=horizons, confidence=confidence, lowest=0.0
    )
