"""What every part of a card is made of: names, paths, patterns, and a hint where one is wrong."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The nearest of ``known`` names as ``"; did you mean 'age'?"``, or nothing."""
    near = get_close_matches(str(name), [str(k) for k in known], n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


def _inside(path: str) -> str:
    """Refuse a path that could leave the data folder."""
    parts = PurePosixPath(path).parts
    drive = re.match(r"^[A-Za-z]:", path)
    if path.startswith(("/", "~")) or "\\" in path or "\0" in path or ".." in parts or drive:
        raise ValueError("expected a path inside the data folder: relative, with / and without ..")
    return path


def _globs(pattern: str) -> str:
    parts = PurePosixPath(pattern).parts
    if not parts or any("**" in part and part != "**" for part in parts):
        raise ValueError("expected a pattern such as images/**/*.png; ** stands for whole folders")
    return pattern


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"expected a regular expression, but {error}") from None
    return pattern


def check_replacement(regex: str, replace: str) -> None:
    """Refuse a replacement that names groups which the regex does not have."""
    try:
        re.sub(regex, replace, "")
    except (re.error, IndexError) as error:
        raise ValueError(f"replace does not fit regex: {error}") from None


Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=64)]
Scalar = str | int | float | bool
RelativePath = Annotated[str, Field(min_length=1), AfterValidator(_inside)]
GlobPattern = Annotated[RelativePath, AfterValidator(_globs)]
Regex = Annotated[str, AfterValidator(_compiles)]


class Part(BaseModel):
    """Any part of a card: unknown entries are refused, and nothing changes once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)
