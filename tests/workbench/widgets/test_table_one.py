"""Table one on a page: the numbers of the library, by any group, following the selection."""

import json
from pathlib import Path

import pytest

import workbench as wb
from tests.workbench.widgets.cohort_sources import everyone, guarded, restricted
from workbench.cohort.crossfilter import Range
from workbench.cohort.table_one import table_one_record
from workbench.errors import WorkbenchError
from workbench.widgets import Selection, TableOne


def head_of(table: TableOne) -> tuple[str, ...]:
    return table.tables["table-one"].head


def row_of(table: TableOne, start: str) -> tuple[str, ...]:
    return next(r for r in table.tables["table-one"].rows if r[0].strip().startswith(start))


@pytest.mark.parametrize("by", ["grade", "event", "has_rna"])
def test_it_holds_the_numbers_of_the_library(by: str) -> None:
    shown = TableOne(everyone(), {"by": by}).table
    expected = table_one_record(everyone(), by=by)
    assert [g.size for g in shown.groups] == [g.size for g in expected.groups]
    for variable in expected.variables:
        if variable.name != "event":
            assert shown[variable.name].rows == variable.rows
            assert shown[variable.name].differences == variable.differences


def test_any_group_that_is_offered_can_be_compared() -> None:
    table = TableOne(everyone().split("kfold", k=3), {"columns": ["age", "sex"]})
    seen = {}
    for by in table._described.groups:
        table.receive({"kind": "change", "field": "by", "value": by})
        seen[by] = head_of(table)
    assert [text[:6] for text in seen["fold"][2:5]] == ["fold 0", "fold 1", "fold 2"]
    assert seen["age"][2].startswith("age < ")
    assert len(set(seen.values())) == len(seen)
    assert "best_response" not in seen


def test_numbers_are_cut_into_groups() -> None:
    table = TableOne(everyone(), {"by": "age", "cut": "quartiles", "columns": ["sex"]})
    sizes = [group.size.n for group in table.table.groups]
    assert sizes[0] == sum(sizes[1:]) == 600
    assert len(sizes) == 5
    assert min(sizes[1:]) > 130


def test_columns_and_kinds_are_chosen() -> None:
    table = TableOne(everyone(), {"by": "sex"})
    table.receive({"kind": "change", "field": "columns", "value": ["ldh", "age"]})
    assert [v.name for v in table.table.variables] == ["age", "ldh"]
    assert "mean (SD)" in row_of(table, "age")[0]
    table.receive({"kind": "change", "field": "kind_of", "value": "age"})
    table.receive({"kind": "change", "field": "kinds.age", "value": "skewed"})
    assert "median [IQR]" in row_of(table, "age")[0]
    table.receive({"kind": "change", "field": "kinds.age", "value": ""})
    assert table.state.kinds == {}


def test_p_values_are_off_until_asked_for() -> None:
    table = TableOne(everyone(), {"by": "sex"})
    assert "p" not in head_of(table)
    table.receive({"kind": "change", "field": "p_values", "value": True})
    assert "p" in head_of(table)
    table.change(by="")
    assert "p" not in head_of(table)


def test_differences_are_drawn() -> None:
    table = TableOne(everyone(), {"by": "sex", "columns": ["age", "ldh", "grade"]})
    largest = {v.name: v.differences[0].smd for v in table.table.variables}
    for name, smd in largest.items():
        assert f"{name}: {smd:.2f}" in table.figures["balance"].description
    table.change(by="")
    assert "balance" not in table.figures


def test_it_follows_the_selection_once_it_is_settled(selection: Selection) -> None:
    table = TableOne(selection, {"by": "sex"})
    assert "(n = 600" in head_of(table)[1]
    before = table.view
    selection.move("age", Range("age", 60, None))
    assert table.view is before
    selection.set("age", Range("age", 60, None))
    n_old = int((selection.patients["age"] >= 60).sum())
    assert f"(n = {n_old}" in head_of(table)[1]
    table.change(by="selected")
    assert [text.split(" (n")[0] for text in head_of(table)[2:4]] == ["not selected", "selected"]
    assert f"(n = {600 - n_old}" in head_of(table)[2]
    selection.undo()
    assert "(n = 600" in head_of(table)[1]


def test_the_selected_are_compared_by_the_event_also_where_it_has_no_time(
    selection: Selection,
) -> None:
    old = Range("age", 60, None)
    for timed in (True, False):
        time = selection.time if timed else None
        linked = Selection(selection.patients, time, selection.event, minimum=0)
        linked.set("age", old)
        table = TableOne(linked, {"by": "event", "columns": ["age"]})
        n_events = int(linked.event[linked.mask].sum())
        n_free = linked.n_selected - n_events
        sizes = [text.split(" (n = ")[1].split(",")[0].rstrip(")") for text in head_of(table)[2:4]]
        assert sizes == [str(n_free), str(n_events)]
        table.change(by="", columns=None)
        assert str(n_events) in row_of(table, "yes")[1]


