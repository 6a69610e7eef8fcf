"""Write inputs.csv: 150 simulated patients, tied times, three kinds of weight. No real data.

python tests/reference/cox/simulate_inputs.py
"""

from pathlib import Path

import numpy as np
import pandas as pd


def simulate(n_patients: int = 150, seed: int = 31) -> pd.DataFrame:
    """Exponential survival on four columns, of which the last two are nearly collinear."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_patients, 3)).round(4)
    x[:, 1] = x[:, 1] > 0.3
    fourth = (x[:, 2] + 0.05 * rng.normal(size=n_patients)).round(4)
    survived = rng.exponential(12 * np.exp(-(0.8 * x[:, 0] - 0.6 * x[:, 1] + 0.3 * x[:, 2])))
    censored = rng.exponential(18, n_patients)
    return pd.DataFrame(
        {
            "time": np.ceil(np.minimum(survived, censored)).clip(1, 30),
            "time_untied": np.minimum(survived, censored).round(6),
            "event": (survived <= censored).astype(int),
            "x1": x[:, 0],
            "x2": x[:, 1],
            "x3": x[:, 2],
            "x4": fourth,
            "weight": rng.uniform(0.2, 3, n_patients).round(3),
            "fold": rng.integers(0, 3, n_patients),
            "risk_score": (0.7 * x[:, 0] + rng.normal(0, 0.3, n_patients)).round(3),
        }
    )


if __name__ == "__main__":
    simulate().to_csv(Path(__file__).parent / "inputs.csv", index=False, lineterminator="\n")
