"""How a number of ``report.json`` is written for a reader: the only place where that is decided."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from workbench.figures.style import shorten

NONE = "–"
LONGEST = 240
LONGEST_SENTENCE = 1200
"""Letters of a name and of a sentence that the page shows; ``report.json`` keeps them all."""

NOT_REACHED = "not reached"
A_YEAR = {"days": 365.25, "weeks": 365.25 / 7, "months": 12.0}

TERMS = {
    "ehr": "clinical records",
    "numeric": "number",
    "categorical": "category",
    "boolean": "yes or no",
    "site": "hospital or site",
    "split": "folds",
    "marker": "known marker",
    "post_outcome": "known after the outcome, refused",
}
"""Words of a card that the code needs and nobody else says."""

Value = Any
Writer = Callable[[Value], str]


def text(value: Value) -> str:
    """Words, without control or direction marks, and not without end."""
    return NONE if value is None else shorten(str(value), LONGEST)


def prose(value: Value) -> str:
    """A sentence or a note, which may be longer than a name; its numbers get a true minus."""
    if value is None:
        return NONE
    return re.sub(r"(?<=[\s(])-(?=[\d.])", "−", shorten(str(value), LONGEST_SENTENCE))


def term(value: Value) -> str:
    """A word of a dataset's description, as a person says it."""
    return TERMS.get(value, text(value))


def setting(value: Value) -> str:
    """What a fold or a study was set to: mappings and lists as words."""
    if isinstance(value, Mapping):
        return text("; ".join(f"{k}: {setting(v)}" for k, v in value.items()))
    if isinstance(value, list | tuple):
        return text(", ".join(setting(v) for v in value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return text(f"{value:g}".replace("-", "−") if isinstance(value, float) else value)


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def scientific(value: Value) -> str:
    """Numbers of any size: three digits, with a power of ten where many zeros would stand.

    >>> scientific(15.43), scientific(-0.02), scientific(4.33e-15), scientific(1e-6)
    ('15.4', '−0.02', '4.33 × 10⁻¹⁵', '10⁻⁶')
    """
    if value is None or not math.isfinite(value):
        return NONE
    digits, power = f"{value:.2e}".split("e")
    if not value or -3 <= int(power) < 4:
        return f"{value:.3g}".replace("-", "−") if int(power) < 3 else f"{value:,.0f}"
    ten = f"10{str(int(power)).translate(_RAISED)}"
    digits = digits.rstrip("0").rstrip(".").replace("-", "−")
    return ten if digits == "1" else f"{digits} × {ten}"


def availability(value: Mapping[str, Value]) -> str:
    """Who has a modality, of those who could: ``"105 (21.9 %)"``."""
    if isinstance(value["n_available"], str):
        return text(value["n_available"])
    return f"{count(value['n_available'])} ({number(value['percent'], 1)} %)"


def number(value: Value, digits: int = 3) -> str:
    """Fixed decimals with a true minus; text such as ``"<10"`` stays as it is."""
    if value is None:
        return NONE
    if isinstance(value, str):
        return text(value)
    return _without_signed_zero(f"{value:,.{digits}f}")


def count(value: Value) -> str:
    """A whole number with thousands apart; a suppressed count stays as it is."""
    return text(value) if value is None or isinstance(value, str) else f"{value:,d}"


def signed(value: Value, digits: int = 3) -> str:
    """A difference: its sign always shows."""
    if value is None or isinstance(value, str):
        return number(value, digits)
    return _without_signed_zero(f"{value:+,.{digits}f}")


def _without_signed_zero(written: str) -> str:
    """With a true minus; what is rounded to zero has no sign."""
    return written.replace("-", "−") if re.search("[1-9]", written) else written.lstrip("+-")


def estimate(value: Mapping[str, Value] | None) -> str:
    """An estimate with its interval, as ``"0.842 (0.812 to 0.868)"``."""
    return _with_interval(value, number, number)


def difference(value: Mapping[str, Value] | None) -> str:
    """A paired difference with its interval, as ``"+0.021 (+0.004 to +0.038)"``."""
    return _with_interval(value, signed, signed)


def times(value: Mapping[str, Value] | str | None) -> str:
    """A median time with its interval; what was not reached, or is withheld, is said so."""
    if isinstance(value, str):
        return text(value)
    if value is None or value["estimate"] is None:
        return NOT_REACHED
    return _with_interval(value, _reached, _reached)


def _with_interval(value: Mapping[str, Value] | None, head: Writer, bound: Writer) -> str:
    if value is None:
        return NONE
    return f"{head(value['estimate'])} ({bound(value['lower'])} to {bound(value['upper'])})"


def _reached(value: Value) -> str:
    return NOT_REACHED if value is None else time(value)


def time(value: Value) -> str:
    """A time or horizon: no decimals unless it has some; three digits that matter, or more.

    >>> time(1095.0), time(7.5), time(0.25), time(1.0137), time(1234.56)
    ('1,095', '7.5', '0.25', '1.01', '1,234.6')
    """
    if not isinstance(value, int | float) or value == int(value):
        return number(value, 0)
    written = number(value, max(1, 2 - math.floor(math.log10(abs(value)))))
    return written.rstrip("0").rstrip(".")


def listed(items: list[str]) -> str:
    """A list in a sentence: ``"a, b and c"``, or ``"a; b, c; and d"`` where an item has commas."""
    if len(items) > 1 and any(", " in item for item in items):
        return "; ".join([*items[:-1], f"and {items[-1]}"])
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))


def compact(value: Value) -> str:
    """One decimal where it has some: log likelihoods, settings."""
    return number(value, 1)


def in_years(value: float, unit: str) -> str:
    """A time in its unit, and in years beside it: ``"1,104 days (3.0 years)"``."""
    beside = "" if unit == "years" else f" ({value / A_YEAR[unit]:.1f} years)"
    return f"{time(value)} {unit}{beside}"


WRITERS: dict[str, Writer] = {
    "text": text,
    "prose": prose,
    "term": term,
    "setting": setting,
    "scientific": scientific,
    "count": count,
    "compact": compact,
    "number": number,
    "availability": availability,
    "estimate": estimate,
    "difference": difference,
    "signed": signed,
    "time": time,
    "times": times,
}
"""By the name that a table cell carries in ``data-as``."""
