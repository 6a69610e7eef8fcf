"""Simulated health records in the shape of the OMOP Common Data Model, whose truth is known.

A register of people, many of whom get type 2 diabetes and are then at risk of heart failure. The
hazard of heart failure is known by construction: it rises with age, with the HbA1c at diagnosis and
with earlier hypertension, and nothing else. The records are as untidy as real ones: some people
had diabetes before they were observed, some were never observed on the day, some have type 1,
some had heart failure before, and measurements come in irregular series.
"""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.errors import RecordsError

CONCEPTS: Mapping[int, tuple[str, str]] = {
    201820: ("Diabetes mellitus", "Condition"),
    201254: ("Type 1 diabetes mellitus", "Condition"),
    201826: ("Type 2 diabetes mellitus", "Condition"),
    443238: ("Diabetic - poor control", "Condition"),
    320128: ("Essential hypertension", "Condition"),
    316139: ("Heart failure", "Condition"),
    443580: ("Systolic heart failure", "Condition"),
    1503297: ("metformin", "Drug"),
    1308216: ("lisinopril", "Drug"),
    3004410: ("Hemoglobin A1c/Hemoglobin.total in Blood", "Measurement"),
    3020891: ("Body temperature", "Measurement"),
    4306655: ("Magnetic resonance imaging of heart", "Procedure"),
    9201: ("Inpatient Visit", "Visit"),
    9202: ("Outpatient Visit", "Visit"),
    8507: ("MALE", "Gender"),
    8532: ("FEMALE", "Gender"),
    8554: ("percent", "Unit"),
}
"""Concept id → name and domain: standard concepts of the OHDSI vocabularies."""
LIES_UNDER = ((201820, 201254), (201820, 201826), (201826, 443238), (316139, 443580))
"""Ancestor and descendant, each pair once."""
LOG_HAZARD = {"age": 0.05, "hba1c": 0.35, "hypertension": 0.6}
"""A year of age beyond 60, a percent of HbA1c beyond 7, and hypertension before diabetes."""
YEARLY_HAZARD = 0.03

_DAY0 = np.datetime64("2005-01-01")
_YEAR = 365.25


def write_omop(folder: str | Path, *, n_people: int = 3000, seed: int = 0) -> Path:
    """Write the tables as CSV.

    Parameters
    ----------
    folder
        A new folder.
    n_people
        People in the register; about half of them get type 2 diabetes while they are observed.
    seed
        Of the random numbers: the same seed writes the same bytes.

    Returns
    -------
    Path
        The folder, written whole.

    Raises
    ------
    RecordsError
        If the folder exists.
    """
    folder = Path(folder)
    if folder.exists():
        raise RecordsError(f"{folder} exists: name a new folder for the simulated records")
    tables = _tables(np.random.default_rng(seed), n_people)
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    try:
        for name, table in tables.items():
            table.to_csv(part / f"{name}.csv", index=False, lineterminator="\n")
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder


