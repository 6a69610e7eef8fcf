"""What every task is.

A task (``CoxTask()``) makes the head and is fitted on the training outcome. The fitted task holds
what it learned there (time intervals, a censoring curve, a scale), turns outcomes into targets,
says how wrong outputs are, and turns outputs into predictions. Overall survival and progression
are two outcomes of the same tasks.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

import numpy as np
from jaxtyping import Float
from torch import Tensor, nn


@dataclass(frozen=True)
class TimeToEvent:
    """When something happened to each patient, or until when it had not.

    Parameters
    ----------
    time
        From the index date to event or censoring, (patient,) float64, positive.
    event
        True where the event was observed, (patient,) bool.
    cause
        Cause of the event, numbered from 1, and 0 where censored, (patient,) int64; None where
        causes are not told apart.
    """

    time: np.ndarray
    event: np.ndarray
    cause: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.event.dtype != bool:
            raise ValueError(f"event must be boolean, got {self.event.dtype}: pass `event == 1`")
        if self.time.ndim != 1 or self.event.shape != self.time.shape:
            raise ValueError(
                "time and event must be (patient,), "
                f"got shapes {self.time.shape} and {self.event.shape}"
            )
        valid = np.isfinite(self.time) & (self.time > 0)
        if not valid.all():
            raise ValueError(
                f"time must be positive and finite; {(~valid).sum()} of {len(valid)} are not"
            )
        if self.cause is not None and not np.array_equal(np.sign(self.cause), self.event):
            raise ValueError(
                "cause must be 0 for censored patients and 1, 2, … for events: it contradicts "
                "event; recode one of them"
            )


@dataclass(frozen=True)
class Measurement:
    """A continuous outcome, oriented so that higher is worse.

    Parameters
    ----------
    value
        (patient,) float64, finite.
    """

    value: np.ndarray

    def __post_init__(self) -> None:
        if self.value.ndim != 1 or not np.isfinite(self.value).all():
            raise ValueError(
                f"value must be (patient,) and finite, got shape {self.value.shape} with "
                f"{(~np.isfinite(self.value)).sum()} not finite: leave those patients out"
            )


Outcome = TypeVar("Outcome", TimeToEvent, Measurement)

# By name, one row a patient.
Targets = Mapping[str, Tensor]


class FittedTask(ABC, Generic[Outcome]):
    """A task that knows its training outcome. It holds numbers only, so it can be saved."""

    additive: ClassVar[bool]
    """True if the loss of patients together is the sum of their own; False if they are compared."""

    @abstractmethod
    def targets(self, outcome: Outcome) -> Targets:
        """What the loss needs to know of each patient."""

    @abstractmethod
    def loss(self, outputs: Float[Tensor, "patient *_"], targets: Targets) -> Float[Tensor, ""]:
        """Negative log-likelihood (or squared error) of all patients given, summed."""

    @abstractmethod
    def risk_score(self, outputs: np.ndarray) -> np.ndarray:
        """Higher is worse, (patient,)."""

    def centred(self, outputs: np.ndarray) -> "FittedTask[Outcome]":
        """The task, knowing what outputs a network gives the patients it learned from.

        Only Cox's model, whose outputs have no zero of their own, learns from them.
        """
        return self

    def calibrate(self, outputs: np.ndarray, outcome: Outcome) -> "FittedTask[Outcome]":
        """The task, knowing what outputs the network gives; best those out of fold.

        Where another network gave them, the task must be :meth:`centred` by that one's outputs
        first, and by those of the network that will be used afterwards.

        Only Cox's model, whose baseline hazard depends on the risk scores, learns from them.
        """
        return self


class FittedSurvivalTask(FittedTask[TimeToEvent]):
    """A fitted task whose outputs tell when the event happens."""

    @abstractmethod
    def survival(self, outputs: np.ndarray, horizons: np.ndarray) -> np.ndarray:
        """Probability of no event by each horizon, (patient, horizon).

        Parameters
        ----------
        outputs
            Of the network, one row a patient.
        horizons
            (horizon,), ascending, in the unit of time.
        """


class Task(ABC, Generic[Outcome]):
    """A question, free of data."""

    @abstractmethod
    def head(self, embed: int) -> nn.Module:
        """From a fused embedding of that width to outputs."""

    @abstractmethod
    def fit(self, outcome: Outcome) -> FittedTask[Outcome]:
        """Learn what the task needs from the training outcome.

        Raises
        ------
        ValueError
            If the outcome cannot answer the question.
        """


def require_events(outcome: TimeToEvent) -> None:
    """Raise ValueError if a training set has no event at all."""
    if not outcome.event.any():
        raise ValueError(f"none of {len(outcome.event)} training patients has an event")


def log_softplus(logit: np.ndarray) -> np.ndarray:
    """Log cumulative hazard of an event whose logit is given: log(−log(1 − p)).

    Equal to the logit where the event is rare, which also keeps it finite there.
    """
    rare = logit < -30
    return np.where(rare, logit, np.log(np.logaddexp(0, np.where(rare, 0, logit))))
