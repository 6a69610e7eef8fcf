"""Likelihoods of survival, as pure functions over a shared ordering of patients."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

# Log hazard of a patient who is left out: finite, since a gradient through −∞ is NaN.
LEFT_OUT = -1e30


@dataclass(frozen=True)
class RiskSets:
    """Who is at risk when each event happens; patients stand in order of descending time.

    Strata follow one another, and nobody is at risk outside their own.

    Parameters
    ----------
    order
        Positions that sort the patients by stratum and descending time, (patient,).
    event
        Event indicator in that order, (patient,) bool.
    death
        Sorted positions of the events, (death,).
    last
        For each event, sorted position of the last patient at risk: all with time ≥ its time.
    first
        For each event, sorted position of the first patient who shares its time.
    strata
        Number of patients in each stratum, in order.
    """

    order: Int[Tensor, " patient"]
    event: Bool[Tensor, " patient"]
    death: Int[Tensor, " death"]
    first: Int[Tensor, " death"]
    last: Int[Tensor, " death"]
    strata: tuple[int, ...]


def risk_sets(
    time: np.ndarray,
    event: np.ndarray,
    device: str | torch.device = "cpu",
    *,
    strata: np.ndarray | None = None,
) -> RiskSets:
    """Sort patients once, for every likelihood that follows.

    Parameters
    ----------
    time, event
        (patient,) float64 and bool.
    strata
        Label of the group that has its own baseline hazard, (patient,); None for one group.
    """
    label = (
        np.zeros(len(time), int) if strata is None else np.unique(strata, return_inverse=True)[1]
    )
    order = np.lexsort((~event, -time, label))
    death = np.flatnonzero(event[order])
    # A tie is a run of equal time within a stratum.
    starts = np.flatnonzero(
        np.diff(label[order], prepend=-1) | np.diff(time[order], prepend=np.inf).astype(bool)
    )
    run = np.searchsorted(starts, np.arange(len(time)), side="right") - 1
    first, last = starts[run], np.append(starts[1:], len(time))[run] - 1
    arrays = (order, event[order], death, first[death], last[death])
    tensors = (torch.as_tensor(a, device=device) for a in arrays)
    return RiskSets(*tensors, strata=tuple(np.bincount(label).tolist()))


def within_strata(accumulate: Callable[[Tensor], Tensor], values: Tensor, sets: RiskSets) -> Tensor:
    """Apply a cumulative operation along the last axis to each stratum alone."""
    if len(sets.strata) == 1:
        return accumulate(values)
    return torch.cat([accumulate(part) for part in values.split(sets.strata, -1)], dim=-1)


@dataclass(frozen=True)
class EfronTerms:
    """The pieces of Efron's likelihood that do not depend on the risk score.

    ``share`` is the part of the tied events already removed when an event is counted (0 for the
    first of a tie), ``weight`` the mean weight of the tied events; both 0 where the event itself
    has no weight.
    """

    share: Float[Tensor, "*batch death"]
    weight: Float[Tensor, "*batch death"]


def efron_terms(sets: RiskSets, weights: Float[Tensor, "*batch patient"]) -> EfronTerms:
    """Tie shares for patients in sorted order, some of whom may have weight 0."""
    counted = ((weights > 0) & sets.event).to(weights.dtype)
    n_before, n_upto = _within(counted, sets)
    tied_weight = tied_sums(weights * counted, sets)
    own = counted[..., sets.death]
    n_tied = (n_upto - n_before).clamp(min=1)
    rank = counted.cumsum(-1)[..., sets.death] - n_before - 1
    return EfronTerms(share=own * rank / n_tied, weight=own * tied_weight / n_tied)


def _within(values: Tensor, sets: RiskSets) -> tuple[Tensor, Tensor]:
    """Cumulative sums just before, and at the end of, each event's tie; last axis is patient."""
    total = values.cumsum(-1)
    before = total[..., sets.first] - values[..., sets.first]
    return before, total[..., sets.last]


