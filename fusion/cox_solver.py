"""Ridge Cox regression by Newton's method, many equal problems at once.

A nested cross-validation is hundreds of small fits on the same patients. They are solved as one
batch: folds differ by case weights (0 leaves a patient out), penalties by a vector a column.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from fusion.losses import RiskSets, at_risk_sums, cox_log_likelihood, efron_terms

MAX_ITERATIONS = 50
MAX_HALVINGS = 12


def fit_ridge_cox(
    features: Float[Tensor, "*#batch patient feature"],
    sets: RiskSets,
    weights: Float[Tensor, "*#batch patient"],
    penalties: Float[Tensor, "*#batch feature"],
    *,
    tolerance: float = 1e-9,
) -> Float[Tensor, "*batch feature"]:
    r"""Coefficients that maximise the Efron partial likelihood less ½ Σ λ_j β_j².

    Parameters
    ----------
    features
        Patients in the order of ``sets``. Leading dimensions of the three inputs broadcast.
    weights
        Case weights ≥ 0; 0 leaves a patient out.
    penalties
        λ of each column, > 0, so that collinear or separated columns stay finite.
    tolerance
        Largest Newton decrement at which a problem counts as solved; its step is still taken.

    Raises
    ------
    ValueError
        If a penalty is not positive, or Newton's method does not converge.

    Notes
    -----
    The Hessian is ``X' diag(a) X - M' M``: one weighted Gram matrix and one outer product over
    events, so a fit costs n·p² and never forms a matrix a patient.
    """
    if not bool((penalties > 0).all()):
        raise ValueError("every ridge penalty must be positive")
    batch = torch.broadcast_shapes(features.shape[:-2], weights.shape[:-1], penalties.shape[:-1])
    weights = weights.expand(*batch, features.shape[-2])
    penalties = penalties.expand(*batch, features.shape[-1])
    coefficients = torch.zeros_like(penalties)
    objective = _objective(coefficients, features, sets, weights, penalties)
    for _ in range(MAX_ITERATIONS):
        gradient, hessian = _derivatives(coefficients, features, sets, weights, penalties)
        factor, failed = torch.linalg.cholesky_ex(hessian)
        if bool(failed.any()):
            raise ValueError(
                "ridge Cox met a singular information matrix: check for extreme values"
            )
        step = torch.cholesky_solve(gradient[..., None], factor)[..., 0]
        if bool(((step * gradient).sum(-1) < tolerance).all()):
            return coefficients + step
        coefficients, objective = _ascend(
            coefficients,
            objective,
            step,
            lambda c: _objective(c, features, sets, weights, penalties),
        )
    raise ValueError(
        f"ridge Cox did not converge in {MAX_ITERATIONS} Newton steps: check for extreme values"
    )


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


def linear_score(
    features: Float[Tensor, "*#batch patient feature"],
    coefficients: Float[Tensor, "*#batch feature"],
) -> Float[Tensor, "*batch patient"]:
    """Log relative hazard of a linear model."""
    return (features @ coefficients[..., None])[..., 0]


def _objective(
    coefficients: Tensor, features: Tensor, sets: RiskSets, weights: Tensor, penalties: Tensor
) -> Tensor:
    likelihood = cox_log_likelihood(linear_score(features, coefficients), sets, weights)
    return likelihood - (penalties * coefficients**2).sum(-1) / 2


def _derivatives(
    coefficients: Tensor, features: Tensor, sets: RiskSets, weights: Tensor, penalties: Tensor
) -> tuple[Tensor, Tensor]:
    """Gradient and negative Hessian of the penalised likelihood."""
    terms = efron_terms(sets, weights)
    score = linear_score(features, coefficients)
    # Only those who count set the scale: an extreme value held out must not make them vanish.
    score = torch.where(weights > 0, score, -torch.inf)
    hazard = weights * (score - score.max(dim=-1, keepdim=True).values).exp()
    share_of_event = terms.weight / at_risk_sums(hazard, sets, terms)
    expected = hazard * _cumulative_hazard(share_of_event, terms.share, sets, hazard.shape[-1])
    residual = weights * sets.event - expected
    gradient = (features.mT @ residual[..., None])[..., 0] - penalties * coefficients

    weighted = hazard[..., None] * features
    at_risk = weighted.cumsum(-2)[..., sets.last, :]
    if bool((terms.share > 0).any()):
        tied = (weighted * sets.event[:, None]).cumsum(-2)
        before = tied[..., sets.first, :] - (weighted * sets.event[:, None])[..., sets.first, :]
        at_risk = at_risk - terms.share[..., None] * (tied[..., sets.last, :] - before)
    mean = at_risk * (share_of_event / terms.weight.clamp(min=1e-300).sqrt())[..., None]
    hessian = features.mT @ (expected[..., None] * features) - mean.mT @ mean
    return gradient, hessian + torch.diag_embed(penalties)


def _cumulative_hazard(share_of_event: Tensor, share: Tensor, sets: RiskSets, n: int) -> Tensor:
    """Hazard that each patient has passed through: events up to their time, less tie shares."""
    shape = (*share_of_event.shape[:-1], n)
    passed = share_of_event.new_zeros(shape).index_add(-1, sets.last, share_of_event)
    passed = passed.flip(-1).cumsum(-1).flip(-1)
    # A death in a tie leaves the risk set as the ties are counted: give its shares back.
    at_first = share_of_event.new_zeros(shape).index_add(-1, sets.first, share_of_event * share)
    start = torch.zeros(n, dtype=torch.long, device=share.device)
    start[sets.death] = sets.first
    return passed - at_first[..., start] * sets.event
