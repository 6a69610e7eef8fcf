"""The picture that stays in a notebook when no kernel lives.

A notebook keeps of a widget only the name of a model. So each widget is shown with a second output
before it: the page as plain HTML, kept up to date while the kernel lives. A style rule hides the
picture while the widget is drawn below it, and the empty place of a widget that cannot be.
"""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from IPython import get_ipython
from IPython.display import display, update_display

WAIT = 0.7
"""Seconds without a change after which the picture of most widgets is renewed."""

RULES = (
    ".jp-OutputArea-child:has(.wb-static):has(+ .jp-OutputArea-child .wb-root){display:none}"
    ".jp-OutputArea-child:has(.wb-static)+.jp-OutputArea-child:not(:has(.wb-root))"
    "{position:absolute;visibility:hidden;height:0;overflow:hidden}"
    ".wb-static{max-width:1180px;line-height:1.45}"
    ".wb-static table{border-collapse:collapse}"
    ".wb-static td,.wb-static th{text-align:left;padding:.15em .8em .15em 0;vertical-align:top}"
)


class StaticOutput:
    """A display of a widget's picture, renewed when the widget has been quiet for a moment.

    Parameters
    ----------
    render
        The picture as it is now.
    wait
        Seconds without a change after which it is renewed.
    """

    def __init__(self, render: Callable[[], str], *, wait: float = WAIT) -> None:
        self._render, self._wait = render, wait
        self._shown_as: str | None = None
        self._waiting: asyncio.TimerHandle | None = None
        self._last = ""

    def display(self, widget: Any) -> None:
        """Show the picture, and the widget (its bundle of representations) below it."""
        self._shown_as = uuid4().hex
        self._last = self._render()
        display(self._bundle(), raw=True, display_id=self._shown_as)
        bundle = widget[0] if isinstance(widget, tuple) else widget
        if bundle is not None:
            display(bundle, raw=True)

    def later(self) -> None:
        """Renew the picture once the widget has been quiet for a moment."""
        if self._shown_as is None or get_ipython() is None:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        if self._waiting is not None:
            self._waiting.cancel()
        self._waiting = loop.call_later(self._wait, self.now)

    def postpone(self) -> None:
        """Begin to wait anew, if a renewal is waiting."""
        if self._waiting is not None:
            self.later()

    def end(self) -> None:
        """The picture is on no page any more."""
        self._shown_as = None
        if self._waiting is not None:
            self._waiting.cancel()

    def now(self) -> None:
        """Renew the picture, if it has changed."""
        self._waiting = None
        if self._shown_as is None:
            return
        picture = self._render()
        if picture != self._last:
            self._last = picture
            update_display(self._bundle(), raw=True, display_id=self._shown_as)

    def _bundle(self) -> dict[str, str]:
        return {
            "text/html": f"<style>{RULES}</style>{self._last}",
            "text/plain": "The widget's picture: run the cell to use it.",
        }
