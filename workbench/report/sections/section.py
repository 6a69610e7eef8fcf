"""What a section of the report is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Document = Mapping[str, Any]
Context = dict[str, Any]


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Parameters
    ----------
    anchor
        Its address in the page, and the name of its template.
    title
        Its heading.
    context
        From ``report.json`` to what the template shows.
    there
        Whether the study has anything to say there; else the section is left out.
    """

    anchor: str
    title: str
    context: Callable[[Document], Context]
    there: Callable[[Document], bool] = lambda document: True
