"""Values that a control offers, and no others."""

from typing import Annotated

from pydantic import BeforeValidator

from workbench.errors import WorkbenchError
from workbench.widgets.blocks import (
    Button,
    Choice,
    Control,
    Number,
    Several,
    Slider,
    Switch,
    TextEntry,
)

Value = bool | float | int | str | list[str] | None


def _number(chosen: object) -> object:
    if isinstance(chosen, str):
        return float(chosen) if chosen else None
    return chosen


ChosenNumber = Annotated[float | None, BeforeValidator(_number)]
"""A number of a state for which a control offers words: "" is none."""


def checked_value(control: Control, value: object) -> Value:
    """``value`` as the control sets it.

    Raises
    ------
    WorkbenchError
        The control does not offer it.

    Examples
    --------
    >>> checked_value(Slider("horizon", "Horizon", 1, 5, 1, 3, "years"), 2.0)
    2
    """
    match control:
        case Choice() if isinstance(value, str) and value in control.options:
            return value
        case Several() if isinstance(value, list) and set(value) <= set(control.options):
            return [each for each in control.options if each in value]
        case Switch() if isinstance(value, bool):
            return value
        case TextEntry() if isinstance(value, str) and len(value) <= control.longest:
            return value
        case Number() if value is None and control.optional:
            return None
        case Number() | Slider() if isinstance(value, int | float) and not isinstance(value, bool):
            low = control.low if control.low is not None else float("-inf")
            high = control.high if control.high is not None else float("inf")
            if low <= value <= high:
                return int(value) if float(value).is_integer() else float(value)
            raise WorkbenchError(f"{control.label}: expected {_range(control)}")
        case Button():
            raise WorkbenchError(f"{control.label} is something to do, not to set")
    raise WorkbenchError(f"{control.label}: the value is not one of those offered")


def _range(control: Number | Slider) -> str:
    unit = f" {control.unit}" if control.unit else ""
    if control.low is None:
        return f"at most {control.high:g}{unit}"
    if control.high is None:
        return f"at least {control.low:g}{unit}"
    return f"{control.low:g} to {control.high:g}{unit}"
