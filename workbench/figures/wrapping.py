"""Sentences broken into lines that fit a measured room."""

from workbench.figures.placing import SMALL, fit_text, text_width
from workbench.figures.style import printable


def wrapped(
    text: str, room: float, size: float = SMALL, *, bold: bool = False, most: int = 4
) -> tuple[str, ...]:
    """``text`` in at most ``most`` lines of ``room`` inches; an ellipsis ends what was cut.

    Parameters
    ----------
    text
        Broken between words; a word that is too long for a line is cut.
    room
        Inches.
    size
        In points.
    bold
        Whether it is written so.
    most
        Lines at most.
    """
    lines: list[str] = []
    words = printable(text).split()
    while words and len(lines) < most:
        n = 1
        while n < len(words) and text_width(" ".join(words[: n + 1]), size, bold=bold) <= room:
            n += 1
        if len(lines) == most - 1:
            n = len(words)
        lines.append(fit_text(" ".join(words[:n]), room, size, bold=bold))
        words = words[n:]
    return tuple(lines)
