"""What acting on a predicted risk is worth, over the thresholds at which one might act."""

from collections.abc import Iterable

import numpy as np

from workbench.errors import SurvivalError
from workbench.survival.bootstrap import check_draws
from workbench.survival.calibration import check_risk
from workbench.survival.censoring import CensoringCurve
from workbench.survival.inputs import check_cause, check_horizons, check_numbers, check_outcome
from workbench.survival.known_state import KnownState, known_state
from workbench.survival.net_benefit import DecisionCurve

FEWEST_AT_RISK = 10
"""A horizon with fewer patients at risk is refused."""

N_CELLS = 4096


def decision_curve(
    time: np.ndarray,
    event: np.ndarray,
    risk: np.ndarray,
    *,
    horizon: float,
    thresholds: np.ndarray,
    censoring: CensoringCurve | None = None,
    stratum: np.ndarray | None = None,
    draws: Iterable[np.ndarray] | None = None,
    confidence: float = 0.95,
) -> DecisionCurve:
    r"""Decision curve of a predicted risk at a horizon, weighted for censoring.

    .. math:: NB(p) = \frac1n \sum_i w_i\, 1(r_i \ge p) \left[ y_i -
        (1 - y_i) \frac{p}{1 - p} \right]

    with y the state at the horizon (1 = event) and w its inverse probability of censoring weight by
    one censoring curve (or one a stratum). Treating all then has 1 - KM(t) true positives and KM(t)
    false ones, as in the form of Vickers, which takes a Kaplan-Meier curve among those above each
    threshold: the two are equal without censoring and estimate the same where censoring does not
    depend on the risk; on ten public tables they differ by up to .01, where few are above it. One
    threshold with ``stratum=risk >= threshold`` gives the form of Vickers exactly. Here each
    patient adds a term, so one pass serves every threshold, model and bootstrap (n log n by the
    sort for the censoring curve).

    Parameters
    ----------
    time
        From index date to event or censoring, (patient,), not negative.
    event
        True if the event was observed, (patient,) bool.
    risk
        Predicted probability of the event by the horizon, (patient,) in [0, 1]. A patient at a
        threshold is treated.
    horizon
        Time, above 0.
    thresholds
        Risks at which one might act, ascending, (threshold,) in [0, 1).
    censoring
        Censoring curve; None estimates it from these patients.
    stratum
        Stratum of each patient in the censoring curve, (patient,): use it where groups of different
        risk are censored differently.
    draws
        Counts of bootstraps, each (patient,): an array of shape (draw, patient) or
        ``bootstrap_draws``; None gives no limits.
    confidence
        Coverage of the percentile limits, in (0, 1).

    Raises
    ------
    SurvivalError
        Fewer than 10 at risk at the horizon, no event by then, nobody known to be free of it, a
        threshold below 0, at 1 or out of order.

    References
    ----------
    Vickers and Elkin, Med Decis Making 2006;26:565-574. Vickers, Cronin, Elkin and Gonen, BMC Med
    Inform Decis Mak 2008;8:53 (censoring, competing risks). Blanche, Blaha and Gerds, Biom J 2024
    (weighting). Kerr, Brown, Zhu and Janes, J Clin Oncol 2016;34:2534-2540 (standardised).

    Examples
    --------
    Of 20 patients 5 have the event by 2; the model gives them and five others a risk of .6, the
    rest .1. At .5 a false positive costs as much as a true one is worth: 5/20 - 5/20; treating all
    has 5/20 - 15/20. At .2 it costs a quarter: 5/20 - 5/20 / 4.

    >>> time, event = np.repeat([1.0, 3.0], [5, 15]), np.repeat([True, False], [5, 15])
    >>> risk = np.repeat([0.6, 0.1], 10)
    >>> curve = decision_curve(time, event, risk, horizon=2, thresholds=np.array([0.2, 0.5]))
    >>> curve.net_benefit.estimate.tolist(), curve.treat_all.estimate.tolist()
    ([0.1875, 0.0], [0.0625, -0.5])
    """
    time, event = check_outcome(time, event)
    return competing_decision_curve(
        time,
        event.astype(np.int64),
        risk,
        horizon=horizon,
        thresholds=thresholds,
        censoring=censoring,
        stratum=stratum,
        draws=draws,
        confidence=confidence,
    )


