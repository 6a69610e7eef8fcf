"""Model evaluation, explanation, one patient and progress on a page: by mouse and keyboard."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

import workbench as wb
from fusion.models import ladder
from tests.browser.checks import contrast_and_roles, texts_apart
from tests.browser.stage import Stage
from tests.workbench.widgets.judged_study import attribution, judged_study, restricted
from tests.workbench.widgets.test_model_evaluation import ASKED
from tests.workbench.widgets.test_training_monitor import losses
from workbench.widgets import (
    ExplanationView,
    ModelEvaluation,
    PatientView,
    Selection,
    TrainingMonitor,
    Work,
    evaluated_patients,
)

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def few_bootstraps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluated_patients, "N_BOOTSTRAP", 12)
    monkeypatch.setattr(evaluated_patients, "N_CALIBRATION", 4)


@pytest.fixture
def evaluation() -> ModelEvaluation:
    study = judged_study()
    return ModelEvaluation(
        study.evaluation,
        study.cohort,
        study.predictions,
        selection=Selection.of(study.cohort),
        state=ASKED,
    )


@pytest.fixture
def stage(chromium: Any, evaluation: ModelEvaluation) -> Iterator[Stage]:
    stage = Stage(chromium, [evaluation])
    yield stage
    stage.close()


def test_an_evaluation_is_legible_and_leads_back_to_patients(
    stage: Stage, evaluation: ModelEvaluation
) -> None:
    page, selection = stage.page, evaluation.selection
    assert selection is not None
    assert texts_apart(page) == []
    assert contrast_and_roles(page) == []
    page.locator(".wb-link").first.press("Enter")
    page.wait_for_selector("text=Let the chosen patients go")
    assert selection.n_selected == 120
    page.get_by_role("button", name="Let the chosen patients go").click()
    page.wait_for_selector("text=Let the chosen patients go", state="detached")
    floor = page.locator("figure[data-name=calibration] .wb-brushable")
    box = floor.bounding_box()
    page.mouse.move(box["x"] + 40, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 160, box["y"] + 100, steps=4)
    page.mouse.up()
    page.wait_for_selector("text=Let the chosen patients go")
    assert 0 < selection.n_selected < 600


def test_the_decision_is_asked_by_keyboard(chromium: Any) -> None:
    study = judged_study()
    widget = ModelEvaluation(study.evaluation, study.cohort, study.predictions)
    stage = Stage(chromium, [widget])
    page = stage.page
    assert page.locator("figure[data-name=decision]").count() == 0
    page.get_by_label("The decision").fill("acting on a risk of death")
    page.keyboard.press("Tab")
    page.get_by_label("Horizon", exact=True).select_option("365")
    page.wait_for_selector("text=Calibration at 365 days")
    for label, value in (("Act from a risk of", "5"), ("to", "50")):
        page.get_by_label(label, exact=True).fill(value)
        page.keyboard.press("Enter")
    page.wait_for_selector("figure[data-name=decision]")
    assert widget.state.decision == "acting on a risk of death"
    assert (widget.state.lowest, widget.state.highest) == (5, 50)
    stage.close()


def test_an_explanation_is_followed_down(chromium: Any) -> None:
    study = judged_study()
    cohort = restricted(study.cohort)
    widget = ExplanationView(attribution(), study.evaluation, cohort)
    stage = Stage(chromium, [widget], theme="dark")
    page = stage.page
    page.get_by_role("button", name="Gene expression").first.click()
    page.wait_for_selector("text=Within Gene expression")
    page.get_by_role("button", name="CELL CYCLE").press("Enter")
    page.wait_for_selector("text=Contributions by feature of CELL CYCLE")
    assert (widget.state.modality, widget.state.group) == ("rna", "CELL CYCLE")
    page.get_by_role("button", name="Next").click()
    page.wait_for_selector(".wb-private figure[data-name=contributions]")
    assert widget.state.patient == 1
    assert texts_apart(page) == []
    assert contrast_and_roles(page) == []
    stage.close()


def test_patients_are_sent_one_by_one(chromium: Any) -> None:
    study = judged_study()
    cohort = restricted(study.cohort)
    dataset = wb.materialise(cohort, ["clinical", "rna"])
    rungs = ladder(
        ["null", "clinical", "selected"],
        clinical="clinical",
        added=["rna"],
        stratified_null=False,
    )
    fitted = rungs["clinical"].fit(dataset)
    widget = PatientView(study.predictions["selected"], cohort, dataset=dataset, fitted=fitted)
    stage = Stage(chromium, [widget])
    page = stage.page
    page.wait_for_selector("text=Patient 1 of 600: follow-up")
    assert texts_apart(page) == []
    assert contrast_and_roles(page) == []
    page.get_by_role("button", name="Next", disabled=False).press("Enter")
    page.wait_for_selector("text=Patient 2 of 600: follow-up")
    page.get_by_label("Simulated age at diagnosis").fill("60")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=With the change")
    assert widget.state.what_if == {"age": 60}
    assert "follow-up" not in json.dumps(widget.view)
    # A problem stays until the next thing is done, although the page asks for the patient again.
    page.get_by_label("Simulated age at diagnosis").fill("600")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=within what training patients have")
    page.wait_for_timeout(300)
    assert page.locator("text=within what training patients have").count() == 1
    stage.close()


def test_progress_is_watched_and_started(chromium: Any) -> None:
    work = Work(losses)
    monitor = TrainingMonitor(work)
    stage = Stage(chromium, [monitor])
    page = stage.page
    page.get_by_role("button", name="Start").press("Enter")
    assert work.result(30) == "trained"
    monitor.refresh()
    stage.push()
    page.wait_for_selector("figure[data-name=losses]")
    assert page.locator("progress").first.get_attribute("value") == "6"
    assert texts_apart(page) == []
    assert contrast_and_roles(page) == []
    stage.close()
