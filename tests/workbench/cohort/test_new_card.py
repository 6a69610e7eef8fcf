import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.workbench.cohort.small_records import records_of
from workbench import col, entry, event, open_card
from workbench.cohort.features import Feature
from workbench.cohort.new_card import write_card
from workbench.cohort.record_cohort import RecordCohort, build_cohort
from workbench.cohort.record_definition import RecordDefinition
from workbench.data.check import check_card
from workbench.errors import CohortError, DataCardError

CRP = Feature("crp", event("lab//crp").within(-30, 0), unit="mg/L")


def cohort_of(**definition: Any) -> RecordCohort:
    events, births = [], {}
    for i in range(40):
        patient = f"p{i:02}"
        births[patient] = f"{1940 + i}-06-15"
        events += [
            (patient, "2015-01-10", "start"),
            (patient, "2015-01-05", "lab//crp", float(i)),
            (patient, "2016-01-10" if i % 3 else "2014-06-01", "visit"),
        ]
        events += [(patient, "2015-07-01", "relapse")] if i % 2 else []
    settings = {"limit": "first", "outcome": event("relapse"), **definition}
    return records_of(events, births).cohort(entry(event("start")), col("age") >= 40, **settings)


def test_a_cohort_of_records_is_studied_as_any_dataset(tmp_path: Path) -> None:
    cohort = cohort_of(title="Relapse")
    path = write_card(cohort, tmp_path, "relapse", features=[CRP])
    card = open_card(path)
    assert not [p for p in check_card(card) if p.level == "error"]
    again = card.cohort("outcome")
    # Whoever is not followed up beyond the index date was lost before.
    expected = cohort.patients.set_index("patient_id")
    assert again.patients.index.tolist() == expected.index.tolist()
    for column in ("time", "event", "age", "sex"):
        assert again.patients[column].tolist() == expected[column].tolist(), column
    assert again.patients["crp"].tolist() == [float(p[1:]) for p in expected.index]
    assert again.features("clinical") == ("age", "sex", "crp")
    assert card.spec.columns["crp"].unit == "mg/L"
    assert card.spec.privacy.restricted
    written = path.read_text(encoding="utf-8").split("```json\n")[1].split("\n```")[0]
    assert RecordDefinition.from_json(written).hash == cohort.definition.hash
    assert json.loads(written)["title"] == "Relapse"


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    path = write_card(cohort_of(), tmp_path, "relapse", features=[CRP])
    before = path.read_bytes()
    with pytest.raises(CohortError, match=r"relapse\.md is already in"):
        write_card(cohort_of(), tmp_path, "relapse")
    with pytest.raises(CohortError, match=r"patients\.parquet is already in"):
        write_card(cohort_of(), tmp_path, "other")
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("definition", "settings", "message"),
    [
        ({"outcome": None}, {}, "needs an outcome"),
        ({}, {"columns": ["weight"]}, "no patient column is called 'weight'"),
        ({}, {"columns": ["birth"]}, "birth is a date"),
        ({}, {"columns": ["index_year"]}, "index_year is the same for everybody"),
        ({}, {"columns": ["age", "age"]}, "name is taken"),
        ({}, {"features": [Feature("time", CRP.event)]}, "name is taken: time"),
    ],
)
def test_what_no_study_could_use_is_refused_before_anything_is_written(
    tmp_path: Path, definition: dict[str, Any], settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(CohortError, match=message):
        write_card(cohort_of(**definition), tmp_path / "new", "relapse", **settings)
    assert not (tmp_path / "new").exists()


def test_a_dataset_has_one_row_a_patient(tmp_path: Path) -> None:
    records = records_of(
        [("a", "2015-01-10", "start"), ("a", "2016-01-10", "start"), ("a", "2017-01-10", "end")],
        {"a": "1960-01-01"},
    )
    cohort = records.cohort(entry(event("start"), which="all"), outcome=event("end"))
    assert (cohort.n_patients, cohort.n_records) == (1, 2)
    with pytest.raises(CohortError, match="2 records of 1 patients"):
        write_card(cohort, tmp_path, "twice")
    assert np.all(cohort.patients["time"] == [731, 366])


def test_a_column_that_no_card_could_name_is_refused_before_anything_is_written(
    tmp_path: Path,
) -> None:
    cohort = cohort_of()
    records = cohort.records
    odd = replace(
        records,
        patients=records.patients.rename(columns={"sex": "sex at birth"}),
        columns={"birth": records.columns["birth"], "sex at birth": records.columns["sex"]},
    )
    renamed = build_cohort(odd, cohort.definition)
    with pytest.raises(DataCardError, match="sex at birth"):
        write_card(renamed, tmp_path / "new", "relapse", columns=["age", "sex at birth"])
    assert not (tmp_path / "new").exists()


def test_columns_that_the_records_and_the_cohort_name_alike_stand_apart(tmp_path: Path) -> None:
    cohort = cohort_of()
    records = cohort.records
    named = {"days": "sex", "time": "sex", "source_time": "sex"}
    odd = replace(
        records,
        patients=records.patients.assign(**{n: records.patients[o] for n, o in named.items()}),
        columns={**records.columns, **{n: records.columns[o] for n, o in named.items()}},
    )
    alike = build_cohort(odd, cohort.definition)
    assert alike.patients.columns.is_unique
    assert alike.patients["days"].equals(cohort.patients["days"])
    assert {"source_days", "source_time", "source_source_time"} <= set(alike.patients)
    assert alike.patients["source_days"].tolist() == cohort.patients["sex"].tolist()
    assert "theirs is 'source_days' in patients" in " ".join(alike.warnings)
    with pytest.raises(CohortError, match="name is taken: days"):
        write_card(alike, tmp_path / "new", "relapse", columns=["age", "days"])
