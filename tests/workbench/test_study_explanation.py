"""The judged model explained down to genes, out of fold: run, resumed and opened again."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from PIL import Image

import workbench as wb
from workbench.study import StudyResult
from workbench.study_explanation import OVER_TIME, RISK_SCORE, places_in
from workbench.study_settings import Study
from workbench.widgets import ExplanationView, PatientView

pytestmark = pytest.mark.usefixtures("short_training")


def run_small(small_study: Any, out: Path, **entries: Any) -> StudyResult:
    small_study.study |= {"split": {"kind": "kfold", "k": 2}, **entries}
    small_study.save()
    return wb.run(Study.from_file(small_study.study_file), out)


def explained(result: StudyResult) -> dict[str, Any]:
    report = json.loads(result.report.with_name("report.json").read_text(encoding="utf-8"))
    return report["contributions"]


def test_a_run_explains_its_predictions_down_to_genes(small_study: Any, tmp_path: Path) -> None:
    small_study.spec["privacy"]["thumbnails"] = True  # So that a patient's page is text as well.
    result = run_small(small_study, tmp_path / "run")
    found, predicted = result.attributions[RISK_SCORE], result.predictions["selected"]
    assert found.patient_id.tolist() == predicted.patient_id.tolist()
    assert_allclose(found.modalities[0].sum(axis=1), predicted.risk_score, atol=1e-6)
    assert found.features["clinical"].names == ("age", "grade")
    assert found.features["rna"].names == tuple(map(str, range(20)))
    assert "mri" not in found.features
    over_time = result.attributions[OVER_TIME]
    assert over_time.horizons.tolist() == [365.0, 1095.0]
    has = result.cohort.available["rna"]
    assert not found.features["rna"].values[0, ~has].any()

    names = [check.name for check in found.checks]
    for part in ("sum and the total", "deletion", "insertion", "random weights", "other folds"):
        assert sum(part in name for name in names) == 1, part
    widget = ExplanationView.of(result, state={"modality": "rna"})
    assert "0" in {row[0] for row in widget.tables["features"].rows}
    one = PatientView.of(result, state={"patient": 7})
    (moved,) = (line for line in one.text().splitlines() if "what moved the prediction" in line)
    assert "; Age: " in moved
    assert "; Grade: " in moved

    again = wb.run(Study.from_file(small_study.study_file), tmp_path / "run")
    for name, attribution in result.attributions.items():
        np.testing.assert_array_equal(again.attributions[name].modalities, attribution.modalities)
        assert again.attributions[name].checks == attribution.checks


def test_the_report_tells_them_and_says_nothing_of_failed_ones(
    small_study: Any, tmp_path: Path
) -> None:
    models = ["null", "clinical", "stack", "selected"]
    entries = {"modalities": ["clinical", "rna"], "models": models}
    sound = explained(run_small(small_study, tmp_path / "run", **entries))
    assert sound["n_failed"] == 0
    rows = {row["name"]: row for row in sound["explained"]["features"]}
    assert rows["age"]["direction"] == pytest.approx(1.0, abs=0.01)
    assert rows["grade"]["mean_absolute"]["estimate"] > 0
    assert sound["explained"]["n_models"] == 2

    def shuffle(table: pd.DataFrame) -> pd.DataFrame:
        other = table[["os_days", "os_status"]].sample(frac=1, random_state=0)
        return table.assign(**{name: other[name].to_numpy() for name in other})

    small_study.edit("visits.csv", shuffle)
    noise = explained(run_small(small_study, tmp_path / "noise", **entries))
    assert noise["n_failed"] > 0
    assert noise["explained"] == {}
    assert noise["modalities"] == []


def test_maps_of_images_are_explained_out_of_fold_and_compared_with_the_lesion(
    small_study: Any, tmp_path: Path
) -> None:
    small_study.spec["privacy"]["thumbnails"] = True
    small_study.edit("visits.csv", lambda table: by_lesion(table, small_study.folder))
    models = ["null", "clinical", "concatenation", "selected"]
    entries = {"modalities": ["clinical", "mri"], "models": models}
    result = run_small(small_study, tmp_path / "run", **entries)
    found = result.attributions[places_in("mri")]
    assert found.patient_id.tolist() == result.predictions["selected"].patient_id.tolist()
    has = result.cohort.available["mri"]
    maps = found.images["mri"].values[0]
    assert maps.shape == (120, 16, 16, 1)
    assert maps[has].any(axis=(1, 2, 3)).all()
    assert not maps[~has].any()
    assert np.ptp(found.of("mri")[0, has]) > 0.5
    (said,) = explained(result)["images"]
    assert said["n_patients"] == 60
    assert said["lesion"]["n_patients"] == 60
    assert [check["name"] for check in said["checks"]] == [check.name for check in found.checks]
    pictures = sorted(path.name for path in (tmp_path / "run" / "image_maps").iterdir())
    assert pictures == ["mri highest.png", "mri lowest.png", "mri middle.png"]
    state = {"method": places_in("mri"), "modality": "mri"}
    assert "has a map of contributions" in ExplanationView.of(result, state=state).text()
    again = wb.run(Study.from_file(small_study.study_file), tmp_path / "run")
    same = again.attributions[places_in("mri")].images["mri"]
    np.testing.assert_array_equal(same.values[0], maps)


def by_lesion(table: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """Outcomes that hang on the lesion's size alone."""
    sizes = np.zeros(len(table))
    for row, patient in enumerate(table["id"]):
        mask = folder / "scans" / f"{patient}_mask.png"
        if mask.exists():
            sizes[row] = np.sqrt((np.asarray(Image.open(mask)) > 0).sum() / np.pi) - 4
    time = np.random.default_rng(3).exponential(1200 * np.exp(-2.2 * sizes)) + 1
    return table.assign(os_days=time.round(1), os_status=1)


def test_repeats_are_averaged_as_their_predictions_are(small_study: Any, tmp_path: Path) -> None:
    result = run_small(
        small_study,
        tmp_path / "run",
        modalities=["clinical", "rna"],
        models=["null", "clinical", "stack", "selected"],
        split={"kind": "kfold", "k": 2, "repeats": 2},
    )
    found = result.attributions[RISK_SCORE]
    assert_allclose(
        found.modalities[0].sum(axis=1), result.predictions["selected"].risk_score, atol=1e-6
    )
    assert found.patient_id.tolist() == result.predictions["selected"].patient_id.tolist()
    assert explained(result)["explained"].get("n_models", 4) == 4
