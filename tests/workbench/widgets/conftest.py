"""Patients of the widgets' tests: simulated, with an outcome, missing values and rare levels."""

import numpy as np
import pandas as pd
import pytest

from workbench.widgets import Selection


def simulated_selection(n: int = 600, minimum: int = 10) -> Selection:
    """Patients whose hazard grows with age and grade; identifiers that must never be seen."""
    rng = np.random.default_rng(7)
    grade = rng.choice(3, n, p=[0.35, 0.35, 0.3])
    age = rng.normal(58, 12, n).round(1)
    patients = pd.DataFrame(
        {
            "age": np.where(rng.random(n) < 0.05, np.nan, age),
            "sex": rng.choice(["female", "male"], n),
            "grade": pd.Categorical.from_codes(grade, ["G2", "G3", "G4"]),
            "site": rng.choice(list("ABCDEFGH"), n),
        },
        index=[f"SECRET-{at:05d}" for at in range(n)],
    )
    hazard = np.exp(0.03 * (age - 58) + 0.6 * grade) / 900
    death, end = rng.exponential(1 / hazard), rng.uniform(200, 3000, n)
    return Selection(
        patients,
        np.minimum(death, end),
        death <= end,
        present={"rna": rng.random(n) < 0.6, "mri": rng.random(n) < 0.4},
        minimum=minimum,
        time_unit="days",
        titles={"age": "Age (years)", "grade": "Grade"},
    )


@pytest.fixture
def selection() -> Selection:
    return simulated_selection()
