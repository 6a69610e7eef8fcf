"""How sure an index of concordance is, and whether one score ranks better than another.

The standard error is the infinitesimal jackknife's: the root of the summed squares of what each
patient (or cluster) moves the index. A difference of two scores of the same patients is that of
the differences, so it is paired.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr

from workbench.errors import SurvivalError
from workbench.survival.censoring import CensoringCurve, censoring_curve
from workbench.survival.concordance import concordance, within
from workbench.survival.concordant_counts import PairSums
from workbench.survival.horizon_estimates import normal_quantile
from workbench.survival.inputs import (
    check_entry,
    check_labels,
    check_numbers,
    check_outcome,
    check_weights,
)
from workbench.survival.pair_weights import harrell_pairs, uno_pairs


@dataclass(frozen=True)
class Concordance:
    """An index of concordance with its standard error.

    Parameters
    ----------
    estimate, lower, upper
        Index and its Wald limits, in [0, 1] (limits beyond are cut there).
    standard_error
        Of the infinitesimal jackknife; 0 where every pair agrees, or none.
    n_patients, n_events
        Patients and events among them, without those of weight 0.
    comparable
        Weight of all comparable pairs: their number where nothing is weighted.
    influence
        How far each patient, or cluster in the order of its sorted label, moves the estimate.
    """

    estimate: float
    lower: float
    upper: float
    standard_error: float
    n_patients: int
    n_events: int
    comparable: float
    influence: np.ndarray


@dataclass(frozen=True)
class ConcordanceDifference:
    """First less second of two indices of the same patients.

    Parameters
    ----------
    estimate, lower, upper
        Difference and its Wald limits, in [-1, 1].
    standard_error
        Of the paired difference.
    z, p_value
        Wald statistic and two-sided p; NaN where the standard error is 0, as of equal rankings.
    """

    estimate: float
    lower: float
    upper: float
    standard_error: float
    z: float
    p_value: float


def harrell_c_interval(
    time: np.ndarray,
    event: np.ndarray,
    risk_score: np.ndarray,
    *,
    fold: np.ndarray | None = None,
    stratum: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    entry: np.ndarray | None = None,
    cluster: np.ndarray | None = None,
    confidence: float = 0.95,
) -> Concordance:
    r"""Harrell's concordance index with its infinitesimal-jackknife interval.

    .. math:: \hat\sigma^2 = \sum_i \Big( w_i\,
        \frac{\sum_{p \ni i} w_{p \setminus i} (a_p - C)}{\sum_p w_p} \Big)^2

    over the pairs p of each patient i, with a_p = 1 where concordant and 1/2 where tied: as
    ``concordance`` of R's survival.

    Parameters
    ----------
    time, event, risk_score, fold, stratum, weights, entry
        As in ``harrell_c``.
    cluster
        Label of patients who are not independent, (patient,); their influences are summed.
    confidence
        Coverage of the limits, in (0, 1).

    Raises
    ------
    SurvivalError
        As in ``harrell_c``; or fewer than two clusters.

    References
    ----------
    Therneau and Atkinson, Concordance, vignette of the R package survival, 2024.

    Examples
    --------
    Three pairs, two concordant. The patients take part in them with concordances (1, 1), (1, 0)
    and (1, 0): their influences are 2 (1 - 2/3) / 3 and twice half its negative.

    >>> outcome = np.array([1.0, 2.0, 3.0]), np.array([True, True, False])
    >>> found = harrell_c_interval(*outcome, np.array([3.0, 1.0, 2.0]))
    >>> (found.influence * 9).round(9).tolist(), round(found.standard_error**2 * 81, 9)
    ([2.0, -1.0, -1.0], 6.0)
    """
    time, event = check_outcome(time, event)
    among = within(len(time), fold, stratum)
    weights = check_weights(weights, len(time))
    pairs = harrell_pairs(
        time,
        event,
        check_numbers("risk_score", risk_score, time.shape),
        stratum=among,
        weights=weights,
        entry=check_entry(entry, time),
    )
    sums = pairs.of_each()
    if entry is not None:
        sums = PairSums(*(each.reshape(2, -1).sum(0) for each in sums))
    found = from_pair_sums(sums, event, among, cluster, confidence)
    counted = weights > 0
    return replace(found, n_patients=int(counted.sum()), n_events=int(event[counted].sum()))


def uno_c_interval(
    time: np.ndarray,
    event: np.ndarray,
    risk_score: np.ndarray,
    *,
    tau: float,
    fold: np.ndarray | None = None,
    censoring: CensoringCurve | None = None,
    stratum: np.ndarray | None = None,
    cluster: np.ndarray | None = None,
    confidence: float = 0.95,
) -> Concordance:
    """Uno's concordance index with its infinitesimal-jackknife interval.

    The censoring curve is held fixed, as by ``concordance`` of R's survival with
    ``timewt = "n/G2"``.

    Parameters
    ----------
    time, event, risk_score, tau, fold, censoring, stratum
        As in ``uno_c``.
    cluster, confidence
        As in ``harrell_c_interval``.

    Raises
    ------
    SurvivalError
        As in ``uno_c``; or fewer than two clusters.

    References
    ----------
    As of ``harrell_c_interval`` and ``uno_c``.

    Examples
    --------
    Nobody is censored: it is Harrell's.

    >>> outcome = np.array([1.0, 2.0, 3.0]), np.array([True, True, True])
    >>> found = uno_c_interval(*outcome, np.array([3.0, 1.0, 2.0]), tau=9)
    >>> round(found.estimate, 4), round(found.standard_error**2 * 81, 9)
    (0.6667, 6.0)
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
    return from_pair_sums(pairs.of_each(), event, among, cluster, confidence)


