"""What an ACES task file may hold, read strictly: what is wrong is said by its place.

References
----------
[1] Xu, J. et al. "ACES: Automatic Cohort Extraction System for Event-Stream Datasets." ICLR 2025.
"""

import re
from pathlib import Path
from typing import Annotated, Any, NoReturn

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from workbench.cohort.written import check_plain
from workbench.data.strict_yaml import NotYamlError, read_yaml
from workbench.errors import CohortError, printable

_COUNTS = re.compile(r"[(\[]\s*(None|null|\d{1,9})\s*,\s*(None|null|\d{1,9})\s*[)\]]")


def refuse(place: str, problem: str) -> NoReturn:
    """Say what is wrong, and where."""
    raise CohortError(f"ACES task, {printable(place)[:80]}: {printable(problem)[:400]}") from None


def _counts(written: Any) -> Any:
    """``(1, None)`` is no YAML: it comes as text."""
    found = _COUNTS.fullmatch(written.strip()) if isinstance(written, str) else None
    if found is None:
        return written
    return [None if end in ("None", "null") else int(end) for end in found.groups()]


def _nothing(written: Any) -> Any:
    return None if written in ("None", "") else written


Counts = Annotated[tuple[int | None, int | None], BeforeValidator(_counts, list | str)]
Bound = Annotated[str | None, BeforeValidator(_nothing, str | None)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class Code(_Part):
    """Codes that match, or any of several."""

    regex: str | None = None
    any: tuple[str, ...] = ()


class Plain(_Part):
    """Events of a code, with a value in a range."""

    code: str | Code
    value_min: float | None = Field(None, allow_inf_nan=False)
    value_max: float | None = Field(None, allow_inf_nan=False)
    value_min_inclusive: bool | None = None
    value_max_inclusive: bool | None = None


class Derived(_Part):
    """``and(…)`` or ``or(…)`` of other predicates, at one moment."""

    expr: str


class Span(_Part):
    """A window: from where to where, what it must hold, and what is asked of it."""

    start: Bound = None
    end: Bound = None
    start_inclusive: bool = True
    end_inclusive: bool = True
    has: dict[str, Counts] = Field(default_factory=dict)
    label: str | None = None
    index_timestamp: str | None = None


class Task(_Part):
    """A task file."""

    predicates: dict[str, Plain | Derived]
    trigger: str
    windows: dict[str, Span] = Field(default_factory=dict)
    patient_demographics: dict[str, Plain] = Field(default_factory=dict)
    description: str = ""
    metadata: Any = None


def read_task(source: str | Path) -> Task:
    """Read a task file, or its text.

    Raises
    ------
    CohortError
        If it is no task; the message names the place.
    """
    text = source
    if isinstance(source, Path) or "\n" not in source:
        path = Path(source)
        if not path.is_file():
            raise CohortError(f"no ACES task file {path.name}: give its path, or its text")
        text = path.read_text("utf-8")
    try:
        _, written = read_yaml(str(text))
    except NotYamlError as error:
        refuse("the file" if error.line is None else f"line {error.line}", error.problem)
    check_plain(written)
    try:
        return Task.model_validate(written)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        kinds = ("Plain", "Derived", "Code", "str")
        place = ".".join(str(step) for step in first["loc"] if step not in kinds)
        refuse(place or "the file", str(first["msg"]))
