"""Write inputs.csv: 240 simulated patients, with tied times and tied scores. Seeded; no real data.

python tests/reference/survival/simulate_inputs.py
"""

from pathlib import Path

import numpy as np
import pandas as pd

HORIZONS = (6.5, 12.5, 24.5)


def simulate(n_patients: int = 240, seed: int = 20240) -> pd.DataFrame:
    """Exponential survival in two strata that are censored differently."""
    rng = np.random.default_rng(seed)
    fold = rng.integers(0, 4, n_patients)
    stratum = rng.integers(0, 2, n_patients)
    log_hazard = rng.normal(0, 0.8, n_patients) + 0.7 * stratum
    survived = rng.exponential(20 / np.exp(log_hazard))
    censored = rng.exponential(np.where(stratum == 1, 18, 40))
    risk_score = (log_hazard + rng.normal(0, 0.6, n_patients)).round(1)
    table = pd.DataFrame(
        {
            "time": np.ceil(np.minimum(survived, censored)).clip(1, 40),
            "event": (survived <= censored).astype(int),
            "risk_score": risk_score,
            "fold": fold,
            "stratum": stratum,
            "group": rng.integers(0, 3, n_patients),
        }
    )
    for horizon in HORIZONS:
        survival = np.exp(-np.exp(0.8 * risk_score + 0.1) * horizon / 20)
        table[f"survival_{horizon:g}"] = survival.round(6).clip(1e-4, 1 - 1e-4)
    return table


if __name__ == "__main__":
    simulate().to_csv(Path(__file__).parent / "inputs.csv", index=False, lineterminator="\n")
