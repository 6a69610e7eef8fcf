"""A whole definition as one statement: one row a candidate record, one column a step."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import column, false, func, select, table
from sqlalchemy.sql import ColumnElement, Select

from workbench.cohort.account import entry_questions
from workbench.cohort.criteria import Criterion
from workbench.cohort.flow_warnings import earlier_outcome
from workbench.cohort.record_definition import RecordDefinition
from workbench.cohort.sql.criteria import truth
from workbench.cohort.sql.entry import (
    candidate_records,
    entry_masks,
    exit_date,
    outcome_date,
    outcome_event,
)
from workbench.cohort.sql.records import Question
from workbench.cohort.sql.source import PATIENT, Source
from workbench.cohort.sql.writing import Writing
from workbench.errors import CohortError


@dataclass(frozen=True, eq=False)
class Statement:
    """What a definition asks of a database.

    Parameters
    ----------
    select
        ``patient_id``, ``index_date``, ``exit_date``; with an outcome ``event``, ``outcome_date``
        (when the first came, also after the exit), and ``earlier``, whether one came before the
        index date; ``entry_1``, ``entry_2``, … for the steps before the criteria, and for each
        criterion ``holds_1`` and ``unknown_1``, …; what is no moment is a boolean and never null.
    asked
        The steps before the criteria: name → sentence, in order.
    """

    select: Select
    asked: dict[str, str]


def definition_statement(definition: RecordDefinition, source: Source) -> Statement:
    """Every candidate record of a definition, and what holds of it.

    Raises
    ------
    CohortError
        If a column or modality does not exist, a value does not fit its column, or the definition
        needs dates or observation periods that the source does not have.
    """
    check_clock(definition, source)
    writing = Writing(source)
    names = frozenset().union(*(criterion.columns() for criterion in definition.select))
    question = Question(candidate_records(definition, writing), writing, names)
    asked = entry_questions(definition, observed=question.records.observed)
    known = [*question.records.key, exit_date(question).label("exit_date")]
    if definition.outcome is not None:
        known.append(outcome_event(definition, question).label("event"))
        known.append(outcome_date(definition, question).label("outcome_date"))
    earlier = earlier_outcome(definition)
    if earlier is not None:
        known.append(truth(earlier, question).label("earlier"))
    masks = entry_masks(asked, definition, question)
    known += [masks[name].label(f"entry_{i}") for i, name in enumerate(asked, 1)]
    rules = [
        truth(rule, question).label(f"rule_{i}") for i, rule in enumerate(definition.select, 1)
    ]
    answers = question.select(*known, *rules).cte("answers")
    columns: list[ColumnElement[Any]] = [answers.c[column.name] for column in known]
    for i, rule in enumerate(rules, 1):
        answer = answers.c[rule.name]
        columns.append(func.coalesce(answer, false()).label(f"holds_{i}"))
        columns.append(answer.is_(None).label(f"unknown_{i}"))
    return Statement(select(*columns), asked)


def criterion_statement(criterion: Criterion, source: Source) -> Select:
    """One criterion, asked of every patient and index date of a table ``index_dates``.

    The table stands for whatever gives the records; the statement is for showing.
    """
    from workbench.cohort.sql.records import records_at

    given = table("index_dates", column(PATIENT), column("index_date"))
    writing = Writing(source)
    moments = writing.part("entries", "given", lambda: select(given.c[PATIENT], given.c.index_date))
    question = Question(records_at(moments, writing), writing, criterion.columns())
    answer = truth(criterion, question)
    return question.select(*question.records.key, answer.label("holds"))


def check_clock(definition: RecordDefinition, source: Source) -> None:
    """Refuse dates on a relative clock, and observation where nothing says who was observed."""
    entry = definition.entry
    dated = [entry.since, entry.until, definition.follow_up.until]
    if source.clock.kind == "relative" and any(day is not None for day in dated):
        raise CohortError(
            "these records count days from each patient's own zero: a study period in dates "
            "cannot be asked of them"
        )
    if source.observation() is None and (entry.observed_before or entry.observed_after):
        raise CohortError(
            f"{source.kind} records have no observation periods: ask for an event in "
            "the time before instead, such as event('*').within(-730, -365)"
        )


def population_statement(source: Source) -> Select:
    """How many patients there are."""
    people = source.patient_ids().subquery("patients")
    return select(func.count().label("n")).select_from(people)
