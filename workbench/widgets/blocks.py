"""What a page of a widget is made of: figures, tables, words, and the controls between them.

Frozen records, and no drawing: :mod:`workbench.widgets.page` turns them into what the page's script
draws, and :mod:`workbench.widgets.static_page` into HTML that needs neither kernel nor script.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from workbench.figures.drawing import Drawing

Level = Literal["note", "warning", "problem"]


@dataclass(frozen=True)
class Choice:
    """One of several; ``options`` is value → what it is called.

    ``field`` is the part of the state that it sets, such as ``horizon`` or ``rules.2.column``.
    """

    field: str
    label: str
    options: Mapping[str, str]
    value: str
    hint: str = ""


@dataclass(frozen=True)
class Several:
    """Any number of several; ``options`` is value → what it is called."""

    field: str
    label: str
    options: Mapping[str, str]
    values: tuple[str, ...]
    hint: str = ""


@dataclass(frozen=True)
class Slider:
    """A number between two ends, both of them included."""

    field: str
    label: str
    low: float
    high: float
    step: float
    value: float
    unit: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Number:
    """A number that is typed; None where there is none, if ``optional``."""

    field: str
    label: str
    value: float | None
    low: float | None = None
    high: float | None = None
    unit: str = ""
    optional: bool = False
    hint: str = ""


@dataclass(frozen=True)
class TextEntry:
    """A line of text, at most ``longest`` characters; ``suggestions`` are offered while typing."""

    field: str
    label: str
    value: str
    longest: int = 200
    suggestions: tuple[str, ...] = ()
    hint: str = ""


@dataclass(frozen=True)
class Switch:
    """Yes or no."""

    field: str
    label: str
    value: bool
    hint: str = ""


@dataclass(frozen=True)
class Button:
    """Something to do: the widget's method ``do_<verb>``, with an argument or without."""

    verb: str
    label: str
    argument: str = ""
    enabled: bool = True
    primary: bool = False
    hint: str = ""


Control = Choice | Several | Slider | Number | TextEntry | Switch | Button


@dataclass(frozen=True)
class Controls:
    """Controls side by side, as many as fit."""

    controls: tuple[Control, ...]
    name: str = "controls"


@dataclass(frozen=True, eq=False)
class Figure:
    """A drawing.

    Parameters
    ----------
    name
        Unique in the widget: letters, digits and hyphens.
    drawing
        What is drawn.
    picks
        Series that can be chosen → what choosing them does, in words.
    brush
        Number of the panel along whose x axis a range can be brushed; -1: none.
    brushed
        The range that is brushed, in values of that axis.
    """

    name: str
    drawing: Drawing
    picks: Mapping[str, str] = field(default_factory=dict)
    brush: int = -1
    brushed: tuple[float, float] | None = None


@dataclass(frozen=True)
class Picture:
    """A finished picture, on white: ``svg`` is one whole element that refers to nothing outside."""

    name: str
    svg: str
    description: str
    caption: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of words under heads.

    Parameters
    ----------
    name
        Unique in the widget.
    caption
        What it shows.
    head
        One text a column; the first column heads the rows.
    rows
        One text a column each.
    picks
        Row → what choosing it asks for; shorter than ``rows``, or empty: the others cannot be.
    chosen
        The row that is chosen; -1: none.
    folded
        Whether it waits behind its caption until somebody opens it.
    """

    name: str
    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    picks: tuple[str, ...] = ()
    chosen: int = -1
    folded: bool = False


@dataclass(frozen=True)
class Words:
    """A paragraph; ``heading`` 1 to 3 makes it one."""

    text: str
    heading: int = 0
    name: str = ""


@dataclass(frozen=True)
class Code:
    """Text whose lines and spaces count: a definition as JSON, Python or SQL."""

    name: str
    text: str


@dataclass(frozen=True)
class Notice:
    """What a reader must know before believing the rest."""

    text: str
    level: Level = "note"
    name: str = ""


@dataclass(frozen=True)
class Progress:
    """How far long work has come: ``done`` of ``total`` steps."""

    name: str
    label: str
    done: int
    total: int
    detail: str = ""


@dataclass(frozen=True, eq=False)
class Part:
    """What a script of the widget's own draws: ``kind`` names the drawer, ``data`` is its JSON.

    ``drawing`` and ``table`` stand for it where no script runs.
    """

    name: str
    kind: str
    data: Mapping[str, object]
    drawing: Drawing | None = None
    table: Table | None = None


@dataclass(frozen=True, eq=False)
class Row:
    """Blocks side by side where there is room, else one below the other; shares of the width."""

    blocks: "tuple[Block, ...]"
    shares: tuple[float, ...] = ()
    name: str = "row"


@dataclass(frozen=True, eq=False)
class Section:
    """Blocks under a title, which can be folded away."""

    name: str
    title: str
    blocks: "tuple[Block, ...]"
    open: bool = True


@dataclass(frozen=True, eq=False)
class Private:
    """Blocks of a single patient: the page is sent them when it asks, and nothing keeps them.

    They are no part of the widget's state, of its saved picture, or of a file.

    Parameters
    ----------
    name
        Unique in the widget.
    blocks
        What a person sees while the kernel lives.
    version
        Another number says that the blocks may have changed.
    instead
        What stands in a saved picture for them.
    """

    name: str
    blocks: "tuple[Block, ...]"
    version: int
    instead: str = "Withheld: what concerns a single patient is not kept in a notebook or a file."


Block = (
    Controls
    | Figure
    | Picture
    | Table
    | Words
    | Code
    | Notice
    | Progress
    | Part
    | Row
    | Section
    | Private
)


def walk(blocks: "tuple[Block, ...]", *, private: bool = False) -> "list[Block]":
    """All blocks, those inside rows and sections too, in the order in which they are read.

    What is inside :class:`Private` only if ``private``: it may be acted upon, but not be kept.
    """
    found: list[Block] = []
    for block in blocks:
        found.append(block)
        if isinstance(block, Row | Section) or (private and isinstance(block, Private)):
            found += walk(block.blocks, private=private)
    return found
