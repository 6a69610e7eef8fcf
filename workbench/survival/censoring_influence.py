"""How far each patient moves a weighted number by moving the censoring curve in its weights."""

import numpy as np

from workbench.survival.inputs import check_labels


def censoring_influence(
    time: np.ndarray,
    event: np.ndarray,
    case: np.ndarray,
    control: np.ndarray,
    *,
    horizons: np.ndarray,
    stratum: np.ndarray | None = None,
) -> np.ndarray:
    r"""Influence of each patient through the estimated censoring curve, (patient, horizon).

    A sum of what cases add, weighted by 1 / G(T-), and of what those still event-free add,
    weighted by 1 / G(t-), moves with patient i, censored or not, by

    .. math:: \sum_j a_j \phi_i(\min(T_j-, t-)), \qquad
        \phi_i(s) = \frac{(1 - \delta_i) 1(T_i \le s)}{Y(T_i)} -
        \sum_{u \le \min(T_i, s)} \frac{c(u)}{Y(u)^2}

    with Y(u) those at risk at u (events at u included, as riskRegression counts them) and c(u)
    those censored at u; within a stratum, where curves are stratified.

    Parameters
    ----------
    time, event
        (patient,).
    case, control
        What each patient adds to the number by each horizon as a case and as one still
        event-free, 0 otherwise, (patient, horizon).
    horizons
        (horizon,).
    stratum
        Stratum of each patient in the censoring curve, (patient,).

    References
    ----------
    Blanche, Dartigues and Jacqmin-Gadda, Stat Med 2013;32:5381-5397.
    """
    found = np.empty(case.shape)
    codes = check_labels("stratum", stratum, len(time))
    for code in range(codes.max() + 1):
        member = np.flatnonzero(codes == code)
        found[member] = _of_one_curve(
            time[member], event[member], case[member], control[member], horizons
        )
    return found


def _of_one_curve(
    time: np.ndarray, event: np.ndarray, case: np.ndarray, control: np.ndarray, horizons: np.ndarray
) -> np.ndarray:
    distinct, at = np.unique(time, return_inverse=True)
    n_leaving = np.bincount(at)
    n_at_risk = len(time) - np.cumsum(n_leaving) + n_leaving
    n_censored = np.bincount(at, ~event)
    spent = np.append(0.0, np.cumsum(n_censored / n_at_risk**2))  # before each time, and at the end
    own = ~event / n_at_risk[at]
    found = np.empty(case.shape)
    for column, horizon in enumerate(horizons):
        by_time = np.bincount(at, case[:, column], minlength=len(distinct))
        until = np.cumsum(by_time)
        after = until[-1] - until
        spent_by_cases = spent[1:] * after + np.cumsum(by_time * spent[:-1])
        through_cases = own * after[at] - spent_by_cases[at]
        last = np.searchsorted(distinct, horizon, side="left")
        through_controls = own * (time < horizon) - spent[np.minimum(at + 1, last)]
        found[:, column] = through_cases + control[:, column].sum() * through_controls
    return found
