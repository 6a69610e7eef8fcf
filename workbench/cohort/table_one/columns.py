"""A column as table one reads it: numbers, or levels."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from workbench.cohort.table_one.record import Kind
from workbench.errors import CohortError

A_DAY = 86_400_000_000
FEW_LEVELS = 50


@dataclass(frozen=True, eq=False)
class Numbers:
    """``values`` (patient,) float64, NaN where missing; of dates, days since 1970.

    ``kind`` None leaves it to the skewness.
    """

    name: str
    values: np.ndarray
    kind: Literal["normal", "skewed", "date"] | None


@dataclass(frozen=True, eq=False)
class Levels:
    """``codes`` (patient,) int of ``levels``, -1 where missing."""

    name: str
    codes: np.ndarray
    levels: tuple[str, ...]
    kind: Literal["categorical", "boolean"]


def read_column(values: pd.Series, kind: Kind | None) -> Numbers | Levels:
    """A column as ``kind``, or as what its type says.

    Numbers stay numbers, also where they are few whole ones; booleans and text are levels, and so
    are categories; times are dates.

    Raises
    ------
    CohortError
        If its values do not fit the kind, are infinite, or are text that hardly repeats.
    """
    name, found = str(values.name), detected(values) if kind is None else kind
    if found in ("categorical", "boolean"):
        return _levels(name, values, "boolean" if found == "boolean" else "categorical")
    if found == "date":
        return Numbers(name, _days(name, values), "date")
    numbers = _numbers(name, values)
    return Numbers(
        name, numbers, None if kind is None else ("skewed" if kind == "skewed" else "normal")
    )


def detected(values: pd.Series) -> Literal["number", "categorical", "boolean", "date"]:
    """What a column's type says it is."""
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return "categorical"
    if pd.api.types.is_bool_dtype(dtype):
        return "boolean"
    if pd.api.types.is_numeric_dtype(dtype):
        return "number"
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return "date"
    inferred = pd.api.types.infer_dtype(values, skipna=True)
    return "boolean" if inferred == "boolean" else "categorical"


def _numbers(name: str, values: pd.Series) -> np.ndarray:
    if not pd.api.types.is_numeric_dtype(values.dtype):
        raise CohortError(
            f"{name} was to be a number, got {values.dtype}: convert it, or leave its kind out"
        )
    numbers = values.to_numpy(np.float64, na_value=np.nan)
    total = numbers.sum()
    if not np.isfinite(total) and (n := int(np.isinf(numbers).sum())):
        raise CohortError(f"{name} holds {n} infinite values: set them missing")
    return numbers


def _days(name: str, values: pd.Series) -> np.ndarray:
    if not pd.api.types.is_datetime64_any_dtype(values.dtype):
        raise CohortError(f"{name} was to be a date, got {values.dtype}: use pandas.to_datetime")
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        values = values.dt.tz_convert("UTC").dt.tz_localize(None)
    moments = values.to_numpy("datetime64[us]")
    return np.where(np.isnat(moments), np.nan, moments.astype(np.int64) / A_DAY)


def _levels(name: str, values: pd.Series, kind: Literal["categorical", "boolean"]) -> Levels:
    if isinstance(values.dtype, pd.CategoricalDtype):
        codes, levels = values.cat.codes.to_numpy(), list(values.cat.categories)
    elif kind == "boolean" and pd.api.types.is_bool_dtype(values.dtype):
        codes, levels = values.to_numpy(np.int8, na_value=-1), [False, True]
    else:
        codes, levels = pd.factorize(values)
        order = np.argsort([str(level) for level in levels], kind="stable")
        place = np.append(np.argsort(order), -1)
        codes, levels = place[codes], [levels[i] for i in order]
    if kind == "boolean" and not set(levels) <= {False, True}:
        raise CohortError(f"{name} was to be boolean, got {len(levels)} levels of {values.dtype}")
    if len(levels) > max(FEW_LEVELS, len(values) / 2):
        raise CohortError(
            f"{name} has {len(levels)} levels in {len(values)} patients: it would list patients. "
            "Leave it out of columns, or group its levels"
        )
    return Levels(name, codes, tuple(str(level) for level in levels), kind)
