"""The steps of a cohort as rows that may be shown: counts, or that they are withheld."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from workbench.cohort.account import Account, limited
from workbench.cohort.cohort import Cohort
from workbench.cohort.flow import Flow, Step
from workbench.cohort.privacy import SUPPRESSED
from workbench.cohort.record_cohort import RecordCohort

AnyCohort = Cohort | RecordCohort
WITHHELD = "withheld"


def with_rules(cohort: AnyCohort, rules: Sequence[Step]) -> Flow:
    """The cohort's flow with other rules between its entry and its end; later losses are left out.

    Nothing is asked again: a step brings its answers.
    """
    flow = replace(cohort.flow, rules=tuple(rules), after=())
    return limited(flow, cohort.definition) if isinstance(cohort, Account) else flow


def shown_attrition(cohort: AnyCohort, flow: Flow) -> pd.DataFrame:
    """The attrition of another flow of the same cohort, as the dataset's privacy lets it out.

    Raises
    ------
    WorkbenchError
        Nothing of it may be shown.
    """
    return replace(cohort, flow=flow).attrition_for_export()


def count_words(count: Any) -> str:
    """A count as a person reads it; "" where there is none.

    Examples
    --------
    >>> count_words(1234), count_words("suppressed"), count_words(pd.NA)
    ('1,234', 'withheld', '')
    """
    if isinstance(count, str):
        return WITHHELD if count == SUPPRESSED else count
    return "" if pd.isna(count) else f"{int(count):,}"


def minimum_of(cohort: AnyCohort) -> int:
    """The smallest count that the dataset lets anybody see."""
    if isinstance(cohort, RecordCohort):
        return cohort.records.minimum_cell
    return cohort.card.spec.privacy.minimum_cell


def withheld_words(shown: pd.DataFrame, minimum: int) -> str:
    """Why counts are withheld; "" where none is."""
    if not any(isinstance(cell, str) and cell == SUPPRESSED for cell in shown.to_numpy().ravel()):
        return ""
    return (
        f"Counts below {minimum} are withheld, and others that would give those away. A withheld "
        "count is not zero."
    )


def outcome_words(cohort: AnyCohort) -> str:
    """What the outcome is called; "" where a cohort waits for none."""
    if isinstance(cohort, Cohort):
        return cohort.card.spec.outcomes[cohort.outcome].title
    outcome = cohort.definition.outcome
    return "" if outcome is None else outcome.words()
