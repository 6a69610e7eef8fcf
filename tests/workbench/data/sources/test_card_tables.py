from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench import col, event, has, open_card
from workbench.data.events import DAY, STATIC
from workbench.data.open_card import DataCard
from workbench.data.sources.card_tables import read_card
from workbench.errors import CohortError, DataCardError

CARD = """---
schema: 1
name: clinic
title: A clinic
version: "1"
licence: CC0-1.0
citation: nobody
source: a test
index_date: first visit
files:
  patients: {path: patients.csv, key: {column: id}}
  labs: {path: labs.csv, key: {column: id}}
  visits: {path: visits.csv, key: {column: id}}
population: [patients]
columns:
  age: {file: patients, meaning: age, type: numeric, unit: years, role: feature,
        observed_at: {days: 0}}
  scan_day: {file: patients, meaning: day of the scan, type: numeric, unit: days,
             role: description}
outcomes:
  os: {title: Survival, file: patients, time: days, unit: days, time_zero: first visit,
       event: {column: dead, event: 1, censored: 0}}
modalities:
  clinical: {kind: ehr, title: Clinical, columns: [age]}
  mri: {kind: image, title: MRI, pattern: "mri/*.png", key: {regex: ".*/(.+)[.]png"},
        channels: [t1], spacing: unknown, observed_at: {column: scan_day}}
events:
  labs: {file: labs, day: day, values: {crp: lab//crp, ldh: lab//ldh}}
  visits: {file: visits, day: day, code: what, value: hours, text: ward, prefix: visit//}
limits: [none]
privacy: {minimum_cell: 0, restricted: false}
study: {outcome: os, modalities: [clinical], horizons: [365]}
---
A clinic.
"""


@pytest.fixture
def card(tmp_path: Path) -> DataCard:
    (tmp_path / "mri").mkdir()
    for patient in ("a", "b"):
        (tmp_path / "mri" / f"{patient}.png").write_bytes(PIXEL)
    write(
        tmp_path, "patients", "id,age,days,dead,scan_day\na,50,100,1,-3\nb,60,200,0,\nc,70,300,1,\n"
    )
    write(tmp_path, "labs", "id,day,crp,ldh\na,0,5,\na,-40,9,200\nb,-1,,300\nz,0,1,1\n")
    write(tmp_path, "visits", "id,day,what,hours,ward\na,-2.5,007,8,B1\nb,,home,,\n")
    path = tmp_path / "clinic.md"
    path.write_text(CARD, encoding="utf-8")
    return open_card(path)


PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010800000000"
    "3a7e9b550000000a49444154789c6360000000020001e221bc330000000049454e44ae426082"
)


def write(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.csv").write_text(text, encoding="utf-8")


def test_wide_and_long_tables_become_events(card: DataCard) -> None:
    records = read_card(card)
    assert records.clock == "relative"
    assert records.patients.index.tolist() == ["a", "b", "c"]
    assert records.events.code_counts().to_dict() == {
        "lab//crp": 2,
        "lab//ldh": 2,
        "modality//mri": 2,
        "visit//007": 1,
        "visit//home": 1,
    }
    labs = records.events.rows(["lab//crp", "lab//ldh"])
    assert labs.patient.tolist() == [0, 0, 0, 1]
    assert (labs.time / DAY).tolist() == [-40, -40, 0, -1]
    assert labs.number.tolist() == [9, 200, 5, 300]
    visits = records.events.rows(["visit//007", "visit//home"])
    assert visits.time.tolist() == [int(-2.5 * DAY), STATIC]
    assert visits.number[0] == 8
    assert np.isnan(visits.number[1])
    assert visits.text.tolist()[0] == "B1"
    # Whoever is nobody's patient is told, not hidden.
    assert records.warnings == ("2 events of people outside the population are left out",)


def test_a_card_s_cohort_asks_for_events_before_its_index_date(card: DataCard) -> None:
    cohort = card.cohort("os")
    recent = cohort.select(event("lab//crp").valued(above=4).within(-30, 0))
    assert recent.patients.index.tolist() == ["a"]
    assert cohort.select(has("mri").within(-7, 0)).patients.index.tolist() == ["a"]
    # Patient b's scan has no day: it is no modality in time, and lies in no window.
    assert cohort.select(~has("mri").within(-7, 0)).patients.index.tolist() == ["b", "c"]
    both = cohort.select(col("age") < 70, event("lab//ldh").within(None, 0).named("LDH"))
    assert both.attrition["n_regained"].dropna().tolist() == [0, 0]
    assert both.definition.sentences()[-1] == "LDH: lab//ldh up to the index date"
    # At any time is also later.
    with pytest.raises(CohortError, match="after the index date"):
        cohort.select(event("lab//ldh"))


def test_a_criterion_on_a_card_s_cohort_may_not_look_ahead(card: DataCard) -> None:
    for late in (event("lab//crp").within(0, 30), has("mri").within(-7, 7)):
        with pytest.raises(CohortError, match="after the index date"):
            card.cohort("os").select(~late)


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("labs", "id,day,crp,ldh\na,soon,5,1\n", "events.labs: day"),
        ("labs", "id,day,crp\na,1,5\n", "no column 'ldh'"),
        ("labs", "id,day,crp,ldh\n,0,5,1\n", "1 of 1 rows have no patient"),
        ("visits", "id,day,what,hours,ward\na,1,,8,\n", "1 of 1 rows have no what"),
    ],
)
def test_what_is_no_event_is_named(card: DataCard, file: str, text: str, message: str) -> None:
    write(card.folder, file, text)
    with pytest.raises(DataCardError, match=message):
        read_card(card)


def test_an_event_table_has_one_shape(tmp_path: Path) -> None:
    path = tmp_path / "clinic.md"
    both = CARD.replace("day: day, values", "day: day, code: what, values")
    path.write_text(both, encoding="utf-8")
    with pytest.raises(DataCardError, match="either values|need values"):
        open_card(path)
    path.write_text(CARD.replace("{file: labs, day", "{file: lab, day"), encoding="utf-8")
    with pytest.raises(DataCardError, match="no file is called 'lab'"):
        open_card(path)


def test_permuted_rows_are_the_same_events(card: DataCard) -> None:
    before = read_card(card).events.rows(["lab//crp", "lab//ldh"])
    table = pd.read_csv(card.folder / "labs.csv").iloc[::-1]
    table.to_csv(card.folder / "labs.csv", index=False)
    after = read_card(card).events.rows(["lab//crp", "lab//ldh"])
    assert sorted(zip(before.time, before.number, strict=True)) == sorted(
        zip(after.time, after.number, strict=True)
    )
