"""The flow of a cohort while its rules change places or leave."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

import workbench as wb
from tests.workbench.widgets.cohort_sources import counts, everyone, exact, guarded, register
from workbench.cohort.cohort import Cohort
from workbench.errors import CohortError, WorkbenchError
from workbench.widgets import AttritionFlow

RULES = (
    (wb.col("age") >= 40).named("Adults"),
    wb.has("imaging").within(-90, 0),
    wb.col("ldh") < 300,
)


@pytest.fixture
def cohort() -> Cohort:
    return everyone().select(*RULES)


def do(flow: AttritionFlow, *verbs: str, rule: int | None = None) -> None:
    if rule is not None:
        flow.receive({"kind": "pick", "name": "steps", "pick": str(rule)})
    for verb in verbs:
        flow.receive({"kind": "do", "verb": verb, "argument": ""})


def test_rows_and_figure_hold_the_attrition(cohort: Cohort) -> None:
    flow = AttritionFlow(cohort)
    table = flow.tables["steps"]
    assert [row[:4] for row in counts(table.rows)] == exact(cohort.attrition)
    lost = cohort.attrition["events_removed"].tolist()[-3:]
    assert [row[-1] for row in table.rows] == [str(n) for n in lost]
    assert f"In the cohort: {cohort.n_patients} patients" in flow.figures["flow"].description


def test_rules_change_places_as_if_they_were_selected_so(cohort: Cohort) -> None:
    flow = AttritionFlow(cohort)
    do(flow, "up", "up", rule=2)
    assert flow.state.order == (2, 0, 1)
    asked = everyone().select(RULES[2], RULES[0], RULES[1])
    rows = flow.tables["steps"].rows
    assert [row[:4] for row in counts(rows)] == exact(asked.attrition)
    assert flow.cohort.definition == asked.definition
    do(flow, "up")
    assert flow.state.order == (2, 0, 1)
    do(flow, "reset")
    assert flow.state == AttritionFlow.State()


def test_a_rule_left_out_brings_back_whom_it_alone_kept_out(cohort: Cohort) -> None:
    flow = AttritionFlow(cohort)
    back = int(flow.tables["steps"].rows[1][4])
    do(flow, "leave", rule=1)
    table = flow.tables["steps"]
    assert table.rows[1][0].endswith("(left out)")
    assert set(table.rows[1][1:]) == {"–"}
    assert flow.cohort.n_patients == cohort.n_patients + back
    do(flow, "leave")
    assert flow.state.left_out == ()


def test_later_losses_are_said_to_be_left_out(cohort: Cohort) -> None:
    holds = cohort.patients["age"].to_numpy() < 70
    flow = AttritionFlow(cohort.losing("read", "images can be read", holds))
    assert flow.tables["steps"].rows[-1][0] == "images can be read"
    flow.change(left_out=[0])
    assert "images can be read" in flow.text()
    assert flow.tables["steps"].rows[-1][0] == "ldh < 300"


def test_a_cohort_of_records_keeps_its_limit() -> None:
    cohort = register().cohort(
        wb.entry(wb.event("condition//2", "condition//3"), which="all"),
        wb.col("age") >= 50,
        wb.event("lab//7").within(-365, 0),
        limit="first",
    )
    flow = AttritionFlow(cohort, {"left_out": [0], "order": [1, 0]})
    rows = flow.tables["steps"].rows
    assert rows[-1][0] == "the first record of each patient"
    assert flow.cohort.n_patients == cohort.dropping(0).n_patients
    assert rows[-1][1] == str(cohort.dropping(0).n_patients)
    assert "Events lost" not in flow.tables["steps"].head


def test_small_counts_are_withheld_everywhere(cohort: Cohort) -> None:
    fourth = float(everyone().select(*RULES[:2]).patients["age"].nlargest(4).iloc[-1])
    few = everyone().select(*RULES[:2], wb.col("age") >= fourth)
    assert 0 < few.n_patients < 10
    flow = AttritionFlow(guarded(few))
    assert flow.tables["steps"].rows[-1][1] == "withheld"
    told = json.dumps(flow.get_state(), default=str) + flow.static_html()
    assert f"In the cohort: {few.n_patients} patients" not in told
    assert "A withheld count is not zero" in told


@pytest.mark.parametrize(
    "bad",
    [{"order": [0, 1]}, {"order": [0, 0, 1]}, {"left_out": [3]}, {"chosen": 7}, {"rules": []}],
)
def test_a_bad_state_changes_nothing(cohort: Cohort, bad: dict) -> None:
    flow = AttritionFlow(cohort, {"order": [1, 0, 2]})
    before = flow.text()
    with pytest.raises(WorkbenchError):
        flow.change(**AttritionFlow.State().model_dump() | bad)
    assert (flow.text(), flow.state.order) == (before, (1, 0, 2))


def test_it_replays_and_is_saved(cohort: Cohort, tmp_path: Path) -> None:
    flow = AttritionFlow(cohort, {"order": [1, 0, 2], "left_out": [2]})
    again = AttritionFlow(cohort, json.loads(flow.state.model_dump_json()))
    assert again.text() == flow.text()
    page = flow.static_html()
    assert "<script" not in page
    assert "Back without it" in page
    written = flow.save(tmp_path / "flow.csv").read_text(encoding="utf-8")
    rows = list(csv.reader(written.splitlines()))
    assert tuple(rows[1]) == flow.tables["steps"].rows[0]
    assert flow.save(tmp_path / "flow.svg").read_text().startswith("<svg")


def test_no_identifier_leaves() -> None:
    cohort = register().cohort(wb.entry(wb.event("condition//2")), wb.col("age") >= 50)
    flow = AttritionFlow(cohort)
    assert "SECRET" not in json.dumps(flow.get_state(), default=str) + flow.static_html()


def test_a_rule_that_counts_in_several_steps_is_not_taken_apart(cohort: Cohort) -> None:
    apart = replace(cohort, definition=everyone().definition)
    with pytest.raises(CohortError, match="several steps"):
        _ = AttritionFlow(apart).cohort
