"""Simulated patients with every difficulty at once; writes inputs.csv (committed).

Run: python tests/reference/curves/simulate_inputs.py
"""

from pathlib import Path

import numpy as np
import pandas as pd


def simulate(n_patients: int = 240, seed: int = 11) -> pd.DataFrame:
    """Tied times on a grid, late entry, fractional weights, three groups, two strata."""
    rng = np.random.default_rng(seed)
    group = rng.choice(["a", "b", "c"], n_patients, p=[0.5, 0.3, 0.2])
    covariate = rng.normal(size=n_patients).round(2)
    rate = 0.06 * np.exp(0.4 * covariate + 0.5 * (group == "b"))
    survived, censored = rng.exponential(1 / rate), rng.uniform(4, 40, n_patients)
    time = np.ceil(2 * np.minimum(survived, censored)) / 2
    before = np.floor(rng.uniform(0, 1, n_patients) * time)
    entry = np.where(rng.random(n_patients) < 0.4, 0, before)
    propensity = 1 / (1 + np.exp(-0.8 * covariate))
    treated = rng.random(n_patients) < propensity
    return pd.DataFrame(
        {
            "time": time,
            "event": (survived <= censored).astype(int),
            "entry": np.minimum(entry, time - 0.5),
            "weight": rng.choice([0.5, 1, 1.7, 2.25], n_patients),
            "group": group,
            "stratum": rng.integers(0, 2, n_patients),
            "treated": treated.astype(int),
            "propensity": propensity.round(4),
        }
    )


if __name__ == "__main__":
    simulate().to_csv(Path(__file__).parent / "inputs.csv", index=False)
