"""Hazards in intervals of time, of one event or of competing causes."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from fusion.heads import CompetingRisksHead, DiscreteHazardHead
from fusion.outcome_losses import (
    competing_risks_loss,
    discrete_hazard_loss,
    event_quantile_cuts,
    intervals_survived,
)
from fusion.tasks.protocol import (
    FittedSurvivalTask,
    Targets,
    Task,
    TimeToEvent,
    log_softplus,
    require_events,
)


@dataclass(frozen=True)
class FittedDiscreteHazard(FittedSurvivalTask):
    """A hazard in each interval of time.

    Parameters
    ----------
    cuts
        Ends of the intervals, (interval,), ascending.
    """

    cuts: np.ndarray
    additive: ClassVar[bool] = True

    def targets(self, outcome: TimeToEvent) -> Targets:
        return {
            "n_survived": _survived(outcome, self.cuts),
            "event": torch.as_tensor(outcome.event & (outcome.time <= self.cuts[-1])),
        }

    def loss(
        self, outputs: Float[Tensor, "patient interval"], targets: Targets
    ) -> Float[Tensor, ""]:
        return discrete_hazard_loss(outputs, targets["n_survived"], targets["event"])

    def risk_score(self, outputs: np.ndarray) -> np.ndarray:
        """Log cumulative hazard at the last cut, (patient,)."""
        return np.logaddexp.reduce(log_softplus(outputs), axis=1)

    def survival(self, outputs: np.ndarray, horizons: np.ndarray) -> np.ndarray:
        """Probability of no event by each horizon, (patient, horizon).

        Linear inside an interval (Kvamme & Borgan's constant density), flat after the last cut.
        """
        at_cuts = np.exp(-np.logaddexp(0, outputs).cumsum(1))
        return _interpolate(at_cuts, self.cuts, horizons, start=1.0)


@dataclass(frozen=True)
class DiscreteHazardTask(Task[TimeToEvent]):
    """When does the event happen? Hazards may cross.

    Parameters
    ----------
    n_intervals
        Intervals of time, cut at quantiles of the training events.
    """

    n_intervals: int

    def __post_init__(self) -> None:
        _require_at_least_one("n_intervals", self.n_intervals)

    def head(self, embed: int) -> nn.Module:
        return DiscreteHazardHead(embed, self.n_intervals)

    def fit(self, outcome: TimeToEvent) -> FittedDiscreteHazard:
        require_events(outcome)
        return FittedDiscreteHazard(
            event_quantile_cuts(outcome.time, outcome.event, self.n_intervals)
        )


@dataclass(frozen=True)
class FittedCompetingRisks(FittedSurvivalTask):
    """A hazard of each cause in each interval of time.

    Parameters
    ----------
    cuts
        Ends of the intervals, (interval,), ascending.
    n_causes
        Causes, numbered from 1.
    """

    cuts: np.ndarray
    n_causes: int
    additive: ClassVar[bool] = True

    def targets(self, outcome: TimeToEvent) -> Targets:
        cause = _causes(outcome, self.n_causes)
        return {
            "n_survived": _survived(outcome, self.cuts),
            "cause": torch.as_tensor(np.where(outcome.time <= self.cuts[-1], cause, 0)),
        }

    def loss(
        self, outputs: Float[Tensor, "patient cause interval"], targets: Targets
    ) -> Float[Tensor, ""]:
        return competing_risks_loss(outputs, targets["n_survived"], targets["cause"])

    def risk_score(self, outputs: np.ndarray) -> np.ndarray:
        """Of cause 1, the cause of interest: log(−log(1 − F₁)) at the last cut, (patient,)."""
        incidence = self.cumulative_incidence(outputs, self.cuts[-1:])[:, 0, 0]
        limits = np.finfo(np.float64)
        return np.log(-np.log1p(-incidence.clip(limits.tiny, 1 - limits.eps)))

    def survival(self, outputs: np.ndarray, horizons: np.ndarray) -> np.ndarray:
        """Probability of no event of any cause by each horizon, (patient, horizon)."""
        return 1 - self.cumulative_incidence(outputs, horizons).sum(1)

    def cumulative_incidence(self, outputs: np.ndarray, horizons: np.ndarray) -> np.ndarray:
        """Probability of an event of each cause by each horizon, (patient, cause, horizon).

        Linear inside an interval, flat after the last cut.
        """
        log_survive = -np.logaddexp.reduce(
            np.pad(outputs, ((0, 0), (1, 0), (0, 0))), axis=1, keepdims=True
        )
        reached = np.exp(log_survive.cumsum(2) - log_survive)
        at_cuts = (reached * np.exp(outputs + log_survive)).cumsum(2)
        return _interpolate(at_cuts, self.cuts, horizons, start=0.0)


@dataclass(frozen=True)
class CompetingRisksTask(Task[TimeToEvent]):
    """When does the event happen, and from which cause? Cause 1 is the one of interest.

    Parameters
    ----------
    n_causes
        Causes of the event.
    n_intervals
        Intervals of time, cut at quantiles of the training events of any cause.
    """

    n_causes: int
    n_intervals: int

    def __post_init__(self) -> None:
        _require_at_least_one("n_causes", self.n_causes)
        _require_at_least_one("n_intervals", self.n_intervals)

    def head(self, embed: int) -> nn.Module:
        return CompetingRisksHead(embed, self.n_causes, self.n_intervals)

    def fit(self, outcome: TimeToEvent) -> FittedCompetingRisks:
        missing = set(range(1, self.n_causes + 1)) - set(_causes(outcome, self.n_causes).tolist())
        if missing:
            raise ValueError(
                f"no training patient has an event of cause {sorted(missing)[0]}: "
                "merge it with another cause"
            )
        cuts = event_quantile_cuts(outcome.time, outcome.event, self.n_intervals)
        return FittedCompetingRisks(cuts, self.n_causes)


def _survived(outcome: TimeToEvent, cuts: np.ndarray) -> Tensor:
    return torch.as_tensor(intervals_survived(outcome.time, outcome.event, cuts))


def _causes(outcome: TimeToEvent, n_causes: int) -> np.ndarray:
    if outcome.cause is None:
        raise ValueError("competing risks need the cause of each event: pass TimeToEvent(cause=…)")
    if outcome.cause.max(initial=0) > n_causes:
        raise ValueError(
            f"expected causes 1 to {n_causes}, got {outcome.cause.max()}: raise n_causes or recode"
        )
    return outcome.cause


def _require_at_least_one(name: str, count: int) -> None:
    if count < 1:
        raise ValueError(f"{name} must be at least 1, got {count}")


def _interpolate(
    at_cuts: np.ndarray, cuts: np.ndarray, horizons: np.ndarray, *, start: float
) -> np.ndarray:
    """Values at horizons, linear between cuts and from ``start`` at time 0, last axis."""
    first = np.full((*at_cuts.shape[:-1], 1), start)
    values, grid = np.concatenate([first, at_cuts], axis=-1), np.append(0.0, cuts)
    position = np.interp(horizons, grid, np.arange(len(grid)))
    below = np.minimum(position.astype(int), len(cuts) - 1)
    share = position - below
    return (1 - share) * values[..., below] + share * values[..., below + 1]
