"""Ridge logistic regression by Newton's method, many equal problems at once.

The counterpart of :mod:`fusion.cox_solver` where an event is there or not. The intercept, which is
not penalised, plays the part of the baseline hazard: what is chosen, compared and explained is the
score without it, and the intercept follows from the score and the patients it was fitted on.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import softplus

from fusion.truncated_newton import (
    Problem,
    Quadratic,
    inner,
    linear_score,
    maximise,
    one_row_each,
)

MAX_INTERCEPT_STEPS = 200
INTERCEPT_TOLERANCE = 1e-12


def fit_ridge_logistic(
    features: Float[Tensor, "*#batch patient feature"],
    event: Bool[Tensor, " patient"],
    weights: Float[Tensor, "*#batch patient"],
    penalties: Float[Tensor, "*#batch feature"],
    *,
    tolerance: float = 1e-12,
) -> Float[Tensor, "*batch feature"]:
    r"""Coefficients that maximise the binomial likelihood less ½ Σ λ_j β_j².

    Parameters
    ----------
    features
        Without a column of ones: an intercept is fitted beside them and not returned, see
        :func:`intercept`. Leading dimensions of the inputs broadcast.
    event
        Whether the event is there.
    weights
        Case weights ≥ 0; 0 leaves a patient out. Both states must be among those counted.
    penalties
        λ of each column, > 0, so that collinear or separated columns stay finite.
    tolerance
        Largest Newton decrement at which a problem counts as solved; its step is still taken.

    Raises
    ------
    ValueError
        If a feature is not finite, a penalty is not positive, or Newton's method does not
        converge.

    References
    ----------
    le Cessie, S. and van Houwelingen, H. (1992). Ridge estimators in logistic regression. Applied
    Statistics 41.
    """
    if not bool((penalties > 0).all()):
        raise ValueError("every ridge penalty must be positive")
    features = torch.cat([torch.ones_like(features[..., :1]), features], dim=-1)
    penalties = torch.cat([torch.zeros_like(penalties[..., :1]), penalties], dim=-1)
    batch, features, weights, penalties = one_row_each(features, weights, penalties)
    problem = _Problem(features, event.to(features.dtype), weights, penalties)
    return maximise(problem, tolerance).reshape(*batch, features.shape[-1])[..., 1:]


def intercept(
    score: Float[Tensor, "*#batch patient"],
    event: Bool[Tensor, " patient"],
    weights: Float[Tensor, "*#batch patient"],
) -> Float[Tensor, "*batch"]:
    r"""Log odds of a patient of score 0: with it, as many events are expected as there were.

    Of a ridge regression's own score it is that regression's intercept.

    Parameters
    ----------
    score
        Log odds without the intercept.
    event
        Whether the event is there.
    weights
        Case weights ≥ 0; both states must be among those counted.

    Raises
    ------
    ValueError
        If a problem counts no patient with the event, or none without.

    Examples
    --------
    One of four has the event: log(1/3).

    >>> score = torch.zeros(4, dtype=torch.float64)
    >>> event = torch.tensor([True, False, False, False])
    >>> round(float(intercept(score, event, torch.ones_like(score))), 4)
    -1.0986
    """
    score, weights = torch.broadcast_tensors(score, weights)
    share = (weights * event).sum(-1) / weights.sum(-1)
    if not bool(((share > 0) & (share < 1)).all()):
        raise ValueError("an intercept needs patients with the event and patients without it")
    odds, counted = share.logit(), weights > 0
    # At these two ends too many and too few events are expected, so the solution lies between.
    lower = odds - torch.where(counted, score, -torch.inf).amax(-1)
    upper = odds - torch.where(counted, score, torch.inf).amin(-1)
    found = (lower + upper) / 2
    for _ in range(MAX_INTERCEPT_STEPS):
        risk = (score + found[..., None]).sigmoid()
        excess = (weights * (event.to(risk.dtype) - risk)).sum(-1)
        lower = torch.where(excess >= 0, found, lower)
        upper = torch.where(excess <= 0, found, upper)
        steep = (weights * risk * (1 - risk)).sum(-1)
        proposal = found + excess / steep
        inside = (proposal > lower) & (proposal < upper)
        proposal = torch.where(inside, proposal, (lower + upper) / 2)
        moved = (proposal - found).abs()
        found = proposal
        if bool((moved <= INTERCEPT_TOLERANCE * (1 + found.abs())).all()):
            break
    return found


def binomial_log_likelihood(
    log_odds: Float[Tensor, "*#batch patient"],
    event: Bool[Tensor, " patient"],
    weights: Float[Tensor, "*#batch patient"],
) -> Float[Tensor, "*batch"]:
    """Weighted log-likelihood of the events, exact for log odds of any size."""
    return (weights * (event * log_odds - softplus(log_odds))).sum(-1)


@dataclass(frozen=True)
class _Problem(Problem):
    """Ridge logistic regressions, one a row; the first column is the intercept's."""

    features: Tensor
    event: Tensor
    weights: Tensor
    penalties: Tensor

    def of(self, rows: Tensor) -> "_Problem":
        features = self.features if self.features.ndim == 2 else self.features[rows]
        return _Problem(features, self.event, self.weights[rows], self.penalties[rows])

    def objective(self, coefficients: Tensor) -> Tensor:
        score = linear_score(self.features, coefficients)
        likelihood = (self.weights * (self.event * score - softplus(score))).sum(-1)
        return likelihood - (self.penalties * coefficients**2).sum(-1) / 2

    def around(self, coefficients: Tensor) -> "_Quadratic":
        risk = linear_score(self.features, coefficients).sigmoid()
        residual = self.weights * (self.event - risk)
        gradient = inner(self.features, residual) - self.penalties * coefficients
        return _Quadratic(self, self.weights * risk * (1 - risk), gradient)


@dataclass(frozen=True)
class _Quadratic(Quadratic):
    """Second-order expansion: each patient's weight times the variance of their state."""

    problem: _Problem
    variance: Tensor
    gradient: Tensor

    def product(self, direction: Tensor) -> Tensor:
        pulled = self.variance * linear_score(self.problem.features, direction)
        return inner(self.problem.features, pulled) + self.problem.penalties * direction

    def diagonal(self) -> Tensor:
        return self.problem.penalties + inner(self.problem.features**2, self.variance)

    def of(self, rows: Tensor) -> "_Quadratic":
        return _Quadratic(self.problem.of(rows), self.variance[rows], self.gradient[rows])
