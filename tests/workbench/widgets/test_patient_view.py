import json

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from fusion.models import ladder
from tests.workbench.widgets.judged_study import (
    attribution,
    identifiers,
    judged_study,
    restricted,
)
from workbench.cohort.crossfilter import Levels
from workbench.errors import CohortError, WorkbenchError
from workbench.widgets import PatientView, Selection
from workbench.widgets.what_if import outside_training, value_of, variables


@pytest.fixture(scope="module")
def study():
    return judged_study()


@pytest.fixture(scope="module")
def dataset(study):
    return wb.materialise(study.cohort, ["clinical", "rna"])


@pytest.fixture(scope="module")
def fitted(dataset):
    rungs = ["null", "clinical", "selected"]
    models = ladder(rungs, clinical="clinical", added=["rna"], stratified_null=False)
    return models["clinical"].fit(dataset)


@pytest.fixture
def events(study) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "patient_id": [study.cohort.patients.index[16]] * 2 + [study.cohort.patients.index[3]],
            "day": [-30.0, 12.0, 5.0],
            "kind": ["Imaging", "Surgery", "Surgery"],
            "label": ["MRI", "resection", "biopsy"],
        }
    )


def view(study, **more) -> PatientView:
    return PatientView(study.predictions["selected"], study.cohort, **more)


def test_one_after_the_other(study) -> None:
    widget = view(study, state={"patient": 17})
    widget.receive({"kind": "do", "verb": "next"})
    assert (widget.state.patient, widget.patient_id) == (18, study.cohort.patients.index[17])
    assert (
        f"{study.predictions['selected'].survival[17, -1]:.0%}".replace("%", " %") in widget.text()
    )
    widget.receive({"kind": "change", "field": "patient", "value": 1})
    widget.receive({"kind": "do", "verb": "previous"})
    assert widget.state.patient == 1


def test_only_the_selected(study) -> None:
    selection = Selection.of(study.cohort)
    widget = view(study, selection=selection, state={"selected_only": True})
    selection.set("grade", Levels("grade", ("G4",)))
    chosen = np.flatnonzero(study.cohort.patients["grade"] == "G4") + 1
    widget.receive({"kind": "do", "verb": "next"})
    assert widget.state.patient == chosen[chosen > 1][0]


def test_its_events_stand_around_the_index_date(study, events) -> None:
    text = view(study, events=events, state={"patient": 17}).text()
    assert "Imaging: 1" in text
    assert "Surgery: 1" in text
    assert "from day −30" in text


def test_what_it_has_and_what_moved_it(study) -> None:
    at = int(np.flatnonzero(~study.cohort.available["rna"])[0])
    widget = view(study, state={"patient": at + 1})
    tiles = {row[0]: row[1] for row in widget.tables["tiles"].rows}
    assert tiles["Gene expression"] == "○ absent"
    assert "Gene expression: 0.00" in widget.text()


def test_finer_contributions(study) -> None:
    assert "GENE0" in view(study, attribution=attribution()).text()


def test_what_if_is_predicted_again_and_called_no_effect(study, dataset, fitted) -> None:
    widget = view(study, dataset=dataset, fitted=fitted, state={"patient": 17})
    clinical = dataset.modalities["clinical"]
    known = variables(clinical)
    assert value_of(clinical, 16, known["age"]) == study.cohort.patients["age"].iloc[16]
    assert value_of(clinical, 16, known["grade"]) in ("", "G3", "G4")
    widget.receive({"kind": "change", "field": "what_if.age", "value": 70})
    widget.receive({"kind": "change", "field": "what_if.grade", "value": "G4"})
    assert widget.state.what_if == {"age": 70, "grade": "G4"}
    assert "not a treatment effect" in widget.text()
    changed = clinical.values[16].copy()
    changed[clinical.names.index("age")] = 70
    changed[[clinical.names.index("grade=G3"), clinical.names.index("grade=G4")]] = 0, 1
    one = dataset.take(np.array([16]))
    values = type(clinical)(
        "clinical", "ehr", changed[None], np.ones(1, bool), clinical.names, clinical.groups
    )
    after = fitted.predict(one.replace_modality(values), np.array([1095.0])).survival[0, 0]
    assert widget.tables["what-if"].rows[-1][2] == f"{after:.1%}".replace("%", " %")
    widget.receive({"kind": "do", "verb": "next"})
    assert widget.state.what_if == {}


@pytest.mark.parametrize(
    "bad", [{"age": 300}, {"age": "old"}, {"grade": "G9"}, {"days_to_progression_confirmed": 3}]
)
def test_a_change_beyond_the_training_data_is_refused(study, dataset, fitted, bad) -> None:
    widget = view(study, dataset=dataset, fitted=fitted)
    with pytest.raises(WorkbenchError, match="what_if"):
        widget.change(what_if=bad)
    assert widget.state.what_if == {}


def test_predictions_beyond_the_training_data_are_withheld(study, dataset) -> None:
    clinical, fold = dataset.modalities["clinical"], study.predictions["selected"].fold
    oldest = int(np.nanargmax(clinical.values[:, clinical.names.index("age")]))
    assert "age" in outside_training(clinical, oldest, fold)
    widget = view(study, dataset=dataset, state={"patient": oldest + 1})
    assert "survival" not in widget.figures
    assert "outside the range of the training data" in widget.text()


def test_nothing_of_a_patient_is_kept_where_the_card_protects_it(
    study, dataset, fitted, events, tmp_path
) -> None:
    cohort = restricted(study.cohort)
    widget = PatientView(
        study.predictions["selected"],
        cohort,
        events=events,
        dataset=dataset,
        fitted=fitted,
        state={"patient": 17},
    )
    sent: list[dict] = []
    widget.send = sent.append
    saved = [widget.save(tmp_path / name) for name in ("a.html", "a.json")]
    kept = json.dumps(widget.get_state(), default=str) + "".join(p.read_text() for p in saved)
    assert not any(patient in kept for patient in identifiers(cohort))
    assert "resection" not in kept
    assert "survival" not in widget.figures
    assert "Withheld" in widget.static_html()
    with pytest.raises(WorkbenchError, match="there is none"):
        widget.save(tmp_path / "a.svg")
    widget.receive({"kind": "ask", "name": "patient-sent"})
    told = json.dumps([m for m in sent if m["kind"] == "private"], default=str)
    assert "resection" in told
    assert study.cohort.patients.index[16] not in told
    # Controls that were only sent can be used.
    widget.receive({"kind": "change", "field": "what_if.age", "value": 70})
    assert widget.state.what_if == {"age": 70}
    assert '"what_if' not in json.dumps(widget.view)


def test_the_page_can_ask_only_for_what_is_there(study) -> None:
    widget = view(study)
    widget.receive({"kind": "ask", "name": "somebody"})
    assert "not on offer" in widget.text() or "not on offer" in json.dumps(widget.view)


def test_other_patients_are_refused(study) -> None:
    few = study.predictions["selected"].take(np.arange(10))
    with pytest.raises(CohortError, match="590 are missing"):
        PatientView(few, study.cohort)


@pytest.mark.parametrize("bad", [{"patient": 0}, {"patient": 601}, {"what_if": {"age": 3}}])
def test_a_bad_state_changes_nothing(study, bad) -> None:
    widget = view(study)
    with pytest.raises(WorkbenchError):
        widget.change(**bad)
    assert widget.state.patient == 1
