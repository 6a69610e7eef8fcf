"""Write inputs.csv: 90 simulated rows with tied times, late entries, weights. Seeded; no real data.

python tests/reference/cox_inference/simulate_inputs.py
"""

from pathlib import Path

import numpy as np
import pandas as pd


def simulate(n_rows: int = 90, seed: int = 20264) -> pd.DataFrame:
    """Exponential survival in three strata, two rows a cluster, whole times."""
    rng = np.random.default_rng(seed)
    x1 = rng.normal(size=n_rows).round(3)
    x2 = rng.integers(0, 2, n_rows)
    level = rng.choice(["I", "II", "III"], n_rows, p=[0.5, 0.3, 0.2])
    stratum = rng.choice(["a", "b", "c"], n_rows)
    log_hazard = 0.6 * x1 - 0.5 * x2 + 0.4 * (level == "III") + 0.3 * (stratum == "c")
    survived = rng.exponential(12 / np.exp(log_hazard))
    censored = rng.exponential(20, n_rows)
    time = np.ceil(np.minimum(survived, censored)).clip(1, 25)
    return pd.DataFrame(
        {
            "time": time,
            "event": (survived <= censored).astype(int),
            "entry": np.floor(time * rng.uniform(0, 0.8, n_rows)),
            "x1": x1,
            "x2": x2,
            "level": level,
            "stratum": stratum,
            "cluster": rng.permutation(np.arange(n_rows) // 2),
            "weight": rng.integers(1, 4, n_rows) / 2,
            "offset": rng.normal(0, 0.3, n_rows).round(2),
        }
    )


if __name__ == "__main__":
    simulate().to_csv(Path(__file__).parent / "inputs.csv", index=False, lineterminator="\n")
