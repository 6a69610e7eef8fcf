"""Simulated patients, R's answers about them, and public tables where they lie at hand."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

REFERENCE = Path(__file__).parents[2] / "reference" / "survival"
CALIBRATION = REFERENCE.with_name("calibration")
PUBLIC = "public_reference.csv"

Outcome = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="session")
def inputs() -> pd.DataFrame:
    """What R saw: tests/reference/survival/inputs.csv, times and scores tied."""
    table = pd.read_csv(REFERENCE / "inputs.csv")
    return table.assign(event=table["event"] == 1)


@pytest.fixture(scope="session")
def reference() -> Callable[[str], pd.Series]:
    """R's values of a name, indexed by where they hold (survival.R, versions.txt)."""
    table = pd.read_csv(REFERENCE / "reference.csv")

    def values(name: str) -> pd.Series:
        found = table[table["name"] == name].set_index("at")["value"]
        assert len(found), f"survival.R wrote nothing named {name}"
        return found

    return values


@pytest.fixture(scope="session")
def calibration_inputs() -> pd.DataFrame:
    """What R saw: tests/reference/calibration/inputs.csv, two causes, times tied."""
    table = pd.read_csv(CALIBRATION / "inputs.csv")
    return table.assign(event=table["cause"] > 0)


@pytest.fixture(scope="session")
def calibration_reference() -> Callable[..., pd.Series]:
    """R's values of a name, indexed by where they hold (calibration.R, public_tables.R)."""
    tables = {name: pd.read_csv(CALIBRATION / name) for name in ("reference.csv", PUBLIC)}

    def values(name: str, *, public: bool = False) -> pd.Series:
        table = tables[PUBLIC if public else "reference.csv"]
        found = table[table["name"] == name].set_index("at")["value"]
        assert len(found), f"R wrote nothing named {name}"
        return found

    return values


@pytest.fixture(scope="session")
def public_table() -> Callable[[str], pd.DataFrame]:
    """A table of R's survival package, read where the shared data lie, else the test is skipped."""
    folder = os.environ.get("WORKBENCH_DATA")

    def read(name: str) -> pd.DataFrame:
        path = Path(folder or "") / "survival" / f"{name}.csv"
        if not folder or not path.is_file():
            pytest.skip(f"shared data: $WORKBENCH_DATA/survival/{name}.csv is not here")
        return pd.read_csv(path)

    return read


@pytest.fixture
def untied() -> pd.DataFrame:
    """Continuous simulated times, where every convention for ties agrees."""
    rng = np.random.default_rng(7)
    n_patients = 150
    log_hazard = rng.normal(size=n_patients)
    survived = rng.exponential(10 / np.exp(log_hazard))
    censored = rng.exponential(15, n_patients)
    return pd.DataFrame(
        {
            "time": np.minimum(survived, censored),
            "event": survived <= censored,
            "risk_score": (log_hazard + rng.normal(size=n_patients)).round(1),
            "fold": rng.integers(0, 3, n_patients),
        }
    )
