"""Losses inside a study: what cannot be read, or gives no model anything, joins the attrition."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench import printing
from workbench.data.open_card import open_card
from workbench.materialisation import materialise
from workbench.study import run
from workbench.study_settings import Study
from workbench.study_steps import choose

UNREADABLE = "the files of mri can be read"
NO_INPUT = "at least one input of the models is known (clinical)"


def damaged(small_study: Any, n: int) -> Any:
    """With the images of some patients cut short."""
    for image in sorted((small_study.folder / "scans").glob("P???.png"))[:n]:
        image.write_bytes(image.read_bytes()[:60])
    return small_study


def clinical_only(small_study: Any, **entries: Any) -> Any:
    small_study.study |= {"modalities": ["clinical"], "groups": [], **entries}
    small_study.study["models"] = ["null", "clinical", "selected"]
    return small_study.save()


def without_clinic(small_study: Any, n: int) -> None:
    def emptied(table: pd.DataFrame) -> pd.DataFrame:
        table.loc[table.index[:n], ["age", "grade"]] = np.nan
        return table

    small_study.edit("visits.csv", emptied)


def test_an_unreadable_image_is_a_loss_of_its_own(small_study: Any, tmp_path: Path) -> None:
    study = clinical_only(damaged(small_study, 1), select=[{"has": "mri"}])
    result = run(Study.from_file(study.study_file), tmp_path / "run")
    report = json.loads((tmp_path / "run" / "report.json").read_text(encoding="utf-8"))
    *_, asked, read = report["attrition"]
    assert (asked["sentence"], asked["n_removed"], asked["n_after"]) == ("has mri", 60, 60)
    assert (read["sentence"], read["n_removed"], read["n_after"]) == (UNREADABLE, 1, 59)
    assert report["n_patients"] == read["n_after"] == result.cohort.n_patients
    assert {row["n"] for row in report["ladder"] if row["group"] == "all"} == {59}
    assert UNREADABLE in result.report.read_text(encoding="utf-8").replace("Mri", "mri")


def test_the_command_line_shows_the_same_losses(
    call: Any, small_study: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(printing._console, "width", 200)
    study = clinical_only(damaged(small_study, 2), select=[{"has": "mri"}])
    without_clinic(small_study, 63)
    code, shown, error = call("cohort", study.study_file)
    assert code == 0, error
    lines = [line for line in shown.splitlines() if UNREADABLE in line]
    assert [cell.strip() for cell in lines[0].split("│")[2:4]] == ["2", "58"]
    assert "at least one input of the models is known" in shown
    assert "the files of mri cannot be read of 2 patients" in " ".join(shown.split())


def test_who_stays_without_the_modality_is_said_and_stays(small_study: Any) -> None:
    cohort = open_card(damaged(small_study, 1).card).cohort("os")
    assert cohort.n_patients == 120
    assert len(cohort.attrition) == 3
    assert "the files of mri cannot be read of 1 patient," in cohort.warnings[0]


def test_a_warning_of_unreadable_files_gives_no_small_count(small_study: Any) -> None:
    small_study.spec["privacy"] = {"minimum_cell": 10, "restricted": True}
    cohort = open_card(damaged(small_study.save(), 3).card).cohort("os")
    assert "of fewer than 10 patients, who count as without it" in cohort.warnings[0]


def test_patients_of_whom_no_model_reads_anything_are_lost_before_the_folds(
    small_study: Any,
) -> None:
    without_clinic(small_study, 2)
    study = Study.from_file(clinical_only(small_study).study_file)
    chosen = choose(study, open_card(small_study.card))
    last = chosen.attrition.iloc[-1]
    assert (last["sentence"], last["n_removed"], last["n_after"]) == (NO_INPUT, 2, 118)
    assert chosen.folds.shape == (1, 118)
    assert materialise(chosen, ["clinical"]).modalities["clinical"].present.all()


@pytest.mark.parametrize("order", [["age", "mri"], ["mri", "age"]])
def test_losses_at_reading_stand_where_the_modality_is_asked_for(
    small_study: Any, order: list[str]
) -> None:
    from workbench import col, has

    criteria = {"age": col("age") >= 40, "mri": has("mri")}
    cohort = open_card(damaged(small_study, 4).card).cohort("os")
    whole = cohort.select(criteria["mri"], criteria["age"])
    chosen = cohort.select(*(criteria[name] for name in order))
    assert chosen.patients.index.equals(whole.patients.index)
    steps = chosen.attrition.set_index("step")
    assert 0 < steps.loc["mri read", "n_removed"] <= 4
    assert steps["n_after"].iloc[-1] == chosen.n_patients
