"""Which times a source may hold.

De-identified dates are shifted by centuries, so the span is wide; year 0 and year 9999 stand for
"unknown" and "never" in many systems, and are no times.
"""

from datetime import datetime

from workbench.data.events import DAY

FIRST_YEAR, LAST_YEAR = 1800, 2299
_EPOCH = datetime(1970, 1, 1)
FIRST = (datetime(FIRST_YEAR, 1, 1) - _EPOCH).days * DAY
LAST = (datetime(LAST_YEAR + 1, 1, 1) - _EPOCH).days * DAY - 1
OUTSIDE = f"a time outside the years {FIRST_YEAR} to {LAST_YEAR}"

MOST_DAYS = 150 * 366
"""Furthest day of a relative clock, before or after its zero."""
