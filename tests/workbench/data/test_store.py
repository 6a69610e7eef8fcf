"""From files to typed columns, one row a patient."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.data.card import EventCoding
from workbench.data.columns import code_event
from workbench.data.open_card import open_card
from workbench.data.store import read_outcome, read_patients, read_table
from workbench.errors import DataCardError


def test_every_column_has_its_declared_type(toy: Any) -> None:
    patients = read_patients(toy.open())
    assert patients.index.tolist() == [f"P{i:02}" for i in range(12)]
    assert patients.index.name == "patient_id"
    assert patients["age"].dtype == np.float64
    assert patients["grade"].cat.categories.tolist() == ["low", "mid", "high"]
    assert str(patients["smoker"].dtype) == "boolean"
    assert patients["smoker"].tolist() == [True, False] * 6
    assert patients["fold"].tolist() == [0.0, 1.0] * 6


def test_rows_are_sorted_whatever_their_order(toy: Any) -> None:
    expected = read_patients(toy.open())
    toy.edit("visits.csv", lambda t: t.sample(frac=1, random_state=1))
    pd.testing.assert_frame_equal(read_patients(toy.open()), expected)


def test_the_population_is_a_union(toy: Any) -> None:
    toy.edit("visits.csv", lambda t: t.iloc[3:])
    toy.spec["population"] = ["visits", "scan"]
    patients = read_patients(toy.open())
    assert len(patients) == 12
    assert patients["age"].isna().sum() == 3


def test_recode_regex_and_fill(toy: Any) -> None:
    toy.edit("visits.csv", lambda t: t.assign(grade=["1", "2", "x"] * 4))
    toy.spec["files"]["visits"]["missing"] = ["x"]
    grade = toy.spec["columns"]["grade"]
    grade["recode"] = {"1": "low", "2": "mid"}
    grade["fill"] = {"when": {"vital": "dead"}, "value": "high", "basis": "a test"}
    toy.spec["columns"]["number"] = {
        "file": "visits",
        "source": "id",
        "meaning": "number in the key",
        "type": "numeric",
        "regex": r"P(\d\d)",
        "role": "description",
    }
    patients = read_patients(toy.open())
    assert patients["number"].tolist() == list(range(12))
    third = patients["grade"].iloc[2::3]
    assert third.isna().tolist() == [True, False, True, False]
    assert (third.dropna() == "high").all()


def test_recode_to_nothing_is_missing(toy: Any) -> None:
    toy.spec["columns"]["grade"]["recode"] = {"mid": None}
    assert read_patients(toy.open())["grade"].isna().sum() == 4


def test_whole_numbers_written_with_decimals_are_the_levels_they_mean(toy: Any) -> None:
    toy.edit("visits.csv", lambda t: t.assign(grade=["1.0", "2.0", "3.0"] * 4))
    toy.spec["columns"]["grade"]["levels"] = ["1", "2", "3"]
    assert read_patients(toy.open())["grade"].tolist() == ["1", "2", "3"] * 4


def test_numeric_codes_of_missing_values(toy: Any) -> None:
    toy.edit("visits.csv", lambda t: t.assign(age=["-9", "-9.0", *t["age"].iloc[2:]]))
    toy.spec["files"]["visits"]["missing"] = [-9]
    assert read_patients(toy.open())["age"].isna().sum() == 2


def test_first_row_of_a_patient(toy: Any) -> None:
    toy.edit("visits.csv", lambda t: pd.concat([t, t.head(2).assign(age="99")]))
    with pytest.raises(DataCardError, match="2 of 14 rows repeat a patient"):
        read_patients(toy.open())
    toy.spec["files"]["visits"]["first_per"] = "patient_id"
    patients = read_patients(toy.open())
    assert len(patients) == 12
    assert (patients["age"] < 99).all()


def test_keys_are_matched_and_their_separator_exchanged(toy: Any) -> None:
    toy.edit("genes.csv", lambda t: t.assign(id="hospital_" + t["id"] + "_sample"))
    toy.spec["files"]["genes"]["key"] = {"column": "id", "regex": "hospital_(P)(\\d+)_.*"}
    toy.spec["files"]["genes"]["key"]["replace"] = r"\1_\2"
    toy.spec["files"]["genes"]["key"]["separator"] = ["_", ""]
    assert read_table(toy.open(), "genes").index.tolist() == [f"P{i:02}" for i in range(8)]


def test_keys_that_match_nothing_are_counted(toy: Any) -> None:
    toy.spec["files"]["genes"]["key"] = {"column": "id", "regex": "P0([0-3])"}
    with pytest.raises(DataCardError, match="4 of 8 rows have no patient") as error:
        read_table(toy.open(), "genes")
    assert "P07" not in str(error.value)


def test_patients_in_columns(toy: Any) -> None:
    card = toy.open()
    expected = read_table(card, "genes")[["g_A", "g_B", "g_C"]]
    wide = expected.T.rename_axis("gene").reset_index()
    wide.insert(1, "entrez", [1, 2, 3])
    wide.to_csv(toy.folder / "genes.csv", index=False)
    toy.spec["files"]["genes"]["layout"] = "patients_in_columns"
    toy.spec["files"]["genes"]["key"] = {"column": "gene", "regex": r"(P\d+)"}
    read = read_table(toy.open(), "genes")
    pd.testing.assert_frame_equal(read, expected, check_names=False)


def test_an_unknown_header_suggests_the_nearest(toy: Any) -> None:
    toy.spec["columns"]["age"]["source"] = "agee"
    with pytest.raises(DataCardError, match=r"files.visits: .* no column 'agee'; did you .* 'age'"):
        read_patients(toy.open())


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("age", ["fifty"] + ["50"] * 11, "columns.age: 1 of 12 values are not numbers"),
        ("age", ["50,5"] + ["50"] * 11, "decimal point"),
        ("age", ["inf"] + ["50"] * 11, "not numbers"),
        ("age", ["430", "5"] + ["50"] * 10, "1 below 18.0 years and 1 above 100.0 years"),
        ("grade", ["worst"] * 2 + ["low"] * 10, "2 patients have 1 levels"),
        ("smoker", ["maybe"] + ["yes"] * 11, "1 values are not 1/0"),
    ],
)
def test_values_that_are_not_as_declared_are_refused_and_not_repeated(
    toy: Any, column: str, values: list[str], message: str
) -> None:
    toy.edit("visits.csv", lambda t: t.assign(**{column: values}))
    with pytest.raises(DataCardError, match=message) as error:
        read_patients(toy.open())
    assert values[0] not in str(error.value)


def test_a_missing_file_says_where_it_should_be(toy: Any) -> None:
    (toy.folder / "visits.csv").unlink()
    with pytest.raises(DataCardError, match=r"files.visits: not in .*visits.csv; put the data"):
        read_patients(toy.open())


def test_a_patient_in_two_folds_is_refused(toy: Any) -> None:
    toy.edit("folds/fold_0.csv", lambda t: t.assign(val="P01"))
    with pytest.raises(DataCardError, match="patients are held out twice"):
        read_patients(toy.open())


def test_the_outcome_is_read_before_anyone_is_left_out(toy: Any) -> None:
    toy.edit("visits.csv", lambda t: t.assign(time=["", "0", "-3", *t["time"].iloc[3:]]))
    card = toy.open()
    outcome = read_outcome(card, "os", read_patients(card).index)
    assert outcome["time"].isna().sum() == 1
    assert outcome["time"].iloc[1:3].tolist() == [0.0, -3.0]
    assert outcome["event"].tolist() == [False, True] * 6
    with pytest.raises(DataCardError, match="no outcome is called 'pfs'"):
        read_outcome(card, "pfs", outcome.index)


@pytest.mark.parametrize(
    ("coding", "values", "expected"),
    [
        ({"event": 1}, [0, 1, None], [False, True, None]),
        ({"censored": 1}, [0, 1, None], [True, False, None]),
        ({"event": "1"}, ["0.0", "1.0", None], [False, True, None]),
        ({"event": "dead", "censored": ("alive", "lost")}, ["lost", "dead"], [False, True]),
        ({"event": (1, 2)}, [0, 1, 2], [False, True, True]),
        ({"event": True}, [True, False], [True, False]),
    ],
)
def test_event_coding(
    coding: dict[str, Any], values: list[object], expected: list[bool | None]
) -> None:
    event, wrong = code_event(pd.Series(values), EventCoding(column="x", **coding))
    assert wrong is None
    assert [None if pd.isna(e) else bool(e) for e in event] == expected


@pytest.mark.parametrize(
    ("coding", "message"),
    [
        ({"event": "dead"}, "none of the column's 3 values is that"),
        ({"event": 1}, "name both"),
        ({"event": 1, "censored": 0}, "1 patients have 1 other values"),
        ({"event": 1, "censored": 1}, "both as the event and as censored"),
    ],
)
def test_event_coding_that_does_not_fit(coding: dict[str, Any], message: str) -> None:
    _, wrong = code_event(pd.Series([0, 1, 2]), EventCoding(column="x", **coding))
    assert wrong is not None
    assert message in wrong


@pytest.mark.shared_data
def test_tcga_glioma_as_published(shared_data: Path) -> None:
    card = open_card("tcga_glioma")
    assert card.folder == shared_data / "tcga_glioma"
    assert card.missing_files() == []
    patients = read_patients(card)
    assert len(patients) == 574
    assert patients["fold"].notna().sum() == 569
    assert patients["fold"].value_counts().sort_index().tolist() == [114, 114, 114, 114, 113]
    assert patients["type"].value_counts().to_dict() == {"LGG": 484, "GBM": 90}
    assert patients["grade"].isna().sum() == 1
    assert (patients.loc[patients["type"] == "GBM", "grade"] == "G4").all()
    assert patients["site"].nunique() == 35
    both = patients.dropna(subset=["idh1"])
    assert pd.crosstab(both["type"], both["idh1"]).to_numpy().tolist() == [[107, 372], [86, 4]]
    for outcome, n_events in {"os": 188, "pfi": 254}.items():
        known = read_outcome(card, outcome, patients.index)
        assert known.notna().all(axis=None)
        assert (known["time"] > 0).all()
        assert known["event"].sum() == n_events
    # The molecular table says the same deaths the other way round.
    os = read_outcome(card, "os", patients.index)["event"]
    assert (os[both.index] == ~both["censorship"]).all()
