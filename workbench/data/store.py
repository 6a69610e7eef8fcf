"""The one reader of tables: from files on disk to typed columns, one row a patient."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from workbench.data.card import (
    DAYS_IN,
    FREE,
    STATE_HORIZON,
    BinaryOutcome,
    Column,
    GenomicsModality,
    ImageModality,
    Split,
    did_you_mean,
)
from workbench.data.columns import (
    code_event,
    fill_value,
    to_numbers,
    to_text,
    type_values,
)
from workbench.data.image_files import by_patient, find_images
from workbench.data.patient_rows import absent_headers, headers, read_rows, read_table
from workbench.data.tables import as_text, read_arrow
from workbench.errors import DataCardError

if TYPE_CHECKING:
    from workbench.data.open_card import DataCard

__all__ = [
    "absent_headers",
    "headers",
    "population",
    "read_folds",
    "read_outcome",
    "read_patients",
    "read_rows",
    "read_table",
    "type_columns",
]


def read_patients(card: "DataCard") -> pd.DataFrame:
    """Read every declared column of every patient.

    Returns
    -------
    DataFrame
        Index ``patient_id`` (str, sorted): the union of the patients in the files and modalities
        that the card names as its population. Numeric columns are float64, categorical ones have
        exactly the card's levels in its order, boolean ones are pandas ``boolean``. Each
        published split adds a float64 column of fold numbers, NaN in no fold.

    Raises
    ------
    DataCardError
        If a file cannot be read or a value is not what the card says; the message counts the
        values and says in which column.
    """
    typed, problems = type_columns(card, population(card))
    if problems:
        more = f" (and {len(problems) - 1} more: `workbench data check`)" if problems[1:] else ""
        raise DataCardError(problems[0] + more)
    for name, split in card.spec.splits.items():
        typed[name] = read_folds(card, name, split).reindex(typed.index)
    return typed


def population(card: "DataCard") -> pd.Index:
    """Identifiers of all patients, sorted."""
    members: set[str] = set()
    for name in card.spec.population:
        if name in card.spec.files:
            members |= set(read_table(card, name, ()).index)
            continue
        modality = card.spec.modalities[name]
        if isinstance(modality, ImageModality):
            members |= by_patient(find_images(card, modality)).keys()
        elif isinstance(modality, GenomicsModality):
            members |= set(read_table(card, modality.file, ()).index)
        else:
            for column in modality.columns:
                members |= set(read_table(card, card.spec.columns[column].file, ()).index)
    if not members:
        raise DataCardError(
            f"{card.name}: no patient is in {', '.join(card.spec.population)}; "
            f"data folder {card.folder}"
        )
    return pd.Index(sorted(members), name="patient_id")


def type_columns(
    card: "DataCard", patients: pd.Index, names: Collection[str] | None = None
) -> tuple[pd.DataFrame, list[str]]:
    """Declared columns for ``patients``, and one line for each thing that is not as declared.

    ``names`` restricts it to some columns. Values that are not as declared are missing in the
    table, so nobody may use it while there are problems.
    """
    columns, problems = {}, []
    for name, raw in _raw_columns(card, names).items():
        columns[name], found = type_values(raw.reindex(patients), card.spec.columns[name])
        problems += [f"columns.{name}: {text}" for text in found]
    table = pd.DataFrame(columns, index=patients)
    for name, column in card.spec.columns.items():
        if column.fill is not None and {name, *column.fill.when} <= columns.keys():
            where = table[name].isna()
            for other, value in column.fill.when.items():
                where &= (to_text(table[other].astype(object)) == as_text(value)).fillna(False)
            table.loc[where, name] = fill_value(column.fill.value, column)
    return table, problems


def read_outcome(card: "DataCard", name: str, patients_index: pd.Index) -> pd.DataFrame:
    """Read time and event as the file has them, before any patient is left out.

    Parameters
    ----------
    card
        The dataset.
    name
        Name of the outcome in the card.
    patients_index
        Patients, in the order wanted.

    Returns
    -------
    DataFrame
        Index as given; ``time`` (float64, in the card's unit; may be missing, zero or negative)
        and ``event`` (``boolean``; may be missing). An outcome without a time has
        :data:`~workbench.data.card.STATE_HORIZON` with the event and
        :data:`~workbench.data.card.FREE` without.

    Raises
    ------
    DataCardError
        If a time is not a number, or the event coding does not fit the file.
    """
    if name not in card.spec.outcomes:
        near = did_you_mean(name, card.spec.outcomes)
        raise DataCardError(
            f"{card.name}: no outcome is called {name!r}; there are "
            f"{', '.join(card.spec.outcomes)}{near}"
        )
    outcome = card.spec.outcomes[name]
    raw = read_table(card, outcome.file, outcome.headers).reindex(patients_index)
    event, bad_event = code_event(raw[outcome.event.column], outcome.event)
    if isinstance(outcome, BinaryOutcome):
        time = event.map({True: STATE_HORIZON, False: FREE}).astype("float64")
    else:
        time, bad = to_numbers(raw[outcome.time])
        if bad:
            raise DataCardError(f"outcomes.{name}: {outcome.time}: {bad}")
        if outcome.recorded_in is not None:
            time = time * (DAYS_IN[outcome.recorded_in] / DAYS_IN[outcome.unit])
    if bad_event:
        raise DataCardError(f"outcomes.{name}: {bad_event}")
    return pd.DataFrame({"time": time, "event": event}, index=patients_index)


def read_folds(card: "DataCard", name: str, split: Split) -> pd.Series:
    """Held-out fold of each patient of a published split, float64 by ``patient_id``."""
    parts = []
    for fold in split.folds:
        path = split.path(fold)
        if not (card.folder / path).is_file():
            raise DataCardError(f"splits.{name}: {card.how_to_get([path])}")
        try:
            table = read_arrow(card.folder / path, missing=("",), text=(split.column,))
        except DataCardError as error:
            raise DataCardError(f"splits.{name}: {path}: {error}") from None
        if split.column not in table.column_names:
            near = did_you_mean(split.column, table.column_names)
            raise DataCardError(f"splits.{name}: {path} has no column {split.column!r}{near}")
        ids = table[split.column].drop_null().to_pylist()
        parts.append(pd.Series(float(fold), index=pd.Index(ids, name="patient_id")))
    folds = pd.concat(parts)
    repeated = int(folds.index.duplicated().sum())
    if repeated:
        raise DataCardError(
            f"splits.{name}: {repeated} patients are held out twice: a patient stands in one fold"
        )
    return folds


def _raw_columns(card: "DataCard", names: Collection[str] | None) -> dict[str, pd.Series]:
    """Each declared column as its file has it, in the card's order."""
    by_file: dict[str, dict[str, Column]] = {}
    for name, column in card.spec.columns.items():
        if names is None or name in names:
            by_file.setdefault(column.file, {})[name] = column
    raw: dict[str, pd.Series] = {}
    for file_name, columns in by_file.items():
        absent = absent_headers(card, file_name)
        sources = {
            name: [header for header in column.headers(name) if header not in absent]
            for name, column in columns.items()
        }
        table = read_table(card, file_name, [h for found in sources.values() for h in found])
        raw |= {name: _first_known(table, found) for name, found in sources.items()}
    return {name: raw[name] for name in card.spec.columns if name in raw}


def _first_known(table: pd.DataFrame, sources: Sequence[str]) -> pd.Series:
    """Each patient's value from the first of the headers where it is known."""
    if not sources:
        return pd.Series(pd.NA, index=table.index, dtype=object)
    values = table[sources[0]]
    for other in sources[1:]:
        values = values.where(values.notna(), table[other])
    return values
