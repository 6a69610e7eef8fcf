import json
import re
from dataclasses import replace

import numpy as np
import pytest

from tests.workbench.widgets.judged_study import (
    JudgedStudy,
    identifiers,
    judged_study,
    restricted,
)
from workbench.cohort.crossfilter import Range
from workbench.errors import CohortError, WorkbenchError
from workbench.study import StudyResult
from workbench.widgets import ModelEvaluation, Selection, TableOne, evaluated_patients
from workbench.widgets.blocks import Section
from workbench.widgets.evaluated_patients import withheld_parts
from workbench.widgets.selection import Moved
from workbench.widgets.shown_evaluation import withheld_evaluation

ASKED = {
    "decision": "acting on a risk of death within 1 year",
    "horizon": 365,
    "lowest": 5,
    "highest": 60,
}


@pytest.fixture(scope="module")
def study() -> JudgedStudy:
    return judged_study()


@pytest.fixture(autouse=True)
def few_bootstraps(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tested here does not depend on how many there are."""
    monkeypatch.setattr(evaluated_patients, "N_BOOTSTRAP", 12)
    monkeypatch.setattr(evaluated_patients, "N_CALIBRATION", 4)


@pytest.fixture
def selection(study: JudgedStudy) -> Selection:
    return Selection.of(study.cohort)


@pytest.fixture
def widget(study: JudgedStudy, selection: Selection) -> ModelEvaluation:
    return ModelEvaluation(
        study.evaluation, study.cohort, study.predictions, selection=selection, state=ASKED
    )


def test_a_number_has_one_interval_in_picture_table_and_report(
    widget: ModelEvaluation, study: JudgedStudy
) -> None:
    [row] = [
        each
        for each in study.evaluation.at_horizons
        if (each["model"], each["group"], each["horizon"])
        == ("selected", "all", widget.state.horizon)
    ]
    drawn = widget.figures["calibration"].svg().replace("−", "-")
    for name in ("calibration_intercept", "calibration_slope", "observed_expected"):
        number = row[name]
        assert f"{number['estimate']:.2f} ({number['lower']:.2f} to {number['upper']:.2f})" in drawn


def risks(study: JudgedStudy) -> np.ndarray:
    return 1 - study.predictions["selected"].at(365.0)


def test_decision_curves_wait_for_the_decision(study: JudgedStudy) -> None:
    widget = ModelEvaluation(study.evaluation, study.cohort, study.predictions)
    assert "decision" not in widget.figures
    assert "Say the decision, the horizon and the range of risks" in widget.text()
    for field, value in ASKED.items():
        assert "decision" not in widget.figures
        said = str(value) if field == "horizon" else value
        widget.receive({"kind": "change", "field": field, "value": said})
    assert "decision" in widget.figures
    assert "Treat all" in widget.text()
    assert "hidden" not in widget.text().lower()


def test_calibration_stands_before_decisions_and_importance(widget: ModelEvaluation) -> None:
    names = [block.name for block in widget.blocks() if isinstance(block, Section)]
    assert names.index("calibration") < names.index("decision") < names.index("missing")


def test_the_numbers_are_those_of_the_evaluation(
    widget: ModelEvaluation, study: JudgedStudy
) -> None:
    row = next(
        r for r in study.evaluation.ladder if (r["model"], r["group"]) == ("selected", "all")
    )
    shown = {r[0]: r for r in widget.tables["models"].rows}
    assert shown["Selected model"][1].startswith(f"{row['harrell_c']['estimate']:.3f}")
    assert study.evaluation.claims[0]["sentence"] in widget.text()


def test_a_bin_leads_back_to_its_patients(
    widget: ModelEvaluation, study: JudgedStudy, selection: Selection
) -> None:
    edges = np.quantile(risks(study), [0.2, 0.4])
    widget.receive({"kind": "pick", "name": "bins", "pick": "1"})
    own = risks(study)[selection.mask]
    assert selection.n_selected == 120 == int(widget.tables["bins"].rows[1][2])
    assert own.min() >= edges[0] - 0.01
    assert own.max() < edges[1] + 0.01


def test_a_third_leads_back_to_its_patients(widget: ModelEvaluation, selection: Selection) -> None:
    widget.receive({"kind": "pick", "name": "thirds", "pick": "high risk"})
    n_high = next(row[1] for row in widget.tables["risk-groups"].rows if row[0] == "high")
    assert selection.n_selected == int(n_high)


def test_two_evaluations_of_one_selection_never_take_each_others_patients(
    study: JudgedStudy, selection: Selection, widget: ModelEvaluation
) -> None:
    def ask(which: ModelEvaluation) -> np.ndarray:
        which.receive({"kind": "pick", "name": "thirds", "pick": "high risk"})
        return selection.mask

    turned = {
        name: replace(each, risk_score=-each.risk_score, survival=each.survival[::-1])
        for name, each in study.predictions.items()
    }
    table = TableOne(selection, {"columns": ["age"]})
    first = ask(widget)
    other = ModelEvaluation(
        study.evaluation, study.cohort, turned, selection=selection, state=ASKED
    )
    np.testing.assert_array_equal(selection.mask, first)
    assert not (first & ask(other)).any()
    assert f"(n = {selection.n_selected})" in table.tables["table-one"].head[1]
    np.testing.assert_array_equal(ask(widget), first)
    # The same cell run again is the same evaluation: what was asked stays.
    again = ModelEvaluation(
        study.evaluation, study.cohort, study.predictions, selection=selection, state=ASKED
    )
    np.testing.assert_array_equal(selection.mask, first)
    again.receive({"kind": "do", "verb": "release"})
    assert selection.n_selected == 600


def test_a_column_offered_anew_ends_what_was_asked_of_the_old_one_and_says_so(
    selection: Selection,
) -> None:
    told: list[Moved] = []
    selection.watch(told.append)
    selection.offer("risk", np.linspace(0, 1, 600))
    assert told == []
    selection.set("view", Range("risk", 0.5, None))
    selection.offer("risk", np.linspace(1, 0, 600))
    assert (len(told), selection.n_selected, told[-1].settled) == (2, 600, True)


def test_sentences_are_those_of_the_report(widget: ModelEvaluation) -> None:
    said = widget.text()
    assert "patients who have gene expression, the combined model with gene expression" in said
    assert "rna" not in said.replace("Kaplan", "").split()
    assert not re.search(r"(?<=[\s(])-\d", said)


def test_thirds_are_not_tested(widget: ModelEvaluation) -> None:
    assert "No p-value is given: whoever is held out trains" in widget.text()
    assert "log-rank p" not in widget.text().lower()


def test_a_threshold_divides_the_patients(
    widget: ModelEvaluation, study: JudgedStudy, selection: Selection
) -> None:
    widget.receive({"kind": "change", "field": "threshold", "value": 30})
    widget.receive({"kind": "do", "verb": "above"})
    n_above = int((risks(study) >= 0.3).sum())
    assert selection.n_selected == n_above
    treated = {row[0]: row[1] for row in widget.tables["at-threshold"].rows}
    assert treated["Selected model"] == f"{n_above} of 600"
    widget.receive({"kind": "do", "verb": "below"})
    assert selection.n_selected == 600 - n_above
    widget.receive({"kind": "do", "verb": "release"})
    assert selection.n_selected == 600


def test_a_brush_selects_when_it_is_let_go(widget: ModelEvaluation, selection: Selection) -> None:
    said = {"kind": "brush", "name": "calibration", "range": [0.2, 0.5]}
    widget.receive({**said, "moving": True})
    assert selection.n_selected == 600
    widget.receive(said)
    assert 0 < selection.n_selected < 600
    section = next(b for b in widget.view["blocks"] if b.get("name") == "calibration")
    figure = next(b for b in section["blocks"] if b["kind"] == "figure")
    assert figure["brushed"] == [0.2, 0.5]


def test_it_replays(widget: ModelEvaluation, study: JudgedStudy) -> None:
    widget.change(group="G4", by=["grade", "site"], metric="calibration_slope", threshold=25)
    again = ModelEvaluation(
        study.evaluation,
        study.cohort,
        study.predictions,
        selection=Selection.of(study.cohort),
        state=json.loads(widget.state.model_dump_json()),
    )
    assert again.state == widget.state
    assert again.text() == widget.text()


@pytest.mark.parametrize(
    "bad",
    [
        {"horizon": 400},
        {"models": ["nobody"]},
        {"group": "nobody"},
        {"metric": "luck"},
        {"lowest": 120},
        {"unknown": 1},
    ],
)
def test_a_bad_state_changes_nothing(widget: ModelEvaluation, bad: dict) -> None:
    before = widget.text()
    with pytest.raises(WorkbenchError):
        widget.change(**bad)
    assert widget.text() == before


def test_the_result_of_a_run_is_enough(study: JudgedStudy) -> None:
    result = StudyResult(study.cohort, study.predictions, study.evaluation, None, {})  # type: ignore[arg-type]
    assert ModelEvaluation.of(result, state=ASKED).tables.keys() >= {"bins", "at-threshold"}


def test_an_evaluation_alone_shows_what_it_holds(study: JudgedStudy) -> None:
    widget = ModelEvaluation(study.evaluation, state=ASKED)
    assert "pass the cohort and its predictions" in widget.text()
    assert "comparison" in widget.figures


def test_other_patients_are_refused(study: JudgedStudy) -> None:
    other = Selection.of(study.cohort)
    other = Selection(other.patients.iloc[:50], minimum=0)
    with pytest.raises(CohortError, match="lacks 550 of the evaluated patients"):
        ModelEvaluation(study.evaluation, study.cohort, study.predictions, selection=other)


def test_no_patient_and_no_small_count_is_shown(study: JudgedStudy) -> None:
    cohort = restricted(study.cohort, minimum=50)
    widget = ModelEvaluation(study.evaluation, cohort, study.predictions, state=ASKED)
    seen = json.dumps(widget.get_state(), default=str)
    assert not any(patient in seen for patient in identifiers(cohort))
    events = [row[3] for row in widget.tables["bins"].rows]
    assert events.count("withheld") >= 2
    assert all(each == "withheld" or int(each) == 0 or int(each) >= 50 for each in events)
    observed = [row[1] for row in widget.tables["bins"].rows]
    assert [o == "withheld" for o in observed] == [e == "withheld" for e in events]
    low = next(r for r in widget.tables["calibration-numbers"].rows if r[1] == "G2")
    assert "withheld" in widget.text()
    assert low[0] == "Clinical Cox"


def test_a_group_that_the_release_log_refuses_tells_no_count(study: JudgedStudy) -> None:
    cohort = restricted(study.cohort)
    few_less = cohort.available["rna"].copy()
    few_less[np.flatnonzero(few_less)[:3]] = False
    ids = cohort.patients.index.to_numpy(object)
    cohort.release_log.show(ids, {"patients with rna, but for three": few_less})
    widget = ModelEvaluation(study.evaluation, cohort, study.predictions, state=ASKED)
    shown = [row[1:3] for row in widget.tables["availability"].rows]
    assert shown == [("600", "319"), ("withheld", "withheld")]
    explained = withheld_evaluation(study.evaluation, cohort)["at_horizons"]
    hidden = {row["group"] for row in explained if row["n_at_risk"] == "withheld"}
    assert hidden == {"patients with rna"}


def test_a_withheld_group_takes_another_with_it() -> None:
    rows = [
        {"kind": kind, "group": group, "n": n, "n_events": n}
        for kind, group, n in (
            ("all", "all", 100),
            ("group", "a", 4),
            ("group", "b", 40),
            ("group", "c", 56),
        )
    ]
    shown = withheld_parts(rows, [["a", "b", "c"]], 10)
    assert [row["n"] for row in shown] == [100, "withheld", "withheld", 56]


def test_the_picture_has_tables_and_no_script(widget: ModelEvaluation, tmp_path) -> None:
    picture = widget.static_html()
    assert "<script" not in picture
    assert "Mean predicted risk" in picture
    widget.save(tmp_path / "bins.csv", "bins")
    assert (tmp_path / "bins.csv").read_text().count("\n") == 6
