"""Table one of a cohort: what its card declares, compared as its card allows."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from workbench.cohort.table_one.asking import require_cohort_tables
from workbench.cohort.table_one.description import describe_divisions
from workbench.cohort.table_one.grouping import Division, by_levels
from workbench.cohort.table_one.record import TableOne
from workbench.cohort.table_one.variables import Asked
from workbench.cohort.time_zero import check_columns
from workbench.errors import CohortError

if TYPE_CHECKING:
    from workbench.cohort.cohort import Cohort

EVALUATED, ONLY_TRAIN = "evaluated", "only train"
"""Levels of ``fold`` where some patients are never held out, as in a temporal split."""


def table_one(
    cohort: "Cohort", *, by: str | None = None, columns: Sequence[str] | None = None
) -> pd.DataFrame:
    """Describe the patients of a cohort, as text.

    Parameters
    ----------
    cohort
        Its patients.
    by
        Compare the levels of this column: one that the card declares and that is not numeric,
        ``event``, ``fold``, or ``has_<modality>``. In a temporal split ``fold`` has the levels
        ``evaluated`` and ``only train``.
    columns
        What to describe; features, groups and markers in the card's order, if not given.

    Returns
    -------
    DataFrame
        Text. ``variable`` (with its unit), ``statistic``, ``level``, ``all``, one column a level
        of ``by``, ``missing`` (patients without the value, of all) and with ``by`` ``smd``, the
        largest absolute standardised mean difference between two of its levels. A number is
        given as mean (SD), or as median [IQR] where its skewness exceeds 1 in size; other
        columns as n (% of all patients in the group, so that a share gives no other count away).
        There are no p values: in a described cohort they test nothing that was asked. Counts
        that the card's privacy withholds read "suppressed".

    Raises
    ------
    CohortError
        If a column does not exist, or ``by`` is a number or observed after the index date.
    PrivacyError
        If together with what was shown before, the table would give a small group away.
    """
    return table_one_record(cohort, by=by, columns=columns).frame()


def table_one_record(
    cohort: "Cohort", *, by: str | None = None, columns: Sequence[str] | None = None
) -> TableOne:
    """As :func:`table_one`, with the numbers themselves and every rendering."""
    spec = cohort.card.spec
    if columns is None:
        roles = ("feature", "group", "marker")
        columns = [name for name, c in spec.columns.items() if c.role in roles]
    unknown = [name for name in columns if name not in spec.columns]
    if unknown:
        raise CohortError(f"table one: no column is called {unknown[0]!r}")
    divisions = [] if by is None else [division_of(cohort, by)]
    earlier = require_cohort_tables(cohort, divisions)
    event = event_levels(cohort.patients["event"])
    asked = [] if by == "event" else [Asked(event, None, "event", None)]
    for name in columns:
        if name != by:
            values, unit = cohort.patients[name], spec.columns[name].unit
            number = pd.api.types.is_float_dtype(values.dtype)
            asked.append(Asked(values, None if number else "categorical", name, unit))
    return describe_divisions(
        asked,
        divisions,
        n_patients=cohort.n_patients,
        minimum_cell=spec.privacy.minimum_cell,
        title="Patients at the index date",
        earlier=replace(earlier, everyone=with_event_levels(earlier.everyone)),
    )


def event_levels(event: pd.Series) -> pd.Series:
    """Whether the event was observed, as ``no`` and ``yes``."""
    levels = pd.Categorical(np.where(event, "yes", "no"), ["no", "yes"])
    return pd.Series(levels, event.index, name="event")


def with_event_levels(everyone: pd.DataFrame) -> pd.DataFrame:
    """``everyone`` as the table describes them."""
    if "event" not in everyone:
        return everyone
    return everyone.assign(event=event_levels(everyone["event"]))


def division_of(cohort: "Cohort", by: str) -> Division:
    """The patients of a cohort by a column that may be compared.

    Raises
    ------
    CohortError
        If there is no such column, it is a number, or it is observed after the index date.
    """
    own = {"event", "fold", *(f"has_{name}" for name in cohort.card.spec.modalities)}
    if by not in own:
        check_columns(cohort.card.spec, [by], "a group")
        if cohort.card.spec.columns[by].type == "numeric":
            raise CohortError(f"{by} is a number: compare groups by a column with levels")
    if by not in cohort.patients:
        raise CohortError(f"table by {by!r}: split the cohort first")
    values = cohort.patients[by]
    if by == "fold":
        values = _fold_levels(values)
    return by_levels(by, values)


def _fold_levels(fold: pd.Series) -> pd.Series:
    if fold.isna().any():
        held_out = np.where(fold.notna(), EVALUATED, ONLY_TRAIN)
        return pd.Series(pd.Categorical(held_out, [EVALUATED, ONLY_TRAIN]), fold.index)
    numbers = sorted(fold.unique())
    titles = [f"fold {number}" for number in numbers]
    return pd.Series(pd.Categorical.from_codes(np.searchsorted(numbers, fold), titles), fold.index)
