"""Every widget on a cohort whose outcome has no time."""

import re
from typing import Any

import pandas as pd
import pytest

from tests.workbench.conftest import OF_TIMES, SmallStudy
from workbench.errors import SurvivalError, WorkbenchError
from workbench.study import StudyResult
from workbench.widgets import (
    CrossFilter,
    ExplanationView,
    ModelEvaluation,
    PatientView,
    ReportBuilder,
    Selection,
    SurvivalExplorer,
    TableOne,
    evaluated_patients,
)
from workbench.widgets.shown_attribution import feature_titles

ASKED: dict[str, Any] = {"decision": "a biopsy", "lowest": 5, "highest": 90}


@pytest.fixture(autouse=True)
def few_bootstraps(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tested here does not depend on how many there are."""
    monkeypatch.setattr(evaluated_patients, "N_BOOTSTRAP", 12)
    monkeypatch.setattr(evaluated_patients, "N_CALIBRATION", 4)


@pytest.fixture
def result(binary_run: tuple[SmallStudy, StudyResult]) -> StudyResult:
    return binary_run[1]


def words_of_times(shown: str) -> set[str]:
    """Lines that speak of times."""
    return {line for line in re.split(r"[\n>]", shown) if OF_TIMES.search(line)}


def test_an_evaluation_is_one_of_states(result: StudyResult) -> None:
    selection = Selection.of(result.cohort.evaluated)
    widget = ModelEvaluation.of(result, selection=selection, state=ASKED)
    text = widget.text()
    assert words_of_times(text) == set()
    assert "AUC" in text
    assert {"calibration", "decision", "subgroups", "gains"} & set(widget.figures)
    assert "decision" in widget.figures
    assert "thirds" not in widget.figures
    assert widget.risk_name == "predicted risk"
    widget.do_above()
    assert 0 < selection.n_selected < result.cohort.n_patients


def test_a_decision_waits_for_no_horizon(result: StudyResult) -> None:
    text = ModelEvaluation.of(result).text()
    assert "Say the decision and the range of risks" in text
    assert words_of_times(text) == set()
    with pytest.raises(WorkbenchError, match="no time"):
        ModelEvaluation.of(result, state={"horizon": 365})


def test_an_explanation_is_one_of_log_odds(result: StudyResult) -> None:
    view = ExplanationView.of(result)
    assert view.unit == "log odds"
    assert words_of_times(view.text()) == set()


def test_a_patient_has_a_risk_and_a_state(result: StudyResult) -> None:
    view = PatientView.of(result)
    text = view.text()
    assert "Predicted risk" in text
    assert words_of_times(text) == set()
    view.change(what_if={"age": 80})
    text = view.text()
    assert "Risk as the patient is" in text
    assert words_of_times(text) == set()


def test_a_timeline_shows_what_happened_and_no_end(result: StudyResult) -> None:
    events = pd.DataFrame(
        {
            "patient_id": result.cohort.evaluated.patients.index[:1],
            "day": [-3],
            "kind": ["visit"],
            "label": ["first visit"],
        }
    )
    view = PatientView.of(result, events=events)
    assert "timeline" in view.figures
    assert "follow-up" not in view.text().lower()


def test_linked_bars_stand_without_curves(result: StudyResult) -> None:
    widget = CrossFilter(Selection.of(result.cohort.evaluated))
    assert words_of_times(widget.text()) == set()
    assert "survival" not in widget.figures


def test_table_one_is_told_apart_by_the_event(result: StudyResult) -> None:
    text = TableOne(result.cohort.evaluated, {"by": "event"}).text()
    assert "Early death" in text
    assert words_of_times(text) == set()


def test_survival_is_of_times(result: StudyResult) -> None:
    with pytest.raises(SurvivalError, match="there or not has no curve"):
        SurvivalExplorer(Selection.of(result.cohort.evaluated))


def test_a_report_is_built_without_sections_of_times(result: StudyResult) -> None:
    builder = ReportBuilder(result)
    assert not {"follow-up", "risk-groups"} & set(builder.sections)
    assert words_of_times(builder.text()) == set()


def test_features_are_called_by_their_columns(result: StudyResult) -> None:
    cohort = result.cohort
    own = tuple(cohort.card.spec.modalities["clinical"].columns)
    titles = feature_titles(cohort, "clinical", own)
    heads = [cohort.card.spec.columns[name].meaning.split(",")[0] for name in own]
    assert [title.lower() for title in titles] == [head.lower() for head in heads]
    assert feature_titles(cohort, "rna", ("age", "TP53")) == ("age", "TP53")  # A gene is no column.
    assert feature_titles(None, "clinical", own) == own
    twice = (own[0], own[0])
    assert feature_titles(cohort, "clinical", twice) == twice
    drawn = PatientView.of(result).figures["contributions"].svg()
    assert titles[0] in drawn
