"""Cohorts and their accounts, counted by hand."""

import copy
import itertools
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.cohort.circe import CommonDataModel, RuleTable, read_circe, run_circe
from workbench.errors import CohortError

Definition = Callable[..., dict[str, Any]]


def steps(cohort: Any) -> list[tuple[str, int, int]]:
    table = cohort.attrition[["step", "n_records", "n_patients"]]
    return list(table.itertuples(index=False, name=None))


def test_the_account_begins_at_the_entry_event(
    small_cdm: CommonDataModel, small_definition: Definition
) -> None:
    definition = read_circe(json.dumps(small_definition(ExpressionLimit={"Type": "First"})))
    cohort = run_circe(definition, small_cdm)
    assert steps(cohort) == [
        ("entry events", 7, 5),
        ("under observation", 5, 4),
        ("observed 59 days before and 0 after", 4, 3),
        ("no insulin before", 2, 2),
        ("adults", 2, 2),
        ("HbA1c over 7", 1, 1),
        ("first included event of each patient", 1, 1),
        ("exit on or after entry", 1, 1),
        ("spans of time, those at most 0 days apart as one", 1, 1),
    ]
    assert cohort.attrition["records_removed"].tolist() == [0, 2, 1, 2, 0, 1, 0, 0, 0]
    row = cohort.rows.iloc[0]
    assert (row["person_id"], f"{row['start']:%F}", f"{row['end']:%F}") == (
        1,
        "2010-03-01",
        "2011-12-31",
    )
    assert repr(cohort) == "CirceCohort(1 patients, 1 spans of time)"


def test_rules_in_any_order_without_asking_again(
    small_cdm: CommonDataModel, small_definition: Definition
) -> None:
    rules = run_circe(read_circe(json.dumps(small_definition())), small_cdm).rules
    # Events: 1 in March and September (insulin in April), 2, 3 (a child, on insulin).
    assert rules.person.tolist() == [1, 1, 2, 3]
    assert rules.holds.tolist() == [
        [True, True, True],
        [False, True, True],
        [True, True, False],
        [False, False, False],
    ]
    after = rules.attrition([2, 1, 0])
    assert after["n_records"].tolist() == [2, 2, 1]
    assert after["patients_removed"].tolist() == [2, 0, 0]
    regained = rules.regained()
    # Without the first rule patient 1's second event comes back, but no patient.
    assert regained["records_regained"].tolist() == [1, 0, 1]
    assert regained["patients_regained"].tolist() == [0, 0, 1]


def test_reordered_rules_are_the_reordered_definition(
    small_cdm: CommonDataModel, small_definition: Definition
) -> None:
    document = small_definition()
    rules = run_circe(read_circe(json.dumps(document)), small_cdm).rules
    for order in itertools.islice(itertools.permutations(range(3)), 3, 6, 2):
        other = copy.deepcopy(document)
        other["InclusionRules"] = [document["InclusionRules"][i] for i in order]
        asked = run_circe(read_circe(json.dumps(other)), small_cdm)
        assert rules.attrition(order).equals(asked.rules.attrition())


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 4), st.booleans(), st.booleans()), max_size=12))
def test_what_is_regained_is_what_dropping_the_rule_gives(
    events: list[tuple[int, bool, bool]],
) -> None:
    person = np.array([e[0] for e in events], np.int64)
    holds = np.array([e[1:] for e in events], bool).reshape(-1, 2)
    rules = RuleTable(("a", "b"), person, holds)
    everyone_kept = rules.attrition().iloc[-1]
    for dropped in (0, 1):
        left = RuleTable(("other",), person, holds[:, [1 - dropped]]).attrition().iloc[-1]
        regained = rules.regained().iloc[dropped]
        assert regained["records_regained"] == left["n_records"] - everyone_kept["n_records"]
        assert regained["patients_regained"] == left["n_patients"] - everyone_kept["n_patients"]


def test_an_order_names_each_rule_once() -> None:
    rules = RuleTable(("a", "b"), np.array([1]), np.array([[True, False]]))
    with pytest.raises(CohortError, match="names each once, as 0 to 1"):
        rules.attrition([0, 0])


