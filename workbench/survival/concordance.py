"""How often the patient who fares worse has the higher risk score.

Every index here is one ratio: the weight of comparable pairs that are concordant (a tied score
counts one half) over the weight of all comparable pairs. A pair is a patient who had the event
and one who is known to have outlived it. Time grows as n log n with the patients, memory as n.
"""

import numpy as np

from workbench.errors import SurvivalError
from workbench.survival.censoring import CensoringCurve, censoring_curve
from workbench.survival.concordant_counts import PairSums, order_by_score
from workbench.survival.inputs import (
    check_entry,
    check_horizons,
    check_labels,
    check_numbers,
    check_outcome,
    check_weights,
)
from workbench.survival.pair_weights import auc_pairs, harrell_pairs, uno_pairs


def harrell_c(
    time: np.ndarray,
    event: np.ndarray,
    risk_score: np.ndarray,
    *,
    fold: np.ndarray | None = None,
    stratum: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    entry: np.ndarray | None = None,
) -> float:
    """Harrell's concordance index.

    Parameters
    ----------
    time
        From index date to event or censoring, (patient,), not negative.
    event
        True if the event was observed, (patient,) bool.
    risk_score
        Higher is worse, (patient,).
    fold
        Held-out fold of each patient, (patient,). Only pairs within a fold are compared, since
        the scores of different folds come from different models; None compares all pairs.
    stratum
        Group of each patient, (patient,). Only pairs within a group are compared: the within-group
        C, in which a score gains nothing by telling the groups apart.
    weights
        How much each patient counts, (patient,), not negative; a pair counts the product.
    entry
        When observation started, (patient,), before ``time``: a patient is at risk in
        (entry, time], and an event is compared with those at risk then. None: all at 0.

    Raises
    ------
    SurvivalError
        No pair is comparable, or the input is not valid.

    References
    ----------
    Harrell, Califf, Pryor, Lee and Rosati, JAMA 1982;247:2543-2546. Two events at one time are
    not comparable; an event and a censoring at one time are.

    Examples
    --------
    The event at 1 is comparable with both others and the one at 2 with the last: three pairs.
    Scores 3, 1, 2 order two of them rightly.

    >>> outcome = np.array([1.0, 2.0, 3.0]), np.array([True, True, False])
    >>> round(harrell_c(*outcome, np.array([3.0, 1.0, 2.0])), 4)
    0.6667
    """
    time, event = check_outcome(time, event)
    among = within(len(time), fold, stratum)
    pairs = harrell_pairs(
        time,
        event,
        check_numbers("risk_score", risk_score, time.shape),
        stratum=among,
        weights=check_weights(weights, len(time)),
        entry=check_entry(entry, time),
    )
    return concordance(pairs.totals(), among)


def uno_c(
    time: np.ndarray,
    event: np.ndarray,
    risk_score: np.ndarray,
    *,
    tau: float,
    fold: np.ndarray | None = None,
    censoring: CensoringCurve | None = None,
    stratum: np.ndarray | None = None,
) -> float:
    r"""Uno's concordance index: Harrell's, freed of the censoring distribution.

    .. math:: \frac{\sum_{ij} w_{ij} 1(r_i > r_j)}{\sum_{ij} w_{ij}}, \qquad
        w_{ij} = \frac{\delta_i\, 1(T_i < T_j,\ T_i < \tau)}{\hat G_i(T_i-)\, \hat G_j(T_i-)}

    Parameters
    ----------
    time, event, risk_score, fold
        As in ``harrell_c``.
    tau
        Events from this time on are left out.
    censoring
        Censoring curve; None estimates it from these patients.
    stratum
        Stratum of each patient in the censoring curve, (patient,).

    Raises
    ------
    SurvivalError
        No pair is comparable before tau, or the input is not valid.

    References
    ----------
    Uno, Cai, Pencina, D'Agostino and Wei, Stat Med 2011;30:1105-1117. Gerds, Kattan, Schumacher
    and Yu, Stat Med 2013;32:2173-2184 (censoring that depends on the stratum).

    Examples
    --------
    The event at 1 forms three pairs of weight 1, all concordant. One of the three at risk is
    censored at 2, so the event at 3 forms one pair of weight 1 / (2/3)^2 = 2.25, which is
    discordant: 3 / 5.25.

    >>> outcome = np.array([1.0, 2, 3, 4]), np.array([True, False, True, False])
    >>> round(uno_c(*outcome, np.array([4.0, 3, 1, 2]), tau=5), 4)
    0.5714
    """
    time, event = check_outcome(time, event)
    among = within(len(time), fold)
    pairs = uno_pairs(
        time,
        event,
        check_numbers("risk_score", risk_score, time.shape),
        stratum=among,
        tau=tau,
        censoring=censoring or censoring_curve(time, event, stratum=stratum),
        censoring_stratum=stratum,
    )
    return concordance(pairs.totals(), among)


