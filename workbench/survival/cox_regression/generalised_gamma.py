"""The generalised gamma regression: the likelihood profiled over the shape."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from workbench.errors import SurvivalError
from workbench.survival.cox_regression.accelerated import (
    Fitted,
    Point,
    Problem,
    climb,
    location_scale_problem,
    start,
    way_back,
)
from workbench.survival.cox_regression.distributions import DISTRIBUTIONS, generalised_gamma

FARTHEST = 4.0
"""|shape| beyond which nothing is searched: the error would nearly be bounded on one side."""

STEP = 1e-3  # of the shape, for derivatives along the profile


def fit_generalised_gamma(
    time: np.ndarray,
    event: np.ndarray,
    columns: np.ndarray,
    names: Sequence[str],
    entry: np.ndarray | None,
    weights: np.ndarray,
) -> Fitted:
    """Coefficients (intercept, columns, log scale, shape) of checked data, :func:`parametric`.

    At each shape the others are found by Newton's method, from the log-normal's. Their covariance
    with the shape follows from how they move along the profile, by central differences.
    """
    from scipy.optimize import minimize_scalar  # slow to import, and few ask for this

    problem, basis = location_scale_problem(
        time, event, columns, DISTRIBUTIONS["log-normal"], names, entry, weights, scaled=True
    )
    theta, _ = climb(problem, start(problem))

    def profile(shape: float, origin: np.ndarray) -> tuple[np.ndarray, Point]:
        return _at_shape(problem, shape, origin)

    found = minimize_scalar(
        lambda shape: -profile(shape, theta)[1].log_likelihood,
        bounds=(-FARTHEST, FARTHEST), method="bounded", options={"xatol": 1e-9},
    )  # fmt: skip
    shape = float(found.x)
    theta, top = profile(shape, theta)
    (before, low), (after, high) = (profile(shape + sign * STEP, theta) for sign in (-1, 1))
    bend = (high.log_likelihood - 2 * top.log_likelihood + low.log_likelihood) / STEP**2
    if abs(shape) > FARTHEST - 1e-3 or not bend < 0:
        raise SurvivalError(
            f"the generalised gamma has no shape within {FARTHEST:g} of 0 for these times: use a "
            "distribution without a shape"
        )
    moved = np.append((after - before) / (2 * STEP), 1.0)
    covariance = np.outer(moved, moved) / -bend
    covariance[:-1, :-1] += np.linalg.inv(-top.bend)
    back = way_back(basis, 2)
    return Fitted(back @ np.append(theta, shape), back @ covariance @ back.T, top.log_likelihood)


def _at_shape(problem: Problem, shape: float, origin: np.ndarray) -> tuple[np.ndarray, Point]:
    return climb(replace(problem, distribution=generalised_gamma(shape)), origin)