def compare_concordance(
    first: Concordance, second: Concordance, *, confidence: float = 0.95
) -> ConcordanceDifference:
    """First less second concordance of two scores of the same patients, paired.

    Parameters
    ----------
    first, second
        The same index of the same patients in the same order.
    confidence
        Coverage of the limits, in (0, 1).

    Raises
    ------
    SurvivalError
        The two are not of the same patients, events and pairs.

    Examples
    --------
    >>> outcome = np.array([1.0, 2.0, 3.0]), np.array([True, True, False])
    >>> first = harrell_c_interval(*outcome, np.array([3.0, 1.0, 2.0]))
    >>> second = harrell_c_interval(*outcome, np.array([2.0, 3.0, 1.0]))
    >>> found = compare_concordance(first, second)
    >>> round(found.estimate, 9), round(found.standard_error**2 * 81, 9)
    (0.0, 18.0)
    """
    same = (
        first.n_patients == second.n_patients
        and first.n_events == second.n_events
        and first.influence.shape == second.influence.shape
        and np.isclose(first.comparable, second.comparable, rtol=1e-9)
    )
    if not same:
        raise SurvivalError(
            f"two scores are compared on the same pairs, got {first.n_patients} patients, "
            f"{first.n_events} events, pairs of weight {first.comparable:g} and "
            f"{second.n_patients}, {second.n_events}, {second.comparable:g}: pass one index of the "
            "same patients"
        )
    difference = first.estimate - second.estimate
    error = float(np.sqrt(np.sum((first.influence - second.influence) ** 2)))
    margin = normal_quantile(confidence) * error
    z = difference / error if error > 0 else np.nan
    return ConcordanceDifference(
        difference,
        max(-1.0, difference - margin),
        min(1.0, difference + margin),
        error,
        z,
        float(2 * ndtr(-abs(z))),
    )


def from_pair_sums(
    sums: PairSums,
    event: np.ndarray,
    among: np.ndarray,
    cluster: np.ndarray | None,
    confidence: float,
) -> Concordance:
    """Index and jackknife from the weight of the pairs that each patient is in."""
    # Each pair is in the sums of both its patients.
    total = PairSums(*(each.sum() / 2 for each in sums))
    estimate = concordance(total, among)
    agreeing = sums.concordant + sums.tied / 2
    influence = (agreeing - estimate * sums.comparable) / total.comparable
    if cluster is not None:
        influence = np.bincount(check_labels("cluster", cluster, len(event)), influence)
        if len(influence) < 2:
            raise SurvivalError(
                "a standard error needs at least two clusters, got 1: pass one label for each "
                "group of dependent patients"
            )
    error = float(np.sqrt(np.sum(influence**2)))
    margin = normal_quantile(confidence) * error
    return Concordance(
        estimate,
        max(0.0, estimate - margin),
        min(1.0, estimate + margin),
        error,
        len(event),
        int(event.sum()),
        float(total.comparable),
        influence,
    )
