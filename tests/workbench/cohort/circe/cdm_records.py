"""A CDM as our records: what the reader of OMOP makes of it, for comparing with circe."""

from itertools import pairwise

import numpy as np
import pandas as pd

from workbench.cohort.circe import CommonDataModel
from workbench.data.concepts import Vocabulary
from workbench.data.events import DAY, DEATH, MemoryEvents
from workbench.data.records import ColumnFacts, ObservationPeriods, Records, SourceFacts

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


def records_of(model: CommonDataModel, more_concepts: frozenset[int] = frozenset()) -> Records:
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
        ask(
            f"SELECT person_id, {date.format('start')} AS time, "
            f"{date.format('end') if '{}' in date else 'NULL::DATE'} AS end, "
            f"'{domain}//' || {concept} AS code, {number} AS numeric_value FROM cdm.{table}"
        ).df()
        for domain, (table, concept, date, number) in _EVENTS.items()
    ]
    deaths = ask("SELECT person_id, death_date AS time FROM cdm.death").df()
    parts = [part for part in (*parts, deaths.assign(code=DEATH)) if len(part)]
    events = pd.concat([part.astype({"code": object}) for part in parts], ignore_index=True)
    events["patient_id"] = events.pop("person_id").astype(int).map(str)
    for name in ("time", "end"):
        events[name] = events[name].astype("datetime64[us]")
    names = {str(c): n or "" for c, n in ask("SELECT concept_id, concept_name FROM cdm.concept").fetchall()}
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
    start, end = (rows[n].astype("datetime64[us]").astype("int64").to_numpy() for n in ("start", "end"))
    order = np.lexsort((start, patient))
    assert all(a <= b for a, b in pairwise(patient[order]))
    return ObservationPeriods(patient[order], start[order], (end + DAY - 1)[order])
