"""How often the patient who fares worse has the higher risk score.

Every index here is one ratio: the weight of comparable pairs that are concordant (a tied score
counts one half) over the weight of all comparable pairs. Row i of a pair matrix is the patient who
had the event, column j the one who is known to have outlived it.
"""

import numpy as np

from workbench.errors import SurvivalError
from workbench.survival.censoring import (
    CensoringCurve,
    censoring_curve,
    inverse_probability,
)
from workbench.survival.inputs import (
    check_horizons,
    check_labels,
    check_numbers,
    check_outcome,
)


def comparable_pairs(time: np.ndarray, event: np.ndarray) -> np.ndarray:
    """Pairs whose order is known, (patient, patient) bool.

    i had an event at T_i, and j was followed longer or was censored at that very time.
    """
    later = time[None, :] > time[:, None]
    censored_then = (time[None, :] == time[:, None]) & ~event[None, :]
    return event[:, None] & (later | censored_then)


def uno_pairs(
    time: np.ndarray,
    event: np.ndarray,
    *,
    tau: float,
    censoring: CensoringCurve,
    stratum: np.ndarray | None = None,
) -> np.ndarray:
    """Weights of comparable pairs with T_i < tau, (patient, patient) float64.

    1 / (G_i(T_i-) G_j(T_i-)): the chance that neither patient was censored before T_i. With one
    censoring curve that is Uno's 1 / G(T_i-)^2; with strata it is the form of Gerds et al.
    """
    pairs = comparable_pairs(time, event) & (time < tau)[:, None]
    if stratum is None:
        seen = np.broadcast_to(censoring.before(time)[:, None], pairs.shape)
    else:
        seen = censoring.before(time, stratum).T  # column patient j at time of row patient i
    together = censoring.before_own(time, stratum)[:, None] * seen
    return inverse_probability(together, where=pairs)


def auc_pairs(
    time: np.ndarray,
    event: np.ndarray,
    *,
    horizon: float,
    censoring: CensoringCurve,
    stratum: np.ndarray | None = None,
) -> np.ndarray:
    """Weights of pairs of a case by ``horizon`` and one still event-free, (patient, patient).

    1 / (G_i(T_i-) G_j(horizon)).
    """
    case = event & (time <= horizon)
    control = time > horizon
    if stratum is None:
        followed = np.broadcast_to(censoring.at(np.array([horizon])), time.shape)
    else:
        followed = censoring.at(np.array([horizon]), stratum)[:, 0]
    weight_case = inverse_probability(censoring.before_own(time, stratum), where=case)
    weight_control = inverse_probability(followed, where=control)
    return weight_case[:, None] * weight_control


def concordant_pairs(earlier: np.ndarray, later: np.ndarray) -> np.ndarray:
    """1 where the earlier patient's risk score is higher, 0.5 where equal, (earlier, later)."""
    return (earlier[:, None] > later) + 0.5 * (earlier[:, None] == later)


def harrell_c(
    time: np.ndarray,
    event: np.ndarray,
    risk_score: np.ndarray,
    *,
    fold: np.ndarray | None = None,
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
    risk_score = check_numbers("risk_score", risk_score, time.shape)
    return _ratio(comparable_pairs(time, event), risk_score, fold)


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
    risk_score = check_numbers("risk_score", risk_score, time.shape)
    censoring = censoring or censoring_curve(time, event, stratum=stratum)
    weight = uno_pairs(time, event, tau=tau, censoring=censoring, stratum=stratum)
    return _ratio(weight, risk_score, fold)


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
        \frac{1(T_j > t)}{\hat G_j(t)}

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
    weights = [
        auc_pairs(time, event, horizon=horizon, censoring=censoring, stratum=stratum)
        for horizon in check_horizons(horizons)
    ]
    return np.array([_ratio(weight, risk_score, fold) for weight in weights])


def _ratio(weight: np.ndarray, risk_score: np.ndarray, fold: np.ndarray | None) -> float:
    code = check_labels("fold", fold, len(risk_score))
    weight = weight * (code[:, None] == code)
    total = weight.sum()
    if not total > 0:
        raise SurvivalError(
            f"concordance is undefined: {len(risk_score)} patients form no comparable pair"
            f"{'' if fold is None else ' within a fold'}; it needs an event followed by a longer "
            "observed time (and, at a horizon, patients on both sides of it)"
        )
    return float((weight * concordant_pairs(risk_score, risk_score)).sum() / total)
