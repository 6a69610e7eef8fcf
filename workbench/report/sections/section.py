"""What a section of the report is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from workbench.report.words import has_time

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
    without_time
        Its heading where the outcome has no time; "" where that is the same.
    """

    anchor: str
    title: str
    context: Callable[[Document], Context]
    there: Callable[[Document], bool] = lambda document: True
    without_time: str = ""

    def spoken(self, document: Document) -> "Section":
        """The section under the heading that suits the outcome."""
        if not self.without_time or has_time(document):
            return self
        return replace(self, title=self.without_time)
