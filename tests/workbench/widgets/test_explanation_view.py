import json
from dataclasses import replace

import numpy as np
import pytest

from tests.workbench.widgets.judged_study import (
    attribution,
    identifiers,
    judged_study,
    restricted,
    retitled,
)
from workbench.errors import CohortError, WorkbenchError
from workbench.widgets import ExplanationView
from workbench.widgets.blocks import Private, Section


@pytest.fixture(scope="module")
def study():
    return judged_study()


def view(study, **state) -> ExplanationView:
    return ExplanationView(attribution(), study.evaluation, study.cohort, state=state)


def test_checks_come_first_and_a_failure_is_said(study) -> None:
    widget = view(study)
    names = [block.name for block in widget.blocks() if isinstance(block, Section)]
    assert names[:3] == ["checks", "calibration", "modalities"]
    assert [row[-1] for row in widget.tables["checks"].rows] == ["yes", "no"]
    assert "1 of 2 checks failed" in widget.text()


def test_an_unchecked_explanation_is_said_to_be_so(study) -> None:
    unchecked = replace(attribution(), checks=())
    widget = ExplanationView(unchecked, study.evaluation, study.cohort)
    assert "This explanation was not checked" in widget.text()


def test_sizes_are_of_the_patients_who_have_the_data(study) -> None:
    found, has = attribution(), study.cohort.available["rna"]
    size = np.abs(found.modalities[2, has, 1]).mean()
    rows = {row[0]: row for row in view(study).tables["modalities"].rows}
    assert rows["Gene expression"][1] == f"{size:.3f}"
    assert rows["Gene expression"][-1] == str(has.sum())


def test_from_a_kind_of_data_to_a_group_to_its_features(study) -> None:
    widget = view(study)
    widget.receive({"kind": "pick", "name": "modalities", "pick": "rna"})
    found, has = attribution().features["rna"], study.cohort.available["rna"]
    size = np.abs(found.values[2][has][:, :6].sum(axis=1)).mean()
    groups = {row[0]: row for row in widget.tables["groups"].rows}
    assert groups["CELL CYCLE"][1] == f"{size:.3f}"
    widget.receive({"kind": "pick", "name": "groups", "pick": "CELL CYCLE"})
    assert widget.state.group == "CELL CYCLE"
    assert {row[0] for row in widget.tables["features"].rows} == {f"GENE{at}" for at in range(6)}
    widget.receive({"kind": "change", "field": "modality", "value": "imaging"})
    assert widget.state.group == ""
    assert "explained_images" in widget.text()


def test_kinds_of_data_whose_titles_share_a_head_are_told_apart(study) -> None:
    cohort = retitled(study.cohort, rna="MRI, T1-weighted", imaging="MRI, FLAIR")
    widget = ExplanationView(attribution(), study.evaluation, cohort)
    assert {"MRI, T1-weighted", "MRI, FLAIR"} <= {r[0] for r in widget.tables["modalities"].rows}
    widget.receive({"kind": "pick", "name": "kinds", "pick": "MRI, FLAIR"})
    assert widget.state.modality == "imaging"
    over_time = str(widget.figures["over-time"])
    assert "MRI, T1-weighted" in over_time
    assert "MRI, FLAIR" in over_time


def test_the_horizon_changes_what_is_shown(study) -> None:
    widget = view(study)
    late = widget.tables["modalities"].rows
    widget.receive({"kind": "change", "field": "horizon", "value": "365"})
    assert widget.state.horizon == 365
    assert widget.tables["modalities"].rows != late
    assert "over-time" in widget.figures


def test_small_cells_are_withheld(study) -> None:
    few = int(study.cohort.available["imaging"].sum()) + 1
    widget = ExplanationView(attribution(), study.evaluation, restricted(study.cohort, minimum=few))
    assert "imaging" not in widget.tables["modalities"].picks
    assert f"fewer than {few} patients have it" in widget.text()


def test_a_patient_is_sent_and_not_kept(study) -> None:
    cohort = restricted(study.cohort)
    widget = ExplanationView(attribution(), study.evaluation, cohort, state={"patient": 17})
    sent: list[dict] = []
    widget.send = sent.append
    private = next(
        b
        for s in widget.blocks()
        if isinstance(s, Section)
        for b in s.blocks
        if isinstance(b, Private)
    )
    kept = json.dumps(widget.get_state(), default=str) + widget.static_html()
    assert "Patient 17 of 600" not in kept
    assert not any(patient in kept for patient in identifiers(cohort))
    widget.receive({"kind": "ask", "name": private.name})
    told = next(m for m in sent if m["kind"] == "private")
    assert "Patient 17 of 600" in json.dumps(told)
    row = attribution().modalities[2, 16]
    assert f"{row.sum():+.2f}".replace("-", "−") in json.dumps(told, ensure_ascii=False)


def test_it_replays(study) -> None:
    widget = view(study, modality="rna", group="IMMUNE", horizon=730, patient=3)
    written = json.loads(widget.state.model_dump_json())
    again = ExplanationView(attribution(), study.evaluation, study.cohort, state=written)
    assert again.text() == widget.text()


@pytest.mark.parametrize(
    "bad",
    [{"method": "x"}, {"horizon": 3}, {"modality": "x"}, {"group": "x"}, {"patient": 601}],
)
def test_a_bad_state_changes_nothing(study, bad: dict) -> None:
    widget = view(study)
    before = widget.text()
    with pytest.raises(WorkbenchError):
        widget.change(**bad)
    assert widget.text() == before


def test_other_patients_are_refused(study) -> None:
    found = attribution()
    other = replace(found, patient_id=np.array([f"X{at}" for at in range(found.n_patients)]))
    with pytest.raises(CohortError, match="of whom 0 are among"):
        ExplanationView(other, study.evaluation, study.cohort)
