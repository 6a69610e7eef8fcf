"""Which cells show which widgets: one whose every output was replaced is closed.

A cell that runs again makes a new widget; nobody sees the old one any more, but the registry of
ipywidgets keeps it, and it would go on answering every change of the selection that it follows.
"""

from functools import cache
from typing import Any, Protocol
from weakref import WeakSet

from IPython import get_ipython


class Closes(Protocol):
    """What can be closed."""

    def close(self) -> None:
        """Nobody sees it any more."""


class CellOutputs:
    """Widgets by the cell in whose output they stand.

    Examples
    --------
    >>> class Lamp:
    ...     lit = True
    ...     def close(self):
    ...         self.lit = False
    >>> outputs, old, new = CellOutputs(), Lamp(), Lamp()
    >>> outputs.show(old, "first cell")
    >>> outputs.begin("first cell")
    >>> outputs.show(new, "first cell")
    >>> outputs.end()
    >>> old.lit, new.lit
    (False, True)
    """

    def __init__(self) -> None:
        self._shown: dict[str, WeakSet[Any]] = {}
        self._replaced: WeakSet[Any] = WeakSet()

    def show(self, widget: Closes, cell: str) -> None:
        """``widget`` stands in the output of ``cell`` from now on."""
        self._shown.setdefault(cell, WeakSet()).add(widget)

    def begin(self, cell: str | None) -> None:
        """``cell`` runs: its output is empty, until something is shown in it."""
        self._replaced = self._shown.pop(cell, WeakSet()) if cell else WeakSet()

    def end(self) -> None:
        """The cell has run: what stood in its output, and stands in none now, is closed."""
        replaced, self._replaced = list(self._replaced), WeakSet()
        for widget in replaced:
            if not any(widget in shown for shown in self._shown.values()):
                widget.close()


def show_in_cell(widget: Closes) -> None:
    """``widget`` is shown by the cell that runs, if a notebook says which that is.

    One that no cell is known to show is never closed: a console, an app without code.
    """
    shell = get_ipython()
    if shell is None or not hasattr(shell, "get_parent"):
        return
    # Asked of the message, for IPython tells of a cell's start before what it imports can listen.
    cell = shell.get_parent().get("metadata", {}).get("cellId")
    if cell:
        _outputs_of(shell).show(widget, cell)


@cache
def _outputs_of(shell: Any) -> CellOutputs:
    outputs = CellOutputs()
    shell.events.register("pre_run_cell", lambda info: outputs.begin(info.cell_id))
    shell.events.register("post_run_cell", lambda result: outputs.end())
    return outputs