def test_additional_criteria_and_limits_have_their_steps(
    small_cdm: CommonDataModel, small_definition: Definition
) -> None:
    document = small_definition(
        AdditionalCriteria={
            "Type": "ALL",
            "DemographicCriteriaList": [{"Age": {"Op": "lt", "Value": 55}}],
        },
        QualifiedLimit={"Type": "Last"},
        InclusionRules=[],
        CollapseSettings={"EraPad": 30},
        CensorWindow={"EndDate": "2010-06-30"},
    )  # fmt: skip
    document["PrimaryCriteria"]["ObservationWindow"]["PriorDays"] = 0
    cohort = run_circe(read_circe(json.dumps(document)), small_cdm)
    assert steps(cohort) == [
        ("entry events", 7, 5),
        ("under observation", 5, 4),
        ("observed 0 days before and 0 after", 5, 4),
        ("additional criteria", 3, 3),
        ("last qualified event of each patient", 3, 3),
        ("exit on or after entry", 3, 3),
        ("spans of time, those at most 30 days apart as one", 3, 3),
        ("within the censor window", 3, 3),
    ]
    assert {f"{end:%F}" for end in cohort.rows["end"]} == {"2010-06-30"}


def test_tables_that_are_not_there_are_said(
    small_cdm: CommonDataModel, small_definition: Definition
) -> None:
    document = small_definition(InclusionRules=[])
    document["PrimaryCriteria"]["CriteriaList"] = [{"Specimen": {}}]
    cohort = run_circe(read_circe(json.dumps(document)), small_cdm)
    assert len(cohort.rows) == 0
    assert "specimen: what the definition asks of them finds nobody" in cohort.warnings[0]


@pytest.mark.parametrize(
    ("criterion", "lost"),
    [
        ({"DeviceExposure": {"First": True}}, "DeviceExposure.First"),
        ({"Observation": {"UnitCS": {"CodesetId": 0, "IsExclusion": True}}}, "UnitCS.IsExclusion"),
        ({"Death": {"CauseSourceConcept": 0}}, "Death.CauseSourceConcept"),
        ({"Specimen": {"DateAdjustment": {"StartOffset": 1, "EndOffset": 1}}}, "DateAdjustment"),
    ],
)
def test_what_circepy_would_leave_out_is_refused(
    small_cdm: CommonDataModel, small_definition: Definition, criterion: dict[str, Any], lost: str
) -> None:
    document = small_definition()
    document["PrimaryCriteria"]["CriteriaList"] = [criterion]
    with pytest.raises(CohortError, match=lost.replace(".", r"\.")):
        run_circe(read_circe(json.dumps(document)), small_cdm)


@pytest.mark.parametrize("criterion", [{"VisitDetail": {}}, {"PayerPlanPeriod": {}}])
def test_domains_that_circepy_cannot_write_are_refused(
    small_cdm: CommonDataModel, small_definition: Definition, criterion: dict[str, Any]
) -> None:
    document = small_definition()
    document["PrimaryCriteria"]["CriteriaList"] = [criterion]
    with pytest.raises(CohortError, match=f"circepy 0.3.*{next(iter(criterion))}"):
        run_circe(read_circe(json.dumps(document)), small_cdm)


def test_the_same_rows_as_by_the_translation_of_ohdsi(
    small_cdm: CommonDataModel, small_definition: Definition
) -> None:
    """sqlglot's statements against those of OHDSI's own SqlRender patterns."""
    from circe import sqlrender

    from workbench.cohort.circe.rendering import TARGET, render

    definition = read_circe(json.dumps(small_definition(InclusionRules=[])))
    cohort = run_circe(definition, small_cdm)
    cursor = small_cdm.connection.cursor()
    cursor.execute(
        f"CREATE TEMP TABLE {TARGET} (cohort_definition_id INTEGER, subject_id BIGINT, "
        "cohort_start_date DATE, cohort_end_date DATE)"
    )
    for statement in sqlrender.split_sql(sqlrender.translate(render(definition).sql, "duckdb")):
        cursor.execute(statement)
    rows = cursor.execute(f"SELECT * EXCLUDE cohort_definition_id FROM {TARGET} ORDER BY ALL")
    assert rows.fetchall() == [
        (row.person_id, row.start.date(), row.end.date()) for row in cohort.rows.itertuples()
    ]
    cursor.close()
