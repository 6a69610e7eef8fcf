"""What predictions are worth: every metric with its interval, and the claims it allows."""

from workbench.evaluation.alignment import EvaluatedCohort
from workbench.evaluation.evaluate import evaluate
from workbench.evaluation.intervals import Interval, bootstrap_weights, interval
from workbench.evaluation.records import Evaluation

__all__ = [
    "EvaluatedCohort",
    "Evaluation",
    "Interval",
    "bootstrap_weights",
    "evaluate",
    "interval",
]
