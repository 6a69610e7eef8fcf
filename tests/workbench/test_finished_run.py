"""A finished run is opened again as it was found; whatever is missing or other is trained again."""

import json
import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fusion.explanation.attribution import Attribution, FeatureAttribution
from fusion.explanation.checks import at_least
from fusion.predictions import Predictions
from workbench.evaluation import Evaluation
from workbench.finished_run import KIND, RESULTS, keep_finished, open_finished
from workbench.run_folder import RunFolder

IDENTITY = {"outcome": "os", "seed": 0, "horizons": [365.0], "study_hash": "b"}
NUMBER = {"estimate": 0.1 + 0.2, "lower": 1e-17, "upper": 0.5}
FOUND = Evaluation(
    ladder=({"model": "null", "group": "all", "harrell_c": NUMBER},),
    at_horizons=(),
    calibration_curves=(),
    risk_groups={"model": "null", "labels": ["low", "high"], "strata": []},
    claims=({"group": "all", "delta_ipa": None},),
    modality_value=(),
    notes=("a note",),
    settings={"horizons": [365.0], "seed": 0},
)

EXPLAINED = Attribution(
    method="linear terms",
    target="log_hazard",
    horizons=np.array([]),
    reference="the mean training patient",
    patient_id=np.array(["P1", "P2", "P3"]),
    modality_names=("clinical",),
    modalities=np.array([[[0.1], [2.0], [-3.0]]]),
    features={
        "clinical": FeatureAttribution(
            ("age", "sex"), np.array([[[0.1, 0.0], [1.0, 1.0], [-3.0, 0.0]]])
        )
    },
    checks=(at_least("agreement", float("nan"), 0.5, meaning="could not be measured"),),
)


def predictions() -> dict[str, Predictions]:
    ids = np.array(["P1", "P2", "P3"])
    survival = np.array([[0.9, 0.8], [0.7, 0.1], [1.0, 1.0]])
    score = np.array([0.1, 2.0, -3.0])
    horizons = np.array([1.0, 2.0])
    parts = {"clinical": score}
    return {
        "null": Predictions("null", ids, np.zeros(3, int), score, horizons, survival, parts, {})
    }


@pytest.fixture
def finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))
    folder = RunFolder.claim(tmp_path / "run", IDENTITY)
    for name in RESULTS:
        folder.write(name, lambda path: path.write_text("whole"))
    keep_finished(folder, IDENTITY, predictions(), FOUND, {"risk score": EXPLAINED})
    folder.finish()
    return folder


def kept(tmp_path: Path) -> Path:
    (folder,) = (tmp_path / "cache" / KIND).iterdir()
    return folder


def test_it_is_opened_as_it_was_found(finished: RunFolder) -> None:
    record = (finished.path / "run.json").read_bytes()
    again = open_finished(finished, IDENTITY)
    assert again is not None
    assert again.evaluation == FOUND
    assert again.report == finished.path / "report.html"
    (before,), (after,) = predictions().values(), again.predictions.values()
    for name in ("patient_id", "fold", "risk_score", "horizons", "survival"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))
    np.testing.assert_array_equal(after.contributions["clinical"], before.risk_score)
    explained = again.attributions["risk score"]
    np.testing.assert_array_equal(explained.modalities, EXPLAINED.modalities)
    assert explained.features["clinical"].names == ("age", "sex")
    assert math.isnan(explained.checks[0].value)
    assert (finished.path / "run.json").read_bytes() == record


@pytest.mark.parametrize("name", RESULTS)
def test_it_is_trained_again_where_a_result_is_missing(finished: RunFolder, name: str) -> None:
    (finished.path / name).unlink()
    assert open_finished(finished, IDENTITY) is None


def test_another_study_is_not_opened(finished: RunFolder) -> None:
    other: Mapping[str, Any] = IDENTITY | {"seed": 1}
    assert open_finished(finished, other) is None


def test_an_unfinished_run_is_not_opened(finished: RunFolder) -> None:
    RunFolder.claim(finished.path, IDENTITY)  # as a run does that begins again
    assert open_finished(finished, IDENTITY) is None


def test_it_belongs_to_its_folder(finished: RunFolder, tmp_path: Path) -> None:
    shutil.copytree(finished.path, tmp_path / "copy")
    assert open_finished(RunFolder(tmp_path / "copy"), IDENTITY) is None


def test_it_is_trained_again_where_what_was_kept_is_gone(
    finished: RunFolder, tmp_path: Path
) -> None:
    shutil.rmtree(tmp_path / "cache")
    assert open_finished(finished, IDENTITY) is None


@pytest.mark.parametrize("content", ["{}", "not JSON", "[]", json.dumps({"ladder": []})])
def test_what_was_damaged_is_trained_again_and_replaced(
    finished: RunFolder, tmp_path: Path, content: str
) -> None:
    (kept(tmp_path) / "evaluation.json").write_text(content)
    assert open_finished(finished, IDENTITY) is None
    keep_finished(finished, IDENTITY, predictions(), FOUND, {})
    assert open_finished(finished, IDENTITY) is not None


def test_its_owner_alone_can_read_the_patients(finished: RunFolder, tmp_path: Path) -> None:
    assert kept(tmp_path).stat().st_mode & 0o077 == 0
    assert finished.path not in kept(tmp_path).parents
