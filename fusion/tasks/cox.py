"""Relative hazards, compared within risk sets."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from fusion.baseline_hazard import BaselineHazard, breslow
from fusion.heads import CoxHead
from fusion.losses import cox_log_likelihood, risk_sets
from fusion.tasks.protocol import FittedSurvivalTask, Targets, Task, TimeToEvent, require_events


@dataclass(frozen=True)
class FittedCox(FittedSurvivalTask):
    """Relative hazards, compared within risk sets.

    Parameters
    ----------
    baseline
        Cumulative hazard at risk score 0. Before :meth:`calibrate` that of the training patients
        if all were alike (Nelson–Aalen).
    centre
        Output that is risk score 0: the mean of the patients the network learned from, since
        Cox's likelihood leaves each network a constant of its own.
    """

    baseline: BaselineHazard
    centre: float
    additive: ClassVar[bool] = False

    def targets(self, outcome: TimeToEvent) -> Targets:
        return {"time": torch.as_tensor(outcome.time), "event": torch.as_tensor(outcome.event)}

    def loss(self, outputs: Float[Tensor, " patient"], targets: Targets) -> Float[Tensor, ""]:
        """Efron's partial likelihood; the risk sets are those of the patients given."""
        time, event = targets["time"].cpu().numpy(), targets["event"].cpu().numpy()
        sets = risk_sets(time, event, outputs.device)
        ordered = outputs[sets.order]
        return -cox_log_likelihood(ordered, sets, torch.ones_like(ordered))

    def centred(self, outputs: np.ndarray) -> "FittedCox":
        return replace(self, centre=float(outputs.mean(dtype=float)))

    def calibrate(self, outputs: np.ndarray, outcome: TimeToEvent) -> "FittedCox":
        baseline = breslow(outcome.time, outcome.event, self.risk_score(outputs))
        return replace(self, baseline=baseline)

    def risk_score(self, outputs: np.ndarray) -> np.ndarray:
        """Log hazard relative to the average training patient, (patient,)."""
        return outputs - self.centre

    def survival(self, outputs: np.ndarray, horizons: np.ndarray) -> np.ndarray:
        """Probability of no event by each horizon, (patient, horizon)."""
        return self.baseline.survival(self.risk_score(outputs), horizons)


@dataclass(frozen=True)
class CoxTask(Task[TimeToEvent]):
    """When does the event happen? Proportional hazards.

    References
    ----------
    Cox, D. (1972). Regression models and life-tables. JRSS B 34.
    """

    def head(self, embed: int) -> nn.Module:
        return CoxHead(embed)

    def fit(self, outcome: TimeToEvent) -> FittedCox:
        require_events(outcome)
        alike = np.zeros(len(outcome.time))
        return FittedCox(breslow(outcome.time, outcome.event, alike), 0.0)
