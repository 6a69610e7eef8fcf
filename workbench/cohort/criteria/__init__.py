"""Criteria: who is in, as predicate, sentence and canonical JSON."""

from workbench.cohort.criteria.columns import col
from workbench.cohort.criteria.criterion import Criterion, at_least
from workbench.cohort.criteria.events import Happened, death, event
from workbench.cohort.criteria.modality import has
from workbench.cohort.criteria.parse import parse
from workbench.cohort.criteria.population import Population, records_at
from workbench.cohort.criteria.query import EventQuery, Range
from workbench.cohort.criteria.window import Window

__all__ = [
    "Criterion",
    "EventQuery",
    "Happened",
    "Population",
    "Range",
    "Window",
    "at_least",
    "col",
    "death",
    "event",
    "has",
    "parse",
    "records_at",
]
