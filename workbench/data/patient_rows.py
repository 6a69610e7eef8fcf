"""One file of a card as it is: its rows, each with the patient it belongs to."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa

from workbench.data.card import ImageModality, SourceFile, did_you_mean
from workbench.data.columns import to_text
from workbench.data.tables import as_text, read_arrow
from workbench.errors import DataCardError

if TYPE_CHECKING:
    from workbench.data.open_card import DataCard


def read_table(
    card: "DataCard", file_name: str, columns: Iterable[str] | None = None
) -> pd.DataFrame:
    """Read one file of a card as it is, one row a patient.

    Parameters
    ----------
    card
        The dataset.
    file_name
        Name of the file in the card.
    columns
        Headers to read; all, if not given.

    Returns
    -------
    DataFrame
        Index ``patient_id`` (str). Numbers and text as in the file, missing values as NA.

    Raises
    ------
    DataCardError
        If the file is missing or unreadable, lacks a column, has rows without a patient, or has
        several rows of a patient and the card does not say ``first_per: patient_id``.
    """
    rows = read_rows(card, file_name, columns)
    nobody = int(rows.index.isna().sum())
    if nobody:
        raise DataCardError(
            f"files.{file_name}: {nobody} of {len(rows)} rows have no patient: their key is empty "
            "or does not match key.regex; mend the file or the regex"
        )
    repeated = int(rows.index.duplicated().sum())
    if repeated and card.spec.files[file_name].first_per is None:
        raise DataCardError(
            f"files.{file_name}: {repeated} of {len(rows)} rows repeat a patient: keep one row a "
            "patient, or say `first_per: patient_id`"
        )
    return rows[~rows.index.duplicated()] if repeated else rows


def read_rows(
    card: "DataCard", file_name: str, columns: Iterable[str] | None = None
) -> pd.DataFrame:
    """Every row of a file, also those that repeat a patient or have none (index NA)."""
    if file_name not in card.spec.files:
        near = did_you_mean(file_name, card.spec.files)
        raise DataCardError(f"{card.name}: no file is called {file_name!r}{near}")
    source = card.spec.files[file_name]
    missing = [as_text(token) for token in source.missing]
    text = _text_columns(card, file_name)
    table = _arrow(card, file_name, source, missing, text)
    if source.layout == "patients_in_columns":
        return _transposed(table, source, missing, file_name, columns)
    key = source.key.column or ""
    names = table.column_names
    known = set(names)
    wanted = names if columns is None else list(dict.fromkeys([key, *columns]))
    for name in wanted:
        if name not in known:
            near = did_you_mean(name, names)
            raise DataCardError(f"files.{file_name}: {source.path} has no column {name!r}{near}")
    rows = table.select(wanted).to_pandas()
    for name in rows.columns.intersection(list(text)):
        rows[name] = to_text(rows[name])
    rows = _without(rows, missing)
    rows.index = _patient_ids(rows[key], source)
    return rows


def headers(card: "DataCard", file_name: str) -> list[str]:
    """Names of a file's variables, as :func:`read_table` would give them."""
    source = card.spec.files[file_name]
    if source.layout == "patients_in_columns":
        return list(read_rows(card, file_name).columns)
    missing = [as_text(token) for token in source.missing]
    return _arrow(card, file_name, source, missing, _text_columns(card, file_name)).column_names


def absent_headers(card: "DataCard", file_name: str) -> set[str]:
    """Headers of optional columns that a file lacks, as it may."""
    optional = {
        header
        for name, column in card.spec.columns.items()
        if column.file == file_name and column.optional
        for header in column.headers(name)
    }
    return optional - set(headers(card, file_name)) if optional else set()


def _arrow(
    card: "DataCard",
    file_name: str,
    source: SourceFile,
    missing: list[str],
    text: set[str],
) -> pa.Table:
    try:
        return read_arrow(
            card.folder / source.path,
            file_format=source.format,
            member=source.member,
            sheet=source.sheet,
            missing=missing,
            text=text,
        )
    except DataCardError as error:
        if not (card.folder / source.path).is_file():
            message = card.how_to_get([source.path])
            raise DataCardError(f"files.{file_name}: {message}") from None
        raise DataCardError(f"files.{file_name}: {source.path}: {error}") from None


def _text_columns(card: "DataCard", file_name: str) -> set[str]:
    """Headers whose values are names or codes: reading them as numbers would lose zeros."""
    spec = card.spec
    text = {
        header
        for name, column in spec.columns.items()
        if column.file == file_name
        and (column.type != "numeric" or column.recode or column.regex is not None)
        for header in column.headers(name)
    }
    text |= {o.event.column for o in spec.outcomes.values() if o.file == file_name}
    for events in spec.events.values():
        if events.file == file_name:
            text |= {header for header in (events.code, events.text) if header is not None}
    for modality in spec.modalities.values():
        if isinstance(modality, ImageModality) and modality.owners is not None:
            text |= {modality.owners.column} if modality.owners.file == file_name else set()
    key = spec.files[file_name].key.column
    return text | ({key} if key is not None else set())


def _without(rows: pd.DataFrame, missing: Sequence[str]) -> pd.DataFrame:
    """NA in place of the texts and numbers that stand for a missing value."""
    numbers = [float(token) for token in missing if token and _is_number(token)]
    numeric = rows.select_dtypes("number").columns
    changes: dict[str, pd.Series] = {}
    for name in rows.columns.difference(numeric) if not numbers else rows.columns:
        hidden = rows[name].isin(numbers if name in numeric else missing)
        if hidden.any():
            changes[name] = rows[name].mask(hidden)
    return rows.assign(**changes) if changes else rows


def _is_number(token: str) -> bool:
    try:
        return np.isfinite(float(token)).item()
    except ValueError:
        return False


def _patient_ids(values: pd.Series, source: SourceFile) -> pd.Index:
    text = to_text(values)
    ids = [None if pd.isna(value) else source.key.patient_id(value) for value in text]
    return pd.Index(ids, dtype=object, name="patient_id")


def _transposed(
    table: pa.Table,
    source: SourceFile,
    missing: Sequence[str],
    file_name: str,
    columns: Iterable[str] | None,
) -> pd.DataFrame:
    """A table of features × patients as patients × features."""
    names = source.key.column or table.column_names[0]
    if names not in table.column_names:
        near = did_you_mean(names, table.column_names)
        raise DataCardError(f"files.{file_name}: {source.path} has no column {names!r}{near}")
    ids = {h: source.key.patient_id(h) for h in table.column_names if h != names}
    headers = [h for h, patient_id in ids.items() if patient_id is not None]
    if not headers:
        raise DataCardError(
            f"files.{file_name}: none of the {len(ids)} headers of {source.path} is a patient: "
            "correct key.regex, or the layout"
        )
    values = _without(table.select([names, *headers]).to_pandas(), missing).set_index(names)
    repeated = int(values.index.duplicated().sum())
    if repeated:
        raise DataCardError(f"files.{file_name}: {repeated} features stand twice in {names!r}")
    rows = values.T if columns is None else values.reindex(list(columns)).T
    rows.index = pd.Index([ids[h] for h in headers], dtype=object, name="patient_id")
    return rows.rename_axis(columns=None)
