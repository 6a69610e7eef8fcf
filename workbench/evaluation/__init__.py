"""What predictions are worth: every metric with its interval, and the claims it allows."""

from workbench.evaluation.alignment import EvaluatedCohort
from workbench.evaluation.evaluate import evaluate
from workbench.evaluation.fairness import FairnessTable, fairness_table
from workbench.evaluation.intervals import Interval, bootstrap_weights, interval
from workbench.evaluation.random_effects import RandomEffects, random_effects
from workbench.evaluation.records import Evaluation
from workbench.evaluation.subgroups import SubgroupTable, subgroup_table

__all__ = [
    "EvaluatedCohort",
    "Evaluation",
    "FairnessTable",
    "Interval",
    "RandomEffects",
    "SubgroupTable",
    "bootstrap_weights",
    "evaluate",
    "fairness_table",
    "interval",
    "random_effects",
    "subgroup_table",
]
