"""A cohort of health records as a dataset of its own: a card and one table, ready for a study."""

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from workbench.cohort.features import Feature, feature_table
from workbench.cohort.record_cohort import OWN, RecordCohort
from workbench.data.fingerprint import write_atomically
from workbench.data.front_matter import parse_card
from workbench.errors import CohortError

TABLE = "patients.parquet"
OUTCOME = "outcome"


def write_card(
    cohort: RecordCohort,
    folder: str | Path,
    name: str,
    *,
    columns: Sequence[str] = ("age", "sex"),
    features: Sequence[Feature] = (),
    outcome_title: str = "",
    horizons: Sequence[int] = (365, 1095),
) -> Path:
    """Write a cohort as a card, so that everything which takes a card takes this cohort.

    Every variable is observed on the index date or before it, or by the landmark where the
    definition has one: features cannot see later, and time runs from there.

    Parameters
    ----------
    cohort
        One record a patient, with an outcome.
    folder
        Where the card and its table go; files that are there are not overwritten.
    name
        Of the card: a letter, then letters, digits and ``_``.
    columns
        Patient columns to take as clinical variables; those that are the same for everybody say
        nothing and are refused.
    features
        Variables out of events.
    outcome_title
        What to call the outcome; its event, if not given.
    horizons
        Days at which the card's own study asks for survival.

    Returns
    -------
    Path
        The card.

    Raises
    ------
    CohortError
        If the cohort has several records of a patient or no outcome, a variable is unknown or
        constant, or a file is already there.
    """
    outcome = cohort.definition.outcome
    if outcome is None:
        raise CohortError("a dataset needs an outcome: define the cohort with outcome=event(...)")
    if cohort.definition.unit == "hours":
        raise CohortError(
            "a dataset counts time in days: give the landmark and the follow-up in days"
        )
    if cohort.n_records != cohort.n_patients:
        raise CohortError(
            f"{cohort.n_records} records of {cohort.n_patients} patients: a dataset has one row a "
            "patient; define the cohort with limit='first'"
        )
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,63}", name):
        raise CohortError(f"{name!r} is not a name: a letter, then letters, digits and _")
    folder = Path(folder)
    card_path, table_path = folder / f"{name}.md", folder / TABLE
    for path in (card_path, table_path):
        if path.exists():
            raise CohortError(f"{path.name} is already in {folder}: name another folder")
    table, specs = _table(cohort, columns, features)
    card = _card(cohort, name, specs, outcome_title or outcome.words(), horizons)
    text = _markdown(cohort, card)
    # A column whose name no card may have is refused before anything is written.
    parse_card(text, card_path.name)
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    write_atomically(table_path, buffer.getvalue())
    write_atomically(card_path, text.encode())
    return card_path


def _table(
    cohort: RecordCohort, columns: Sequence[str], features: Sequence[Feature]
) -> tuple[pd.DataFrame, dict[str, dict[str, Any]]]:
    patients = cohort.patients
    measured = feature_table(cohort.candidates, features, cohort.definition.landmark)
    measured = measured.loc[cohort.flow.kept]
    measured = measured.reset_index(drop=True)
    unknown = [column for column in columns if column not in cohort.candidates.table]
    if unknown:
        raise CohortError(
            f"no patient column is called {unknown[0]!r}; there are "
            f"{', '.join(cohort.candidates.table)}"
        )
    taken = [*columns, *measured]
    own = set(OWN) & set(taken)
    if own or len(set(taken)) != len(taken):
        raise CohortError(f"a variable's name is taken: {', '.join(sorted(own) or taken)}")
    facts = cohort.records.columns
    specs: dict[str, dict[str, Any]] = {}
    for column in columns:
        known = facts.get(column)
        meaning = known.meaning if known is not None else _derived(column)
        aged = "years" if column in ("age", "age_by_year") else None
        unit = known.unit if known is not None else aged
        specs[column] = _column(patients[column], meaning, unit, "the patient's record")
    for feature in features:
        basis = f"window: {' and '.join(w.words() for w in feature.event.windows)}"
        specs[feature.name] = _column(measured[feature.name], feature.words(), feature.unit, basis)
    own_columns = patients[["patient_id", "time", "event"]]
    table = pd.concat([own_columns, patients[list(columns)], measured], axis=1)
    return table.assign(event=table["event"].astype(int)), specs