def _tables(rng: np.random.Generator, n: int) -> dict[str, pd.DataFrame]:
    person = np.arange(1, n + 1)
    male = rng.random(n) < 0.5
    observed_from = rng.integers(0, 6 * 365, n)
    observed_to = observed_from + rng.integers(2 * 365, 12 * 365, n)
    age = rng.uniform(35, 85, n)  # at the start of observation
    birth = observed_from - (age * _YEAR).astype(int)
    hypertension = rng.random(n) < 0.3 + 0.004 * (age - 35)

    kind = rng.choice(["none", "two", "one"], n, p=[0.35, 0.6, 0.05])
    onset = observed_from + rng.integers(-3 * 365, 5 * 365, n)
    hba1c = np.clip(rng.gamma(9, 0.25, n) + 5.6, 5.5, 14)
    older = np.clip((onset - birth) / _YEAR, 0, None)
    log_hazard = (
        LOG_HAZARD["age"] * (older - 60)
        + LOG_HAZARD["hba1c"] * (hba1c - 7)
        + LOG_HAZARD["hypertension"] * hypertension
    )
    hazard = YEARLY_HAZARD * np.exp(np.where(kind == "two", log_hazard, log_hazard / 4 - 1))
    failure = onset + np.ceil(rng.exponential(1 / hazard) * _YEAR).astype(int)
    before, corrected = rng.random(n) < 0.04, rng.random(n) < 0.05
    failure = np.where(before, onset - rng.integers(30, 900, n), failure)
    death = onset + np.ceil(rng.exponential(18 * np.exp(-0.04 * (older - 60))) * _YEAR).astype(int)
    end = np.minimum(observed_to, death)
    died = death <= observed_to

    conditions = [
        _rows(person, onset, 201826, (kind == "two") & (onset <= end)),
        _rows(person, onset, 201254, (kind == "one") & (onset <= end)),
        _rows(person, onset + rng.integers(200, 900, n), 443238, (kind == "two") & (hba1c > 9)),
        # Some diagnoses are corrected later.
        _rows(person, onset - rng.integers(5, 300, n), 201254, (kind == "two") & corrected),
        _rows(
            person, np.minimum(onset, observed_to) - rng.integers(60, 900, n), 320128, hypertension
        ),
        _rows(person, failure, np.where(rng.random(n) < 0.3, 443580, 316139), failure <= end),
        # The same diagnosis is written down again at later visits.
        _rows(person, onset + rng.integers(20, 400, n), 201826, (kind == "two") & (onset <= end)),
    ]
    drugs = [
        _rows(
            person,
            onset + rng.integers(0, 120, n),
            1503297,
            (kind == "two") & (rng.random(n) < 0.7),
        ),
        _rows(
            person, onset - rng.integers(10, 500, n), 1308216, hypertension & (rng.random(n) < 0.6)
        ),
    ]
    labs = []
    for visit in range(8):
        day = onset + rng.integers(-400, 900, n) if visit else onset - rng.integers(0, 60, n)
        noise = rng.normal(0, 0.25, n)
        drop = np.where(day > onset + 60, 0.8, 0.0)
        labs.append(
            _rows(
                person,
                day,
                3004410,
                (kind != "none") & (rng.random(n) < (0.9 if visit == 0 else 0.5)),
            ).assign(
                value=lambda rows, v=hba1c + noise - drop: np.round(v[rows["person_id"] - 1], 1)
            )
        )
    labs.append(
        _rows(person, onset + rng.integers(-300, 300, n), 3020891, rng.random(n) < 0.5).assign(
            value=lambda rows: np.round(36.6 + 0.1 * (rows["person_id"] % 7), 1)
        )
    )
    visits = [
        _rows(person, onset, np.where(rng.random(n) < 0.2, 9201, 9202), onset <= end),
        _rows(person, failure, 9201, failure <= end),
    ]
    scans = [_rows(person, onset + rng.integers(-200, 30, n), 4306655, rng.random(n) < 0.35)]

    def seen(parts: list[pd.DataFrame]) -> pd.DataFrame:
        """What was written down: nothing before the register began, nothing after the end."""
        rows = pd.concat(parts, ignore_index=True)
        who = rows["person_id"].to_numpy() - 1
        known = (rows["day"].to_numpy() >= observed_from[who] - 1000) & (rows["day"] <= end[who])
        return rows[known].sort_values(["person_id", "day", "concept"], ignore_index=True)

    table = {
        "person": pd.DataFrame(
            {
                "person_id": person,
                "gender_concept_id": np.where(male, 8507, 8532),
                **_birth(birth),
                "race_concept_id": 0,
                "ethnicity_concept_id": 0,
            }
        ),
        "observation_period": pd.DataFrame(
            {
                "observation_period_id": person,
                "person_id": person,
                "observation_period_start_date": _date(observed_from),
                "observation_period_end_date": _date(end),
                "period_type_concept_id": 32817,
            }
        )[end >= observed_from],
        "condition_occurrence": _named(seen(conditions), "condition", "condition_start_date"),
        "drug_exposure": _drugs(seen(drugs)),
        "measurement": _measurements(seen(labs)),
        "procedure_occurrence": _named(seen(scans), "procedure", "procedure_date"),
        "visit_occurrence": _visits(seen(visits)),
        "death": pd.DataFrame({"person_id": person[died], "death_date": _date(death[died])}),
    }
    return table | _vocabulary()


