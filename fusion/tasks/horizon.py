"""Risk by one horizon."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from fusion.heads import BinaryHead
from fusion.outcome_losses import (
    CensoringCurve,
    censoring_curve,
    horizon_weights,
    weighted_binary_cross_entropy,
)
from fusion.tasks.protocol import FittedSurvivalTask, Targets, Task, TimeToEvent, log_softplus


@dataclass(frozen=True)
class FittedHorizonRisk(FittedSurvivalTask):
    """Risk by one horizon; censored patients are stood for by those still under observation.

    Parameters
    ----------
    horizon
        In the unit of time.
    censoring
        Censoring curve of the training patients.
    """

    horizon: float
    censoring: CensoringCurve
    additive: ClassVar[bool] = True

    def targets(self, outcome: TimeToEvent) -> Targets:
        weight = horizon_weights(outcome.time, outcome.event, self.horizon, self.censoring)
        return {
            "label": torch.as_tensor(outcome.event & (outcome.time <= self.horizon)),
            "weight": torch.as_tensor(weight),
        }

    def loss(self, outputs: Float[Tensor, " patient"], targets: Targets) -> Float[Tensor, ""]:
        return weighted_binary_cross_entropy(outputs, targets["label"], targets["weight"])

    def risk_score(self, outputs: np.ndarray) -> np.ndarray:
        """Log cumulative hazard at the horizon, (patient,)."""
        return log_softplus(outputs)

    def survival(self, outputs: np.ndarray, horizons: np.ndarray) -> np.ndarray:
        """Probability of no event by the horizon, (patient, 1).

        Raises
        ------
        ValueError
            If another horizon is asked for.
        """
        if not np.array_equal(horizons, [self.horizon]):
            raise ValueError(
                f"this task knows the risk by {self.horizon:g} only, asked for "
                f"{', '.join(f'{h:g}' for h in horizons)}: fit a task a horizon, or DiscreteHazard"
            )
        return np.exp(-np.logaddexp(0, outputs))[:, None]


@dataclass(frozen=True)
class HorizonRiskTask(Task[TimeToEvent]):
    """Does the event happen by the horizon?

    Parameters
    ----------
    horizon
        Positive, in the unit of time.
    """

    horizon: float

    def __post_init__(self) -> None:
        if not self.horizon > 0:
            raise ValueError(f"horizon must be positive, got {self.horizon:g}")

    def head(self, embed: int) -> nn.Module:
        return BinaryHead(embed)

    def fit(self, outcome: TimeToEvent) -> FittedHorizonRisk:
        fitted = FittedHorizonRisk(self.horizon, censoring_curve(outcome.time, outcome.event))
        targets = fitted.targets(outcome)
        known = targets["label"][targets["weight"] > 0]
        if known.all() or not known.any():
            raise ValueError(
                f"by the horizon {self.horizon:g}, {int(known.sum())} of {len(known)} training "
                "patients whose state is known had the event: choose a horizon with both"
            )
        return fitted
