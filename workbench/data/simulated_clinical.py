"""Health records and outcomes of the simulated cohort: what is known, what follows."""

import numpy as np
import pandas as pd

from workbench.data.simulated_images import SITES

CLINICAL_LOG_HAZARD = {
    "decade": 0.52,
    "G3": 0.80,
    "G4": 1.65,
    "performance": 0.32,
    "log_ldh": 0.75,
}
SHAPE = 1.25
OS_SCALE_DAYS = 1600.0
PROGRESSION_RATE = 0.2
FOLLOW_UP_DAYS = (700.0, 1825.0)


def draw_record(rng: np.random.Generator, patient_id: pd.Index) -> tuple[pd.DataFrame, np.ndarray]:
    """Age, sex, grade, performance status and laboratory values, and their log hazard."""
    n = len(patient_id)
    site = rng.permutation(np.resize(SITES, n))
    age = np.clip(np.round(rng.normal(54, 13, n)), 18, 88)
    # The share of high grades rises with age, and West treats more of them: case mix by site.
    severity = 0.35 * (age - 54) / 13 + 0.3 * (site == "West") + rng.standard_normal(n)
    grade = np.array(["G2", "G3", "G4"])[np.digitize(severity, [-0.45, 0.45])]
    performance = np.digitize(0.4 * severity + rng.standard_normal(n), [-0.3, 0.8, 1.8])
    ldh = np.round(210 * np.exp(0.28 * rng.standard_normal(n)))
    crp = np.round(4 * np.exp(0.9 * rng.standard_normal(n)), 1)
    crp_day = np.where(rng.random(n) < 0.05, rng.integers(1, 8, n), rng.integers(-14, 1, n))

    effect = CLINICAL_LOG_HAZARD
    log_hazard = (
        effect["decade"] * (age - 54) / 10
        + np.select([grade == "G3", grade == "G4"], [effect["G3"], effect["G4"]], 0.0)
        + effect["performance"] * performance
        + effect["log_ldh"] * np.log(ldh / 210)
    )
    record = pd.DataFrame(
        {
            "age": age,
            "sex": rng.choice(["female", "male"], n),
            "grade": grade,
            "performance_status": performance,
            "ldh": np.where(rng.random(n) < 0.06, np.nan, ldh),
            "crp": np.where(rng.random(n) < 0.15, np.nan, crp),
            "site": site,
        },
        index=patient_id,
    )
    record.insert(6, "crp_day", pd.Series(crp_day, patient_id).where(record["crp"].notna()))
    return record, log_hazard - log_hazard.mean()


def draw_outcomes(rng: np.random.Generator, log_hazard: np.ndarray) -> pd.DataFrame:
    """Death and progression, whole days, and two columns known only afterwards.

    Both hazards are proportional to ``exp(log_hazard)`` with one Weibull shape, so that the time
    to the first of them is so too, and one log hazard is the truth for both outcomes.
    """
    n = len(log_hazard)
    relative = np.exp(log_hazard)
    death = OS_SCALE_DAYS * (rng.exponential(size=n) / relative) ** (1 / SHAPE)
    progression = OS_SCALE_DAYS * (rng.exponential(size=n) / (PROGRESSION_RATE * relative)) ** (
        1 / SHAPE
    )
    follow_up = rng.uniform(*FOLLOW_UP_DAYS, n)
    first = np.minimum(death, progression)
    progressed = (progression < death) & (progression <= follow_up)
    confirmed = np.ceil(progression) + rng.integers(7, 60, n)
    response = np.where(
        first < 180,
        "progressive disease",
        rng.choice(["stable disease", "response"], n),
    )
    return pd.DataFrame(
        {
            "os_days": np.ceil(np.minimum(death, follow_up)).astype(int),
            "vital_status": np.where(death <= follow_up, "dead", "alive"),
            "pfi_days": np.ceil(np.minimum(first, follow_up)).astype(int),
            "progressed": (first <= follow_up).astype(int),
            "best_response": response,
            "days_to_progression_confirmed": np.where(progressed, confirmed, np.nan),
        }
    )
