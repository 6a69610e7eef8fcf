"""How table one writes its numbers."""

from datetime import datetime

from workbench.cohort.privacy.small_cells import SUPPRESSED
from workbench.cohort.table_one.record import Count, Statistic, Summary, Value, Variable

NONE = "–"
NO_DECIMALS_FROM = 99.95


def share(count: Count) -> str:
    """``"1,234 (34.5)"``: patients and their percentage; of weighted ones the sum of weights."""
    if count.suppressed:
        return SUPPRESSED
    n = f"{count.n:,}" if count.weight is None else f"{count.weight:,.1f}"
    return n if count.percent is None else f"{n} ({count.percent:.1f})"


def size(count: Count) -> str:
    """How many patients, without their percentage."""
    return SUPPRESSED if count.suppressed else f"{count.n:,}"


def summary(cell: Summary, statistic: Statistic) -> str:
    """``"61.2 (9.80)"`` or ``"61.2 [54.0, 68.5]"``."""
    if cell.suppressed:
        return SUPPRESSED
    if cell.estimate is None:
        return NONE
    if statistic == "mean (SD)":
        return f"{value(cell.estimate)} ({value(cell.spread)})"
    return f"{value(cell.estimate)} [{value(cell.lower)}, {value(cell.upper)}]"


def value(number: Value | None) -> str:
    """Three digits, trailing zeros kept, so that the numbers of a row stand under each other."""
    if number is None:
        return NONE
    if isinstance(number, datetime):
        return f"{number:%Y-%m-%d}"
    number += 0.0  # no minus before zero
    text = f"{number:.0f}" if abs(number) >= NO_DECIMALS_FROM else f"{number:#.3g}"
    return text.replace("-", "−")


def smd(variable: Variable) -> str:
    """The largest standardised difference."""
    if variable.differences is None:
        return SUPPRESSED
    largest = variable.largest_difference
    return "" if largest is None else f"{largest.smd:.2f}"


def p_value(p: float) -> str:
    """As journals print it: never zero."""
    if p < 0.001:
        return "<0.001"
    return f"{p:.3f}" if p < 0.01 else f"{p:.2f}"
