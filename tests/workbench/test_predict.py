"""New patients and a saved model: equal to the model in memory, or refused in one line."""

import json
import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fusion.saving import load_record
from workbench.data.open_card import open_card
from workbench.errors import WorkbenchError
from workbench.materialisation import materialise
from workbench.predict import predict


@pytest.fixture
def model(finished_study: Any, tmp_path: Path) -> Path:
    """A copy of the saved model, to be spoiled."""
    _, out = finished_study
    return shutil.copytree(out / "model", tmp_path / "model")


@pytest.fixture
def fresh(small_study: Any) -> Any:
    """The same kind of patients, of whom no outcome is known."""
    known = ["os_days", "os_status", "pfi_days", "pfi_status", "response"]
    small_study.edit("visits.csv", lambda table: table.drop(columns=known))
    small_study.spec["outcomes"] = {}
    del small_study.spec["columns"]["response"]
    return small_study.save()


def risks(model: Path, study: Any) -> pd.DataFrame:
    return predict(model, open_card(study.save().card)).set_index("patient_id")


def test_the_saved_model_predicts_as_the_fitted_one(finished_study: Any, fresh: Any) -> None:
    study, out = finished_study
    saved = load_record(out / "model")
    card = open_card(study.card)
    cohort = card.cohort()
    dataset = materialise(cohort, ["clinical", "rna", "mri"])
    expected = saved["risk"].predict(saved["embedder"].embed(dataset), np.array([365.0, 1095.0]))
    found = risks(out, fresh)
    assert found.index.tolist() == expected.patient_id.tolist()
    np.testing.assert_allclose(found["risk_score"], expected.risk_score, rtol=1e-12)
    np.testing.assert_allclose(found["survival_1095"], expected.at(1095.0), rtol=1e-12)
    pd.testing.assert_frame_equal(found, risks(out / "model", fresh))


def test_the_command_writes_one_row_a_patient(
    call: Any, finished_study: Any, fresh: Any, tmp_path: Path
) -> None:
    _, out = finished_study
    target = tmp_path / "new folder" / "risk.csv"
    code, shown, _ = call("predict", out, fresh.card, "--out", target)
    assert code == 0
    assert shown.strip() == f"120 patients: {target}"
    table = pd.read_csv(target, dtype={"patient_id": str})
    columns = ["patient_id", "risk_score", "survival_365", "survival_1095", "n_modalities"]
    assert table.columns.tolist() == columns
    assert (table["survival_1095"] <= table["survival_365"]).all()
    before = target.read_bytes()
    code, _, err = call("predict", out, fresh.card, "--out", target)
    assert (code, len(err.splitlines())) == (1, 1)
    assert "exists already" in err
    assert target.read_bytes() == before


def test_any_subset_of_the_modalities_is_enough(finished_study: Any, fresh: Any) -> None:
    _, out = finished_study
    whole = risks(out, fresh)
    fresh.edit("genes.csv", lambda table: table.head(10))
    for scan in sorted((fresh.folder / "scans").glob("P???.png"))[10:]:
        scan.unlink()
    fresh.edit("visits.csv", lambda t: t.assign(age=t["age"].where(t.index % 2 == 0)))
    few = risks(out, fresh)
    assert len(few) == 120
    assert np.isfinite(few["risk_score"]).all()
    assert few["n_modalities"].value_counts().to_dict() == {1: 100, 2: 20}
    # P000 kept all that was known of it.
    assert few.loc["P000", "risk_score"] == whole.loc["P000", "risk_score"]


def test_patients_of_whom_nothing_is_known_get_no_risk(finished_study: Any, fresh: Any) -> None:
    _, out = finished_study
    fresh.edit("visits.csv", lambda table: table.assign(age="", grade=""))
    found = risks(out, fresh)
    assert found.index.tolist() == [f"P{i:03}" for i in range(120)]
    fresh.edit("genes.csv", lambda table: table[table["id"] >= "P070"])
    assert risks(out, fresh).index[0] == "P060"


def test_the_order_of_genes_and_genes_beyond_the_models_change_nothing(
    finished_study: Any, fresh: Any
) -> None:
    _, out = finished_study
    before = risks(out, fresh)
    fresh.edit("genes.csv", lambda t: t[["id", *t.columns[:0:-1]]].assign(g_NEW="1.5"))
    pd.testing.assert_frame_equal(risks(out, fresh), before)


def test_the_order_of_clinical_columns_changes_nothing(finished_study: Any, fresh: Any) -> None:
    _, out = finished_study
    before = risks(out, fresh)
    fresh.spec["modalities"]["clinical"]["columns"] = ["grade", "age"]
    pd.testing.assert_frame_equal(risks(out, fresh), before)


