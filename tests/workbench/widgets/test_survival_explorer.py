"""Survival by any column: the numbers of the library, no identifier, one selection."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest

from tests.workbench.widgets.cohort_sources import everyone, guarded, restricted
from tests.workbench.widgets.conftest import simulated_selection
from workbench.cohort.crossfilter import Levels, Range
from workbench.errors import CohortError, SurvivalError, WorkbenchError
from workbench.survival import kaplan_meier_by_group
from workbench.widgets import Selection, SurvivalExplorer


def test_the_table_holds_the_numbers_of_the_library() -> None:
    selection = simulated_selection(minimum=0)
    explorer = SurvivalExplorer(selection, {"group": "grade"})
    codes = selection.patients["grade"].cat.codes.to_numpy()
    curves = kaplan_meier_by_group(selection.time, selection.event, codes).curves
    rows = explorer.tables["groups"].rows
    assert [row[:4] for row in rows] == [
        (f"G{at + 2}", str(c.n_at_risk[0]), str(c.n_events.sum()), f"{c.median.estimate:,.0f}")
        for at, c in enumerate(curves)
    ]
    assert explorer.tables["pairs"].rows[0][0] == "G2 and G3"


def test_a_chosen_group_is_selected_everywhere_but_here(selection: Selection) -> None:
    explorer = SurvivalExplorer(selection, {"group": "grade"})
    other = SurvivalExplorer(selection, {"group": "sex"}, view="other")
    explorer.receive({"kind": "pick", "name": "groups", "pick": "G3"})
    assert selection.brushes.clauses == {"survival": Levels("grade", ("G3",))}
    assert explorer.tables["groups"].chosen == 1
    assert sum(int(row[1]) for row in explorer.tables["groups"].rows) == 600
    n_g3 = int((selection.patients["grade"] == "G3").sum())
    assert sum(int(row[1]) for row in other.tables["groups"].rows) == n_g3
    explorer.receive({"kind": "pick", "name": "curves", "pick": "G3"})
    assert selection.n_selected == 600


def test_it_follows_what_others_select(selection: Selection) -> None:
    explorer = SurvivalExplorer(selection, {"group": "sex"})
    selection.set("age", Range("age", 60, None))
    n_old = int((selection.patients["age"] >= 60).sum())
    assert sum(int(row[1]) for row in explorer.tables["groups"].rows) == n_old
    explorer.change(selected_only=False)
    assert sum(int(row[1]) for row in explorer.tables["groups"].rows) == 600


def test_a_landmark_drops_who_is_no_longer_at_risk(selection: Selection) -> None:
    explorer = SurvivalExplorer(selection, {"group": "sex", "landmark": 365.0})
    n_left = int((np.asarray(selection.time) > 365).sum())
    assert sum(int(row[1]) for row in explorer.tables["groups"].rows) == n_left
    assert "365 days after the index date" in explorer.figures["curves"].panels[0].x.title


def test_numbers_are_cut_where_a_person_says(selection: Selection) -> None:
    explorer = SurvivalExplorer(selection, {"group": "age", "cut": "value", "cut_at": 60.0})
    labels = [row[0] for row in explorer.tables["groups"].rows]
    assert labels == ["Age (years) < 60", "Age (years) ≥ 60"]
    known = selection.patients["age"].notna().sum()
    assert sum(int(row[1]) for row in explorer.tables["groups"].rows) == known
    explorer.change(cut_at=-5.0)
    assert "one group has no patient" in explorer.text()


def test_small_groups_are_withheld(selection: Selection) -> None:
    explorer = SurvivalExplorer(selection, {"group": "grade"})
    selection.set("age", Range("age", 88, None))
    assert explorer.figures == {}
    assert "curves are withheld" in explorer.text()


def test_adjusted_curves_come_with_their_model(selection: Selection) -> None:
    explorer = SurvivalExplorer(selection, {"group": "grade", "adjust_for": ["age", "sex"]})
    assert set(explorer.figures) == {"curves", "adjusted", "hazard-ratios"}
    text = explorer.text()
    assert "Hazard ratios" in text
    assert "left out for a missing value" in explorer.static_html() or "Adjusted for" in str(
        explorer.figures["adjusted"].labels
    )


def test_what_came_first(selection: Selection) -> None:
    rng = np.random.default_rng(0)
    cause = np.where(selection.event, rng.integers(1, 3, 600), 0)
    explorer = SurvivalExplorer(
        selection,
        {"group": "sex", "measure": "incidence"},
        cause=cause,
        causes=("Death of cancer", "Other death"),
    )
    assert list(explorer.figures) == ["incidence"]
    assert "percentage points too high" in explorer.text()
    with pytest.raises(SurvivalError, match="a name for every cause"):
        SurvivalExplorer(selection, cause=cause, causes=("one",))


def test_nothing_of_a_patient_is_in_the_page_or_its_picture(selection: Selection) -> None:
    explorer = SurvivalExplorer(selection, {"group": "grade", "adjust_for": ["age"]})
    for text in (json.dumps(explorer.get_state(), default=str), explorer.static_html()):
        assert "SECRET" not in text
        assert len(text) < 300_000
    # Steps stand at the ticks of the axis, not at the times of patients.
    steps = {
        x for mark in explorer.figures["curves"].panels[0].marks for x in getattr(mark, "x", [])
    }
    assert not steps & set(np.asarray(selection.time).tolist())


def test_the_picture_needs_no_script(selection: Selection) -> None:
    html = SurvivalExplorer(selection, {"group": "grade"}).static_html()
    assert "<script" not in html
    assert "http" not in html
    assert "data:image/svg+xml;base64," in html
    assert "<td>" in html


def test_it_is_saved_in_every_form(selection: Selection, tmp_path: Path) -> None:
    explorer = SurvivalExplorer(selection, {"group": "grade"})
    for suffix in ("html", "svg", "png", "json"):
        assert explorer.save(tmp_path / f"x.{suffix}").stat().st_size > 500
    text = explorer.save(tmp_path / "x.csv", "groups").read_text(encoding="utf-8")
    rows = list(csv.reader(text.splitlines()))
    assert rows[0] == ["Group", "Patients", "Events"]
    written = json.loads((tmp_path / "x.json").read_text())
    again = SurvivalExplorer(selection, written["state"])
    assert again.view == explorer.view
    with pytest.raises(WorkbenchError, match="name the table to save: there are groups, pairs"):
        explorer.save(tmp_path / "y.csv")
    with pytest.raises(WorkbenchError, match=r"one of \.html"):
        explorer.save(tmp_path / "y.doc")


def test_times_in_years_keep_the_digits_that_matter(selection: Selection) -> None:
    years = Selection(
        selection.patients,
        np.asarray(selection.time) / 365.25,
        selection.event,
        minimum=0,
        time_unit="years",
    )
    in_days = Selection(
        selection.patients, selection.time, selection.event, minimum=0, time_unit="d"
    )
    tables = [SurvivalExplorer(s, {"group": "sex"}).tables["groups"] for s in (years, in_days)]
    for short, long in zip(*(table.rows for table in tables), strict=True):
        assert float(short[3]) == pytest.approx(float(long[3].replace(",", "")) / 365.25, rel=0.005)
    explorer = SurvivalExplorer(years, {"group": "sex", "tau": 3.0})
    lived = next(line for line in explorer.text().splitlines() if "on average" in line)
    assert re.search(r"lived [+−]\d\.\d\d+ years \(95 % interval [+−]\d\.\d\d", lived)


def test_a_cell_that_a_spreadsheet_would_run_is_text(selection: Selection, tmp_path: Path) -> None:
    odd = "-2+3+cmd|' /C calc'!A0"
    patients = selection.patients.assign(grade=selection.patients["sex"].replace("male", odd))
    explorer = SurvivalExplorer(
        Selection(patients, selection.time, selection.event, minimum=0), {"group": "grade"}
    )
    text = explorer.save(tmp_path / "x.csv", "groups").read_text(encoding="utf-8")
    assert f"'{odd}" in text
    assert f"\n{odd}" not in text


def test_a_selection_without_an_outcome_is_refused(selection: Selection) -> None:
    with pytest.raises(SurvivalError, match="needs an outcome"):
        SurvivalExplorer(Selection(selection.patients))


def test_an_offered_column_selects_but_is_no_rule(selection: Selection) -> None:
    risk = np.linspace(0, 1, 600)
    selection.offer("predicted risk", risk)
    selection.set("calibration", Range("predicted risk", 0.5, None))
    assert selection.n_selected == int((risk >= 0.5).sum())
    with pytest.raises(CohortError, match="cannot become a rule"):
        selection.rules()
    selection.offer("predicted risk", risk[::-1].copy())
    assert selection.n_selected == 600
    with pytest.raises(CohortError, match="is a column of the patients"):
        selection.offer("age", risk)


def test_a_selection_is_replayed(selection: Selection) -> None:
    selection.set("age", Range("age", 40, 60))
    selection.set("sex", Levels("sex", ("male",)))
    selection.undo()
    other = simulated_selection()
    other.replay(json.loads(json.dumps(selection.to_json())))
    assert np.array_equal(other.mask, selection.mask)
    other.redo()
    assert other.n_selected < selection.n_selected


def test_a_moving_brush_counts_as_the_settled_one() -> None:
    selection = simulated_selection(minimum=0)
    heard = []
    selection.watch(heard.append)
    edges = selection.index.dimensions["age"].bins.edges
    clause = Range("age", float(edges[3]), float(edges[9]))
    moving = selection.move("age", clause)
    assert selection.n_selected == 600
    selection.set("age", clause)
    assert moving.views["sex"].selected == selection.shown.views["sex"].selected
    assert [each.settled for each in heard] == [False, True]


def test_groups_of_a_restricted_selection_that_differ_by_few_are_refused() -> None:
    selection = Selection.of(restricted(everyone()))
    explorer = SurvivalExplorer(selection, {"group": "sex"})
    assert len(explorer.tables["groups"].rows) == 2
    ages = everyone().patients["age"].sort_values().to_numpy()
    selection.set("age", Range("age", ages[6], None))
    assert "groups" not in explorer.tables
    assert "differs from “survival of" in explorer.text()
    selection.clear()
    assert len(explorer.tables["groups"].rows) == 2
    unguarded = Selection.of(guarded(everyone()))
    unguarded.set("age", Range("age", ages[6], None))
    assert len(SurvivalExplorer(unguarded, {"group": "sex"}).tables["groups"].rows) == 2