def dynamic_auc(
    time: np.ndarray,
    event: np.ndarray,
    risk_score: np.ndarray,
    *,
    horizons: np.ndarray,
    fold: np.ndarray | None = None,
    censoring: CensoringCurve | None = None,
    stratum: np.ndarray | None = None,
) -> np.ndarray:
    r"""Cumulative-dynamic AUC: cases by each horizon against those still event-free.

    .. math:: w_{ij} = \frac{\delta_i\, 1(T_i \le t)}{\hat G_i(T_i-)} \cdot
        \frac{1(T_j > t\ \text{or}\ T_j = t, \delta_j = 0)}{\hat G_j(t-)}

    Parameters
    ----------
    time, event, risk_score, fold
        As in ``harrell_c``.
    horizons
        Ascending times, (horizon,).
    censoring, stratum
        As in ``uno_c``.

    Returns
    -------
    array
        (horizon,) in [0, 1].

    Raises
    ------
    SurvivalError
        A horizon has no case or no event-free patient, or the input is not valid.

    References
    ----------
    Uno, Cai, Tian and Wei, J Am Stat Assoc 2007;102:527-537. Hung and Chiang, Can J Stat
    2010;38:8-26.

    Examples
    --------
    At 2.5 the cases have scores 3 and 1, the others 2 and 0: three of four pairs are concordant.

    >>> outcome = np.array([1.0, 2, 3, 4]), np.array([True, True, True, False])
    >>> dynamic_auc(*outcome, np.array([3.0, 1, 2, 0]), horizons=np.array([2.5])).tolist()
    [0.75]
    """
    time, event = check_outcome(time, event)
    risk_score = check_numbers("risk_score", risk_score, time.shape)
    censoring = censoring or censoring_curve(time, event, stratum=stratum)
    among = within(len(time), fold)
    order = order_by_score(risk_score, among)
    own = censoring.before_own(time, stratum)
    found = []
    for horizon in check_horizons(horizons):
        pairs = auc_pairs(
            time,
            event,
            order,
            horizon=horizon,
            own=own,
            censoring=censoring,
            censoring_stratum=stratum,
        )
        found.append(concordance(pairs.totals(), among))
    return np.array(found)


def within(
    n_patients: int, fold: np.ndarray | None, stratum: np.ndarray | None = None
) -> np.ndarray:
    """Code of the patients among whom each may be compared, (patient,) int."""
    code = check_labels("fold", fold, n_patients)
    if stratum is None:
        return code
    group = check_labels("stratum", stratum, n_patients)
    return check_labels("stratum", code * n_patients + group, n_patients)


def concordance(sums: PairSums, among: np.ndarray) -> float:
    """Concordant share of the weight of all pairs.

    Raises
    ------
    SurvivalError
        No pair is comparable.
    """
    if not sums.comparable > 0:
        raise SurvivalError(
            f"concordance is undefined: {len(among)} patients form no comparable pair"
            f"{' within a fold or stratum' if among.any() else ''}; it needs an event followed by "
            "a longer observed time (and, at a horizon, patients on both sides of it)"
        )
    return float((sums.concordant + sums.tied / 2) / sums.comparable)
