"""Table one of health records: characteristics at the index date, and variables out of events."""

import json
from dataclasses import replace

import pandas as pd
import pytest

import workbench as wb
from tests.workbench.cohort.small_records import records_of
from workbench import col, entry, event
from workbench.cohort.features import Feature
from workbench.cohort.record_cohort import RecordCohort
from workbench.errors import CohortError, PrivacyError
from workbench.widgets import TableOne

CRP = Feature("crp", event("lab").within(-30, 0), "last", "mg/L", "last CRP")
ILL = Feature("ill", event("dx").before(), "any", meaning="ill before")


def cohort(minimum: int = 0) -> RecordCohort:
    """Thirty patients, every third ill before; CRP is their number, and a later value too high."""
    rows = []
    for i in range(30):
        who = f"p{i:02}"
        rows += [(who, "2020-05-01", "start"), (who, "2020-04-20", "lab", float(i))]
        rows += [(who, "2020-04-01", "dx")] if i % 3 == 0 else []
        rows += [(who, "2020-05-02", "lab", 1e6)]
    births = {f"p{i:02}": f"{1960 + i}-01-01" for i in range(30)}
    records = records_of(rows, births, minimum_cell=minimum)
    return records.cohort(entry(event("start")), title="all who started")


def test_characteristics_and_events_before_the_index_date_are_described() -> None:
    table = cohort().table_one(by="sex", features=[CRP, ILL])
    assert [variable.name for variable in table.variables] == ["age", "crp", "ill"]
    crp = table["crp"]
    assert crp.rows[0].cells[0].estimate == pytest.approx(14.5)
    assert (crp.title, crp.unit) == ("last CRP", "mg/L")
    assert table["age"].unit == "years"
    assert [cell.n for cell in table["ill"].rows[-1].cells] == [10, 5, 5]
    by_illness = cohort().table_one(by="ill", columns=["age"], features=[ILL])
    assert [group.size.n for group in by_illness.groups] == [30, 20, 10]
    assert [variable.name for variable in by_illness.variables] == ["age"]


def test_what_a_table_one_cannot_describe_is_refused() -> None:
    with pytest.raises(CohortError, match="no column is called 'ages'"):
        cohort().table_one(columns=["ages"])
    with pytest.raises(CohortError, match="would see what happens after the index date"):
        Feature("later", event("lab").within(0, 5))
    with pytest.raises(CohortError, match="features are variables out of events"):
        TableOne(wb.open_card("simulated_glioma").cohort(outcome="os"), features=[CRP])


def test_two_tables_that_differ_by_a_few_are_not_both_shown() -> None:
    everyone = cohort(minimum=10)
    assert everyone.table_one(by="sex").groups[0].size.n == 30
    fewer = everyone.select(col("birth") > "1962-06-01")
    assert fewer.n_patients == 27
    with pytest.raises(PrivacyError, match="differs"):
        fewer.table_one()
    shown = TableOne(fewer)
    assert "differs" in str(shown.blocks())
    assert "27" not in str(shown.blocks())


def test_a_table_of_fewer_tells_nothing_of_those_between() -> None:
    everyone = cohort(minimum=10)
    fewer = everyone.select(col("birth") > "1971-06-01")
    alone = cohort(minimum=0).select(col("birth") > "1971-06-01")
    assert (everyone.n_patients, fewer.n_patients) == (30, 18)
    columns = {"columns": ["age", "sex"], "features": [ILL]}
    whole = everyone.table_one(**columns)
    assert [row.cells[0].n for row in whole["ill"].rows] == [20, 10]
    shown = fewer.table_one(**columns)
    # Of the twelve between, six are women, and four were ill before.
    assert [row.cells[0].n for row in shown["sex"].rows] == [None, None]
    assert [row.cells[0].n for row in shown["ill"].rows] == [None, None]
    age = alone.table_one(**columns)["age"].rows[0].cells[0]
    assert shown["age"].rows[0].cells[0] == age
    widget = TableOne(fewer, {"columns": ["ill"]}, features=[ILL])
    assert [row.cells[0].n for row in widget.table["ill"].rows] == [None, None]


def admissions() -> RecordCohort:
    """Fifty patients are admitted twice, ten of them twelve times; the last of these is ill.

    Men are forty, women fifteen with eighty admissions, five with sixty are intersex. Eight have a
    CRP at each of their admissions.
    """
    ids = [f"p{i:02}" for i in range(60)]
    days = pd.date_range("2020-01-01", periods=12, freq="30D").strftime("%Y-%m-%d").tolist()
    rows = [(who, day, "start") for i, who in enumerate(ids) for day in days[: 12 if i > 49 else 2]]
    rows += [(who, day, "lab", 5.0) for who in ids[52:] for day in days]
    rows += [(ids[-1], "2019-01-01", "dx")]
    records = records_of(rows, dict.fromkeys(ids, "1970-01-01"), minimum_cell=10)
    sex = pd.Categorical(["male"] * 40 + ["female"] * 15 + ["intersex"] * 5)
    records = replace(records, patients=records.patients.assign(sex=sex))
    return records.cohort(entry(event("start"), which="all"), title="all admissions")


def test_small_cells_of_records_are_those_of_few_patients() -> None:
    found = admissions()
    assert (found.n_records, found.n_patients) == (220, 60)
    table = found.table_one(columns=["sex"], features=[ILL, CRP])
    # Twelve records are of somebody ill, who is one; sixty of the intersex, who are five.
    assert [row.cells[0].n for row in table["ill"].rows] == [None, None]
    counts = {row.level: row.cells[0].n for row in table["sex"].rows}
    assert counts == {"female": None, "intersex": None, "male": 80}
    # Ninety-six records have a value, of eight patients.
    [cell] = table["crp"].rows[0].cells
    assert (cell.n, cell.suppressed, table["crp"].missing[0].suppressed) == (None, True, True)
    widget = TableOne(found, {"columns": ["ill"]}, features=[ILL])
    assert [row.cells[0].n for row in widget.table["ill"].rows] == [None, None]


def test_a_table_of_records_says_so() -> None:
    table = admissions().table_one(columns=["sex"])
    assert table.groups[0].size.n == 220
    assert table.frame()["variable"][0] == "records"
    page = table.to_html()
    assert "All records" in page
    assert "a patient may have several" in page
    assert "Counts of records of fewer than 10 patients are withheld" in page
    widget = TableOne(admissions(), {"columns": ["sex"]})
    assert widget.table.title == table.title == "Records at the index date"
    assert cohort().table_one(columns=["sex"]).frame()["variable"][0] == "patients"


def test_groups_of_few_patients_are_hidden_however_many_records_they_have() -> None:
    found = admissions()
    table = found.table_one(by="sex", columns=["age"])
    sizes = {group.title: group.size.n for group in table.groups}
    assert sizes == {"all": 220, "female": None, "intersex": None, "male": 80}
    assert [cell.suppressed for cell in table["age"].rows[0].cells] == [False, True, True, False]
    released = {words for _, words in found.release_log.surfaces()}
    assert released == {"all admissions", "all admissions, sex male"}


def test_the_widget_describes_records() -> None:
    widget = TableOne(cohort(), {"by": "sex"}, features=[CRP, ILL])
    assert [variable.name for variable in widget.table.variables] == ["age", "crp", "ill"]
    assert widget.table.groups[0].size.n == 30
    widget.change(by="crp", cut="median")
    assert [group.size.n for group in widget.table.groups] == [30, 15, 15]
    widget.change(by="ill")
    assert [group.size.n for group in widget.table.groups] == [30, 20, 10]
    assert "p01" not in json.dumps(widget.get_state(), default=str)