def _column(values: pd.Series, meaning: str, unit: str | None, basis: str) -> dict[str, Any]:
    if values.nunique() < 2:
        raise CohortError(
            f"{values.name} is the same for everybody, or known of nobody: leave it out"
        )
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        raise CohortError(f"{values.name} is a date, which no model takes: leave it out")
    spec: dict[str, Any] = {"file": "patients", "meaning": meaning, "role": "feature"}
    if pd.api.types.is_bool_dtype(values.dtype):
        spec["type"] = "boolean"
    elif pd.api.types.is_numeric_dtype(values.dtype):
        spec |= {"type": "numeric", **({"unit": unit} if unit else {})}
    else:
        levels = values.astype(str)[values.notna()].value_counts()
        spec |= {"type": "categorical", "levels": [str(level) for level in levels.index]}
    return spec | {"observed_at": {"days": 0, "basis": basis}}


def _derived(column: str) -> str:
    return {
        "age": "age in completed years at the index date",
        "age_by_year": "calendar year of the index date minus that of birth",
        "index_year": "calendar year",
    }[column]


def _card(
    cohort: RecordCohort,
    name: str,
    specs: dict[str, dict[str, Any]],
    outcome_title: str,
    horizons: Sequence[int],
) -> dict[str, Any]:
    source, definition = cohort.records.source, cohort.definition
    time_zero = definition.entry.words()
    if definition.landmark is not None:
        time_zero = f"{definition.landmark.words()}, which is the {time_zero}"
    return {
        "schema": 1,
        "name": name,
        "title": definition.title or f"Cohort of {source.name}",
        "version": definition.hash[:12],
        "licence": f"as that of {source.name}",
        "citation": f"{source.name} {source.version}".strip(),
        "source": f"{source.kind} records: {source.name} {source.version}".strip(),
        "index_date": time_zero,
        "files": {"patients": {"path": TABLE, "key": {"column": "patient_id"}, "missing": []}},
        "population": ["patients"],
        "columns": specs,
        "outcomes": {
            OUTCOME: {
                "title": outcome_title,
                "file": "patients",
                "time": "time",
                "unit": "days",
                "event": {"column": "event", "event": 1, "censored": 0},
                "time_zero": time_zero,
            }
        },
        "modalities": {
            "clinical": {"kind": "ehr", "title": "Clinical variables", "columns": list(specs)}
        },
        "limits": [
            "Health records: what nobody wrote down is not here.",
            *cohort.records.warnings,
        ],
        "privacy": {
            "minimum_cell": cohort.records.minimum_cell,
            "restricted": True,
            "basis": "health records",
            "released_as": cohort.release_name,
        },
        "study": {
            "outcome": OUTCOME,
            "select": [],
            "modalities": ["clinical"],
            "split": {"kind": "kfold", "k": 5},
            "models": ["null", "clinical", "selected"],
            "horizons": list(horizons),
            "groups": [],
            "seed": 0,
        },
    }


def _markdown(cohort: RecordCohort, card: dict[str, Any]) -> str:
    front = yaml.safe_dump(card, sort_keys=False, allow_unicode=True, width=100)
    sentences = "\n".join(f"- {line}" for line in cohort.definition.sentences())
    definition = cohort.definition.to_json()
    return (
        f"---\n{front}---\n\n# {card['title']}\n\nWho is in, since when, until when:\n\n"
        f"{sentences}\n\nThe definition, sha256 `{cohort.definition.hash}`:\n\n"
        f"```json\n{definition}\n```\n"
    )
