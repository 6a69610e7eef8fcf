"""A value means something only with its unit: units can be named, and mixed ones are told."""

from dataclasses import replace

import pytest

from tests.workbench.cohort.small_records import records_of
from workbench import entry, event
from workbench.cohort.criteria import parse
from workbench.cohort.criteria.events import Happened
from workbench.cohort.record_cohort import RecordCohort, build_cohort
from workbench.cohort.record_definition import define
from workbench.data.records import Records, SourceFacts
from workbench.errors import CohortError

SUGAR = event("measurement//1")
MG, MMOL = "unit//8840", "unit//8753"


def records(kind: str = "omop", minimum_cell: int = 10) -> Records:
    events = [
        ("A", "2020-01-01", "in"),
        ("A", "2020-01-02", "measurement//1", 126.0, MG),
        ("B", "2020-01-01", "in"),
        ("B", "2020-01-02", "measurement//1", 7.0, f"fasting value//45 {MMOL}"),
        ("C", "2020-01-01", "in"),
        ("C", "2020-01-02", "measurement//1", 90.0, f"value//4 {MG}"),
        ("C", "2020-01-03", "measurement//1", 91.0, None),
        ("C", "2020-01-03", "measurement//2", 1.0, MG),
    ]
    births = dict.fromkeys("ABC", "1980-01-01")
    found = records_of(events, births, minimum_cell=minimum_cell)
    return replace(found, source=SourceFacts(kind, "small", "1"))  # type: ignore[arg-type]


def cohort_of(rule: Happened, among: Records) -> RecordCohort:
    return build_cohort(among, define(entry(event("in")), rule))


@pytest.mark.parametrize(
    ("rule", "patients"),
    [
        (SUGAR.in_unit(8840), "AC"),
        (SUGAR.in_unit(8753), "B"),
        (SUGAR.in_unit(884), ""),
        (SUGAR.in_unit(8840, MMOL), "ABC"),
        (SUGAR.valued(at_least=100).in_unit(8840), "A"),
        (SUGAR.answered(45), "B"),
        (SUGAR.answered(4), "C"),
        (SUGAR.answered(4, 45).in_unit(8753), "B"),
        (SUGAR.in_unit("fasting"), "B"),
    ],
)
def test_unit_and_answer_are_parts_of_the_text(rule: Happened, patients: str) -> None:
    cohort = cohort_of(rule, records())
    assert "".join(cohort.patients["patient_id"]) == patients
    assert parse(rule.to_json()).to_json() == rule.to_json()


def test_sentences_name_the_unit() -> None:
    rule = SUGAR.valued(above=7).in_unit(8753).answered(45)
    assert rule.sentence().startswith(f"measurement//1 > 7 in {MMOL} answered value//45")


def test_mixed_units_are_told_where_values_are_compared() -> None:
    cohort = cohort_of(SUGAR.valued(above=5), records(minimum_cell=2))
    assert cohort.warnings[-1] == (
        f"measurement//1: its values are compared, and come in 2 units ({MMOL} in a few events, "
        f"{MG} in 2 events): name the one that is meant, with in_unit(…)"
    )
    assert "in 1 events" in cohort_of(SUGAR.valued(above=5), records(minimum_cell=0)).warnings[-1]


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        (SUGAR, "omop"),
        (SUGAR.valued(above=5).in_unit(8840), "omop"),
        (event("measurement//2").valued(above=0), "omop"),
        (event("in", "measurement//2").valued(above=0), "omop"),
        # Nobody said that the text of a MEDS event is a unit.
        (SUGAR.valued(above=5), "meds"),
    ],
)
def test_nothing_is_told_where_nothing_is_mixed(rule: Happened, kind: str) -> None:
    assert not any("units" in warning for warning in cohort_of(rule, records(kind)).warnings)


def test_units_of_fhir_are_texts_and_those_inside_other_rules_are_seen() -> None:
    rule = ~event("in").where(SUGAR.valued(above=5).within(0, 5))
    found = build_cohort(records("fhir"), define(entry(event("in")), rule)).warnings[-1]
    assert "come in 3 units" in found
    assert f"value//4 {MG} in a few events" in found


@pytest.mark.parametrize("unit", ["", " "])
def test_a_unit_is_no_empty_text(unit: str) -> None:
    with pytest.raises(CohortError, match="not empty"):
        SUGAR.in_unit(unit)
