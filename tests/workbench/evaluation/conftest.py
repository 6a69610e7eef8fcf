"""A simulated exponential cohort whose true risks, concordance and calibration are known."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from fusion.predictions import Predictions
from workbench.survival import kaplan_meier

SCALE = 10.0
GRID = np.unique(np.append(np.linspace(0.5, 16, 32), [5.0, 15.0]))


@dataclass(frozen=True)
class SimulatedCohort:
    """Patients of four folds; the first half of a log hazard is clinical, the rest is not."""

    patients: pd.DataFrame
    clinical: np.ndarray
    log_hazard: np.ndarray
    fold: np.ndarray
    time_unit: str = "months"

    def predictions(self, name: str, log_hazard: np.ndarray) -> Predictions:
        """What a proportional hazards model with this log hazard says."""
        survival = np.exp(-np.exp(log_hazard)[:, None] * GRID / SCALE)
        return self.as_predictions(name, log_hazard, survival)

    def as_predictions(self, name: str, score: np.ndarray, survival: np.ndarray) -> Predictions:
        return Predictions(
            model=name,
            patient_id=self.patients.index.to_numpy(),
            fold=self.fold,
            risk_score=score,
            horizons=GRID,
            survival=survival,
        )

    def null(self) -> Predictions:
        """Kaplan-Meier of the other folds."""
        survival = np.empty((len(self.fold), len(GRID)))
        for fold in np.unique(self.fold):
            training = self.patients[self.fold != fold]
            curve = kaplan_meier(training["time"].to_numpy(), training["event"].to_numpy())
            survival[self.fold == fold] = curve.at(GRID)
        return self.as_predictions("null", np.zeros(len(self.fold)), survival)

    def ladder(self) -> dict[str, Predictions]:
        """Null, the clinical half of the truth, and the truth."""
        return {
            "null": self.null(),
            "clinical": self.predictions("clinical", self.clinical),
            "selected": self.predictions("selected", self.log_hazard),
        }


def simulate_cohort(
    n_patients: int = 400, seed: int = 0, censored: float = 25.0
) -> SimulatedCohort:
    """Exponential survival of mean ``SCALE``, exponential censoring of mean ``censored``."""
    rng = np.random.default_rng(seed)
    clinical, other = rng.normal(0, 0.7, (2, n_patients))
    log_hazard = clinical + other
    survived = rng.exponential(SCALE / np.exp(log_hazard))
    left = rng.exponential(censored, n_patients).clip(max=40) if np.isfinite(censored) else np.inf
    patients = pd.DataFrame(
        {"time": np.minimum(survived, left), "event": survived <= left},
        index=pd.Index([f"patient-{i:05d}" for i in range(n_patients)], name="patient_id"),
    )
    return SimulatedCohort(patients, clinical, log_hazard, rng.permutation(n_patients) % 4)


@pytest.fixture(scope="session")
def make_cohort() -> Callable[..., SimulatedCohort]:
    """``simulate_cohort``, for tests that want a cohort of their own."""
    return simulate_cohort


@pytest.fixture(scope="session")
def cohort() -> SimulatedCohort:
    """400 patients, about 60 % with an event."""
    return simulate_cohort()
