"""A small dataset that tests spoil one thing at a time, and the real data where they lie."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from workbench.data.open_card import DataCard, open_card


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "shared_data: reads the real data that WORKBENCH_DATA names")


@pytest.fixture
def shared_data() -> Path:
    """Folder of the real data; the test is skipped where there is none."""
    folder = os.environ.get("WORKBENCH_DATA")
    if not folder or not (Path(folder) / "tcga_glioma").is_dir():
        pytest.skip("the real data are not here: set WORKBENCH_DATA to their folder")
    return Path(folder)


@pytest.fixture(scope="session")
def _cache_of_real_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _own_cache(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    _cache_of_real_data: Path,
) -> None:
    """A cache folder for each test; the real workbook, slow to read, is parsed once for all."""
    real = request.node.get_closest_marker("shared_data") is not None
    monkeypatch.setenv("WORKBENCH_CACHE", str(_cache_of_real_data if real else tmp_path / "cache"))


def front_matter() -> dict[str, Any]:
    """The card of the small dataset: 12 patients, a matrix of 8, images of 6."""
    at_start = {"days": 0, "basis": "measured at diagnosis"}
    return {
        "schema": 1,
        "name": "toy",
        "title": "Toy",
        "version": "1",
        "licence": "none",
        "citation": "none",
        "source": "made by a test",
        "index_date": "diagnosis",
        "files": {
            "visits": {"path": "visits.csv", "key": {"column": "id"}},
            "genes": {"path": "genes.csv", "key": {"column": "id"}},
        },
        "population": ["visits"],
        "columns": {
            "age": {
                "file": "visits",
                "meaning": "age",
                "type": "numeric",
                "unit": "years",
                "range": [18, 100],
                "role": "feature",
                "observed_at": at_start,
            },
            "grade": {
                "file": "visits",
                "meaning": "grade",
                "type": "categorical",
                "levels": ["low", "mid", "high"],
                "role": "feature",
                "observed_at": at_start,
            },
            "smoker": {
                "file": "visits",
                "meaning": "ever smoked",
                "type": "boolean",
                "role": "feature",
                "observed_at": at_start,
            },
            "vital": {
                "file": "visits",
                "meaning": "vital status",
                "type": "categorical",
                "levels": ["alive", "dead"],
                "role": "post_outcome",
            },
        },
        "outcomes": {
            "os": {
                "title": "Overall survival",
                "file": "visits",
                "time": "time",
                "unit": "days",
                "event": {"column": "status", "event": 1, "censored": 0},
                "time_zero": "diagnosis",
            }
        },
        "modalities": {
            "clinical": {
                "kind": "ehr",
                "title": "Clinical",
                "columns": ["age", "grade", "smoker"],
            },
            "rna": {
                "kind": "genomics",
                "title": "RNA",
                "file": "genes",
                "columns": "g_(.+)",
                "unit": "log",
                "pathways": {"one": ["A", "B"]},
                "observed_at": at_start,
            },
            "scan": {
                "kind": "image",
                "title": "Scan",
                "pattern": "scans/*.png",
                "exclude": "*_mask.png",
                "key": {"regex": r"scans/(P\d+)_\d+\.png"},
                "mask": "{folder}/{stem}_mask.png",
                "channels": ["r", "g", "b"],
                "size": 16,
                "images_per_patient": 2,
                "spacing": "none",
                "observed_at": at_start,
            },
        },
        "splits": {
            "fold": {
                "pattern": "folds/fold_{fold}.csv",
                "folds": [0, 1],
                "column": "val",
                "source": "a test",
            }
        },
        "limits": ["toy"],
        "study": {"outcome": "os", "modalities": ["clinical", "rna", "scan"]},
    }


def write_files(folder: Path) -> None:
    generator = np.random.default_rng(0)
    ids = [f"P{i:02}" for i in range(12)]
    status = np.arange(12) % 2
    pd.DataFrame(
        {
            "id": ids,
            "age": generator.integers(20, 90, 12),
            "grade": ["low", "mid", "high"] * 4,
            "smoker": ["yes", "no"] * 6,
            "time": generator.integers(200, 4000, 12),
            "status": status,
            "vital": np.where(status == 1, "dead", "alive"),
        }
    ).to_csv(folder / "visits.csv", index=False)
    genes = pd.DataFrame(generator.normal(size=(8, 3)), columns=["g_A", "g_B", "g_C"])
    genes.insert(0, "id", ids[:8])
    genes.to_csv(folder / "genes.csv", index=False)
    (folder / "scans").mkdir()
    for patient_id in ids[:6]:
        for number in (9, 10):
            pixels = generator.integers(0, 256, (20, 24, 3), dtype=np.uint8)
            mask = np.zeros((20, 24), dtype=np.uint8)
            mask[5:15, 5:15] = 255
            stem = folder / "scans" / f"{patient_id}_{number}"
            Image.fromarray(pixels).save(f"{stem}.png")
            Image.fromarray(mask).save(f"{stem}_mask.png")
    (folder / "folds").mkdir()
    for fold in (0, 1):
        held_out = pd.DataFrame({"val": ids[fold::2]})
        held_out.to_csv(folder / "folds" / f"fold_{fold}.csv")


class Toy:
    """The small dataset on disk: change ``spec`` or the files, then ``open`` it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # Copied, for YAML would write what two entries share as an alias.
        self.spec = json.loads(json.dumps(front_matter()))

    def edit(self, file: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
        """Rewrite one table; ``change`` gets it as text."""
        path = self.folder / file
        change(pd.read_csv(path, dtype=str)).to_csv(path, index=False)

    def save(self) -> Path:
        path = self.folder / "toy.md"
        front = yaml.safe_dump(self.spec, sort_keys=False, allow_unicode=True)
        path.write_text(f"---\n{front}---\n\n# Toy\n", encoding="utf-8")
        return path

    def open(self) -> DataCard:
        return open_card(self.save())


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    """The small dataset, whole and right."""
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "elsewhere"))
    folder = tmp_path / "toy"
    folder.mkdir()
    write_files(folder)
    return Toy(folder)
