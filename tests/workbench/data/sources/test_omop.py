"""A CDM means the same in every form, and keeps the rules of its declaration."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workbench.data.sources.conftest import (
    write_csv,
    write_duckdb,
    write_parquet,
    write_parts,
    write_zip,
)
from workbench.data.concepts import concept_set
from workbench.data.events import BIRTH, DAY, DEATH
from workbench.data.records import Records
from workbench.data.sources.omop import read_omop
from workbench.data.sources.omop.people import merged_periods
from workbench.errors import RecordsError

FORMS = {
    "csv": lambda cdm, folder: write_csv(cdm, folder / "cdm"),
    "tsv": lambda cdm, folder: write_csv(cdm, folder / "cdm", suffix=".tsv"),
    "upper case": lambda cdm, folder: write_csv(cdm, folder / "cdm", upper=True),
    "parquet": lambda cdm, folder: write_parquet(cdm, folder / "cdm"),
    "parts": lambda cdm, folder: write_parts(cdm, folder / "cdm"),
    "zip": lambda cdm, folder: write_zip(cdm, folder / "cdm.zip"),
    "duckdb": lambda cdm, folder: write_duckdb(cdm, folder / "cdm.duckdb"),
}


def moment(text: str) -> int:
    return int(np.datetime64(text, "us").astype(np.int64))


def table(records: Records, code: str) -> list[tuple]:
    """Patient, time, end, number, text of the events of a code."""
    rows = records.events.rows([code])
    return [
        (
            records.patients.index[p],
            str(np.datetime64(int(t), "us")),
            str(np.datetime64(int(e), "us")),
            None if np.isnan(n) else float(n),
            None if pd.isna(w) else w,
        )
        for p, t, e, n, w in zip(
            rows.patient, rows.time, rows.end, rows.number, rows.text, strict=True
        )
    ]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_means_the_same(cdm, tmp_path, form) -> None:
    records = read_omop(FORMS[form](cdm, tmp_path))
    assert records.source.kind == "omop"
    assert (records.source.name, records.source.version) == ("Toy", "5.4, released 2024-01-01")
    assert records.clock == "calendar"
    assert records.patients.index.tolist() == ["1", "10", "2"]
    assert records.events.code_counts().to_dict() == {
        BIRTH: 3, DEATH: 1, "condition//0": 1, "condition//201826": 2, "condition//316866": 1,
        "drug//1503297": 2, "measurement//3004410": 3, "observation//4275495": 1,
    }  # fmt: skip
    midnight = "2010-04-01T00:00:00.000000"
    assert table(records, "drug//1503297") == [
        ("2", "2010-03-01T00:00:00.000000", "2010-03-30T00:00:00.000000", 30.0, None),
        ("2", midnight, midnight, 14.0, None),
    ]
    assert table(records, "condition//201826") == [
        ("10", "2005-02-01T00:00:00.000000", "2005-02-01T00:00:00.000000", None, None),
        ("2", "2010-02-01T08:00:00.000000", "2010-02-03T09:00:00.000000", None, None),
    ]
    # The end is known to the day only, and the start is later that day.
    assert table(records, "condition//316866") == [
        ("10", "2005-02-01T10:00:00.000000", "2005-02-01T10:00:00.000000", None, None)
    ]
    assert [row[3:] for row in table(records, "measurement//3004410")] == [
        (None, "value//45884084"),
        (-0.01, "value//45884084 unit//8554"),
        (7.5, "unit//8554"),
    ]
    assert table(records, "observation//4275495")[0][4] == "lives alone"
    assert table(records, DEATH)[0][:2] == ("2", "2012-11-30T00:00:00.000000")
    assert table(records, DEATH)[0][4] == "value//4329847"
    assert records.events.last_times(3)[2] == moment("2012-11-30")


@pytest.mark.parametrize("form", FORMS)
def test_persons(cdm, tmp_path, form) -> None:
    patients = read_omop(FORMS[form](cdm, tmp_path)).patients
    assert patients["birth"].astype(str).tolist() == [
        "1970-02-15 00:00:00", "1960-07-01 00:00:00", "1950-03-09 04:30:00",
    ]  # fmt: skip
    assert patients["year_of_birth"].tolist() == [1970, 1960, 1950]
    assert patients["sex"].astype(object).tolist()[1:] == ["female", "male"]
    assert pd.isna(patients["sex"].iloc[0])
    assert patients["race"].astype(object).tolist()[1:] == ["concept 8515", "White"]
    assert patients["location"].astype(object).tolist()[::2] == ["8", "7"]
    assert "ethnicity" not in patients
    assert "care_site" not in patients


def test_periods_that_overlap_or_touch_are_one(cdm, tmp_path) -> None:
    found = read_omop(write_csv(cdm, tmp_path / "cdm")).observation
    assert found.patient.tolist() == [0, 1, 2, 2]
    days = ["2015-05-05", "2000-01-01", "2010-01-01", "2012-01-01"]
    assert found.start.tolist() == [moment(day) for day in days]
    days = ["2015-05-05", "2020-01-01", "2011-01-01", "2012-12-31"]
    assert found.end.tolist() == [moment(day) + DAY - 1 for day in days]


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 40), st.integers(0, 8)), min_size=0, max_size=25
    )
)
def test_merged_periods_cover_the_same_days(drawn) -> None:
    patient, start, length = (np.array([row[i] for row in drawn], np.int64) for i in range(3))
    found = merged_periods(patient, start * DAY, (start + length + 1) * DAY - 1)

    def days(patients, starts, ends) -> set[tuple[int, int]]:
        return {
            (int(p), day)
            for p, s, e in zip(patients, starts, ends, strict=True)
            for day in range(s, e + 1)
        }

    expected = days(patient, start, start + length)
    assert days(found.patient, found.start // DAY, found.end // DAY) == expected
    # One period more for each first day whose eve is not covered: none could be joined further.
    assert len(found) == sum((p, day - 1) not in expected for p, day in expected)


def test_names_of_concepts_in_use_and_above(cdm, tmp_path) -> None:
    records = read_omop(write_csv(cdm, tmp_path / "cdm"))
    vocabulary = records.vocabulary
    assert vocabulary.version == "v5.0 30-AUG-24"
    assert "999" not in vocabulary.names
    assert vocabulary.names["201820"] == "Diabetes mellitus"
    assert vocabulary.resolve(concept_set("diabetes", 201820)) == {"201820", "201826"}
    assert records.warnings[-1] == "8 of 12 concepts in use have no name in CONCEPT"
    # Nobody has it, and yet the vocabulary knows it.
    assert "999" in vocabulary
    assert vocabulary.resolve(concept_set("rare", 999)) == {"999"}
    assert not [concept for concept in ("998", "0999", "9" * 30, "a", "") if concept in vocabulary]


def test_hierarchy_from_relationships_where_ancestors_are_absent(cdm, tmp_path) -> None:
    del cdm["concept_ancestor"]
    cdm["concept_relationship"] = [
        dict(zip(("concept_id_1", "concept_id_2", "relationship_id", "invalid_reason"), row,
                 strict=True))
        for row in [
            ("201826", "201820", "Is a", ""), ("201820", "201826", "Subsumes", ""),
            ("4000", "201820", "Subsumes", ""), ("5000", "201820", "Subsumes", "D"),
            ("201820", "6000", "Maps to", ""), ("201820", "7000", "Subsumes", ""),
        ]
    ]  # fmt: skip
    vocabulary = read_omop(write_csv(cdm, tmp_path / "cdm")).vocabulary
    pairs = set(vocabulary.ancestors.itertuples(index=False, name=None))
    assert pairs == {("4000", "201820"), ("4000", "201826"), ("201820", "201826")}


def test_without_vocabulary(cdm, tmp_path) -> None:
    for name in ("concept", "concept_ancestor", "cdm_source"):
        del cdm[name]
    records = read_omop(write_csv(cdm, tmp_path / "cdm"))
    assert records.vocabulary is None
    assert records.source.name == "cdm"


def test_absent_tables_of_events_are_told(cdm, tmp_path) -> None:
    assert read_omop(write_csv(cdm, tmp_path / "cdm")).warnings[0] == (
        "no events of procedure_occurrence, visit_occurrence, visit_detail, device_exposure, "
        "specimen, condition_era, drug_era, dose_era, episode: the source has no such tables"
    )


def test_hash_depends_on_content_alone(cdm, tmp_path) -> None:
    one = read_omop(write_csv(cdm, tmp_path / "one")).source.sha256
    assert read_omop(write_csv(cdm, tmp_path / "two")).source.sha256 == one
    assert read_omop(write_zip(cdm, tmp_path / "three.zip")).source.sha256 == one
    cdm["death"][0]["death_date"] = "2012-11-29"
    assert read_omop(write_csv(cdm, tmp_path / "four")).source.sha256 != one


def test_schema_of_a_database_is_asked_for_where_two_have_tables(cdm, tmp_path) -> None:
    path = write_duckdb(cdm, tmp_path / "cdm.duckdb")
    cdm["person"] = cdm["person"][:2]
    for name in ("observation_period", "condition_occurrence", "observation"):
        cdm[name] = [row for row in cdm[name] if row["person_id"] != "1"] or cdm[name]
    del cdm["observation"]
    write_duckdb(cdm, path, schema="other")
    with pytest.raises(RecordsError, match=r"stands 2 times: name the schema"):
        read_omop(path)
    assert len(read_omop(path, schema="other").patients) == 2
    assert len(read_omop(path, schema="main").patients) == 3


def test_a_table_in_two_files_is_refused(cdm, tmp_path) -> None:
    write_csv(cdm, tmp_path / "cdm")
    write_csv(cdm, tmp_path / "cdm", suffix=".tsv")
    with pytest.raises(RecordsError, match=r"both hold table .*: keep one"):
        read_omop(tmp_path / "cdm")


def test_repeats_show_no_patient(cdm, tmp_path) -> None:
    shown = repr(read_omop(write_csv(cdm, tmp_path / "cdm")))
    assert shown == "Records(omop Toy: 3 patients, 14 events of 8 codes)"
