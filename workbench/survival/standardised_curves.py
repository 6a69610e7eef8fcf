"""Survival as if groups had been alike: predictions averaged over all patients (G-computation)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from workbench.errors import SurvivalError
from workbench.survival.inputs import check_horizons, check_survival
from workbench.survival.limits import normal_quantile


@dataclass(frozen=True)
class StandardisedCurves:
    """Mean predicted survival of all patients under each group.

    Parameters
    ----------
    groups
        Labels in the order given.
    horizons
        Times of the curves, ascending, (horizon,).
    survival
        (group, horizon) in [0, 1].
    lower, upper
        Percentile limits, (group, horizon), NaN where no replicates came.
    """

    groups: tuple[object, ...]
    horizons: np.ndarray
    survival: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


def g_computation(
    predicted: Mapping[object, np.ndarray],
    *,
    horizons: np.ndarray | list[float],
    replicates: Mapping[object, np.ndarray] | None = None,
    confidence: float = 0.95,
) -> StandardisedCurves:
    r"""Standardised curves: each group's mean of the survival predicted for all patients in it.

    .. math:: \hat S_g(t) = \frac{1}{n} \sum_i \hat S(t \mid G = g, x_i)

    Every patient is predicted once as a member of each group, whichever was the own one. It holds
    if the model is right and has every common cause of group and outcome.

    Parameters
    ----------
    predicted
        For each group's label the survival of all patients as its members, (patient, horizon).
    horizons
        Times of the predictions, positive and ascending, (horizon,).
    replicates
        For each label the curves of models refitted to bootstrap samples, each the mean over that
        sample, (replicate, horizon): the limits hold their central share. None: no limits.
    confidence
        That share, in (0, 1).

    Raises
    ------
    SurvivalError
        Labels, shapes or probabilities that do not fit.

    References
    ----------
    Robins, Math Model 1986;7:1393-1512. Makuch, J Chronic Dis 1982;35:437-443 (adjusted curves).

    Examples
    --------
    >>> found = g_computation(
    ...     {"old": np.array([[0.9, 0.5], [0.7, 0.3]]), "new": np.array([[0.9, 0.7], [0.8, 0.5]])},
    ...     horizons=[1, 2],
    ... )
    >>> found.survival.round(2).tolist()
    [[0.8, 0.4], [0.85, 0.6]]
    """
    horizons = check_horizons(horizons)
    if not predicted:
        raise SurvivalError("predictions of one group at least are needed, got 0: pass them")
    n_patients = len(next(iter(predicted.values())))
    survival = np.stack(
        [check_survival(each, n_patients, len(horizons)).mean(0) for each in predicted.values()]
    )
    normal_quantile(confidence)  # refuses what is no share
    tail = (1 - confidence) / 2
    if replicates is None:
        lower, upper = np.full_like(survival, np.nan), np.full_like(survival, np.nan)
        return StandardisedCurves(tuple(predicted), horizons, survival, lower, upper)
    if list(replicates) != list(predicted):
        raise SurvivalError(
            f"replicates must have the labels of predicted in their order, got {len(replicates)} "
            f"for {len(predicted)}: pass the same groups"
        )
    shaped = [check_survival(each, len(each), len(horizons)) for each in replicates.values()]
    lower, upper = (
        np.stack([np.quantile(each, share, axis=0) for each in shaped])
        for share in (tail, 1 - tail)
    )
    return StandardisedCurves(tuple(predicted), horizons, survival, lower, upper)