def test_nobody_selected_is_said(selection: Selection) -> None:
    table = TableOne(selection)
    selection.set("age", Range("age", 500, None))
    assert "got none" in table.text()
    selection.clear()
    assert "got none" not in table.text()


def test_small_counts_are_withheld() -> None:
    fourteen_old = float(everyone().patients["age"].nlargest(14).iloc[-1])
    few = everyone().select(wb.col("age") >= fourteen_old)
    assert TableOne(few, {"columns": ["sex"]}).text().count("withheld") == 0
    table = TableOne(guarded(few), {"columns": ["sex"]})
    assert row_of(table, "male")[1] == row_of(table, "female")[1] == "withheld"
    assert "A withheld count is not zero" in table.text()


@pytest.mark.parametrize(
    "bad",
    [
        {"by": "best_response"},
        {"by": "nobody"},
        {"columns": ["days"]},
        {"kinds": {"age": "odd"}},
        {"kind_of": "nothing"},
    ],
)
def test_a_bad_state_changes_nothing(bad: dict) -> None:
    table = TableOne(everyone(), {"by": "sex"})
    before = table.text()
    with pytest.raises(WorkbenchError):
        table.change(**bad)
    assert table.text() == before


def test_a_kind_that_does_not_fit_is_said() -> None:
    table = TableOne(everyone())
    table.change(kinds={"sex": "normal"})
    assert "sex was to be a number" in table.text()


def test_it_is_saved_in_every_form(tmp_path: Path) -> None:
    docx = pytest.importorskip("docx")
    table = TableOne(everyone(), {"by": "grade", "columns": ["age", "sex"]})
    document = docx.Document(str(table.save(tmp_path / "one.docx")))
    cells = [cell.text for row in document.tables[0].rows for cell in row.cells]
    assert any("54.2 (12.2)" in cell for cell in cells)
    assert "54.2 (12.2)" in table.save(tmp_path / "one.csv").read_text(encoding="utf-8")
    assert "54.2 (12.2)" in table.save(tmp_path / "one.html").read_text(encoding="utf-8")
    written = json.loads(table.save(tmp_path / "one.json").read_text(encoding="utf-8"))
    assert TableOne(everyone(), written["state"]).text() == table.text()
    assert written["table_one"]["groups"][0]["size"]["n"] == 600
    assert table.save(tmp_path / "one.svg").read_text().startswith("<svg")
    with pytest.raises(WorkbenchError, match="docx"):
        table.save(tmp_path / "one.xlsx")


def test_no_identifier_leaves(selection: Selection) -> None:
    table = TableOne(selection, {"by": "grade"})
    page = table.static_html()
    assert "SECRET" not in json.dumps(table.get_state(), default=str) + page
    assert "<script" not in page
    assert "<table>" in page


def test_a_table_of_what_is_brushed_asks_like_any_other() -> None:
    ages = everyone().patients["age"].sort_values().to_numpy()
    selection = Selection.of(restricted(everyone()))
    table = TableOne(selection, {"columns": ["sex"]})
    assert "withheld" not in row_of(table, "female")
    selection.set("age", Range("age", ages[14], None))
    between = 600 - selection.n_selected
    assert 10 <= between < 20
    assert "withheld" in row_of(table, "female")
    selection.set("age", Range("age", ages[17], None))
    assert 0 < 600 - between - selection.n_selected < 10
    assert "differs from “patients selected by" in table.text()
    selection.clear()
    assert "(n = 600" in head_of(table)[1]
    open_data = Selection.of(guarded(everyone()))
    open_data.set("age", Range("age", ages[14], None))
    assert "withheld" not in row_of(TableOne(open_data, {"columns": ["sex"]}), "female")


def test_tables_of_nested_cohorts_know_each_other() -> None:
    ages = everyone().patients["age"].sort_values().to_numpy()
    first = TableOne(restricted(everyone()), {"columns": ["event", "sex"]})
    assert "withheld" not in (*row_of(first, "yes"), *row_of(first, "female"))
    older = everyone().select(wb.col("age") >= ages[14])
    second = TableOne(restricted(older), {"columns": ["event", "sex"]})
    assert "withheld" in row_of(second, "yes")
    assert "withheld" in row_of(second, "female")
    first.refresh()
    assert "withheld" not in row_of(first, "female")
