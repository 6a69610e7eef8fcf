"""The maximum of the Fine-Gray partial likelihood, or why there is none."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from workbench.errors import SurvivalError
from workbench.survival.competing.risk_sets import RiskSets

MOST_STEPS = 40
MOST_HALVINGS = 30
STEP_TOLERANCE = 1e-9
"""Of the coefficients of scaled features; the last step leaves about its square."""
WIDEST_PREDICTOR = 500.0
"""Between two patients, on the log scale: beyond it exp has no digits left to tell them apart."""
SMALLEST_EIGENVALUE = 1e-10
"""Of the correlation of the features: below, one is a combination of the others."""


class Fit(NamedTuple):
    """The likelihood and its derivatives at one value of the coefficients.

    ``risk`` is exp(linear predictor - its largest value), (patient,); ``mean`` the weighted mean of
    the features in each risk set, (event_time, feature); ``step`` the baseline hazard on the scale
    of ``risk``, (event_time,), times exp(``log_level``) on the scale of the features.
    """

    coefficients: np.ndarray
    log_likelihood: float
    score: np.ndarray
    information: np.ndarray
    risk: np.ndarray
    mean: np.ndarray
    step: np.ndarray
    log_level: float
    log_likelihood_null: float


def check_design(
    features: np.ndarray, names: Sequence[str] | None
) -> tuple[tuple[str, ...], np.ndarray]:
    """Names and scale (standard deviation) of features that a regression can tell apart.

    Raises
    ------
    SurvivalError
        No feature, names that do not fit, a constant or a collinear feature.
    """
    n_patients, n_features = features.shape
    if not n_features:
        raise SurvivalError("features must have at least one column, got 0")
    names = tuple(names) if names is not None else tuple(f"x{i + 1}" for i in range(n_features))
    if len(names) != n_features or len(set(names)) != n_features:
        raise SurvivalError(
            f"names must be {n_features} different names, one a feature, got {len(names)} of which "
            f"{len(set(names))} differ"
        )
    constant = [name for name, column in zip(names, features.T, strict=True) if np.ptp(column) == 0]
    if constant:
        raise SurvivalError(
            f"features must vary, got the same value in all {n_patients} patients in "
            f"{', '.join(constant)}: leave them out"
        )
    centred = features - features.mean(0)
    scale = np.sqrt((centred**2).mean(0))
    scaled = centred / scale
    value, vector = np.linalg.eigh(scaled.T @ scaled / n_patients)
    if value[0] < SMALLEST_EIGENVALUE:
        involved = [name for name, part in zip(names, vector[:, 0], strict=True) if abs(part) > 0.1]
        raise SurvivalError(
            f"features must not be combinations of each other, but {', '.join(involved)} are "
            f"(in {n_patients} patients): leave one of them out"
        )
    return names, scale


def maximise(
    sets: RiskSets, features: np.ndarray, happened: np.ndarray, names: tuple[str, ...]
) -> Fit:
    """Newton's method with step halving from 0; ``features`` scaled, rows ascending in time.

    Raises
    ------
    SurvivalError
        The likelihood rises without bound along a feature, or does not depend on it.
    """
    observed = features[happened].sum(0)
    fit = null = _evaluate(sets, features, observed, np.zeros(features.shape[1]))
    for _ in range(MOST_STEPS):
        step = _newton_step(fit, names, int(happened.sum()))
        step_size = np.abs(step).max()
        for _ in range(MOST_HALVINGS):
            trial = fit.coefficients + step
            if np.ptp(features @ trial) < WIDEST_PREDICTOR:
                tried = _evaluate(sets, features, observed, trial)
                # Rounding of a sum of logarithms may hide the last, smallest gains.
                if tried.log_likelihood >= fit.log_likelihood - 1e-10 * abs(fit.log_likelihood):
                    break
            step = step / 2
        else:
            raise _without_maximum(step, names, int(happened.sum()))
        fit = tried
        if step_size < STEP_TOLERANCE:
            return fit._replace(log_likelihood_null=null.log_likelihood)
    raise _without_maximum(fit.coefficients, names, int(happened.sum()))


def _evaluate(
    sets: RiskSets, features: np.ndarray, observed: np.ndarray, coefficients: np.ndarray
) -> Fit:
    predictor = features @ coefficients
    top = predictor.max()
    risk = np.exp(predictor - top)
    sums = sets.sums(np.column_stack([risk, risk[:, None] * features]))
    total, mean = sums[:, 0], sums[:, 1:] / sums[:, :1]
    step = sets.n_events / total
    exposure = sets.exposure(step[:, None])[:, 0]
    weighted_mean = sets.n_events[:, None] * mean
    information = features.T @ (features * (risk * exposure)[:, None]) - mean.T @ weighted_mean
    log_total = np.log(total) + top
    return Fit(
        coefficients=coefficients,
        log_likelihood=float(observed @ coefficients - sets.n_events @ log_total),
        score=observed - weighted_mean.sum(0),
        information=information,
        risk=risk,
        mean=mean,
        step=step,
        log_level=-float(top),
        log_likelihood_null=np.nan,
    )


def _newton_step(fit: Fit, names: tuple[str, ...], n_events: int) -> np.ndarray:
    value, vector = np.linalg.eigh(fit.information)
    if value[0] <= 1e-9 * max(value[-1], 1.0):
        raise _without_maximum(vector[:, 0], names, n_events)
    return vector @ ((vector.T @ fit.score) / value)


def _without_maximum(direction: np.ndarray, names: tuple[str, ...], n_events: int) -> SurvivalError:
    share = np.abs(direction) / np.abs(direction).max()
    involved = [name for name, part in zip(names, share, strict=True) if part > 0.3]
    return SurvivalError(
        f"the Fine-Gray likelihood has no maximum: along {', '.join(involved)} the patients with "
        f"one of the {n_events} events are separated from those at risk beside them, or do not "
        "differ from them; leave a feature out, join its levels, or gather more events"
    )
