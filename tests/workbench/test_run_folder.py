"""One folder, one study: whole files or none, and what another process left."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fusion.predictions import Predictions
from workbench.errors import StudyError
from workbench.run_folder import RunFolder

IDENTITY = {"outcome": "os", "seed": 0, "horizons": [365.0], "data_hash": "a", "study_hash": "b"}


def predictions(seed: int = 0) -> dict[str, Predictions]:
    generator = np.random.default_rng(seed)
    ids = np.array(["P1", "P2", "P3"])
    survival = generator.uniform(size=(3, 2))
    survival.sort(axis=1)
    score = generator.normal(size=3)
    horizons = np.array([1.0, 2.0])
    made = Predictions("null", ids, np.zeros(3, int), score, horizons, survival[:, ::-1], {}, {})
    return {"null": made}


def test_an_empty_folder_is_claimed_and_the_same_study_comes_back(tmp_path: Path) -> None:
    out = tmp_path / "new" / "run"
    folder = RunFolder.claim(out, IDENTITY)
    record = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert record["identity"] == IDENTITY
    assert record["state"] == "running"
    RunFolder.claim(out, IDENTITY).finish()
    assert json.loads((out / "run.json").read_text(encoding="utf-8"))["state"] == "complete"
    assert folder.path == out


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ({"outcome": "pfi", "study_hash": "c"}, "outcome (there os, now pfi)"),
        ({"seed": 1, "study_hash": "c"}, "seed (there 0, now 1)"),
        ({"horizons": [10.0], "study_hash": "c"}, "horizons"),
        ({"data_hash": "z"}, "the data"),
        ({"code_version": "2"}, "the version of the workbench"),
        ({"definition_hash": "z"}, "its patients"),
        ({"seed": 1, "data_hash": "z"}, "seed (there 0, now 1); the data"),
    ],
)
def test_what_differs_is_named(tmp_path: Path, now: dict[str, Any], words: str) -> None:
    RunFolder.claim(tmp_path, IDENTITY)
    before = (tmp_path / "run.json").read_bytes()
    with pytest.raises(StudyError) as refused:
        RunFolder.claim(tmp_path, IDENTITY | now)
    assert f"differs in {words}: choose" in str(refused.value)
    assert (tmp_path / "run.json").read_bytes() == before


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = RunFolder.claim(tmp_path, IDENTITY)
    folder.write("table", lambda path: path.write_text("whole"))

    def fail(path: Path) -> None:
        path.write_text("ha")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        folder.write("table", fail)
    with pytest.raises(ValueError, match="JSON compliant"):
        folder.write_json("numbers.json", {"c": float("nan")})
    assert (tmp_path / "table").read_text() == "whole"
    assert {path.name for path in tmp_path.iterdir()} == {"run.json", "table"}
    assert os.stat(tmp_path / "table").st_mode & 0o777 == 0o644


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = RunFolder.claim(tmp_path, IDENTITY)

    def make(text: str, *, fail: bool = False) -> Any:
        def fill(path: Path) -> None:
            path.mkdir()
            (path / "weights").write_text(text)
            if fail:
                raise OSError("disk full")

        return fill

    folder.replace_folder("model", make("one"))
    with pytest.raises(OSError, match="disk full"):
        folder.replace_folder("model", make("half", fail=True))
    assert (tmp_path / "model" / "weights").read_text() == "one"
    folder.replace_folder("model", make("two"))
    assert (tmp_path / "model" / "weights").read_text() == "two"
    assert {path.name for path in tmp_path.iterdir()} == {"run.json", "model"}


def test_finished_folds_come_back_as_they_were(tmp_path: Path) -> None:
    folder = RunFolder.claim(tmp_path, IDENTITY)
    assert folder.finished_folds("split") == {}
    for fold in (0, 2):
        folder.keep_fold("split", fold, predictions(fold))
    again = RunFolder.claim(tmp_path, IDENTITY).finished_folds("split")
    assert sorted(again) == [0, 2]
    np.testing.assert_array_equal(again[2]["null"].survival, predictions(2)["null"].survival)
    assert folder.finished_folds("another split") == {}
    folder.finish()
    assert {path.name for path in tmp_path.iterdir()} == {"run.json"}


@pytest.mark.parametrize("file", ["record.json", "numbers.safetensors"])
@pytest.mark.parametrize("n_bytes", [0, 20])
def test_a_damaged_or_unfinished_fold_is_trained_again(
    tmp_path: Path, file: str, n_bytes: int
) -> None:
    folder = RunFolder.claim(tmp_path, IDENTITY)
    for fold in (0, 1):
        folder.keep_fold("split", fold, predictions(fold))
    spoilt = tmp_path / "parts" / "split" / "1" / file
    spoilt.write_bytes(spoilt.read_bytes()[:n_bytes])
    (tmp_path / "parts" / "split" / ".2-half").mkdir()
    assert sorted(folder.finished_folds("split")) == [0]
    folder.keep_fold("split", 1, predictions(1))
    assert sorted(folder.finished_folds("split")) == [0, 1]


def test_what_a_killed_process_was_writing_is_removed(tmp_path: Path) -> None:
    RunFolder.claim(tmp_path, IDENTITY)
    (tmp_path / ".part-x").write_text("half")
    (tmp_path / ".part-y" / "model").mkdir(parents=True)
    (tmp_path / ".report.json.z").write_text("half")
    (tmp_path / "notes.txt").write_text("mine")
    RunFolder.claim(tmp_path, IDENTITY)
    assert {path.name for path in tmp_path.iterdir()} == {"run.json", "notes.txt"}
