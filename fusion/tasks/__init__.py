"""What a network is asked: one task a question, from the outcome to a prediction."""

from fusion.tasks.continuous import ContinuousTask, FittedContinuous
from fusion.tasks.cox import CoxTask, FittedCox
from fusion.tasks.discrete_time import (
    CompetingRisksTask,
    DiscreteHazardTask,
    FittedCompetingRisks,
    FittedDiscreteHazard,
)
from fusion.tasks.horizon import FittedHorizonRisk, HorizonRiskTask
from fusion.tasks.protocol import (
    FittedSurvivalTask,
    FittedTask,
    Measurement,
    Targets,
    Task,
    TimeToEvent,
)

__all__ = [
    "CompetingRisksTask",
    "ContinuousTask",
    "CoxTask",
    "DiscreteHazardTask",
    "FittedCompetingRisks",
    "FittedContinuous",
    "FittedCox",
    "FittedDiscreteHazard",
    "FittedHorizonRisk",
    "FittedSurvivalTask",
    "FittedTask",
    "HorizonRiskTask",
    "Measurement",
    "Targets",
    "Task",
    "TimeToEvent",
]
