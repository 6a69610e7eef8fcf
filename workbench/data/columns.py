"""Raw values of one column → the type that the card declares, or what is wrong with them.

Functions here return problems instead of raising, so that a check can list them all.
"""

import re
from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from workbench.data.card import Column, EventCoding, Scalar, StateCoding
from workbench.data.tables import as_text

FEWEST_OF_LEVEL = 5
"""A level that fewer patients have is pooled with the other rare ones, where levels come from data.

Indicators of two or three patients would be fitted to those patients alone.
"""
OTHER = "other"
_TRUE = {"1", "true", "t", "yes", "y"}
_FALSE = {"0", "false", "f", "no", "n"}


def type_values(raw: pd.Series, column: Column) -> tuple[pd.Series, list[str]]:
    """Values with the declared type, and one line for each thing that is not as declared.

    Values that are not as declared are missing, or for a number outside its range left as they
    are; nobody may use them while there are problems.
    """
    problems: list[str] = []
    if column.regex is not None:
        raw = to_text(raw)
        pattern, replace = re.compile(column.regex), column.replace
        matches = raw.map(pattern.fullmatch, na_action="ignore").astype(object)
        unmatched = int((raw.notna() & matches.isna()).sum())
        if unmatched:
            problems.append(f"{unmatched} values do not match `regex`: correct it")
        raw = matches.map(lambda match: match.expand(replace), na_action="ignore")
    if column.recode:
        text = _named(to_text(raw), column.recode)
        raw = text.map(lambda value: column.recode.get(value, value), na_action="ignore")
    if column.type == "numeric":
        numbers, bad = to_numbers(raw)
        return numbers, problems + ([bad] if bad else _outside(numbers, column))
    typed, bad = _boolean(raw) if column.type == "boolean" else _categorical(raw, column)
    return typed, problems + ([bad] if bad else [])


def to_numbers(raw: pd.Series) -> tuple[pd.Series, str | None]:
    """Values as float64, and what is wrong with those that are not finite numbers."""
    if pd.api.types.is_numeric_dtype(raw) and not pd.api.types.is_bool_dtype(raw):
        given, numbers = raw.notna(), raw.astype("float64")
    else:
        text = to_text(raw)
        given, numbers = (
            text.notna(),
            pd.to_numeric(text, errors="coerce").astype("float64"),
        )
    bad = given & ~np.isfinite(numbers)
    if not bad.any():
        return numbers, None
    comma = bool(to_text(raw[bad]).str.fullmatch(r"[+-]?\d+,\d+").all())
    remedy = "use a decimal point" if comma else "correct them, or name them in `missing:`"
    return (
        numbers,
        f"{int(bad.sum())} of {int(given.sum())} values are not numbers: {remedy}",
    )


def to_text(values: pd.Series) -> pd.Series:
    """Values as pandas ``string``: whole numbers without a decimal point."""
    if isinstance(values.dtype, pd.StringDtype):
        return values
    if values.map(type).isin([str, type(None)]).all():
        return values.astype("string")
    return values.map(as_text, na_action="ignore").astype("string")


def fill_value(value: Scalar, column: Column) -> Any:
    """The value that a card's ``fill`` names, in the column's type."""
    if column.type == "categorical":
        return as_text(value)
    return as_text(value).lower() in _TRUE if column.type == "boolean" else value


def code_event(raw: pd.Series, coding: EventCoding | StateCoding) -> tuple[pd.Series, str | None]:
    """Event as ``boolean``, and why the card's coding does not fit the file, if it does not.

    The values are not to be used where there is a reason.
    """
    event, other = _tokens(coding.event), _tokens(coding.other)
    text = _named(to_text(raw), event | other)
    happened = text.isin(event) if event else ~text.isin(other)
    return happened.astype("boolean").mask(text.isna()), _misfit(text, event, other, coding)


def _misfit(
    text: pd.Series, event: set[str], other: set[str], coding: EventCoding | StateCoding
) -> str | None:
    observed = set(text.dropna())
    column, entry = coding.column, coding.other_entry
    if event & other:
        return f"{column}: a value is named both as the event and as {entry}"
    if observed and not observed & (event | other):
        named = " or ".join(repr(t) for t in sorted(event | other))
        return (
            f"{column}: the card names {named}, but none of the column's {len(observed)} values "
            f"is that: look at the file and correct `event:` or `{entry}:`"
        )
    neither = observed - event - other
    if event and other and neither:
        return (
            f"{column}: {int(text.isin(neither).sum())} patients have {len(neither)} other values "
            f"than the card names: add them to `event:` or `{entry}:`, or to the file's `missing:`"
        )
    if len(neither) > 1 and not coding.several_others:
        return (
            f"{column}: {len(observed)} values, of which the card names only some: name both "
            "`event:` and `censored:`, so that each value is one of them"
        )
    return None


def _outside(values: pd.Series, column: Column) -> list[str]:
    low, high = column.range or (None, None)
    below = 0 if low is None else int((values < low).sum())
    above = 0 if high is None else int((values > high).sum())
    if not below + above:
        return []
    unit = f" {column.unit}" if column.unit else ""
    found = [f"{below} below {low}{unit}"] if below else []
    found += [f"{above} above {high}{unit}"] if above else []
    what = f"{' and '.join(found)}, of {int(values.notna().sum())} values"
    return [f"{what}: impossible by the card; correct the file, its `missing:`, or `range`"]


def _boolean(raw: pd.Series) -> tuple[pd.Series, str | None]:
    text = _named(to_text(raw).str.lower(), _TRUE | _FALSE)
    known = text.isin(_TRUE | _FALSE)
    typed = text.isin(_TRUE).astype("boolean").mask(~known)
    neither = int((text.notna() & ~known).sum())
    if not neither:
        return typed, None
    return typed, f"{neither} values are not 1/0, true/false or yes/no: add a `recode`"


def _categorical(raw: pd.Series, column: Column) -> tuple[pd.Series, str | None]:
    text = _named(to_text(raw), column.listed_levels)
    if column.levels == "from_data":
        text, levels = _pooled(text)
    else:
        levels = list(column.listed_levels or sorted(text.dropna().unique()))
    typed = pd.Series(pd.Categorical(text, categories=levels), index=raw.index)
    unknown = text.notna() & ~text.isin(levels)
    if not unknown.any():
        return typed, None
    return typed, (
        f"{int(unknown.sum())} patients have {text[unknown].nunique()} levels that the card does "
        f"not list (it lists {', '.join(levels)}): add them to `levels`, or `recode` them"
    )


def _pooled(text: pd.Series) -> tuple[pd.Series, list[str]]:
    """Values with rare levels as one, and the levels: the most frequent first, ``other`` last."""
    counts = text.value_counts()
    text = text.mask(text.isin(counts.index[counts < FEWEST_OF_LEVEL]), OTHER)
    counts = text.value_counts()
    return text, sorted(counts.index, key=lambda level: (level == OTHER, -counts[level], level))


def _tokens(value: Scalar | tuple[Scalar, ...] | None) -> set[str]:
    if value is None:
        return set()
    return {as_text(v) for v in (value if isinstance(value, tuple) else (value,))}


def _named(text: pd.Series, names: Collection[str]) -> pd.Series:
    """``1.0`` as ``1`` where the card names ``1``: a missing value made the file write decimals."""
    whole = text.str.replace(r"^(-?\d+)\.0+$", r"\1", regex=True)
    return text.mask(~text.isin(list(names)) & whole.isin(list(names)), whole)
