"""Ridge Cox regression by Newton's method, many equal problems at once.

A nested cross-validation is hundreds of small fits on the same patients. They are solved as one
batch: folds differ by case weights (0 leaves a patient out), penalties by a vector a column. A fit
costs a multiple of n·p, so ridge on the n principal directions of all genes, which is ridge on all
genes, costs no more than n².
"""

from dataclasses import dataclass

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
from fusion.truncated_newton import Problem, Quadratic, inner, linear_score, maximise, one_row_each


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
    """
    if not bool((penalties > 0).all()):
        raise ValueError("every ridge penalty must be positive")
    batch, features, weights, penalties = one_row_each(features, weights, penalties)
    problem = _Problem(features, sets, weights, penalties, efron_terms(sets, weights))
    return maximise(problem, tolerance).reshape(*batch, features.shape[-1])


@dataclass(frozen=True)
class _Problem(Problem):
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
        gradient = inner(self.features, residual) - self.penalties * coefficients
        return _Quadratic(self, hazard, at_risk, share, expected, gradient)


@dataclass(frozen=True)
class _Quadratic(Quadratic):
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
        curvature = inner(problem.features, self.expected * score - pulled)
        return curvature + problem.penalties * direction

    def diagonal(self) -> Tensor:
        """About the Hessian's diagonal: what each column's spread and penalty make of it."""
        return self.problem.penalties + inner(self.problem.features**2, self.expected)

    def of(self, rows: Tensor) -> "_Quadratic":
        """The problems at ``rows``, (problem,) bool."""
        parts = (self.hazard, self.at_risk, self.share, self.expected, self.gradient)
        return _Quadratic(self.problem.of(rows), *(part[rows] for part in parts))


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
