"""Dates → bins by calendar unit, and the bin of each patient."""

import numpy as np

from workbench.cohort.crossfilter.bins import Dimension, RangeBins
from workbench.cohort.crossfilter.numeric import BLOCK, FEWEST_SAMPLED, TAIL, range_labels
from workbench.errors import CohortError

MONDAY = 4
"""1970-01-05, a Monday, in days since 1970-01-01."""
TICKS_PER_DAY = {"s": 86_400, "ms": 86_400 * 10**3, "us": 86_400 * 10**6, "ns": 86_400 * 10**9}
YEARS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
FIRST_YEAR, LAST_YEAR = np.datetime64("0001", "Y"), np.datetime64("9999", "Y")


def date_dimension(name: str, values: np.ndarray, sample: np.ndarray, most: int) -> Dimension:
    """A column of dates, binned.

    Parameters
    ----------
    name
        Of the column.
    values
        (patient,) datetime64 without time zone, NaT where missing.
    sample
        Rows from which the unit is chosen; every patient is counted.
    most
        Bins at most.

    Raises
    ------
    CohortError
        Most dates lie outside the years 1 to 9999.
    """
    known = values[sample]
    known = known[~np.isnat(known)]
    if len(known) < FEWEST_SAMPLED and len(sample) < len(values):
        known = values[~np.isnat(values)]
    bins = date_bins(name, known.astype("datetime64[D]"), most)
    return Dimension(name, bins, day_codes(values, bins), values)


def date_bins(name: str, days: np.ndarray, most: int) -> RangeBins:
    """Bins of the finest of day, week, month, quarter, year(s) of which at most ``most`` suffice.

    Examples
    --------
    >>> date_bins("seen", np.array(["2020-01-15", "2020-11-02"], "datetime64[D]"), 12).labels[:3]
    ('< 2020-02', '2020-02', '2020-03')
    """
    if not len(days):
        return RangeBins(np.empty(0, "datetime64[D]"), ("no date",), unit="day")
    low, high = (_quantile(days, share) for share in (TAIL, 1 - TAIL))
    years = np.array([low, high], "datetime64[Y]")
    if years[0] < FIRST_YEAR or years[1] > LAST_YEAR:
        raise CohortError(f"{name} must hold dates of the years 1 to 9999: correct the column")
    for unit, edges in _calendars(low, high, most):
        if len(edges) < most:
            return RangeBins(edges, _labels(edges, unit), unit=unit)
    raise AssertionError("a thousand years are the longest unit")


def _quantile(days: np.ndarray, share: float) -> np.datetime64:
    position = round(share * (len(days) - 1))
    return np.partition(days.view(np.int64), position)[position].astype(days.dtype)


def _calendars(low: np.datetime64, high: np.datetime64, most: int):
    """Units from the finest on, each with the days after ``low`` and up to ``high`` it starts."""
    if int((high - low).astype(int)) < 7 * most:
        yield "day", np.arange(low + 1, high + 1)
        monday = low + 7 - (int(low.astype(int)) - MONDAY) % 7
        yield "week", np.arange(monday, high + 1, 7)
    for unit, months in (("month", 1), ("quarter", 3), *((_years(n), 12 * n) for n in YEARS)):
        first, last = (int(day.astype("datetime64[M]").astype(int)) for day in (low, high))
        # Months count from 1970; multiples of years from year 0.
        start = ((first + 1970 * 12) // months + 1) * months - 1970 * 12
        starts = np.arange(start, last + 1, months)
        yield unit, starts.astype("datetime64[M]").astype("datetime64[D]")


def _years(n: int) -> str:
    return "year" if n == 1 else f"{n} years"


def _labels(edges: np.ndarray, unit: str) -> tuple[str, ...]:
    written = {"month": "M", "quarter": "M", "year": "Y"}.get(
        unit, "D" if "year" not in unit else "Y"
    )
    names = tuple(str(each) for each in edges.astype(f"datetime64[{written}]"))
    if unit not in ("day", "month", "year") or not names:
        return range_labels(names)
    return (f"< {names[0]}", *names[:-1], f"≥ {names[-1]}")


def day_codes(values: np.ndarray, bins: RangeBins) -> np.ndarray:
    """Bin of each date, (patient,) uint8; missing dates get the code after the last bin."""
    codes = np.empty(len(values), np.uint8)
    edges = bins.edges.astype(np.int64)
    first, last = (int(edges[0]) - 1, int(edges[-1])) if len(edges) else (0, 0)
    # Bins consist of whole days: a table of days is faster than a search.
    table = np.searchsorted(edges, np.arange(first, last + 1), "right").astype(np.uint8)
    per_day = TICKS_PER_DAY[np.datetime_data(values.dtype)[0]]
    ticks = values.view(np.int64)
    for start in range(0, len(values), BLOCK):
        block = slice(start, start + BLOCK)
        day = ticks[block] // per_day
        np.maximum(day, first, out=day)
        np.minimum(day, last, out=day)
        day -= first
        codes[block] = table[day]
        np.copyto(codes[block], bins.n_bins, where=np.isnat(values[block]))
    return codes
