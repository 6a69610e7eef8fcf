"""A CDM small enough to count by hand, and definitions on it."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.cohort.circe import CommonDataModel, cdm_from_frames
from workbench.data.concepts import Vocabulary
from workbench.data.events import DAY, DEATH, MemoryEvents
from workbench.data.records import ColumnFacts, ObservationPeriods, Records, SourceFacts

DIABETES, INSULIN, HBA1C = 10, 20, 30
PERCENT, NORMAL, UNITS = 8554, 45884153, 8000


def small_frames() -> dict[str, pd.DataFrame]:
    """Five patients, observed in 2010 and 2011 but for the fifth, who has no period.

    Diabetes: patient 1 twice, 2 and 3 once, 4 before observation began and then once, 5 once.
    Insulin: 1 after, 3 before. HbA1c: 1 and 2, of 8 and 6.
    """
    return {
        "person": pd.DataFrame(
            {
                "person_id": [1, 2, 3, 4, 5],
                "gender_concept_id": [8507, 8532, 8532, 8507, 8507],
                "year_of_birth": [1950, 1960, 2000, 1970, 1980],
            }
        ),
        "observation_period": pd.DataFrame(
            {
                "observation_period_id": [1, 2, 3, 4],
                "person_id": [1, 2, 3, 4],
                "observation_period_start_date": ["2010-01-01"] * 4,
                "observation_period_end_date": ["2011-12-31"] * 4,
            }
        ),
        "condition_occurrence": pd.DataFrame(
            {
                "condition_occurrence_id": range(1, 8),
                "person_id": [1, 1, 2, 3, 4, 4, 5],
                "condition_concept_id": [DIABETES] * 7,
                "condition_start_date": [
                    "2010-03-01", "2010-09-01", "2010-06-01", "2010-06-01", "2009-01-01",
                    "2010-01-10", "2010-06-01",
                ],
                "stop_reason": [None, "it's 100% over", None, "x' OR 1=1 --", None, None, None],
            }
        ),
        "drug_exposure": pd.DataFrame(
            {
                "drug_exposure_id": [1, 2],
                "person_id": [1, 3],
                "drug_concept_id": [INSULIN] * 2,
                "drug_exposure_start_date": ["2010-04-01", "2010-05-01"],
                "days_supply": [30, 30],
            }
        ),
        "measurement": pd.DataFrame(
            {
                "measurement_id": [1, 2],
                "person_id": [1, 2],
                "measurement_concept_id": [HBA1C] * 2,
                "measurement_date": ["2010-02-01", "2010-06-01"],
                "value_as_number": [8.0, 6.0],
                "unit_concept_id": [PERCENT, 0],
                "value_as_concept_id": [0, NORMAL],
            }
        ),
        "concept": pd.DataFrame(
            {
                "concept_id": [DIABETES, INSULIN, HBA1C, PERCENT, NORMAL, UNITS],
                "concept_name": ["diabetes", "insulin", "a", "%", "normal", "units"],
            }
        ),
        "concept_ancestor": pd.DataFrame(
            {
                "ancestor_concept_id": [DIABETES, INSULIN, HBA1C, UNITS],
                "descendant_concept_id": [DIABETES, INSULIN, HBA1C, PERCENT],
            }
        ),
    }  # fmt: skip


def concept_set(number: int, concept: int, name: str = "set") -> dict[str, Any]:
    """A set of one concept with its descendants."""
    item = {"concept": {"CONCEPT_ID": concept}, "includeDescendants": True}
    return {"id": number, "name": name, "expression": {"items": [item]}}


def counted(
    criterion: dict[str, Any], kind: int, count: int, start: int | None, end: int | None
) -> dict[str, Any]:
    """A criterion with a window of days around the index date."""

    def bound(days: int | None, side: int) -> dict[str, Any]:
        if days is None:
            return {"Coeff": side}
        return {"Days": abs(days), "Coeff": -1 if days < 0 else 1}

    return {
        "Criteria": criterion,
        "StartWindow": {"Start": bound(start, -1), "End": bound(end, 1)},
        "Occurrence": {"Type": kind, "Count": count},
    }


def _small_definition(**more: Any) -> dict[str, Any]:
    """Every diabetes, observed 60 days before; three rules."""
    return {
        "ConceptSets": [
            concept_set(0, DIABETES, "diabetes"),
            concept_set(1, INSULIN, "insulin"),
            concept_set(2, HBA1C, "HbA1c"),
        ],
        "PrimaryCriteria": {
            "CriteriaList": [{"ConditionOccurrence": {"CodesetId": 0}}],
            "ObservationWindow": {"PriorDays": 59, "PostDays": 0},
            "PrimaryCriteriaLimit": {"Type": "All"},
        },
        "InclusionRules": [
            {
                "name": "no insulin before",
                "expression": {
                    "Type": "ALL",
                    "CriteriaList": [counted({"DrugExposure": {"CodesetId": 1}}, 0, 0, None, -1)],
                },
            },
            {
                "name": "adults",
                "expression": {
                    "Type": "ALL",
                    "DemographicCriteriaList": [{"Age": {"Op": "gte", "Value": 18}}],
                },
            },
            {
                "name": "HbA1c over 7",
                "expression": {
                    "Type": "ALL",
                    "CriteriaList": [
                        counted(
                            {
                                "Measurement": {
                                    "CodesetId": 2,
                                    "ValueAsNumber": {"Op": "gt", "Value": 7},
                                }
                            },
                            2, 1, -365, 0,
                        )
                    ],
                },
            },
        ],
        **more,
    }  # fmt: skip


@pytest.fixture(scope="session")
def small_cdm() -> Iterator[CommonDataModel]:
    with cdm_from_frames(small_frames()) as model:
        yield model


@pytest.fixture(scope="session")
def small_definition() -> Callable[..., dict[str, Any]]:
    return _small_definition


@pytest.fixture(scope="session")
def records_of() -> Callable[..., Records]:
    return cdm_records


_EVENTS = {
    "condition": ("condition_occurrence", "condition_concept_id", "condition_{}_date", "NULL"),
    "drug": ("drug_exposure", "drug_concept_id", "drug_exposure_{}_date", "days_supply"),
    "procedure": ("procedure_occurrence", "procedure_concept_id", "procedure_date", "quantity"),
    "measurement": ("measurement", "measurement_concept_id", "measurement_date", "value_as_number"),
    "observation": ("observation", "observation_concept_id", "observation_date", "value_as_number"),
    "visit": ("visit_occurrence", "visit_concept_id", "visit_{}_date", "NULL"),
    "visit_detail": ("visit_detail", "visit_detail_concept_id", "visit_detail_{}_date", "NULL"),
    "device": ("device_exposure", "device_concept_id", "device_exposure_{}_date", "quantity"),
    "specimen": ("specimen", "specimen_concept_id", "specimen_date", "quantity"),
    "condition_era": (
        "condition_era",
        "condition_concept_id",
        "condition_era_{}_date",
        "condition_occurrence_count",
    ),
    "drug_era": ("drug_era", "drug_concept_id", "drug_era_{}_date", "drug_exposure_count"),
    "dose_era": ("dose_era", "drug_concept_id", "dose_era_{}_date", "dose_value"),
}


_CODED_TEXT = (
    "NULLIF(concat_ws(' ', 'value//' || NULLIF(value_as_concept_id, 0), "
    "'unit//' || NULLIF(unit_concept_id, 0)), '')"
)


def cdm_records(model: CommonDataModel, more_concepts: frozenset[int] = frozenset()) -> Records:
    """Patients, events, observation periods and vocabulary of a CDM.

    ``more_concepts`` stand for the rest of a vocabulary that the CDM holds in part.
    """
    ask = model.connection.execute
    people = ask("SELECT * FROM cdm.person").df().sort_values("person_id", key=lambda s: s.map(str))
    ids = pd.Index(people["person_id"].map(str), name="patient_id", dtype=object)
    year = people["year_of_birth"].fillna(0).clip(lower=1700).astype(int)
    patients = pd.DataFrame(
        {
            "birth": [np.datetime64(f"{y}-01-01", "us") for y in year],
            "sex": pd.Categorical(
                people["gender_concept_id"].map({8507: "male", 8532: "female"}),
                categories=["female", "male"],
            ),
        },
        index=ids,
    )
    parts = [
        f"SELECT person_id, {date.format('start')} AS time, "
        f"{date.format('end') if '{}' in date else 'NULL::DATE'} AS end, "
        f"'{domain}//' || {concept} AS code, {number}::DOUBLE AS numeric_value, "
        f"{_CODED_TEXT if domain in ('measurement', 'observation') else 'NULL'} AS text_value "
        f"FROM cdm.{table}"
        for domain, (table, concept, date, number) in _EVENTS.items()
    ]
    parts.append(f"SELECT person_id, death_date, NULL, '{DEATH}', NULL, NULL FROM cdm.death")
    events = ask(" UNION ALL ".join(parts)).df()
    events["patient_id"] = events.pop("person_id").astype(int).map(str)
    for name in ("time", "end"):
        events[name] = events[name].astype("datetime64[us]")
    names = {
        str(c): n or ""
        for c, n in ask("SELECT concept_id, concept_name FROM cdm.concept").fetchall()
    }
    below = ask("SELECT ancestor_concept_id, descendant_concept_id FROM cdm.concept_ancestor").df()
    return Records(
        source=SourceFacts("omop", "sample", "5.4"),
        clock="calendar",
        patients=patients,
        columns={
            "birth": ColumnFacts("date", "birth, to the year"),
            "sex": ColumnFacts("categorical", "sex"),
        },
        events=MemoryEvents.from_frame(events, ids),
        observation=_periods(model, ids),
        vocabulary=Vocabulary(
            {**{str(c): "" for c in more_concepts}, **names},
            below.astype(str).set_axis(["ancestor", "descendant"], axis=1),
        ),
        minimum_cell=0,
    )


def _periods(model: CommonDataModel, ids: pd.Index) -> ObservationPeriods:
    rows = model.connection.execute(
        "SELECT person_id, observation_period_start_date AS start, "
        "observation_period_end_date AS end FROM cdm.observation_period"
    ).df()
    patient = ids.get_indexer(rows["person_id"].map(str)).astype(np.int32)
    start, end = (
        rows[n].astype("datetime64[us]").astype("int64").to_numpy() for n in ("start", "end")
    )
    order = np.lexsort((start, patient))
    assert all(a <= b for a, b in pairwise(patient[order]))
    return ObservationPeriods(patient[order], start[order], (end + DAY - 1)[order])
