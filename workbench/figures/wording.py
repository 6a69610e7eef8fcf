"""Numbers as a reader of a journal expects them."""

import math
from typing import Any, Protocol

from workbench.figures.ticks import plain


class Limits(Protocol):
    """A number with its limits: a record with these names."""

    @property
    def estimate(self) -> float: ...
    @property
    def lower(self) -> float: ...
    @property
    def upper(self) -> float: ...


class ChiSquare(Protocol):
    """A chi-square test."""

    @property
    def statistic(self) -> float: ...
    @property
    def degrees_of_freedom(self) -> int: ...
    @property
    def p_value(self) -> float: ...


def p_words(p_value: float) -> str:
    """Such as ``"p = 0.012"``; never 0.

    >>> p_words(0.0123), p_words(0.2345), p_words(1e-9)
    ('p = 0.012', 'p = 0.23', 'p < 0.001')
    """
    text = p_number(p_value)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def p_number(p_value: float) -> str:
    """Two digits that matter, from 0.001 on: ``"0.012"``, ``"< 0.001"``; nothing for NaN."""
    if math.isnan(p_value):
        return ""
    if p_value < 0.001:
        return "< 0.001"
    return f"{p_value:.2f}" if p_value >= 0.095 else f"{p_value:.3f}"


def chi_square_words(name: str, test: ChiSquare | None) -> str:
    """A test with its statistic, such as ``"Log-rank p = 0.012 (χ² = 6.3, 1 df)"``."""
    if test is None:
        return ""
    return (
        f"{name} {p_words(test.p_value)} (χ² = {test.statistic:.1f}, {test.degrees_of_freedom} df)"
    )


def span_words(value: Limits, write: Any = plain) -> str:
    """A number with its limits, such as ``"270 (212 to 310)"``; limits only where known."""
    if math.isnan(value.lower) and math.isnan(value.upper):
        return write(value.estimate)
    lower = write(value.lower).removesuffix(" %")
    return f"{write(value.estimate)} ({lower} to {write(value.upper).removesuffix(' %')})"


def fixed(decimals: int, *, sign: bool = False) -> Any:
    """A way to write numbers with a fixed count of decimals, a true minus and no minus zero.

    >>> fixed(2)(-0.001), fixed(2, sign=True)(0.126), fixed(1)(-2.0)
    ('0.00', '+0.13', '−2.0')
    """

    def write(value: float) -> str:
        rounded = round(float(value), decimals) + 0.0
        text = f"{rounded:{'+' if sign and rounded else ''}.{decimals}f}"
        return text.replace("-", "−")

    return write


def signed_like(*values: float) -> Any:
    """A way to write differences, so that the largest of ``values`` has three digits that matter.

    >>> signed_like(-0.012, 0.21)(0.1), signed_like(-30.0, 181.2)(-12.34)
    ('+0.100', '−12')
    """
    largest = max((abs(value) for value in values if math.isfinite(value)), default=1.0)
    return fixed(max(0, 2 - math.floor(math.log10(largest or 1.0))), sign=True)


def percents(decimals: int = 1) -> Any:
    """A way to write shares as percent."""
    write = fixed(decimals)
    return lambda value: f"{write(100 * value)} %"


def time_words(value: float) -> str:
    """A time to three digits that matter; infinity is a time that was not reached."""
    if math.isnan(value):
        return "unknown"
    if math.isinf(value):
        return "not reached"
    return plain(round(value, max(0, 2 - math.floor(math.log10(abs(value) or 1)))))


def count_words(n_patients: str, n_events: str) -> str:
    """Such as ``"n = 138, 112 events"``."""
    return f"n = {n_patients}, {n_events} events"


def sentences(*parts: str) -> str:
    """Parts that are not empty, each as a sentence.

    >>> sentences("Patients by age", "", "30 to 40: 12")
    'Patients by age. 30 to 40: 12.'
    """
    return " ".join(f"{part.removesuffix('.')}." for part in parts if part)


def capitalised(text: str) -> str:
    """With a capital at its start, the rest as it is.

    >>> capitalised("death of AML")
    'Death of AML'
    """
    return text[:1].upper() + text[1:]


def withheld(count: float, minimum_cell: int | None) -> str:
    """A count with thousands apart, or that it is below the smallest cell that may be shown."""
    if minimum_cell is not None and 0 < count < minimum_cell:
        return f"<{minimum_cell}"
    return f"{count:,.0f}"
