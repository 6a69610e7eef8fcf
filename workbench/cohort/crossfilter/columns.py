"""A column of a DataFrame → the dimension that fits its type, or a clear refusal."""

import numpy as np
import pandas as pd
import pyarrow as pa

from workbench.cohort.crossfilter.bins import Dimension
from workbench.cohort.crossfilter.dates import date_dimension
from workbench.cohort.crossfilter.levels import level_dimension
from workbench.cohort.crossfilter.numeric import number_dimension
from workbench.cohort.values import Value
from workbench.errors import CohortError


def column_dimension(
    column: pd.Series, sample: np.ndarray, *, most_bins: int, most_levels: int
) -> Dimension:
    """The dimension of one column.

    Parameters
    ----------
    column
        Numeric, boolean, categorical, text or datetime64 without time zone, nullable or not.
    sample
        Rows from which edges are chosen.
    most_bins, most_levels
        Bins of a range, levels with a bin of their own.

    Raises
    ------
    CohortError
        Another type, times with a time zone, infinite numbers.
    """
    name, dtype = str(column.name), column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        levels = tuple(_level(name, each) for each in dtype.categories)
        codes = column.cat.codes.to_numpy()
        return level_dimension(name, codes, levels, ordered=True, most=most_levels)
    if pd.api.types.is_bool_dtype(dtype) and not pd.api.types.is_object_dtype(dtype):
        return _truth_dimension(column)
    if isinstance(dtype, pd.DatetimeTZDtype):
        raise CohortError(
            f"{name} holds times with a time zone ({dtype.tz}): dates of a cohort are local, "
            "convert the column with `.dt.tz_localize(None)`"
        )
    if pd.api.types.is_datetime64_dtype(dtype):
        return date_dimension(name, column.to_numpy(), sample, most_bins)
    if pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_complex_dtype(dtype):
        return number_dimension(name, _numbers(column), sample, most_bins)
    if pd.api.types.is_object_dtype(dtype) or pd.api.types.is_string_dtype(dtype):
        return _text_dimension(column, most_levels)
    raise _refusal(name, str(dtype))


def _numbers(column: pd.Series) -> np.ndarray:
    """As they are, without a copy where that is possible; nullable ones with NaN."""
    if isinstance(column.dtype, np.dtype):
        return column.to_numpy()
    if column.hasnans or pd.api.types.is_float_dtype(column.dtype):
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    return column.to_numpy(dtype=np.int64)


def _truth_dimension(column: pd.Series) -> Dimension:
    codes = column.astype("boolean").astype("Int8").to_numpy(dtype=np.int8, na_value=-1)
    return level_dimension(str(column.name), codes, (False, True), ordered=True, most=2)


def _text_dimension(column: pd.Series, most: int) -> Dimension:
    name = str(column.name)
    try:
        values = pa.array(column, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise CohortError(
            f"{name} mixes types: make it text (`.astype('string')`) or numbers (`pd.to_numeric`)"
        ) from error
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if pa.types.is_null(values.type):
        return level_dimension(
            name, np.full(len(values), -1, np.int8), (), ordered=False, most=most
        )
    if pa.types.is_boolean(values.type):
        return _truth_dimension(column)
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        raise _refusal(name, f"objects ({values.type})")
    encoded = values.dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    levels = tuple(encoded.dictionary.to_pylist())
    return level_dimension(name, codes, levels, ordered=False, most=most)


def _level(name: str, value: object) -> Value:
    value = value.item() if isinstance(value, np.generic) else value
    if not isinstance(value, str | int | float | bool):
        raise CohortError(
            f"{name}: levels must be text, numbers or true/false, got {type(value).__name__}: "
            "rename the categories, or bin the column yourself"
        )
    return value


def _refusal(name: str, found: str) -> CohortError:
    return CohortError(
        f"{name} must hold numbers, text, true/false, categories or dates, got {found}: convert it "
        "(`pd.to_numeric`, `pd.to_datetime`, `.dt.days`), or leave it out"
    )
