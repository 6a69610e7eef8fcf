"""Definitions of ATLAS in our own language choose whom circe chooses, since the same day."""

import json
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.workbench.cohort.circe.conftest import NORMAL, PERCENT, UNITS, concept_set
from workbench.cohort.circe import (
    CirceDefinition,
    CommonDataModel,
    open_cdm,
    read_circe,
    run_circe,
    translate_circe,
    translate_circe_entry,
)
from workbench.cohort.record_cohort import build_cohort
from workbench.cohort.record_definition import RecordDefinition
from workbench.cohort.sql import DuckMemory, OmopDatabase, run_in_database
from workbench.data.concepts import Vocabulary
from workbench.data.records import Records
from workbench.data.sources.omop import read_omop
from workbench.errors import CohortError

Definition = Callable[..., dict[str, Any]]
Rows = list[tuple[int, Any]]
DIABETES = {"ConditionOccurrence": {"CodesetId": 0}}
INSULIN = {"DrugExposure": {"CodesetId": 1}}
HBA1C = {"Measurement": {"CodesetId": 2}}
MALE = [{"CONCEPT_ID": 8507}]
DAYS = {"IsDistinct": True, "CountColumn": "START_DATE"}
ANY_DAY = {"Start": {"Coeff": -1}, "End": {"Coeff": 1}}


def here(records: Records, definition: RecordDefinition) -> Rows:
    patients = build_cohort(records, definition).patients
    return sorted(zip(patients["patient_id"].astype(int), patients["index_date"], strict=True))


def there(model: CommonDataModel, definition: CirceDefinition) -> Rows:
    entries = run_circe(definition, model).entries
    return list(entries.itertuples(index=False, name=None))


def around(
    criterion: dict[str, Any],
    kind: int,
    count: int,
    start: int | None,
    end: int | None,
    **more: Any,
) -> dict[str, Any]:
    """A criterion counted in a window of days around the index date; None is all days."""
    sides = [(start, -1), (end, 1)]
    bounds = [
        {"Coeff": side} if days is None else {"Days": abs(days), "Coeff": 1 if days >= 0 else -1}
        for days, side in sides
    ]
    return {
        "Criteria": criterion,
        "StartWindow": dict(zip(("Start", "End"), bounds, strict=True)),
        "Occurrence": {"Type": kind, "Count": count, **more.pop("Occurrence", {})},
        **more,
    }


