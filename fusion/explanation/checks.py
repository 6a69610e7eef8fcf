"""What an explanation was held to: one measurement, its threshold, whether it passed, and why."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One measurement of an explanation's own soundness.

    Parameters
    ----------
    name
        What was measured, in words, such as ``"largest gap between the sum and the total"``.
    value
        What came out; NaN where it could not be measured, which never passes.
    threshold
        What it had to meet.
    passed
        Whether it did.
    meaning
        What a failure would mean, and where the threshold comes from, in words.
    """

    name: str
    value: float
    threshold: float
    passed: bool
    meaning: str = ""


def at_most(name: str, value: float, threshold: float, *, meaning: str) -> Check:
    """A check that passes where the value is the threshold or less.

    Examples
    --------
    >>> at_most("gap", float("nan"), 0.01, meaning="parts do not sum").passed
    False
    """
    return Check(name, float(value), threshold, bool(value <= threshold), meaning)


def at_least(name: str, value: float, threshold: float, *, meaning: str) -> Check:
    """A check that passes where the value is the threshold or more.

    Examples
    --------
    >>> at_least("overlap", 0.7, 0.5, meaning="another seed, another picture").passed
    True
    """
    return Check(name, float(value), threshold, bool(value >= threshold), meaning)


def failed(checks: Iterable[Check]) -> tuple[Check, ...]:
    """Those that did not pass."""
    return tuple(check for check in checks if not check.passed)


def failed_first(checks: Iterable[Check]) -> tuple[Check, ...]:
    """All of them, those that did not pass in front, else in their order.

    Examples
    --------
    >>> sound = at_most("gap", 0.0, 0.01, meaning="parts do not sum")
    >>> unsound = at_least("overlap", 0.1, 0.5, meaning="another seed, another picture")
    >>> [check.name for check in failed_first((sound, unsound))]
    ['overlap', 'gap']
    """
    return tuple(sorted(checks, key=lambda check: check.passed))


def verdict(checks: Sequence[Check]) -> str:
    """What the checks came to, in a few words.

    Examples
    --------
    >>> verdict([Check("gap", 0.5, 0.01, False)])
    '1 of 1 checks FAILED'
    >>> verdict([])
    'NOT CHECKED'
    """
    if not checks:
        return "NOT CHECKED"
    n_failed = len(failed(checks))
    return f"{n_failed} of {len(checks)} checks FAILED" if n_failed else "all checks passed"
