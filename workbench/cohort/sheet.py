"""A table as it is read: caption, heads over columns, rows, notes. Words only."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Head:
    """A head over ``columns`` columns and ``rows`` lines of heads."""

    text: str
    columns: int = 1
    rows: int = 1
    below: str = ""


@dataclass(frozen=True)
class Line:
    """A row: what it is of, then one text a column.

    ``part`` sets it in under the row that heads it; ``heads`` says that it heads the rows below.
    """

    title: str
    cells: tuple[str, ...]
    part: bool = False
    heads: bool = False
    beside: str = ""


@dataclass(frozen=True)
class Sheet:
    """A table to be rendered.

    Parameters
    ----------
    caption
        What it shows.
    corner
        Head of the first column.
    heads
        Lines of heads, outermost first, over the columns after the first.
    bodies
        Rows that belong together.
    notes
        Sentences below.
    withheld
        The text that stands for a withheld number, to be set apart.
    """

    caption: str
    corner: str
    heads: tuple[tuple[Head, ...], ...]
    bodies: tuple[tuple[Line, ...], ...]
    notes: tuple[str, ...]
    withheld: str

    @property
    def n_columns(self) -> int:
        """Columns after the first."""
        return len(self.bodies[0][0].cells)