def _rename_level(study: Any) -> None:
    study.spec["columns"]["grade"]["levels"] = ["low", "mid", "severe"]
    study.edit("visits.csv", lambda t: t.assign(grade=t["grade"].replace("high", "severe")))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda s: s.edit("genes.csv", lambda t: t.drop(columns=["g_3", "g_4"])),
            "rna lacks 2 of the 20 features that the model reads, such as '3'",
        ),
        (
            lambda s: s.edit("genes.csv", lambda t: t.drop(columns="g_0").assign(g_00="1")),
            "lacks 1",
        ),
        (
            lambda s: s.spec["columns"]["grade"].update(levels=["mid", "low", "high"]),
            "clinical lacks 1 of the 3 features",
        ),
        (_rename_level, "clinical lacks 1 of the 3 features that the model reads, such as"),
        (
            lambda s: s.spec["columns"]["grade"].update(levels=["low", "mid", "high", "none"]),
            "1 features that the model does not know, such as 'grade=none'",
        ),
        (lambda s: s.spec["modalities"]["mri"].update(size=32), "mri at 16 px, the card says 32"),
        (lambda s: s.spec["modalities"]["mri"].update(channels=["r", "g", "b"]), "in 1 channels"),
        (lambda s: s.spec["modalities"].pop("mri"), "does not describe the modality mri"),
        (
            lambda s: s.spec["modalities"].update(mri=s.spec["modalities"]["rna"]),
            "reads mri as images, the card as genomics",
        ),
        (lambda s: (s.folder / "genes.csv").unlink(), "genes.csv"),
        (lambda s: s.edit("visits.csv", lambda t: t.assign(age="old")), "are not numbers"),
        (lambda s: s.edit("visits.csv", lambda t: t.head(0)), "no patient is in visits"),
    ],
)
def test_what_the_model_cannot_read_is_refused(
    call: Any,
    finished_study: Any,
    fresh: Any,
    tmp_path: Path,
    change: Callable[[Any], Any],
    message: str,
) -> None:
    _, out = finished_study
    change(fresh)
    target = tmp_path / "risk.csv"
    code, shown, err = call("predict", out, fresh.save().card, "--out", target)
    assert (code, shown) == (1, "")
    assert message in err
    assert len(err.splitlines()) == 1
    assert not target.exists()


def _rewritten(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], Any]:
    def spoil(model: Path) -> None:
        path = model / "record.json"
        content = json.loads(path.read_text(encoding="utf-8"))
        change(content)
        path.write_text(json.dumps(content), encoding="utf-8")

    return spoil


def _entry(name: str, value: Any) -> Callable[[Path], Any]:
    return _rewritten(lambda content: content["record"]["dict"].update({name: value}))


def _risk(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], Any]:
    """Change the fields of the first linear model, itself or a part of a blend."""

    def find(content: dict[str, Any]) -> None:
        risk = content["record"]["dict"]["risk"]
        while "components" not in risk["fields"]:
            risk = risk["fields"]["parts"]["tuple"][0]
        change(risk["fields"])

    return _rewritten(find)


def _cut(name: str, n_bytes: int) -> Callable[[Path], Any]:
    return lambda model: (model / name).write_bytes((model / name).read_bytes()[:n_bytes])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda model: shutil.rmtree(model),
        lambda model: (model / "record.json").unlink(),
        lambda model: (model / "numbers.safetensors").unlink(),
        _cut("record.json", 0),
        _cut("record.json", 200),
        _cut("numbers.safetensors", 0),
        _cut("numbers.safetensors", 100),
        _cut("numbers.safetensors", 5000),
        lambda model: (model / "numbers.safetensors").write_bytes(struct.pack("<Q", 2**60)),
        lambda model: (model / "record.json").write_bytes(b"\x80\x04\x95pickle"),
        lambda model: (model / "record.json").write_text("[" * 100_000),
        lambda model: (model / "record.json").write_text('{"name": "of another program"}'),
        _rewritten(lambda content: content.update(format=99)),
        _rewritten(lambda content: content.pop("record")),
        _rewritten(lambda content: content.update(record={"dict": [1, 2]})),
        _rewritten(lambda content: content.update(record={"class": "os.system", "fields": {}})),
        _rewritten(
            lambda content: content.update(record={"class": "Popen", "fields": {"a": "ls"}})
        ),
        _rewritten(
            lambda content: content.update(record={"class": ["FittedLinear"], "fields": {}})
        ),
        _rewritten(lambda content: content.update(record={"py/object": "os.system"})),
        _entry("risk", {"class": "__import__", "fields": {}}),
        _entry("risk", {"class": "FittedLinear", "fields": {}}),
        _entry("risk", {"class": "Components", "fields": {"modality": "x"}}),
        _entry("risk", None),
        _entry("embedder", {"dict": {}}),
        _entry("study", "{}"),
        _entry("study", "rm -rf"),
        _entry("study", 5),
        _entry("image_sizes", 5),
        _risk(lambda fields: fields["components"]["dict"]["mri"]["fields"].update(names=[1])),
        _risk(lambda fields: fields["coefficients"]["dict"].pop("clinical")),
        _risk(lambda fields: fields["coefficients"]["dict"].update(clinical="all")),
        _risk(lambda fields: fields.update(components="none")),
    ],
)
def test_a_model_folder_that_is_none_is_refused(
    call: Any, fresh: Any, model: Path, tmp_path: Path, spoil: Callable[[Path], Any]
) -> None:
    spoil(model)
    target = tmp_path / "risk.csv"
    code, shown, err = call("predict", model, fresh.card, "--out", target)
    assert (code, shown) == (1, "")
    assert "name the folder that `workbench run` wrote" in err
    assert len(err.splitlines()) == 1
    assert not target.exists()


def test_a_model_folder_is_read_only(finished_study: Any, fresh: Any) -> None:
    _, out = finished_study
    before = {path: os.stat(path).st_mtime_ns for path in out.rglob("*")}
    risks(out, fresh)
    assert {path: os.stat(path).st_mtime_ns for path in out.rglob("*")} == before


def test_a_run_without_a_model_yet(small_study: Any, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}", encoding="utf-8")
    with pytest.raises(WorkbenchError, match="workbench run"):
        predict(tmp_path, open_card(small_study.card))
