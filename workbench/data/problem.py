"""One line of a check."""

import re
from dataclasses import dataclass
from typing import Literal

from workbench.errors import DataCardError

_PLACE = re.compile(r"^((?:files|columns|outcomes|modalities|splits)\.\w+): (.*)$", re.DOTALL)


@dataclass(frozen=True)
class Problem:
    """One thing that is not as the card says.

    ``level`` is ``error`` where a study could not be trusted, ``warning`` where a person should
    look. ``where`` is a place in the card, such as ``columns.age``.
    """

    level: Literal["error", "warning"]
    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.level}: {self.where}: {self.message}"


def problem_of(error: DataCardError) -> Problem:
    """The problem in a reader's message, which starts with its place."""
    match = _PLACE.match(str(error))
    return Problem("error", *match.groups()) if match else Problem("error", "card", str(error))
