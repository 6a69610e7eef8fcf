"""Write inputs.csv: 300 simulated patients with two causes and tied times. Seeded; no real data.

python tests/reference/competing/simulate_inputs.py
"""

from pathlib import Path

import numpy as np
import pandas as pd

HORIZONS = (6.5, 12.5, 20.5)


def simulate(n_patients: int = 300, seed: int = 41) -> pd.DataFrame:
    """Two exponential causes and a censoring that depends on the stratum; whole times."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n_patients, 3)).round(3)
    features[:, 2] = features[:, 2] > 0
    stratum = rng.integers(0, 2, n_patients)
    first = rng.exponential(22 / np.exp(0.7 * features[:, 0] - 0.5 * features[:, 2]))
    second = rng.exponential(26 / np.exp(0.4 * features[:, 1] - 0.3 * features[:, 0]))
    censored = rng.exponential(np.where(stratum == 1, 25, 60))
    exact = np.minimum(np.minimum(first, second), censored)
    cause = np.where(exact == first, 1, np.where(exact == second, 2, 0))
    time = np.ceil(exact).clip(1, 40)
    table = pd.DataFrame(
        {
            "time": time,
            "cause": np.where(exact > 40, 0, cause),
            "untied": exact.round(7),
            "entry": np.floor(time * rng.random(n_patients) * rng.integers(0, 2, n_patients)),
            "weight": (0.25 + 2 * rng.random(n_patients)).round(3),
            "group": rng.integers(0, 3, n_patients),
            "stratum": stratum,
            "x1": features[:, 0],
            "x2": features[:, 1],
            "x3": features[:, 2],
        }
    )
    table["entry"] = np.minimum(table["entry"], time - 1)
    score = 0.7 * features[:, 0] - 0.5 * features[:, 2] + rng.normal(0, 0.3, n_patients)
    for horizon in HORIZONS:
        risk = 0.8 * (1 - np.exp(-np.exp(score) * horizon / 25))
        table[f"risk_{horizon:g}"] = risk.round(3)
    return table


if __name__ == "__main__":
    simulate().to_csv(Path(__file__).parent / "inputs.csv", index=False, lineterminator="\n")
