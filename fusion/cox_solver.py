"""Ridge Cox regression by Newton's method, many equal problems at once.

A nested cross-validation is hundreds of small fits on the same patients. They are solved as one
batch: folds differ by case weights (0 leaves a patient out), penalties by a vector a column. Each
Newton step is found by conjugate gradients, which need the Hessian's product with a vector but
never the Hessian: a fit costs a multiple of n·p, so ridge on the n principal directions of all
genes, which is ridge on all genes, costs no more than n².
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from fusion.losses import (
    EfronTerms,
    RiskSets,
    at_risk_sums,
    cox_log_likelihood,
    efron_terms,
    tied_sums,
    within_strata,
)

MAX_NEWTON_STEPS = 60
MAX_HALVINGS = 20
MAX_DIRECTIONS = 500
COARSEST_STEP, FINEST_STEP = 0.1, 1e-3
"""Size, against its start, of the residual at which a Newton step counts as found.

Between them it is the size of the gradient itself, so that steps are cheap while they are far from
the solution, and as good as exact near it (Eisenstat and Walker 1996, SIAM J. Sci. Comput. 17).
"""


def fit_ridge_cox(
    features: Float[Tensor, "*#batch patient feature"],
    sets: RiskSets,
    weights: Float[Tensor, "*#batch patient"],
    penalties: Float[Tensor, "*#batch feature"],
    *,
    tolerance: float = 1e-12,
) -> Float[Tensor, "*batch feature"]:
    r"""Coefficients that maximise the Efron partial likelihood less ½ Σ λ_j β_j².

    Parameters
    ----------
    features
        Patients in the order of ``sets``. Leading dimensions of the three inputs broadcast; it is
        fastest where all problems share their features, which then have none.
    sets
        Who is at risk when; strata have baseline hazards of their own.
    weights
        Case weights ≥ 0; 0 leaves a patient out.
    penalties
        λ of each column, > 0, so that collinear or separated columns stay finite.
    tolerance
        Largest Newton decrement at which a problem counts as solved; its step is still taken.

    Raises
    ------
    ValueError
        If a feature is not finite, a penalty is not positive, or Newton's method does not
        converge.

    Notes
    -----
    With more features than patients, pass the scores of all principal directions in place of
    the features (:func:`fusion.components.fit_components`): the Gram matrix gives them, and the
    solution is that of ridge on the features themselves.

    References
    ----------
    Verweij, P. and van Houwelingen, H. (1994). Penalized likelihood in Cox regression. Statistics
    in Medicine 13.
    Nash, S. (2000). A survey of truncated-Newton methods. J. Comput. Appl. Math. 124.
    """
    if not bool((penalties > 0).all()):
        raise ValueError("every ridge penalty must be positive")
    if not bool(torch.isfinite(features).all()):
        raise ValueError("ridge Cox needs finite features: fill or drop what is missing")
    # numpy's, since torch's loads a whole algebra system at its first call.
    shapes = features.shape[:-2], weights.shape[:-1], penalties.shape[:-1]
    batch = torch.Size(np.broadcast_shapes(*shapes))
    coefficients = _solve(_problem(features, sets, weights, penalties, batch), tolerance)
    return coefficients.reshape(*batch, features.shape[-1])


def _solve(problem: "_Problem", tolerance: float) -> Tensor:
    """Newton's method; a problem that is solved leaves the batch, (problem, feature)."""
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
        f"ridge Cox did not converge in {MAX_NEWTON_STEPS} Newton steps: check for extreme values"
    )


def _problem(
    features: Tensor, sets: RiskSets, weights: Tensor, penalties: Tensor, batch: torch.Size
) -> "_Problem":
    """Problems in one row each, whatever the shape of the batch."""
    n_patients, n_features = features.shape[-2:]
    n_problems = batch.numel()
    if features.ndim > 2:
        features = features.expand(*batch, -1, -1).reshape(n_problems, n_patients, n_features)
    weights = weights.expand(*batch, -1).reshape(n_problems, n_patients)
    penalties = penalties.expand(*batch, -1).reshape(n_problems, n_features)
    return _Problem(features, sets, weights, penalties, efron_terms(sets, weights))


def linear_score(
    features: Float[Tensor, "*#batch patient feature"],
    coefficients: Float[Tensor, "*#batch feature"],
) -> Float[Tensor, "*batch patient"]:
    """Log relative hazard of a linear model."""
    if features.ndim == 2:
        # One matrix product for all problems, since they share their features.
        return coefficients @ features.mT
    return (features @ coefficients[..., None])[..., 0]


