"""CrossFilter without a browser: what is asked, what is answered, and what must not be said."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import workbench as wb
from tests.workbench.conftest import SmallStudy
from tests.workbench.widgets.cohort_sources import everyone, restricted
from tests.workbench.widgets.conftest import simulated_selection
from workbench.cohort.crossfilter import (
    Dimension,
    Levels,
    Modalities,
    OtherThan,
    Presence,
    Range,
    RangeBins,
    crossfilter,
)
from workbench.cohort.crossfilter.rules import rule
from workbench.errors import CohortError, WorkbenchError
from workbench.widgets import CrossFilter, Selection, SurvivalExplorer
from workbench.widgets.bin_choice import only_bin, range_of_bins, toggle_bin
from workbench.widgets.clause_words import clause_python, clause_words
from workbench.widgets.column_views import tick_rows

CLAUSES = [
    Range("age", 40, 60),
    Range("age", 40.5, 60.0, closed="both"),
    Range("age", None, 60, missing="in"),
    Range("age", 40, None),
    Levels("sex", ("female",)),
    Levels("sex", ('a "quoted"', "b"), missing="in"),
    OtherThan("sex", ("female",)),
    Presence("age", "only"),
    Presence("age", "out"),
    Modalities((("rna",), ("rna", "mri"))),
]


@pytest.fixture
def widget(selection: Selection) -> CrossFilter:
    return CrossFilter(selection)


def view_of(widget: CrossFilter, column: str) -> dict[str, Any]:
    found = json.dumps(widget.view)
    parts = list(_parts(json.loads(found)["blocks"]))
    (bars,) = [each["data"] for each in parts if each["drawn_by"] == "bars"]
    return next(each for each in bars["views"] if each["column"] == column)


def _parts(blocks: list[dict[str, Any]]):
    for block in blocks:
        if block["kind"] == "part":
            yield block
        yield from _parts(block.get("blocks", []))


def bin_named(widget: CrossFilter, column: str, label: str) -> int:
    return view_of(widget, column)["labels"].index(label)


# What a hand does


def test_a_click_chooses_one_level_and_with_ctrl_another(widget: CrossFilter) -> None:
    patients = widget.selection.patients
    g3, g4 = (bin_named(widget, "grade", level) for level in ("G3", "G4"))
    widget.receive({"kind": "pick", "name": "grade", "pick": f"only {g3}"})
    assert widget.selection.n_selected == (patients["grade"] == "G3").sum()
    widget.receive({"kind": "pick", "name": "grade", "pick": f"toggle {g4}"})
    assert widget.selection.n_selected == patients["grade"].isin(["G3", "G4"]).sum()
    assert view_of(widget, "grade")["asks"] == "G3 or G4"
    widget.receive({"kind": "pick", "name": "grade", "pick": f"toggle {g3}"})
    widget.receive({"kind": "pick", "name": "grade", "pick": f"only {g4}"})
    assert widget.selection.brushes.clauses == {}


def test_a_brush_moves_counts_by_message_and_settles_the_selection(widget: CrossFilter) -> None:
    sent: list[dict[str, Any]] = []
    widget.send = lambda content, buffers=None: sent.append(content)
    before, edges = widget.view, widget.selection.index.dimensions["age"].bins.edges
    widget.receive({"kind": "brush", "name": "age", "range": [4, 9], "moving": True})
    counts = next(each for each in sent if each["kind"] == "counts")
    assert widget.view is before
    assert widget.selection.brushes.clauses == {}
    age = widget.selection.patients["age"]
    expected = int(((age >= edges[3]) & (age < edges[8])).sum())
    assert counts["n_selected"] == expected
    widget.receive({"kind": "brush", "name": "age", "range": [4, 9], "moving": False})
    assert widget.selection.n_selected == expected
    assert widget.selection.brushes.clauses["age"] == Range("age", edges[3], edges[8])
    settled = view_of(widget, "sex")["selected"]
    assert settled == counts["selected"]["sex"]


def test_missing_values_are_taken_along_and_stay(widget: CrossFilter) -> None:
    n_bins = len(view_of(widget, "age")["labels"]) - 1
    widget.receive({"kind": "brush", "name": "age", "range": [4, 9]})
    widget.receive({"kind": "pick", "name": "age", "pick": f"toggle {n_bins}"})
    assert widget.selection.brushes.clauses["age"].missing == "in"
    widget.receive({"kind": "brush", "name": "age", "range": [4, 10]})
    assert widget.selection.brushes.clauses["age"].missing == "in"
    widget.receive({"kind": "pick", "name": "age", "pick": f"only {n_bins}"})
    assert widget.selection.brushes.clauses["age"] == Presence("age", "only")
    widget.receive({"kind": "brush", "name": "age", "range": [0, n_bins]})
    assert widget.selection.brushes.clauses["age"] == Presence("age", "out")


def test_undo_redo_and_clear(widget: CrossFilter) -> None:
    selection = widget.selection
    widget.choose("sex", 0)
    widget.choose("grade", 1)
    counted = selection.n_selected
    widget.receive({"kind": "do", "verb": "undo"})
    assert set(selection.brushes.clauses) == {"sex"}
    widget.receive({"kind": "do", "verb": "redo"})
    assert selection.n_selected == counted
    widget.receive({"kind": "do", "verb": "clear", "argument": "sex"})
    assert set(selection.brushes.clauses) == {"grade"}
    widget.receive({"kind": "do", "verb": "clear_all"})
    assert selection.n_selected == len(selection.patients)


def test_what_is_not_on_offer_is_refused(widget: CrossFilter) -> None:
    for message in (
        {"kind": "pick", "name": "grade", "pick": "only 99"},
        {"kind": "pick", "name": "grade", "pick": "only -1"},
        {"kind": "pick", "name": "nobody", "pick": "only 0"},
        {"kind": "brush", "name": "sex", "range": [0, 1]},
        {"kind": "do", "verb": "undo"},
        {"kind": "do", "verb": "clear", "argument": "sex"},
    ):
        widget.receive(message)
        assert "Not done" in widget.text() or widget.view["blocks"][0]["name"] == "problem"
        assert widget.selection.brushes.version == 0


# State


def test_state_is_json_and_a_bad_one_changes_nothing(selection: Selection) -> None:
    widget = CrossFilter(selection, {"columns": ["grade", "age"], "bars": "shares"})
    assert widget.columns == ("grade", "age")
    with pytest.raises(WorkbenchError, match="columns: height cannot be shown"):
        widget.change(columns=["height"])
    with pytest.raises(WorkbenchError, match="bars"):
        widget.change(bars="pies")
    assert widget.columns == ("grade", "age")
    again = CrossFilter(selection, json.loads(widget.state.model_dump_json()))
    assert again.view == widget.view


def test_columns_are_sought_and_chosen(selection: Selection) -> None:
    many = selection.patients.assign(**{f"lab_{at}": np.arange(600.0) % 40 for at in range(14)})
    widget = CrossFilter(Selection(many))
    assert len(widget.columns) == 12
    widget.receive({"kind": "change", "field": "search", "value": "lab_13"})
    chosen = [*widget.columns, "lab_13"]
    widget.receive({"kind": "change", "field": "columns", "value": chosen})
    assert widget.columns == tuple(chosen)


def test_the_selection_is_replayed(widget: CrossFilter) -> None:
    widget.receive({"kind": "brush", "name": "age", "range": [4, 9]})
    widget.choose("modalities", 1)
    other = CrossFilter(simulated_selection())
    other.selection.replay(json.loads(json.dumps(widget.selection.to_json())))
    assert other.view == widget.view


def test_views_of_one_selection_follow_each_other(selection: Selection) -> None:
    widget, explorer = CrossFilter(selection), SurvivalExplorer(selection, {"group": "grade"})
    explorer.pick("curves", "G3")
    assert view_of(widget, "sex")["selected"] != view_of(widget, "sex")["total"]
    assert "Grade: G3" in widget.text()
    widget.receive({"kind": "do", "verb": "clear", "argument": "survival"})
    assert selection.brushes.clauses == {}
    widget.choose("sex", 0)
    counted = [row[1] for row in explorer.tables["groups"].rows]
    of_them = selection.patients[selection.mask]["grade"].value_counts()
    assert counted == [str(of_them[level]) for level in ("G2", "G3", "G4")]


# Rules


def test_the_selection_becomes_a_rule_of_the_cohort(small_study: SmallStudy) -> None:
    cohort = wb.open_card(small_study.card).cohort("os")
    widget = CrossFilter(Selection.of(cohort))
    widget.receive({"kind": "brush", "name": "age", "range": [3, 8]})
    widget.choose("grade", 1)
    widget.choose("modalities", 0)
    widget.receive({"kind": "do", "verb": "rule"})
    assert cohort.select(*widget.criteria).n_patients == widget.selection.n_selected
    names = {"wb": wb, "cohort": cohort}
    exec(widget.python, names)
    assert names["cohort"].n_patients == widget.selection.n_selected
    assert all(rule.sentence() in widget.text() for rule in widget.criteria)


def test_a_column_that_only_a_view_knows_becomes_no_rule(widget: CrossFilter) -> None:
    widget.selection.offer("risk", np.where(np.arange(600) % 3, "low", "high"))
    widget.change(columns=["age", "risk"], rules_shown=True)
    widget.choose("risk", 0)
    assert "'risk' is no column of the cohort" in widget.text()


@pytest.mark.parametrize("clause", CLAUSES, ids=str)
def test_python_is_the_rule(clause: Any) -> None:
    written = eval(clause_python(clause, ("rna", "mri")), {"wb": wb})
    assert written.to_json() == rule(clause, ("rna", "mri")).to_json()
    assert clause_words(clause)


# Privacy


def numbers_in(written: Any) -> list[float]:
    if isinstance(written, dict):
        return [n for each in written.values() for n in numbers_in(each)]
    if isinstance(written, list | tuple):
        return [n for each in written for n in numbers_in(each)]
    return [written] if isinstance(written, int) and not isinstance(written, bool) else []


@settings(max_examples=20)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12), st.integers(1, 9)), max_size=4))
def test_no_small_count_reaches_view_or_messages(steps: list[tuple[int, int, int]]) -> None:
    widget = CrossFilter(SELECTION)
    sent: list[dict[str, Any]] = []
    widget.send = lambda content, buffers=None: sent.append(content)
    for column, first, width in steps:
        name = ("age", "sex", "grade", "modalities")[column]
        if name == "age":
            for moving in (True, False):
                message = {"range": [first, first + width], "moving": moving}
                widget.receive({"kind": "brush", "name": name, **message})
        else:
            widget.receive({"kind": "pick", "name": name, "pick": f"toggle {first % 3}"})
        counted = []
        for part in _parts(widget.view["blocks"]):
            data = part["data"]
            counted += [data.get("n_patients"), data.get("n_selected")]
            counted += [n for v in data.get("views", []) for n in (*v["total"], *v["selected"])]
            counted += [n for c in data.get("curves", []) if c for n in c["n_at_risk"]]
        for message in sent:
            counted += numbers_in(
                {k: message[k] for k in ("n_selected", "selected") if k in message}
            )
            counted += [n for c in message.get("curves", []) if c for n in c["n_at_risk"]]
        assert not [n for n in counted if n is not None and 0 < n < 10]
    SELECTION.clear()
    widget.close()


SELECTION = simulated_selection(90)


def test_nothing_is_said_of_single_patients(widget: CrossFilter) -> None:
    widget.receive({"kind": "brush", "name": "age", "range": [4, 9]})
    written = json.dumps(widget.get_state(), default=str) + widget.static_html() + widget.text()
    assert "SECRET" not in written


def test_a_column_of_identifiers_is_not_shown() -> None:
    patients = pd.DataFrame({"code": [f"P{at:03}" for at in range(300)], "sex": ["f", "m"] * 150})
    widget = CrossFilter(Selection(patients))
    assert widget.columns == ("sex",)
    assert "P001" not in json.dumps(widget.view)
    with pytest.raises(CohortError, match="code cannot be shown"):
        widget.change(columns=["code"])


def test_a_small_selection_is_said_to_be_withheld() -> None:
    widget = CrossFilter(simulated_selection(60))
    widget.receive({"kind": "brush", "name": "age", "range": [0, 1]})
    assert widget.shown.n_selected is None
    assert "withheld" in widget.text()
    assert not [row for row in widget.tables["counts"].rows if row[2] in map(str, range(1, 10))]


# The picture that stays


def test_the_picture_has_no_script_and_says_the_counts(widget: CrossFilter, tmp_path) -> None:
    widget.choose("sex", 0)
    assert "Numbers of the bars" not in json.dumps(widget.view)
    widget.receive({"kind": "change", "field": "table_shown", "value": True})
    assert "Numbers of the bars" in json.dumps(widget.view)
    html = widget.static_html()
    assert "<script" not in html
    assert html.count("<img") == len(widget.columns) + 1
    assert f"{widget.selection.n_selected} of 600 patients selected" in html
    rows = widget.tables["counts"].rows
    assert (
        "sex",
        "male",
        "not chosen",
        str((widget.selection.patients["sex"] == "male").sum()),
    ) in rows
    for name in ("page.html", "numbers.csv", "all.json"):
        assert widget.save(tmp_path / name).stat().st_size > 500
    assert "<svg" in widget.save(tmp_path / "curves.svg", "survival").read_text()


def test_without_an_outcome_there_are_bars_alone() -> None:
    widget = CrossFilter(Selection(pd.DataFrame({"age": np.arange(80) % 40})))
    assert not [part for part in _parts(widget.view["blocks"]) if part["name"] == "survival"]
    assert "survival" not in widget.figures


def test_curves_of_many_are_drawn_first_and_made_exact_when_asked(
    widget: CrossFilter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.widgets.cross_filter.MOST_EXACT", 100)
    widget.choose("sex", 0)
    widget.receive({"kind": "pick", "name": "survival", "pick": "exact"})
    (curves,) = [p["data"] for p in _parts(widget.view["blocks"]) if p["name"] == "survival"]
    assert curves["exact"]
    assert curves["curves"][0]["survival"] == [round(s, 5) for s in widget.shown.survival.survival]


# Bins


def bins_of(dimension: Dimension) -> RangeBins:
    assert isinstance(dimension.bins, RangeBins)
    return dimension.bins


AGES = crossfilter(pd.DataFrame({"age": np.linspace(18, 90, 500)})).dimensions["age"]
EDGES = bins_of(AGES).edges


@given(st.floats(-5, 60), st.floats(-5, 60))
def test_a_brush_is_a_range_of_whole_bins(low: float, high: float) -> None:
    clause = range_of_bins(AGES, None, (min(low, high), max(low, high)), some_missing=False)
    if clause is None:
        assert round(max(low, high)) >= AGES.bins.n_bins
    else:
        assert isinstance(clause, Range)
        edges = {float(edge) for edge in EDGES}
        assert {clause.low, clause.high} - {None} <= edges
        assert (
            range_of_bins(AGES, clause, (min(low, high), max(low, high)), some_missing=False)
            == clause
        )


def test_exact_limits_stay_while_the_brush_stands_for_them() -> None:
    precise = Range("age", 40.3, 60.1)
    low, high = [at for at, edge in enumerate(EDGES, 1) if edge in (40.0, 60.0)]
    assert range_of_bins(AGES, precise, (low, high), some_missing=False) is precise
    assert toggle_bin(AGES, precise, AGES.bins.n_bins) == Range("age", 40.3, 60.1, missing="in")
    assert only_bin(AGES, only_bin(AGES, None, 3), 3) is None


def test_ticks_are_round() -> None:
    texts = [[text for _, text in row] for row in tick_rows(bins_of(AGES))]
    assert ["30", "40", "50", "60", "70", "80"] in texts
    dates = pd.DataFrame({"seen": pd.date_range("2019-05-01", "2021-09-01", freq="D")})
    rows = tick_rows(bins_of(crossfilter(dates).dimensions["seen"]))
    assert ["2020-01", "2021-01"] in [[text for _, text in row] for row in rows]


def test_a_restricted_selection_is_rounded_and_says_so() -> None:
    widget = CrossFilter(Selection.of(restricted(everyone()), ("age", "sex", "grade")))
    assert "multiples of 10" in widget.text()
    sent: list[dict[str, Any]] = []
    widget.send = lambda content, buffers=None: sent.append(content)
    message = {"kind": "brush", "name": "age", "moving": True}
    for end in range(8, 13):
        widget.receive(message | {"range": [0, end]})
    widget.receive(message | {"range": [0, 12], "moving": False})
    totals = {name: view.total for name, view in widget.shown.views.items()}
    sent = [each for each in sent if each["kind"] == "counts"]
    assert {each["n_selected"] % 10 for each in sent} == {0}
    for name, counts in ((n, c) for each in sent for n, c in each["selected"].items()):
        bars = zip(counts, totals[name], strict=True)
        assert all(n is None or n % 10 == 0 or n == total for n, total in bars)
    assert widget.shown.n_selected != widget.selection.n_selected
    assert "rounded to multiples of 10" in widget.static_html()
    assert "multiples of" not in CrossFilter(Selection.of(everyone())).text()