def _rows(
    person: np.ndarray, day: np.ndarray, concept: np.ndarray | int, where: np.ndarray
) -> pd.DataFrame:
    rows = pd.DataFrame({"person_id": person, "day": day})
    return rows.assign(concept=concept)[where]


def _date(day: np.ndarray | pd.Series) -> np.ndarray:
    return (_DAY0 + np.asarray(day, np.int64)).astype(str)


def _birth(day: np.ndarray) -> dict[str, pd.Index]:
    date = pd.DatetimeIndex(_DAY0 + day)
    return {
        "year_of_birth": date.year,
        "month_of_birth": date.month,
        "day_of_birth": date.day,
    }


def _named(rows: pd.DataFrame, domain: str, date: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            f"{domain}_occurrence_id": np.arange(1, len(rows) + 1),
            "person_id": rows["person_id"],
            f"{domain}_concept_id": rows["concept"],
            date: _date(rows["day"]),
            f"{domain}_type_concept_id": 32817,
        }
    )


def _drugs(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "drug_exposure_id": np.arange(1, len(rows) + 1),
            "person_id": rows["person_id"],
            "drug_concept_id": rows["concept"],
            "drug_exposure_start_date": _date(rows["day"]),
            "drug_exposure_end_date": _date(rows["day"] + 90),
            "drug_type_concept_id": 32817,
            "days_supply": 90,
        }
    )


def _measurements(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "measurement_id": np.arange(1, len(rows) + 1),
            "person_id": rows["person_id"],
            "measurement_concept_id": rows["concept"],
            "measurement_date": _date(rows["day"]),
            "measurement_type_concept_id": 32817,
            "value_as_number": rows["value"],
            "unit_concept_id": np.where(rows["concept"] == 3004410, 8554, 0),
        }
    )


def _visits(rows: pd.DataFrame) -> pd.DataFrame:
    inpatient = rows["concept"] == 9201
    return pd.DataFrame(
        {
            "visit_occurrence_id": np.arange(1, len(rows) + 1),
            "person_id": rows["person_id"],
            "visit_concept_id": rows["concept"],
            "visit_start_date": _date(rows["day"]),
            "visit_end_date": _date(rows["day"] + 6 * inpatient),
            "visit_type_concept_id": 32817,
        }
    )


def _vocabulary() -> dict[str, pd.DataFrame]:
    concepts = [(i, name, domain, "SIMULATED", "S") for i, (name, domain) in CONCEPTS.items()]
    pairs = {(i, i) for i in CONCEPTS} | set(LIES_UNDER) | {(201820, 443238)}
    return {
        "concept": pd.DataFrame(
            concepts,
            columns=[
                "concept_id",
                "concept_name",
                "domain_id",
                "vocabulary_id",
                "standard_concept",
            ],
        ),
        "concept_ancestor": pd.DataFrame(
            sorted(pairs), columns=["ancestor_concept_id", "descendant_concept_id"]
        ),
        "vocabulary": pd.DataFrame(
            [("None", "OMOP Standardized Vocabularies", "simulated 1")],
            columns=["vocabulary_id", "vocabulary_name", "vocabulary_version"],
        ),
        "cdm_source": pd.DataFrame(
            [("Simulated register", "simulated", "v5.4", "2020-12-31")],
            columns=[
                "cdm_source_name",
                "cdm_source_abbreviation",
                "cdm_version",
                "cdm_release_date",
            ],
        ),
    }
