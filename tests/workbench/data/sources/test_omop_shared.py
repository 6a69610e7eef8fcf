"""A whole CDM as published, counted independently."""

import zipfile

import numpy as np
import pandas as pd
import pytest

from workbench.data.concepts import concept_set
from workbench.data.events import BIRTH, DEATH
from workbench.data.sources.omop import bad_omop_rows, read_omop
from workbench.data.sources.omop_tables import EVENT_TABLES

pytestmark = pytest.mark.shared_data


@pytest.fixture
def path(shared_data):
    return shared_data / "omop_synthea/datasets/Synthea27Nj/Synthea27Nj_5.4.zip"


def csv(path, name: str) -> pd.DataFrame:
    with zipfile.ZipFile(path) as archive, archive.open(f"{name.upper()}.csv") as file:
        return pd.read_csv(file)


def test_counts_are_those_of_the_files(path) -> None:
    records = read_omop(path)
    assert bad_omop_rows(path).empty
    expected = {}
    for table in EVENT_TABLES:
        rows = csv(path, table.name)
        if table.concept is None:
            expected[DEATH] = len(rows)
        else:
            n = rows[table.concept].value_counts()
            expected |= {f"{table.domain}//{i}": n_events for i, n_events in n.items()}
    counts = records.events.code_counts()
    assert counts.drop(BIRTH).to_dict() == {code: n for code, n in expected.items() if n}
    persons = csv(path, "person")
    assert counts[BIRTH] == len(persons) == len(records.patients) == 28
    assert records.patients["sex"].value_counts().to_dict() == {
        "male": (persons["gender_concept_id"] == 8507).sum(),
        "female": (persons["gender_concept_id"] == 8532).sum(),
    }
    by_person = records.patients["year_of_birth"]
    assert by_person[persons["person_id"].astype(str)].tolist() == persons["year_of_birth"].tolist()


def test_times_and_values_are_those_of_the_files(path) -> None:
    records = read_omop(path)
    weight = csv(path, "measurement").query("measurement_concept_id == 3025315")
    rows = records.events.rows(["measurement//3025315"])
    got = pd.DataFrame(
        {
            "person": records.patients.index[rows.patient].astype(int),
            "time": rows.time.astype("datetime64[us]"),
            "number": rows.number,
        }
    )
    expected = pd.DataFrame(
        {
            "person": weight["person_id"],
            "time": pd.to_datetime(weight["measurement_datetime"]).astype("datetime64[us]"),
            "number": weight["value_as_number"],
        }
    )
    by = ["person", "time", "number"]
    pd.testing.assert_frame_equal(
        got.sort_values(by, ignore_index=True), expected.sort_values(by, ignore_index=True)
    )
    assert set(rows.text) == {"unit//9529"}  # kilograms
    drugs = csv(path, "drug_exposure")
    rows = records.events.rows([f"drug//{i}" for i in drugs["drug_concept_id"].unique()])
    days = (pd.to_datetime(drugs["drug_exposure_end_date"]) -
            pd.to_datetime(drugs["drug_exposure_start_date"])).dt.days  # fmt: skip
    assert ((rows.end - rows.time) // 86_400_000_000).sum() == days.sum()
    assert np.nansum(rows.number) == drugs["days_supply"].sum()


def test_observation_and_hierarchy(path) -> None:
    records = read_omop(path)
    periods = csv(path, "observation_period")
    assert len(records.observation) == len(periods)
    length = pd.to_datetime(periods["observation_period_end_date"]) - pd.to_datetime(
        periods["observation_period_start_date"]
    )
    found = records.observation.end - records.observation.start
    assert ((found + 1) // 86_400_000_000).sum() == (length.dt.days + 1).sum()
    assert records.vocabulary.version == "v5.0 09-APR-22*"
    relations = csv(path, "concept_relationship")
    direct = relations[
        (relations["relationship_id"] == "Subsumes") & relations["invalid_reason"].isna()
    ]
    pairs = set(records.vocabulary.ancestors.itertuples(index=False, name=None))
    parent, child = next(
        (str(a), str(b))
        for a, b in direct[["concept_id_1", "concept_id_2"]].to_numpy()
        if (str(a), str(b)) in pairs
    )
    assert child in records.vocabulary.resolve(concept_set("a parent", parent))