def competing_decision_curve(
    time: np.ndarray,
    cause: np.ndarray,
    risk: np.ndarray,
    *,
    horizon: float,
    thresholds: np.ndarray,
    of: int = 1,
    censoring: CensoringCurve | None = None,
    stratum: np.ndarray | None = None,
    draws: Iterable[np.ndarray] | None = None,
    confidence: float = 0.95,
) -> DecisionCurve:
    """Decision curve of the predicted incidence of one cause among competing events.

    As :func:`decision_curve`; a patient with a competing event by the horizon was treated in vain.
    Treating all has the Aalen-Johansen incidence of the cause as its true positives.

    Parameters
    ----------
    time, risk, horizon, thresholds, censoring, stratum, draws, confidence
        As in ``decision_curve``; ``risk`` is that of the cause.
    cause
        0 censored, 1, 2, ... the competing events, (patient,) int.
    of
        The cause asked for.

    Raises
    ------
    SurvivalError
        As ``decision_curve``.

    Examples
    --------
    As above, but two of the five others at .6 die of something else: false positives all the same.

    >>> time = np.repeat([1.0, 3.0], [7, 13])
    >>> cause, risk = np.repeat([1, 2, 0], [5, 2, 13]), np.repeat([0.6, 0.1], 10)
    >>> curve = competing_decision_curve(time, cause, risk, horizon=2, thresholds=[0.2, 0.5])
    >>> curve.net_benefit.estimate.tolist()
    [0.1875, 0.0]
    """
    time, cause = check_cause(time, cause)
    horizon = float(check_horizons(horizon)[0])
    thresholds = _check_thresholds(thresholds)
    risk = check_risk(risk, len(time))
    n_at_risk = int((time >= horizon).sum())
    if n_at_risk < FEWEST_AT_RISK:
        raise SurvivalError(
            f"a decision curve needs {FEWEST_AT_RISK} patients at risk at its horizon, got "
            f"{n_at_risk} at {horizon:g}: choose an earlier horizon"
        )
    state = known_state(time, cause, of=of, horizon=horizon, censoring=censoring, stratum=stratum)
    reached = _n_reached(thresholds, risk)
    n_treated = _at_or_above(np.bincount(reached, minlength=len(thresholds) + 1))
    benefit, event_risk, event_free = _over_draws(state, reached, thresholds, draws)
    return DecisionCurve(
        horizon=horizon,
        n_patients=len(time),
        n_events=int(state.outcome.sum()),
        thresholds=thresholds,
        n_treated=n_treated,
        net_benefit_draws=benefit,
        event_risk_draws=event_risk,
        event_free_draws=event_free,
        confidence=confidence,
    )


def _n_reached(thresholds: np.ndarray, risk: np.ndarray) -> np.ndarray:
    """How many thresholds each risk is at or above, (patient,) int.

    ``np.searchsorted`` from a table: only risks in a cell that holds a threshold are searched. The
    number of cells is a power of two, so the cell of a risk is exact.
    """
    cell = (risk * N_CELLS).astype(np.intp)
    edges = np.arange(N_CELLS + 1) / N_CELLS
    below = np.searchsorted(thresholds, edges, side="right")
    divided = np.append(np.diff(below) > 0, False)
    found = below[cell]
    unsure = np.flatnonzero(divided[cell])
    found[unsure] = np.searchsorted(thresholds, risk[unsure], side="right")
    return found


def _over_draws(
    state: KnownState,
    reached: np.ndarray,
    thresholds: np.ndarray,
    draws: Iterable[np.ndarray] | None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Net benefit (draw, threshold) and shares with and without the event, (draw,)."""
    n_patients, n_bins = len(reached), len(thresholds) + 1
    known = np.flatnonzero(state.weight > 0)
    weight = state.weight[known]
    # One bin a threshold and state: a single pass gives true and false positives of all thresholds.
    place = reached[known] + n_bins * state.outcome[known]
    sums = [np.bincount(place, weight, minlength=2 * n_bins) / n_patients]
    for counts in check_draws(draws, n_patients):
        drawn = np.bincount(place, weight * counts[known], minlength=2 * n_bins)
        sums.append(drawn / counts.sum())
    free, happened = np.split(np.stack(sums), 2, axis=1)
    odds = thresholds / (1 - thresholds)
    benefit = _at_or_above(happened) - _at_or_above(free) * odds
    return benefit, happened.sum(1), free.sum(1)


def _at_or_above(by_bin: np.ndarray) -> np.ndarray:
    """Sum over patients at or above each threshold, (..., threshold), from (..., threshold + 1)."""
    return np.cumsum(by_bin[..., ::-1], axis=-1)[..., -2::-1]


def _check_thresholds(thresholds: np.ndarray) -> np.ndarray:
    thresholds = check_numbers("thresholds", thresholds, (-1,))
    ascending = (np.diff(thresholds) > 0).all()
    if not len(thresholds) or thresholds.min() < 0 or thresholds.max() >= 1 or not ascending:
        raise SurvivalError(
            f"thresholds must be ascending risks in [0, 1), got {len(thresholds)} values that are "
            "not: at 1 a false positive would cost infinitely much; leave it out"
        )
    return thresholds
