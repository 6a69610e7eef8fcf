"""Maximum likelihood of location-scale regressions of the log survival time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from workbench.errors import SurvivalError
from workbench.survival.cox_regression.basis import Basis, uncorrelated
from workbench.survival.cox_regression.distributions import DISTRIBUTIONS, Distribution, Part

MOST_STEPS = 200
SOLVED = 1e-11
"""Newton decrement at which the step at hand is the last."""

SUSPECT, FLIGHT = 1e-8, 0.1
"""A Newton decrement below which a step that moves the location by more of a scale never ends."""

MOST_DAMPING = 1e12


class Fitted(NamedTuple):
    """Coefficients (intercept, columns, log scale), their covariance and the log likelihood."""

    coefficients: np.ndarray
    covariance: np.ndarray
    log_likelihood: float


class Point(NamedTuple):
    """A log likelihood with its first and second derivatives."""

    log_likelihood: float
    gradient: np.ndarray
    bend: np.ndarray


@dataclass(frozen=True)
class Problem:
    """Data of a fit; ``design`` holds the intercept and uncorrelated columns, (row, column)."""

    design: np.ndarray
    log_time: np.ndarray
    event: np.ndarray
    late: np.ndarray
    log_entry: np.ndarray
    weights: np.ndarray
    distribution: Distribution
    scaled: bool

    def at(self, theta: np.ndarray) -> Point:
        """Log likelihood, its slope and its bend at coefficients and log scale."""
        log_scale = theta[-1] if self.scaled else 0.0
        location = self.design @ (theta[:-1] if self.scaled else theta)
        z = (self.log_time - location) / np.exp(log_scale)
        dense, alive = self.distribution.log_density(z), self.distribution.log_survival(z)
        leaving = Part(*(np.where(self.event, d, s) for d, s in zip(dense, alive, strict=True)))
        value = leaving.value - self.event * (log_scale + self.log_time)
        point = self._point(leaving, z, self.design, self.weights, log_scale)
        total = float(self.weights @ value)
        gradient = point.gradient
        if self.scaled:
            gradient[-1] -= self.weights @ self.event
        if not len(self.late):
            return Point(total, gradient, point.bend)
        entering = (self.log_entry - location[self.late]) / np.exp(log_scale)
        before = self.distribution.log_survival(entering)
        weights = self.weights[self.late]
        less = self._point(before, entering, self.design[self.late], weights, log_scale)
        return Point(
            total - float(weights @ before.value), gradient - less.gradient, point.bend - less.bend
        )

    def moved(self, step: np.ndarray, theta: np.ndarray) -> float:
        """Largest difference that a step makes between two rows' locations, in scales."""
        scale = np.exp(theta[-1]) if self.scaled else 1.0
        return float(np.ptp(self.design @ step[: self.design.shape[1]]) / scale)

    def _point(
        self, part: Part, z: np.ndarray, design: np.ndarray, weights: np.ndarray, log_scale: float
    ) -> Point:
        """Derivatives by the coefficients and the log scale of the sum of a function of z."""
        unit = design / np.exp(log_scale)
        ways = np.column_stack([unit, z]) if self.scaled else unit
        gradient = -(weights * part.slope) @ ways
        bend = (ways * (weights * part.bend)[:, None]).T @ ways
        if self.scaled:
            curved = (weights * part.slope) @ ways
            bend[-1] += curved
            bend[:-1, -1] += curved[:-1]
        return Point(float(weights @ part.value), gradient, bend)


def fit_location_scale(
    time: np.ndarray,
    event: np.ndarray,
    columns: np.ndarray,
    distribution: str,
    names: Sequence[str],
    entry: np.ndarray | None,
    weights: np.ndarray,
) -> Fitted:
    """Coefficients of checked data, see :func:`parametric`; the exponential has no log scale.

    Newton's method from a line through the log times. Far from the maximum the log likelihood is
    not concave, so steps are damped until it rises.
    """
    problem, basis = location_scale_problem(
        time, event, columns, DISTRIBUTIONS[distribution], names, entry, weights,
        scaled=distribution != "exponential",
    )  # fmt: skip
    theta, top = climb(problem, start(problem))
    inverse = np.linalg.inv(-top.bend)
    back = way_back(basis, len(theta) - len(basis.center) - 1)
    covariance = back @ inverse @ back.T
    return Fitted(back @ theta, (covariance + covariance.T) / 2, top.log_likelihood)


def location_scale_problem(
    time: np.ndarray,
    event: np.ndarray,
    columns: np.ndarray,
    distribution: Distribution,
    names: Sequence[str],
    entry: np.ndarray | None,
    weights: np.ndarray,
    *,
    scaled: bool,
) -> tuple[Problem, Basis]:
    """Data of a fit with uncorrelated columns, and the way back to the columns as passed."""
    z, basis = uncorrelated(columns, names)
    late = np.flatnonzero(entry > 0) if entry is not None else np.empty(0, dtype=np.int64)
    problem = Problem(
        design=np.column_stack([np.ones(len(time)), z.T]),
        log_time=np.log(time),
        event=event,
        late=late,
        log_entry=np.log(entry[late]) if entry is not None else np.empty(0),
        weights=weights,
        distribution=distribution,
        scaled=scaled,
    )
    return problem, basis


def start(problem: Problem) -> np.ndarray:
    """A line through the log times, and the log of what varies about it."""
    line, *_ = np.linalg.lstsq(problem.design, problem.log_time, rcond=None)
    spread = np.std(problem.log_time - problem.design @ line)
    return np.append(line, np.log(max(spread, 1e-3))) if problem.scaled else line


def climb(problem: Problem, theta: np.ndarray) -> tuple[np.ndarray, Point]:
    """The maximum from ``theta`` on, and the point there.

    Raises
    ------
    SurvivalError
        No maximum.
    """
    current, damping = problem.at(theta), 0.0
    for _ in range(MOST_STEPS):
        step = _step(current, damping)
        decrement = np.inf if step is None else float(current.gradient @ step)
        moved = None if step is None else problem.at(theta + step)
        allowed = current.log_likelihood - 1e-10 * (1 + abs(current.log_likelihood))
        if step is None or moved is None or not moved.log_likelihood >= allowed:
            damping = max(10 * damping, 1e-4)
            if damping > MOST_DAMPING:
                break
            continue
        theta, current = theta + step, moved
        if decrement < SUSPECT and problem.moved(step, theta) > FLIGHT:
            break
        if damping == 0 and decrement < SOLVED:
            return theta, current
        damping = damping / 10 if damping > 1e-4 else 0.0
    raise SurvivalError(
        "the parametric regression found no maximum: join levels without events, and look for "
        "extreme values in the features"
    )


def _step(point: Point, damping: float) -> np.ndarray | None:
    """Damped Newton step; None where the log likelihood is not concave enough."""
    information = -point.bend
    size = np.abs(np.diagonal(information)) + 1e-300
    try:
        return cho_solve(cho_factor(information + damping * np.diag(size)), point.gradient)
    except np.linalg.LinAlgError:
        return None


def way_back(basis: Basis, n_more: int) -> np.ndarray:
    """Matrix from (intercept, coefficients of z, ``n_more`` others) to the same of the columns."""
    n_columns = len(basis.center)
    back = np.eye(n_columns + 1 + n_more)
    of_columns = basis.coefficients(np.eye(n_columns))
    back[1 : n_columns + 1, 1 : n_columns + 1] = of_columns
    back[0, 1 : n_columns + 1] = -basis.center @ of_columns
    return back
