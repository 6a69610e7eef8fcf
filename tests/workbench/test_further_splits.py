"""Whole studies on a temporal split and on repeated folds, from file to report."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.errors import StudyError
from workbench.report.words import short
from workbench.study import StudyResult, run
from workbench.study_settings import Study


def asked(small_study: Any, split: dict[str, Any], **entries: Any) -> Study:
    small_study.study |= {"modalities": ["clinical"], "split": split, "groups": [], **entries}
    small_study.study["models"] = ["null", "clinical", "selected"]
    year = {"type": "numeric", "unit": "year", "meaning": "year", "role": "description"}
    small_study.spec["columns"]["year"] = {**year, "file": "visits", "observed_at": {"days": 0}}
    small_study.edit("visits.csv", lambda table: table.assign(year=2000 + np.arange(120) // 10))
    return Study.from_file(small_study.save().study_file)


def document(result: StudyResult) -> dict[str, Any]:
    return json.loads(result.report.with_name("report.json").read_text(encoding="utf-8"))


def test_a_temporal_split_is_judged_on_the_latest_patients(
    small_study: Any, tmp_path: Path
) -> None:
    study = asked(small_study, {"kind": "time", "column": "year", "k": 3})
    result = run(study, tmp_path / "run")
    assert result.cohort.n_patients == 120
    assert {row["n"] for row in result.evaluation.ladder} == {40}
    written = pd.read_parquet(tmp_path / "run" / "predictions.parquet")
    assert set(written["patient_id"]) == {f"P{i:03}" for i in range(80, 120)}
    assert set(written["fold"]) == {0}
    assert [row["n_train"] for row in document(result)["chosen"]] == [80]
    assert "the latest patients held out (year from 2008 on)" in result.report.read_text("utf-8")


def test_a_temporal_split_describes_who_is_evaluated_beside_who_trains(
    small_study: Any, tmp_path: Path, command: Any
) -> None:
    study = asked(small_study, {"kind": "time", "column": "year", "k": 3}, groups=["sex"])
    result = run(study, tmp_path / "run")
    report, page = document(result), result.report.read_text("utf-8")
    patients = result.cohort.patients
    latest = patients[patients["fold"].notna()]
    n_events = int(latest["event"].sum())
    assert (report["n_patients"], report["n_events"]) == (40, n_events)
    last = report["attrition"][-1]
    assert (last["n_before"], last["n_removed"], last["n_after"]) == (120, 80, 40)
    assert (last["events_removed"], last["events_after"]) == (
        int(patients["event"].sum()) - n_events,
        n_events,
    )
    assert last["sentence"].startswith("held out to be evaluated: year from 2008 on")
    table = pd.DataFrame(report["table_one"]["rows"], columns=report["table_one"]["columns"])
    sizes = table.set_index("variable").loc["patients"]
    assert sizes[["all", "evaluated", "only train"]].tolist() == ["120", "40", "80"]
    age = table[table["variable"] == "age, years"].iloc[0]
    assert age["evaluated"] == f"{latest['age'].mean():.1f} ({latest['age'].std():.1f})"
    assert float(age["smd"]) >= 0
    assert "Patients who only train are described here alone" in page
    # By outcome and by the study's groups, whoever is counted elsewhere is evaluated.
    everyone = [r for part in report["availability"] for r in part["rows"] if r["level"] == "all"]
    assert {row["n_patients"] for row in everyone} == {40}

    # A narrow terminal breaks words, and a console measures its width once.
    told = command("cohort", small_study.study_file, environment={"COLUMNS": "200"})
    assert told.returncode == 0
    assert "Table one by fold" in told.stdout
    # Cells wrap, so words are looked for one by one.
    assert {"evaluated", "earlier", "train", "80", "120"} <= set(re.findall(r"\w+", told.stdout))


def test_without_a_temporal_split_everyone_is_evaluated(small_study: Any, tmp_path: Path) -> None:
    study = asked(small_study, {"kind": "kfold", "k": 3}, groups=["sex"])
    report = document(result := run(study, tmp_path / "run"))
    assert report["n_patients"] == report["attrition"][-1]["n_after"] == 120
    assert report["table_one"]["columns"][3:] == ["all", "f", "m", "missing", "smd"]
    assert "only train" not in result.report.read_text("utf-8")


def test_repeats_are_averaged_and_their_spread_is_told(small_study: Any, tmp_path: Path) -> None:
    study = asked(small_study, {"kind": "kfold", "k": 3, "repeats": 3})
    steps: list[tuple[str, int, int]] = []
    result = run(
        study, tmp_path / "run", on_progress=lambda p: steps.append((p.step, p.done, p.total))
    )
    written = pd.read_parquet(tmp_path / "run" / "predictions.parquet")
    assert not written.duplicated(["patient_id", "model"]).any()
    assert len(written) == 3 * 120
    assert ("training on random folds", 9, 9) in steps
    by_repeat = result.predictions["selected"].provenance["harrell_c_by_repeat"]
    assert len(set(by_repeat)) == 3
    note = document(result)["notes"][-1]
    assert note.startswith("Over 3 repeats on other folds, Harrell’s C of the selected model was")
    assert f"{np.mean(by_repeat):.3f} on average" in note
    row = next(r for r in document(result)["ladder"] if r["model"] == "selected")
    assert min(by_repeat) < row["harrell_c"]["estimate"] < max(by_repeat)
    assert len(result.predictions["selected"].repeats) == 3
    rows = [(row["repeat"], row["fold"]) for row in document(result)["chosen"]]
    assert rows == [(r, f) for r in (1, 2, 3) for f in (0, 1, 2)]
    assert "3 random folds of patients, dealt 3 times" in result.report.read_text("utf-8")
    assert "within the folds of every deal" in result.report.read_text("utf-8")


def test_repeats_that_were_stopped_go_on_where_they_were(small_study: Any, tmp_path: Path) -> None:
    study = asked(small_study, {"kind": "kfold", "k": 3, "repeats": 2})

    class Stopped(Exception):
        pass

    def stop(progress: Any) -> None:
        if progress.done == 4 and progress.step == "training on random folds":
            raise Stopped

    with pytest.raises(Stopped):
        run(study, tmp_path / "run", on_progress=stop)
    steps: list[tuple[str, int]] = []
    resumed = run(study, tmp_path / "run", on_progress=lambda p: steps.append((p.step, p.done)))
    assert [done for step, done in steps if step == "training on random folds"] == [4, 5, 6]
    whole = run(study, tmp_path / "whole")
    for name, each in whole.predictions.items():
        assert (resumed.predictions[name].risk_score == each.risk_score).all()


def test_a_horizon_is_asked_of_the_evaluated_patients(small_study: Any, tmp_path: Path) -> None:
    study = asked(small_study, {"kind": "time", "column": "year", "k": 3}, horizons=[3000])
    with pytest.raises(StudyError, match=r"\d of 40 patients are followed to 3000 days"):
        run(study, tmp_path / "run")


def test_modalities_that_were_not_asked_for_have_their_titles_too(
    small_study: Any, tmp_path: Path
) -> None:
    result = run(asked(small_study, {"kind": "kfold", "k": 3}), tmp_path / "run")
    page = result.report.read_text("utf-8")
    for name, modality in result.cohort.card.spec.modalities.items():
        assert f">{name}</th>" not in page
        assert short(modality.title) in page
