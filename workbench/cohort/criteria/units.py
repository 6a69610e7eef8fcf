"""Units and coded answers in the text of events, and a warning where units are mixed."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from workbench.cohort.criteria.query import EventQuery
from workbench.cohort.privacy import small
from workbench.data.events import EventRows
from workbench.data.records import Records
from workbench.data.sources.omop_tables import UNIT, text_parts


def mixed_units(records: Records, queries: Sequence[EventQuery]) -> tuple[str, ...]:
    """Codes whose values are compared though they come in several units, one sentence each.

    Only of records whose format says what a unit is: OMOP and FHIR.

    Parameters
    ----------
    records
        Patients and events.
    queries
        What a definition asks for.
    """
    if records.source.kind not in ("omop", "fhir"):
        return ()
    codes = frozenset().union(*(query.find_codes(records) for query in compared(queries)))
    rows = records.events.rows(sorted(codes)) if codes else None
    if rows is None or not len(rows):
        return ()
    return tuple(mixed_sentences(_counts(rows, records.source.kind), records.minimum_cell))


def compared(queries: Sequence[EventQuery]) -> list[EventQuery]:
    """Those that compare values and name no unit."""
    return [
        query
        for query in queries
        if query.value is not None and not query.units and query.unit is None
    ]


def mixed_sentences(counts: pd.Series, minimum: int) -> Iterator[str]:
    """A sentence for each code of which several units occur.

    Parameters
    ----------
    counts
        Events by code and unit.
    minimum
        Size of the smallest group of events that is told.
    """
    for code, of_code in counts.groupby(level="code", sort=True):
        if len(of_code) > 1:
            parts = ", ".join(
                f"{unit} in {_shown(int(n), minimum)} events" for (_, unit), n in of_code.items()
            )
            yield (
                f"{code}: its values are compared, and come in {len(of_code)} units ({parts}): "
                "name the one that is meant, with in_unit(…)"
            )


def _counts(rows: EventRows, kind: str) -> pd.Series:
    """Events with a number by code and unit; those without a unit are left out."""
    rows = rows[~np.isnan(rows.number)]
    text = rows.text.remove_unused_categories()
    units = [text_parts(one).unit_concept for one in text.categories]
    concepts = [None if unit is None else f"{UNIT}{unit}" for unit in units]
    named = pd.Categorical(concepts if kind == "omop" else text.categories)
    unit = np.append(named.codes, -1)[text.codes]
    known = unit >= 0
    code = rows.code.codes[known].astype(np.int64)
    pair, n = np.unique(code * len(named.categories) + unit[known], return_counts=True)
    which = np.divmod(pair, max(len(named.categories), 1))
    index = pd.MultiIndex.from_arrays(
        [rows.code.categories[which[0]], named.categories[which[1]]], names=["code", "unit"]
    )
    return pd.Series(n, index)


def _shown(n: int, minimum: int) -> str:
    return "a few" if small(np.array([n]), minimum).any() else f"{n:,}"