def tied_sums(
    values: Float[Tensor, "*batch patient"], sets: RiskSets
) -> Float[Tensor, "*batch death"]:
    """Sum of the values of all who share an event's time."""
    before, upto = _within(values, sets)
    return upto - before


def _cumulated(values: Tensor) -> Tensor:
    return values.cumsum(-1)


def _log_cumulated(values: Tensor) -> Tensor:
    return values.logcumsumexp(-1)


def at_risk_sums(
    hazard: Float[Tensor, "*#batch patient"], sets: RiskSets, terms: EfronTerms
) -> Float[Tensor, "*batch death"]:
    """Efron's denominator of each event: hazard at risk, less the share of the tied events."""
    at_risk = within_strata(_cumulated, hazard, sets)[..., sets.last]
    tied = tied_sums(hazard * sets.event, sets)
    total = at_risk - terms.share * tied
    return torch.where(terms.weight > 0, total, torch.ones_like(total))


def cox_log_likelihood(
    risk_score: Float[Tensor, "*#batch patient"],
    sets: RiskSets,
    weights: Float[Tensor, "*#batch patient"],
    terms: EfronTerms | None = None,
) -> Float[Tensor, "*batch"]:
    r"""Cox's partial log-likelihood with Efron's handling of ties.

    .. math:: \sum_d w_d \eta_d - \sum_d \bar w_d \log\Big(\sum_{j: t_j \ge t_d} w_j e^{\eta_j}
              - s_d \sum_{j \in D(t_d)} w_j e^{\eta_j}\Big)

    Parameters
    ----------
    risk_score
        Log relative hazard of patients in the order of ``sets``, any leading dimensions.
    weights
        Case weights ≥ 0 in the same order; 0 leaves a patient out.
    terms
        What the weights make of ties, where it is known already.

    References
    ----------
    Efron, B. (1977). The efficiency of Cox's likelihood function for censored data. JASA 72.

    Examples
    --------
    Three patients without ties: the likelihood is 1/3 · 1/2 · 1.

    >>> sets = risk_sets(np.array([1.0, 2.0, 3.0]), np.array([True, True, True]))
    >>> score = torch.zeros(3, dtype=torch.float64)
    >>> round(float(cox_log_likelihood(score, sets, torch.ones_like(score)).exp()), 6)
    0.166667
    """
    terms = efron_terms(sets, weights) if terms is None else terms
    observed = weights * sets.event * risk_score
    denominators = _log_at_risk(risk_score, sets, weights, terms)
    return observed.sum(-1) - (terms.weight * denominators).sum(-1)


def _log_at_risk(risk_score: Tensor, sets: RiskSets, weights: Tensor, terms: EfronTerms) -> Tensor:
    """Logarithm of Efron's denominators, (*batch, death), exact for scores of any size.

    One patient with an extreme value must not make everyone else's hazard underflow to 0.
    """
    log_hazard = torch.where(weights > 0, risk_score + weights.clamp(min=1e-30).log(), LEFT_OUT)
    at_risk = within_strata(_log_cumulated, log_hazard, sets)[..., sets.last]
    own = (log_hazard[..., sets.death] - at_risk).exp()
    tied = tied_sums(torch.zeros_like(log_hazard).index_add(-1, sets.death, own), sets)
    total = at_risk + torch.log1p(-terms.share * tied)
    return torch.where(terms.weight > 0, total, torch.zeros_like(total))


def held_out_log_likelihood(
    risk_score: Float[Tensor, "*#batch patient"],
    sets: RiskSets,
    training_weights: Float[Tensor, "*#batch patient"],
) -> Float[Tensor, "*batch"]:
    """Cross-validated partial log-likelihood: all patients, less the training patients.

    What the held-out patients add when the risk score comes from the others. It uses the
    comparisons between held-out and training patients, so it stays defined in a small fold.

    References
    ----------
    Verweij, P. and van Houwelingen, H. (1993). Cross-validation in survival analysis.
    Statistics in Medicine 12.
    """
    everyone = torch.ones_like(training_weights)
    return cox_log_likelihood(risk_score, sets, everyone) - cox_log_likelihood(
        risk_score, sets, training_weights
    )
