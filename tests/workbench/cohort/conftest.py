"""A small hospital on disk, described by a card: 80 patients, three sites, one late laboratory."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.data.open_card import DataCard, open_card

OBSERVED = {"days": 0}
CARD: dict[str, Any] = {
    "schema": 1,
    "name": "small_hospital",
    "title": "A small hospital",
    "version": "1.0",
    "licence": "made up",
    "citation": "made up",
    "source": "made up",
    "index_date": "day of diagnosis",
    "files": {"record": {"path": "record.csv", "key": {"column": "id"}}},
    "population": ["record"],
    "columns": {
        "age": {"type": "numeric", "unit": "years", "role": "feature", "observed_at": OBSERVED},
        "grade": {
            "type": "categorical",
            "levels": ["low", "high"],
            "role": "group",
            "observed_at": OBSERVED,
        },
        "smoker": {"type": "boolean", "role": "feature", "observed_at": OBSERVED},
        "crp": {"type": "numeric", "role": "feature", "observed_at": {"column": "crp_day"}},
        "crp_day": {"type": "numeric", "unit": "days", "role": "description"},
        "site": {"type": "categorical", "role": "site", "observed_at": OBSERVED},
        "relapse_lab": {"type": "numeric", "role": "feature", "observed_at": {"days": 30}},
        "response": {"type": "categorical", "role": "post_outcome"},
        "undated": {"type": "numeric", "role": "description"},
        "part": {"type": "numeric", "role": "split"},
    },
    "outcomes": {
        "os": {
            "title": "Overall survival",
            "file": "record",
            "time": "days",
            "unit": "days",
            "event": {"column": "dead", "event": 1, "censored": 0},
            "time_zero": "day of diagnosis",
        }
    },
    "modalities": {
        "clinical": {
            "kind": "ehr",
            "title": "Clinical",
            "columns": ["age", "grade", "smoker", "crp"],
        }
    },
    "groups": {
        "older_smokers": {
            "title": "Older smokers",
            "criteria": [
                {"column": "age", "op": ">=", "value": 60},
                {"column": "smoker", "op": "==", "value": True},
            ],
        }
    },
    "limits": ["made up"],
    "privacy": {"minimum_cell": 0, "restricted": False},
    "study": {"outcome": "os"},
}


def record(n_patients: int = 80) -> pd.DataFrame:
    """80 patients; some values missing, five CRP late, two outcomes unusable."""
    rng = np.random.default_rng(5)
    table = pd.DataFrame(
        {
            "id": [f"P{i:03d}" for i in range(n_patients)],
            "age": rng.integers(20, 90, n_patients).astype(float),
            "grade": rng.choice(["low", "high"], n_patients),
            "smoker": rng.choice(["yes", "no"], n_patients),
            "crp": rng.gamma(2, 5, n_patients).round(1),
            "crp_day": rng.integers(-5, 1, n_patients).astype(float),
            "site": rng.choice(["A", "B", "C"], n_patients, p=[0.5, 0.3, 0.2]),
            "relapse_lab": rng.random(n_patients).round(2),
            "response": rng.choice(["none", "full"], n_patients),
            "undated": rng.random(n_patients).round(2),
            "part": np.arange(n_patients) % 4.0,
            "days": rng.integers(1, 2000, n_patients).astype(float),
            "dead": rng.integers(0, 2, n_patients).astype(float),
        }
    )
    table.loc[:4, "crp_day"] = 3
    table.loc[5, "crp_day"] = np.nan
    table.loc[6:9, "age"] = np.nan
    table.loc[10, "days"] = 0
    table.loc[11, "dead"] = np.nan
    table.loc[12, "part"] = np.nan
    return table


@pytest.fixture
def table() -> pd.DataFrame:
    """The table of the small hospital, to be changed."""
    return record()


@pytest.fixture
def make_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., DataCard]:
    """Write a card, changed, and its table."""
    monkeypatch.delenv("WORKBENCH_DATA", raising=False)
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))

    def make(
        table: pd.DataFrame | None = None,
        change: Callable[[dict[str, Any]], object] = lambda card: None,
    ) -> DataCard:
        card = deepcopy(CARD)
        for name, column in card["columns"].items():
            column |= {"file": "record", "meaning": name}
        change(card)
        (record() if table is None else table).to_csv(tmp_path / "record.csv", index=False)
        path = tmp_path / "small_hospital.md"
        path.write_text(f"---\n{json.dumps(card, indent=1)}\n---\nMade up.\n")
        return open_card(path)

    return make
