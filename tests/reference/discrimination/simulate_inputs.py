"""Write inputs.csv: 200 simulated patients, with tied times and tied scores. Seeded; no real data.

python tests/reference/discrimination/simulate_inputs.py
"""

from pathlib import Path

import numpy as np
import pandas as pd

HORIZONS = (1.5, 4.5, 8.5, 14.5)


def simulate(n_patients: int = 200, seed: int = 4) -> pd.DataFrame:
    """Late entries, case weights, clusters, two scores, and survival curves that cross."""
    rng = np.random.default_rng(seed)
    log_hazard = rng.normal(0, 0.8, n_patients)
    survived = rng.exponential(15 / np.exp(log_hazard))
    censored = rng.exponential(25, n_patients)
    time = np.ceil(np.minimum(survived, censored)).clip(2, 40)
    table = pd.DataFrame(
        {
            "time": time,
            "event": (survived <= censored).astype(int),
            "risk_score": (log_hazard + rng.normal(0, 0.6, n_patients)).round(1),
            "other": (log_hazard + rng.normal(0, 1.2, n_patients)).round(1),
            "entry": np.floor(rng.uniform(0, 0.7, n_patients) * time),
            "weight": rng.uniform(0.5, 3, n_patients).round(2),
            "stratum": rng.integers(0, 3, n_patients),
            "cluster": rng.integers(0, 40, n_patients),
        }
    )
    shape = rng.uniform(0.6, 1.6, n_patients)
    for horizon in HORIZONS:
        hazard = np.exp(0.7 * table["risk_score"]) * (horizon / 15) ** shape
        table[f"survival_{horizon:g}"] = np.exp(-hazard).round(2)
    return table


if __name__ == "__main__":
    simulate().to_csv(Path(__file__).parent / "inputs.csv", index=False, lineterminator="\n")
