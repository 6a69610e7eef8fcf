"""Newton's method for many equal concave problems at once, each step by conjugate gradients.

Conjugate gradients need the Hessian's product with a vector but never the Hessian: a fit of a
linear model costs a multiple of n·p.

References
----------
Nash, S. (2000). A survey of truncated-Newton methods. J. Comput. Appl. Math. 124.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

MAX_NEWTON_STEPS = 60
MAX_HALVINGS = 20
MAX_DIRECTIONS = 500
COARSEST_STEP, FINEST_STEP = 0.1, 1e-3
"""Size, against its start, of the residual at which a Newton step counts as found.

Between them it is the size of the gradient itself, so that steps are cheap while they are far from
the solution, and as good as exact near it (Eisenstat and Walker 1996, SIAM J. Sci. Comput. 17).
"""


class Problem(ABC):
    """Concave objectives, one a row; ``penalties`` are (problem, feature)."""

    penalties: Tensor

    @abstractmethod
    def of(self, rows: Tensor) -> "Problem":
        """The problems at ``rows``, (problem,) bool."""

    @abstractmethod
    def objective(self, coefficients: Tensor) -> Tensor:
        """Penalised log-likelihood of each problem."""

    @abstractmethod
    def around(self, coefficients: Tensor) -> "Quadratic":
        """Gradient, and what the Hessian is made of, at ``coefficients``."""


class Quadratic(ABC):
    """Second-order expansion of a problem: the Hessian is known by its products alone."""

    gradient: Tensor

    @abstractmethod
    def product(self, direction: Tensor) -> Tensor:
        """Negative Hessian times ``direction``."""

    @abstractmethod
    def diagonal(self) -> Tensor:
        """About the Hessian's diagonal: what each column's spread and penalty make of it."""

    @abstractmethod
    def of(self, rows: Tensor) -> "Quadratic":
        """The problems at ``rows``, (problem,) bool."""


def maximise(problem: Problem, tolerance: float) -> Tensor:
    """Coefficients of every problem, (problem, feature); one that is solved leaves the batch.

    Parameters
    ----------
    tolerance
        Largest Newton decrement at which a problem counts as solved; its step is still taken.

    Raises
    ------
    ValueError
        If Newton's method does not converge.
    """
    found = problem.penalties.new_zeros(problem.penalties.shape)
    unsolved = torch.arange(len(found), device=found.device)
    coefficients, objective = found, problem.objective(found)
    for _ in range(MAX_NEWTON_STEPS):
        local = problem.around(coefficients)
        step = _conjugate_gradients(local)
        going_on = (step * local.gradient).sum(-1) >= tolerance
        found[unsolved[~going_on]] = (coefficients + step)[~going_on]
        if not bool(going_on.any()):
            return found
        unsolved, problem = unsolved[going_on], problem.of(going_on)
        coefficients, objective = _ascend(
            coefficients[going_on], objective[going_on], step[going_on], problem.objective
        )
    raise ValueError(
        f"the regression did not converge in {MAX_NEWTON_STEPS} Newton steps: check for extreme "
        "values"
    )


def one_row_each(
    features: Tensor, weights: Tensor, penalties: Tensor
) -> tuple[torch.Size, Tensor, Tensor, Tensor]:
    """The batch's shape, and the inputs of its problems in one row each.

    Features that all problems share keep two dimensions: one matrix product then does for all.

    Raises
    ------
    ValueError
        If a feature is not finite.
    """
    if not bool(torch.isfinite(features).all()):
        raise ValueError("ridge regression needs finite features: fill or drop what is missing")
    # numpy's, since torch's loads a whole algebra system at its first call.
    shapes = features.shape[:-2], weights.shape[:-1], penalties.shape[:-1]
    batch = torch.Size(np.broadcast_shapes(*shapes))
    n_patients, n_features = features.shape[-2:]
    n_problems = batch.numel()
    if features.ndim > 2:
        features = features.expand(*batch, -1, -1).reshape(n_problems, n_patients, n_features)
    return (
        batch,
        features,
        weights.expand(*batch, -1).reshape(n_problems, n_patients),
        penalties.expand(*batch, -1).reshape(n_problems, n_features),
    )


def linear_score(
    features: Float[Tensor, "*#batch patient feature"],
    coefficients: Float[Tensor, "*#batch feature"],
) -> Float[Tensor, "*batch patient"]:
    """Log relative hazard of a linear model."""
    if features.ndim == 2:
        # One matrix product for all problems, since they share their features.
        return coefficients @ features.mT
    return (features @ coefficients[..., None])[..., 0]


def inner(features: Tensor, values: Tensor) -> Tensor:
    """Inner product of each feature with a value a patient, (*batch, feature)."""
    if features.ndim == 2:
        return values @ features
    return (features.mT @ values[..., None])[..., 0]


def _conjugate_gradients(local: Quadratic) -> Tensor:
    """Newton step of each problem, the more exact the nearer its solution, (problem, feature)."""
    found = local.gradient.new_zeros(local.gradient.shape)
    unsolved = torch.arange(len(found), device=found.device)
    diagonal, step, residual = local.diagonal(), torch.zeros_like(found), local.gradient
    scaled = residual / diagonal
    direction, size = scaled, (residual * scaled).sum(-1)
    enough = size * size.clamp(FINEST_STEP**2, COARSEST_STEP**2)
    for _ in range(min(MAX_DIRECTIONS, 2 * residual.shape[-1] + 10)):
        going_on = size > enough
        # Thinning copies what is left, so it waits until that is worth its while.
        if int(going_on.sum()) <= len(unsolved) / 2:
            found[unsolved] = step
            if not bool(going_on.any()):
                return found
            local, unsolved = local.of(going_on), unsolved[going_on]
            diagonal, step, residual = diagonal[going_on], step[going_on], residual[going_on]
            direction, size, enough = direction[going_on], size[going_on], enough[going_on]
        image = local.product(direction)
        # A problem that is solved stands still; dividing by its nothing would spoil it.
        length = torch.where(size > 0, size / (direction * image).sum(-1), 0.0)[..., None]
        step, residual = step + length * direction, residual - length * image
        scaled = residual / diagonal
        remaining = (residual * scaled).sum(-1)
        turn = torch.where(size > 0, remaining / size, 0.0)[..., None]
        direction, size = scaled + turn * direction, remaining
    found[unsolved] = step
    return found


def _ascend(
    coefficients: Tensor, objective: Tensor, step: Tensor, value: Callable[[Tensor], Tensor]
) -> tuple[Tensor, Tensor]:
    """A step of each problem, halved until its objective does not fall; none if it always does."""
    length = torch.ones_like(objective)
    proposal, reached = coefficients + step, value(coefficients + step)
    for _ in range(MAX_HALVINGS):
        worse = ~(reached >= objective - 1e-12 * objective.abs())
        if not bool(worse.any()):
            return proposal, reached
        length = torch.where(worse, length / 2, length)
        proposal = coefficients + length[..., None] * step
        reached = value(proposal)
    worse = ~(reached >= objective - 1e-12 * objective.abs())
    return (
        torch.where(worse[..., None], coefficients, proposal),
        torch.where(worse, objective, reached),
    )
