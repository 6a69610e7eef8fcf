"""Write what calibration.R reads: simulated patients with competing causes, bootstraps, sites.

python tests/reference/calibration/simulate_inputs.py
"""

from pathlib import Path

import numpy as np
import pandas as pd

HORIZON = 12.5
FOLDER = Path(__file__).parent


def patients(n_patients: int = 300, seed: int = 20241) -> pd.DataFrame:
    """Two causes, tied times, two predicted risks of cause 1 and one of any cause."""
    rng = np.random.default_rng(seed)
    log_hazard, other = rng.normal(0, 0.8, (2, n_patients)).round(3)
    first = rng.exponential(20 / np.exp(log_hazard))
    second = rng.exponential(45 / np.exp(other))
    censored = rng.exponential(40, n_patients)
    happened = np.minimum(first, second)
    cause = np.where(censored < happened, 0, np.where(first < second, 1, 2))
    scored = 0.8 * log_hazard + 0.2
    crude = (0.5 * log_hazard + rng.normal(0, 0.5, n_patients)).round(3)
    return pd.DataFrame(
        {
            "time": np.ceil(np.minimum(happened, censored)).clip(1, 40),
            "cause": cause,
            "log_hazard": log_hazard,
            "other": other,
            "risk": 1 - np.exp(-np.exp(scored) * HORIZON / 25),
            "crude_risk": 1 - np.exp(-np.exp(crude) * HORIZON / 25),
            "any_risk": 1 - np.exp(-(np.exp(scored) / 20 + np.exp(other) / 50) * HORIZON),
            "stratum": rng.integers(0, 2, n_patients),
            "group": rng.integers(0, 3, n_patients),
        }
    ).round(8)


def bootstraps(n_patients: int = 300, n_bootstrap: int = 25, seed: int = 7) -> pd.DataFrame:
    """Rows, from 0, of each bootstrap."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(rng.integers(0, n_patients, (n_bootstrap, n_patients)))


def sites(seed: int = 3) -> pd.DataFrame:
    """A number with its standard error in each of eight sites, spread and not."""
    rng = np.random.default_rng(seed)
    error = rng.uniform(0.1, 0.4, 8).round(3)
    spread = (0.9 + rng.normal(0, 0.4, 8) + rng.normal(0, error)).round(3)
    alike = (0.9 + rng.normal(0, 0.3 * error)).round(3)
    return pd.DataFrame({"spread": spread, "alike": alike, "standard_error": error})


if __name__ == "__main__":
    for name, table in (
        ("inputs", patients()),
        ("bootstraps", bootstraps()),
        ("sites", sites()),
    ):
        table.to_csv(FOLDER / f"{name}.csv", index=False, lineterminator="\n")