def rule(kind: str = "ALL", *criteria: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    return [{"name": "rule", "expression": {"Type": kind, "CriteriaList": list(criteria), **more}}]


def surrounded(criterion: dict[str, Any]) -> dict[str, Any]:
    """Diabetes with something around it."""
    group = {"Type": "ALL", "CriteriaList": [criterion]}
    return {"ConditionOccurrence": {"CodesetId": 0, "CorrelatedCriteria": group}}


CASES: dict[str, dict[str, Any]] = {
    "as it is": {},
    "first": {"PrimaryLimit": "First", "InclusionRules": []},
    "last": {"PrimaryLimit": "Last", "InclusionRules": []},
    "last included": {"ExpressionLimit": {"Type": "Last"}, "InclusionRules": []},
    "first ever": {
        "Criteria": [{"ConditionOccurrence": {"CodesetId": 0, "First": True}}],
        "InclusionRules": [],
    },
    "age and sex of the event": {
        "Criteria": [
            {
                "ConditionOccurrence": {
                    "CodesetId": 0,
                    "Age": {"Op": "!bt", "Value": 40, "Extent": 55},
                    "Gender": MALE,
                }
            }
        ],
        "InclusionRules": [],
    },
    "any of two": {
        "InclusionRules": rule("ANY", around(INSULIN, 2, 1, 0, None), around(HBA1C, 2, 1, -200, 0))
    },
    "at least, nested": {
        "InclusionRules": rule(
            "AT_LEAST",
            around(INSULIN, 2, 1, None, None),
            around(HBA1C, 1, 0, None, None),
            Count=2,
            Groups=[{"Type": "ANY", "DemographicCriteriaList": [{"Gender": MALE}]}],
        )
    },
    "at most": {
        "InclusionRules": rule(
            "AT_MOST", around(INSULIN, 2, 1, None, None), around(HBA1C, 2, 1, None, None), Count=0
        )
    },
    "exactly two days": {
        "InclusionRules": rule(
            "ALL",
            around(DIABETES, 0, 2, None, None, Occurrence=DAYS),
        )
    },
    "beyond observation": {
        "InclusionRules": rule("ALL", around(DIABETES, 2, 2, None, 0, IgnoreObservationPeriod=True))
    },
    "the first qualified": {
        "AdditionalCriteria": {"Type": "ALL", "CriteriaList": [around(DIABETES, 2, 1, None, -1)]},
        "QualifiedLimit": {"Type": "First"},
        "InclusionRules": rule("ALL", around(INSULIN, 2, 1, None, 0)),
    },
    "the first qualified of all": {
        "AdditionalCriteria": {
            "Type": "AT_MOST", "Count": 1, "CriteriaList": [around(INSULIN, 2, 1, 0, 1)],
        },
        "QualifiedLimit": {"Type": "First"},
        "InclusionRules": [],
    },
    "something around something": {
        "InclusionRules": rule(
            "ALL", around(surrounded(around(INSULIN, 1, 0, None, 0)), 2, 1, None, None)
        )
    },
    "values": {
        "Criteria": [
            {"Measurement": {"ValueAsNumber": {"Op": "bt", "Value": 5, "Extent": 7}}},
            {"DrugExposure": {"DaysSupply": {"Op": "gte", "Value": 30}}},
        ],
        "InclusionRules": [],
    },
    "a unit": {
        "Criteria": [{"Measurement": {"CodesetId": 2, "Unit": [{"CONCEPT_ID": PERCENT}]}}],
        "InclusionRules": [],
    },
    "a unit out of a set": {
        "Criteria": [{"Measurement": {"First": True, "UnitCS": {"CodesetId": 3}}}],
        "InclusionRules": [],
    },
    "a unit under a set": {
        "Criteria": [{"Measurement": {"UnitCS": {"CodesetId": 4}}}],
        "InclusionRules": [],
    },
    "a unit of a list and of a set": {
        "Criteria": [
            {"Measurement": {"Unit": [{"CONCEPT_ID": PERCENT}], "UnitCS": {"CodesetId": 4}}}
        ],
        "InclusionRules": [],
    },
    "an answer under a set": {
        "Criteria": [{"Measurement": {"ValueAsConceptCS": {"CodesetId": 5}}}],
        "InclusionRules": [],
    },
    "an answer": {
        "Criteria": [
            {"Measurement": {"ValueAsConcept": [{"CONCEPT_ID": c} for c in (NORMAL, PERCENT)]}}
        ],
        "InclusionRules": [],
    },
}  # fmt: skip


def changed(small_definition: Definition, changes: dict[str, Any]) -> CirceDefinition:
    changes = dict(changes)
    criteria, limit = changes.pop("Criteria", None), changes.pop("PrimaryLimit", "All")
    document = small_definition(**changes)
    item = {"concept": {"CONCEPT_ID": PERCENT}}
    document["ConceptSets"].append({"id": 3, "name": "%", "expression": {"items": [item]}})
    document["ConceptSets"].append(concept_set(4, UNITS, "units"))
    document["ConceptSets"].append(concept_set(5, NORMAL, "answers"))
    document["PrimaryCriteria"]["ObservationWindow"]["PriorDays"] = 0
    document["PrimaryCriteria"]["PrimaryCriteriaLimit"]["Type"] = limit
    if criteria is not None:
        document["PrimaryCriteria"]["CriteriaList"] = criteria
    return read_circe(json.dumps(document))


@pytest.mark.parametrize("case", CASES)
def test_the_same_patients_since_the_same_day(
    small_cdm: CommonDataModel,
    small_definition: Definition,
    records_of: Callable[..., Records],
    case: str,
) -> None:
    definition = changed(small_definition, CASES[case])
    said = translate_circe_entry(definition).definition
    chosen = here(records_of(small_cdm), said)
    assert chosen == there(small_cdm, definition)
    assert chosen
    assert RecordDefinition.from_json(said.to_json()) == said


@pytest.mark.parametrize(
    "case",
    [
        "as it is",
        "at least, nested",
        "the first qualified",
        "values",
        "a unit",
        "a unit under a set",
        "an answer under a set",
    ],
)
def test_a_database_finds_them_too(
    small_cdm: CommonDataModel, small_definition: Definition, case: str
) -> None:
    definition = changed(small_definition, CASES[case])
    said = translate_circe_entry(definition).definition
    server = DuckMemory(small_cdm.connection, "cdm")
    rows = run_in_database(said, OmopDatabase(server)).patients
    chosen = sorted(zip(rows["patient_id"].astype(int), rows["index_date"], strict=True))
    assert chosen == there(small_cdm, definition)


def test_all_but_a_set_is_another_answer_that_is_known(
    small_cdm: CommonDataModel, small_definition: Definition, records_of: Callable[..., Records]
) -> None:
    def asked(number: int) -> CirceDefinition:
        answer = {"CodesetId": number, "IsExclusion": True}
        criteria = [{"Measurement": {"ValueAsConceptCS": answer}}]
        return changed(small_definition, {"Criteria": criteria, "InclusionRules": []})

    for number, expected in ((4, [2]), (5, [])):
        translated = translate_circe_entry(asked(number))
        said = translated.definition
        assert any("concept 0" in warning for warning in translated.warnings)
        assert "answered none of" in " ".join(said.sentences())
        assert [who for who, _ in here(records_of(small_cdm), said)] == expected
        server = DuckMemory(small_cdm.connection, "cdm")
        found = run_in_database(said, OmopDatabase(server)).patients["patient_id"]
        assert found.astype(int).tolist() == expected
        assert RecordDefinition.from_json(said.to_json()) == said
        # The circe that is installed leaves the exclusion out without a word.
        with pytest.raises(CohortError, match=r"ValueAsConceptCS\.IsExclusion"):
            run_circe(asked(number), small_cdm)


def test_follow_up_is_translated_where_it_can_be(small_definition: Definition) -> None:
    definition = changed(
        small_definition,
        {
            "EndStrategy": {"DateOffset": {"DateField": "StartDate", "Offset": 30}},
            "CensoringCriteria": [INSULIN],
            "CensorWindow": {"EndDate": "2011-06-30"},
        },
    )
    said = translate_circe(definition, title="diabetes")
    assert said.definition.follow_up.to_json()["days"] == 30
    assert said.definition.follow_up.to_json()["until"] == "2011-06-30"
    assert said.definition.entry.to_json()["until"] == "2011-06-30"
    assert len(said.definition.follow_up.events) == 1
    assert said.definition.title == "diabetes"
    assert len(said.warnings) == 2
    entry = translate_circe_entry(definition)
    assert entry.definition.follow_up.to_json() == {}
    assert entry.warnings[-1].endswith("EndStrategy, CensoringCriteria, CensorWindow")


def test_every_part_that_does_not_map_is_named(small_definition: Definition) -> None:
    lost = {"ValueAsConcept": [{"CONCEPT_ID": 0}], "Operator": MALE}
    definition = changed(
        small_definition,
        {
            "Criteria": [
                {"Measurement": lost},
                {"ObservationPeriod": {}},
                {"Death": {"CodesetId": 0}},
                {"ConditionOccurrence": {"ConditionSourceConcept": 0}},
            ],
            "InclusionRules": rule(
                "ALL",
                around(INSULIN, 2, 1, 0, 1, RestrictVisit=True),
                around(INSULIN, 2, 1, 0, 1, EndWindow=ANY_DAY),
                around(INSULIN, 2, 1, 5, 1),
                DemographicCriteriaList=[{"RaceCS": {"CodesetId": 0}}],
            ),
            "EndStrategy": {"CustomEra": {"DrugCodesetId": 1, "GapDays": 1, "Offset": 1}},
            "CensorWindow": {"StartDate": "2010-01-01"},
        },
    )  # fmt: skip
    with pytest.raises(CohortError, match="11 parts of the ATLAS definition") as caught:
        translate_circe(definition)
    path, inner = "$.PrimaryCriteria.CriteriaList", "$.InclusionRules[0].expression"
    for place in (
        f"{path}[0].Measurement.ValueAsConcept",
        f"{path}[0].Measurement.Operator",
        f"{path}[1].ObservationPeriod",
        f"{path}[2].Death.CodesetId",
        f"{path}[3].ConditionOccurrence.ConditionSourceConcept",
        f"{inner}.CriteriaList[0].RestrictVisit",
        f"{inner}.CriteriaList[1].EndWindow",
        f"{inner}.CriteriaList[2].StartWindow",
        f"{inner}.DemographicCriteriaList[0].RaceCS",
        "$.EndStrategy.CustomEra",
        "$.CensorWindow.StartDate",
    ):
        assert f"{place} (" in str(caught.value)


@pytest.fixture(scope="module")
def sample() -> Iterator[tuple[CommonDataModel, Records]]:
    path = Path(os.environ.get("WORKBENCH_DATA", ""))
    path = path / "omop_synthea/datasets/Synthea27Nj/Synthea27Nj_5.4.zip"
    if not path.is_file():
        pytest.skip("the OMOP sample is not here: set WORKBENCH_DATA to the folder of the data")
    with open_cdm(path) as model:
        yield model, _as_circe_sees(read_omop(path), model)


def _as_circe_sees(records: Records, model: CommonDataModel) -> Records:
    """With what lies under a concept as CONCEPT_ANCESTOR has it: circe reads no other table."""
    below = model.connection.execute("SELECT * FROM cdm.concept_ancestor").df().astype(str)
    below.columns = ["ancestor", "descendant"]
    assert records.vocabulary is not None
    vocabulary = Vocabulary(records.vocabulary.names, below, records.vocabulary.version)
    return replace(records, vocabulary=vocabulary)


def _knowing(records: Records, definition: CirceDefinition) -> Records:
    """With the concepts of a definition, of which the sample's vocabulary has a part."""
    items = [i for s in definition.concept_sets.values() for i in s["expression"]["items"]]
    known = {str(item["concept"]["CONCEPT_ID"]): "" for item in items}
    vocabulary = records.vocabulary
    assert vocabulary is not None
    names = {**known, **vocabulary.names}
    return replace(records, vocabulary=replace(vocabulary, names=names))


@pytest.mark.shared_data
def test_phenotypes_of_ohdsi(sample: tuple[CommonDataModel, Records]) -> None:
    model, records = sample
    folder = Path(os.environ["WORKBENCH_DATA"]) / "formats/omop_cohorts/phenotype_library"
    unmapped, found = {}, {}
    for path in sorted(folder.glob("*.json")):
        definition = read_circe(path)
        chosen = there(model, definition)
        try:
            said = translate_circe_entry(definition).definition
        except CohortError as error:
            unmapped[path.stem] = str(error)
            continue
        assert here(_knowing(records, definition), said) == chosen
        found[path.stem] = len(chosen)
    assert not unmapped
    assert len(found) == 10
    assert {name: n for name, n in found.items() if n} == {"219": 1, "503": 1}


@pytest.mark.shared_data
@pytest.mark.parametrize("seed", range(4))
def test_definitions_drawn_at_random_on_the_sample(
    sample: tuple[CommonDataModel, Records], seed: int
) -> None:
    model, records = sample
    definition = read_circe(json.dumps(_drawn(random.Random(seed), model)))
    chosen = there(model, definition)
    assert here(records, translate_circe_entry(definition).definition) == chosen


_TABLES = {
    "ConditionOccurrence": ("condition_occurrence", "condition_concept_id"),
    "DrugExposure": ("drug_exposure", "drug_concept_id"),
    "ProcedureOccurrence": ("procedure_occurrence", "procedure_concept_id"),
    "Measurement": ("measurement", "measurement_concept_id"),
    "VisitOccurrence": ("visit_occurrence", "visit_concept_id"),
}


def _drawn(draw: random.Random, model: CommonDataModel) -> dict[str, Any]:
    """A definition on the concepts that are frequent in a CDM."""
    sets: list[dict[str, Any]] = []

    def events(*, nested: bool) -> dict[str, Any]:
        domain = draw.choice(list(_TABLES))
        table, column = _TABLES[domain]
        rows = model.connection.execute(
            f"SELECT {column} FROM cdm.{table} WHERE {column} IN (SELECT concept_id FROM "
            f"cdm.concept) GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 8"
        ).fetchall()
        items = [{"concept": {"CONCEPT_ID": row[0]}} for row in draw.sample(rows, 2)]
        sets.append({"id": len(sets), "name": "drawn", "expression": {"items": items}})
        parts: dict[str, Any] = {"CodesetId": len(sets) - 1, "First": draw.random() < 0.3}
        if draw.random() < 0.3:
            parts["Age"] = {"Op": draw.choice(["lt", "gte"]), "Value": draw.randint(10, 60)}
        if nested and draw.random() < 0.5:
            parts["CorrelatedCriteria"] = group(nested=False)
        return {domain: parts}

    def group(*, nested: bool) -> dict[str, Any]:
        start, end = draw.choice([(None, 0), (-365, 30), (0, 400), (None, None), (-30, -1)])
        criteria = [
            around(
                events(nested=nested), draw.choice([0, 1, 2]), draw.choice([0, 1, 2]), start, end
            )
            for _ in range(draw.choice([1, 2]))
        ]
        for criterion in criteria:
            if criterion["Occurrence"] == {"Type": 2, "Count": 0}:
                criterion["Occurrence"]["Count"] = 1
        return {"Type": draw.choice(["ALL", "ANY"]), "CriteriaList": criteria}

    limits = ["First", "Last", "All"]
    return {
        "PrimaryCriteria": {
            "CriteriaList": [events(nested=True) for _ in range(2)],
            "ObservationWindow": {"PriorDays": draw.choice([0, 365]), "PostDays": 0},
            "PrimaryCriteriaLimit": {"Type": draw.choice(limits)},
        },
        "AdditionalCriteria": group(nested=True),
        "QualifiedLimit": {"Type": draw.choice(limits)},
        "InclusionRules": [{"name": "drawn", "expression": group(nested=True)}],
        "ExpressionLimit": {"Type": draw.choice(limits)},
        "ConceptSets": sets,
    }
