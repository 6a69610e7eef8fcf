"""Table one of health records: characteristics at the index date, and variables out of events."""

import json

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


def test_the_widget_describes_records() -> None:
    widget = TableOne(cohort(), {"by": "sex"}, features=[CRP, ILL])
    assert [variable.name for variable in widget.table.variables] == ["age", "crp", "ill"]
    assert widget.table.groups[0].size.n == 30
    widget.change(by="crp", cut="median")
    assert [group.size.n for group in widget.table.groups] == [30, 15, 15]
    widget.change(by="ill")
    assert [group.size.n for group in widget.table.groups] == [30, 20, 10]
    assert "p01" not in json.dumps(widget.get_state(), default=str)
