"""A mistyped domain is refused of a CDM, and told of everything else."""

from dataclasses import replace
from typing import Any

import duckdb
import pytest

from tests.workbench.cohort.small_records import records_of
from tests.workbench.data.sources.conftest import cdm, typed  # noqa: F401
from workbench import concept_set, entry, event
from workbench.cohort.criteria import EventQuery
from workbench.cohort.criteria.events import Happened
from workbench.cohort.record_cohort import build_cohort
from workbench.cohort.record_definition import RecordDefinition, define
from workbench.cohort.sql import DuckMemory, OmopDatabase, run_in_database
from workbench.data.records import Records, SourceFacts
from workbench.errors import CohortError

ONE = concept_set("one", 1)
MISTYPED = [
    (event("conditon//1"), "no domain 'conditon'; did you mean 'condition'"),
    (event("conditon//*"), "no domain 'conditon'"),
    (event("conditon//20*"), "no domain 'conditon'"),
    (event(ONE, domain="conditions"), "no domain 'conditions'; did you mean 'condition'"),
    (event("1"), "codes of a CDM begin with their domain"),
    (~event("condition//1").where(event("visits//9201")), "no domain 'visits'"),
]
RIGHT = event("condition//1", "drug//*", "visit_detail//*")


def records(kind: str) -> Records:
    events = [("A", "2020-01-01", "condition//1"), ("A", "2020-01-02", "local//a")]
    found = records_of(events, {"A": "1980-01-01"})
    return replace(found, source=SourceFacts(kind, "small", "1"))  # type: ignore[arg-type]


def asking(rule: Any) -> RecordDefinition:
    return define(entry(event("condition//1")), rule)


@pytest.mark.parametrize(("rule", "words"), MISTYPED)
def test_a_cdm_refuses_a_domain_that_it_does_not_have(rule: Any, words: str) -> None:
    with pytest.raises(CohortError, match=words):
        build_cohort(records("omop"), asking(rule))
    build_cohort(records("omop"), asking(RIGHT | event("local//*")))


@pytest.mark.parametrize(("rule", "words"), MISTYPED)
def test_a_cdm_in_a_database_refuses_it_too(cdm: Any, rule: Any, words: str) -> None:  # noqa: F811
    with duckdb.connect() as connection:
        for name, rows in typed(cdm).items():
            connection.register("rows", rows)
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM rows")
            connection.unregister("rows")
        with pytest.raises(CohortError, match=words):
            run_in_database(asking(rule), OmopDatabase(DuckMemory(connection)))


@pytest.mark.parametrize(
    "rule", [event("conditon//1"), event("conditon//*"), event(ONE, domain="conditon")]
)
def test_elsewhere_a_domain_without_events_is_told(rule: Happened) -> None:
    # The vocabulary of the small records knows concept 1, so the code itself is not refused.
    assert isinstance(rule.query, EventQuery)
    (warning,) = build_cohort(records("meds"), asking(rule)).warnings[-1:]
    assert warning == (
        "no event here has a code that begins with 'conditon//', so that whatever asks for it "
        "finds nobody; did you mean 'condition'?"
    )
    assert not any(
        "begins" in w for w in build_cohort(records("meds"), asking(event("*"))).warnings
    )