def _inner(features: Tensor, values: Tensor) -> Tensor:
    """Inner product of each feature with a value a patient, (*batch, feature)."""
    if features.ndim == 2:
        return values @ features
    return (features.mT @ values[..., None])[..., 0]


@dataclass(frozen=True)
class _Problem:
    """Ridge Cox regressions, one a row; they share their features or have a set each."""

    features: Tensor
    sets: RiskSets
    weights: Tensor
    penalties: Tensor
    terms: EfronTerms

    def of(self, rows: Tensor) -> "_Problem":
        """The problems at ``rows``, (problem,) bool."""
        features = self.features if self.features.ndim == 2 else self.features[rows]
        terms = EfronTerms(self.terms.share[rows], self.terms.weight[rows])
        return _Problem(features, self.sets, self.weights[rows], self.penalties[rows], terms)

    def objective(self, coefficients: Tensor) -> Tensor:
        """Penalised log-likelihood of each problem."""
        score = linear_score(self.features, coefficients)
        likelihood = cox_log_likelihood(score, self.sets, self.weights, self.terms)
        return likelihood - (self.penalties * coefficients**2).sum(-1) / 2

    def around(self, coefficients: Tensor) -> "_Quadratic":
        """Gradient, and what the Hessian is made of, at ``coefficients``."""
        score = linear_score(self.features, coefficients)
        # Only those who count set the scale: an extreme value held out must not make them vanish.
        score = torch.where(self.weights > 0, score, -torch.inf)
        hazard = self.weights * (score - within_strata(_largest, score, self.sets)).exp()
        at_risk = at_risk_sums(hazard, self.sets, self.terms)
        share = self.terms.weight / at_risk
        expected = hazard * _passed(share, self.terms, self.sets, hazard.shape[-1])
        residual = self.weights * self.sets.event - expected
        gradient = _inner(self.features, residual) - self.penalties * coefficients
        return _Quadratic(self, hazard, at_risk, share, expected, gradient)


@dataclass(frozen=True)
class _Quadratic:
    """Second-order expansion of a problem: the Hessian is known by its products alone."""

    problem: _Problem
    hazard: Tensor
    at_risk: Tensor
    share: Tensor
    expected: Tensor
    gradient: Tensor

    def product(self, direction: Tensor) -> Tensor:
        """Negative Hessian times ``direction``."""
        problem, sets, terms = self.problem, self.problem.sets, self.problem.terms
        score = linear_score(problem.features, direction)
        weighted = self.hazard * score
        mean = at_risk_sums(weighted, sets, terms) / self.at_risk
        pulled = self.hazard * _passed(self.share * mean, terms, sets, score.shape[-1])
        curvature = _inner(problem.features, self.expected * score - pulled)
        return curvature + problem.penalties * direction

    def diagonal(self) -> Tensor:
        """About the Hessian's diagonal: what each column's spread and penalty make of it."""
        return self.problem.penalties + _inner(self.problem.features**2, self.expected)

    def of(self, rows: Tensor) -> "_Quadratic":
        """The problems at ``rows``, (problem,) bool."""
        parts = (self.hazard, self.at_risk, self.share, self.expected, self.gradient)
        return _Quadratic(self.problem.of(rows), *(part[rows] for part in parts))


def _conjugate_gradients(local: _Quadratic) -> Tensor:
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


def _passed(share: Tensor, terms: EfronTerms, sets: RiskSets, n_patients: int) -> Tensor:
    """Sum over the events that each patient lived to see, less tie shares, (*batch, patient)."""
    nothing = share.new_zeros((*share.shape[:-1], n_patients))
    seen = within_strata(_from_the_end, nothing.index_add(-1, sets.last, share), sets)
    # A death in a tie leaves the risk set as the ties are counted: give its shares back.
    back = tied_sums(nothing.index_add(-1, sets.death, share * terms.share), sets)
    return seen.index_add(-1, sets.death, -back)


def _from_the_end(values: Tensor) -> Tensor:
    return values.flip(-1).cumsum(-1).flip(-1)


def _largest(score: Tensor) -> Tensor:
    """The largest score of a stratum, for each of its patients; 0 where nobody counts."""
    largest = score.amax(-1, keepdim=True)
    return torch.where(largest.isfinite(), largest, 0.0).expand_as(score)
