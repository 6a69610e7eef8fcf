"""Patients of the widgets' tests: simulated, with an outcome, missing values and rare levels."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

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


@pytest.fixture
def run_async() -> Callable[[Callable[[], Awaitable[Any]]], Any]:
    """Run an asynchronous function to its end, in a thread where no other loop runs.

    A browser of the session keeps the loop of the tests' own thread running.
    """

    async def awaited(function: Callable[[], Awaitable[Any]]) -> Any:
        return await asyncio.wait_for(function(), 30)

    def run(function: Callable[[], Awaitable[Any]]) -> Any:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(lambda: asyncio.run(awaited(function))).result()

    return run
