"""Values that a criterion compares a column with: read, checked and written one way."""

import math
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from workbench.cohort.written import shown
from workbench.data.card import did_you_mean
from workbench.errors import CohortError

Value = str | int | float | bool
Table = pd.DataFrame | Mapping[str, pd.Series]
"""Columns by name."""
EXACT = 2**53
"""The largest whole number up to which float64 tells all of them apart."""


def read_column(patients: Table, name: str) -> tuple[pd.Series, np.ndarray]:
    """A column, and which of its values are known."""
    if name not in patients:
        raise CohortError(f"no column is called {shown(name)}{did_you_mean(name, patients)}")
    column = patients[name]
    return column, column.notna().to_numpy()


def comparable(values: pd.Series, value: Any) -> Any:
    """The value as the column holds it: a date, where the column holds dates."""
    dates = pd.api.types.is_datetime64_any_dtype(values.dtype)
    return pd.Timestamp(date.fromisoformat(value)) if dates else value


def check_fits(patients: Table, name: str, values: Iterable[Any], *, ordered: bool) -> None:
    """Refuse a value that could never be in the column, which would silently exclude everyone."""
    column = patients[name]
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        if any(isinstance(v, str | bool) for v in values):
            raise CohortError(
                f"{name} is a number: compare it with numbers, not text or true/false"
            )
        return
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        if not all(isinstance(v, str) and _is_date(v) for v in values):
            raise CohortError(f"{name} is a date: compare it with dates such as '2015-03-31'")
        return
    if ordered:
        raise CohortError(f"{name} has no order: use ==, != or in")
    levels = (
        list(column.cat.categories)
        if isinstance(column.dtype, pd.CategoricalDtype)
        else [True, False]
    )
    for value in values:
        if not any(value == level and type(value) is type(level) for level in levels):
            some = ", ".join(map(str, levels[:10])) + (" …" if len(levels) > 10 else "")
            near = did_you_mean(str(value), map(str, levels))
            raise CohortError(f"{name} has no level {shown(value)}; it has {some}{near}")


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def as_value(name: str, value: Any) -> Value:
    """A plain Python value, also out of numpy."""
    value = value.item() if isinstance(value, np.generic) else value
    if not isinstance(value, Value) or (isinstance(value, float) and not math.isfinite(value)):
        raise CohortError(
            f"{name}: compare with text, a finite number or true/false, got "
            f"{type(value).__name__}; use is_missing for missing values"
        )
    if isinstance(value, int) and abs(value) > EXACT:
        raise CohortError(f"{name}: whole numbers beyond {EXACT} are not compared exactly")
    return value


def as_number(name: str, value: Any) -> float:
    """A plain number, neither text nor true/false."""
    value = as_value(name, value)
    if isinstance(value, str | bool):
        raise CohortError(f"{name}: between needs numbers, got {type(value).__name__}")
    return value


def plain(value: Value) -> Value:
    """18.0 as 18, so that equal criteria have equal JSON."""
    whole = isinstance(value, float) and value.is_integer() and abs(value) <= EXACT
    return int(value) if whole else value


def as_text(value: Value) -> str:
    """As a sentence shows it."""
    return str(plain(value))
