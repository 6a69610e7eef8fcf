"""What patients are called in files that a run leaves."""

import os
import re
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fusion.predictions import Predictions
from workbench.data.open_card import open_card
from workbench.exported_names import exported_names
from workbench.run_folder import RunFolder
from workbench.study_results import save_predictions
from workbench.study_settings import Study


@pytest.fixture
def restricted(small_study: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A small study whose card is restricted."""
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))
    small_study.spec["privacy"] = {"minimum_cell": 10, "restricted": True}
    return small_study.save()


def test_a_restricted_card_exports_pseudonyms_that_a_resumed_run_gives_again(
    restricted: Any, tmp_path: Path
) -> None:
    cohort = open_card(restricted.card).cohort()
    folder = RunFolder.claim(tmp_path / "run", {})
    names = exported_names(cohort.card, cohort.patients.index, folder)
    assert names.keys() == set(cohort.patients.index)
    assert all(re.fullmatch("P[A-Z2-7]{16}", name) for name in names.values())
    assert exported_names(cohort.card, cohort.patients.index, folder) == names
    other = exported_names(
        cohort.card, cohort.patients.index, RunFolder.claim(tmp_path / "other", {})
    )
    assert not set(other.values()) & set(names.values())
    (key, _) = sorted((tmp_path / "cache" / "pseudonyms").glob("*.key"))
    assert stat.S_IMODE(os.stat(key).st_mode) == 0o600


def test_the_order_of_predictions_says_nothing(restricted: Any, tmp_path: Path) -> None:
    card = open_card(restricted.card)
    cohort = card.cohort()
    patient_id = cohort.patients.index.to_numpy(str)
    horizons = np.array([365.0, 1095.0])
    predictions = Predictions(
        model="clinical",
        patient_id=patient_id,
        risk_score=np.arange(len(patient_id), dtype=float),
        survival=np.full((len(patient_id), 2), 0.5),
        horizons=horizons,
        fold=np.zeros(len(patient_id), int),
    )
    folder = RunFolder.claim(tmp_path / "run", {})
    written = pd.read_parquet(
        save_predictions(Study.of_card(card), cohort, {"clinical": predictions}, folder)
    )
    assert written["patient_id"].is_monotonic_increasing
    names = exported_names(cohort.card, cohort.patients.index, folder)
    expected = {names[p]: float(k) for k, p in enumerate(patient_id)}
    assert dict(zip(written["patient_id"], written["risk_score"], strict=True)) == expected
    assert not set(patient_id) & set(written["patient_id"])
