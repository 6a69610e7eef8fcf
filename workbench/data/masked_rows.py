"""Rows of a table that show what its values are like, and nobody's values."""

import re
from itertools import pairwise

import numpy as np
import pandas as pd

from workbench.data.card.cohorts import MINIMUM_CELL
from workbench.data.table_facts import TableFacts

HIDDEN = "••••"


def masked_rows(
    table: TableFacts, *, n_rows: int = 10, minimum: int = MINIMUM_CELL, seed: int = 0
) -> pd.DataFrame:
    """Rows in which each column is shuffled by itself: none of them is a patient's.

    Parameters
    ----------
    table
        What to show.
    n_rows
        Rows to show, at most.
    minimum
        Values that fewer rows have are hidden; ranges of numbers hold at least as many.
    seed
        Of the shuffling.

    Returns
    -------
    DataFrame
        Text: identifiers as ``••••`` and the number of the row, numbers as ranges, frequent values
        as they are, all others as their shape (``A`` for a letter, ``9`` for a digit).
    """
    rng = np.random.default_rng(seed)
    n_rows = min(n_rows, len(table.frame))
    minimum = max(minimum, 1)
    columns = {}
    for header in table.headers:
        if header == table.key:
            columns[header] = [f"{HIDDEN}{at + 1:02d}" for at in range(n_rows)]
            continue
        values = table.frame[header].iloc[rng.permutation(len(table.frame))]
        number = table.is_number(header) and values.nunique() > 2
        masked = _ranges(values, minimum) if number else _frequent(values, minimum)
        columns[header] = masked.iloc[:n_rows].tolist()
    return pd.DataFrame(columns)


def _ranges(values: pd.Series, minimum: int) -> pd.Series:
    """Numbers as ranges between quantiles of at most two digits; the ends stay open."""
    numbers = values.astype(float)
    known = numbers[np.isfinite(numbers)]
    shown = pd.Series("missing", index=values.index).where(numbers.isna(), "a number")
    n_ranges = min(5, len(known) // minimum)
    if n_ranges < 2:
        return shown
    cuts = np.quantile(known, np.arange(1, n_ranges) / n_ranges)
    edges = np.unique([float(f"{cut:.2g}") for cut in cuts])
    at = np.searchsorted(edges, numbers, side="right")
    counts = np.bincount(at[np.isfinite(numbers)], minlength=len(edges) + 1)
    words = [
        f"below {edges[0]:g}",
        *(f"{low:g} to {high:g}" for low, high in pairwise(edges)),
        f"{edges[-1]:g} or more",
    ]
    told = np.array([w if n >= minimum else "a number" for w, n in zip(words, counts, strict=True)])
    return shown.where(~np.isfinite(numbers), told[np.minimum(at, len(edges))])


def _frequent(values: pd.Series, minimum: int) -> pd.Series:
    text = values.map(str, na_action="ignore")
    often = text.value_counts()
    frequent = text.isin(often.index[often >= minimum])
    shaped = text.map(shape, na_action="ignore")
    return text.where(frequent, shaped).fillna("missing")


def shape(text: str) -> str:
    """``text`` with letters as A and digits as 9, at most twelve of them.

    Examples
    --------
    >>> shape("TCGA-02-0001")
    'AAAA-99-9999'
    """
    masked = re.sub(r"[^\W\d_]", "A", re.sub(r"\d", "9", text))
    return masked if len(masked) <= 12 else f"{masked[:11]}…"
