"""Overall survival of the clinical file → deaths and follow-up on the patient's clock.

``OS_MONTHS`` counts from the initial diagnosis, which is day 0 of the timeline, so it can be
placed. Other pairs, such as ``DFS_MONTHS``, count from another zero (the initial treatment) and
are not.
"""

from dataclasses import dataclass

import pandas as pd

from workbench.data.events import DAY
from workbench.data.sources.span import MOST_DAYS

DAYS_A_MONTH = 365.25 / 12
"""Months are rounded to two decimals or none: a day derived from them is exact to half a unit."""


@dataclass(frozen=True, eq=False)
class FollowUp:
    """Last day of each patient (float, missing where not told), whether it is that of death.

    ``odd`` counts statuses that are none, ``undated`` deaths without a day, ``outside`` days that
    are before day 0 or cannot be; all of them are missing.
    """

    day: pd.Series
    died: pd.Series
    odd: int
    undated: int
    outside: int

    def ends(self) -> "pd.Series[int]":
        """End of the last day of those who have one, int64 µs."""
        return (self.day.dropna().astype("int64") + 1) * DAY - 1


def follow_up(patients: pd.DataFrame) -> FollowUp | None:
    """Read ``OS_STATUS`` and ``OS_MONTHS``; None without both.

    A status is ``1:DECEASED`` or ``0:LIVING``, or as before 2020 without its number.
    """
    if not {"OS_STATUS", "OS_MONTHS"} <= set(patients.columns):
        return None
    months = patients["OS_MONTHS"]
    if not pd.api.types.is_float_dtype(months):
        return None
    status = patients["OS_STATUS"].astype("string").str.strip().str.upper()
    died = (status.str.startswith("1:") | (status == "DECEASED")).fillna(False).astype(bool)
    alive = (status.str.startswith("0:") | (status == "LIVING")).fillna(False).astype(bool)
    day = (months * DAYS_A_MONTH).round()
    outside = (day < 0) | (day > MOST_DAYS)
    told = (died | alive) & ~outside
    return FollowUp(
        day.where(told),
        died,
        int((status.notna() & ~died & ~alive).sum()),
        int((died & months.isna()).sum()),
        int(outside.sum()),
    )
