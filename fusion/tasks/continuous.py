"""The mean of a continuous outcome."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from fusion.heads import RegressionHead
from fusion.outcome_losses import squared_error
from fusion.tasks.protocol import FittedTask, Measurement, Targets, Task


@dataclass(frozen=True)
class FittedContinuous(FittedTask[Measurement]):
    """The mean of a continuous outcome.

    Parameters
    ----------
    mean, standard_deviation
        Of the training patients, in the unit of the outcome.
    """

    mean: float
    standard_deviation: float
    additive: ClassVar[bool] = True

    def targets(self, outcome: Measurement) -> Targets:
        value = (outcome.value - self.mean) / self.standard_deviation
        return {"value": torch.as_tensor(value)}

    def loss(self, outputs: Float[Tensor, " patient"], targets: Targets) -> Float[Tensor, ""]:
        return squared_error(outputs, targets["value"])

    def risk_score(self, outputs: np.ndarray) -> np.ndarray:
        """Predicted mean in standard deviations of the training patients, (patient,)."""
        return outputs

    def predicted_mean(self, outputs: np.ndarray) -> np.ndarray:
        """In the unit of the outcome, (patient,)."""
        return self.mean + self.standard_deviation * outputs


@dataclass(frozen=True)
class ContinuousTask(Task[Measurement]):
    """How high is a continuous outcome?"""

    def head(self, embed: int) -> nn.Module:
        return RegressionHead(embed)

    def fit(self, outcome: Measurement) -> FittedContinuous:
        spread = float(outcome.value.std())
        if not spread > 0:
            raise ValueError(
                f"all {len(outcome.value)} training patients have the same outcome: "
                "there is nothing to learn"
            )
        return FittedContinuous(float(outcome.value.mean()), spread)
