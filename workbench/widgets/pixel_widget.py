"""Widgets whose page asks for pixels when somebody looks at them: they are sent, and never kept."""

from abc import abstractmethod
from importlib.resources import files
from typing import Any, ClassVar

from workbench.errors import WorkbenchError
from workbench.widgets.static_output import StaticOutput
from workbench.widgets.widget import NotebookWidget

WITHHELD = (
    "The picture is withheld: the data's card does not allow pictures of single patients to be "
    "saved."
)
CONSENT = f"{WITHHELD} Set `privacy.thumbnails: true` in the card if the data's owner agrees."
STILL = 2.5
"""Seconds without a movement after which the picture in the notebook is drawn anew."""


def style(name: str) -> str:
    """A sheet in ``static/``."""
    return (files("workbench.widgets") / "static" / name).read_text(encoding="utf-8")


class PixelWidget(NotebookWidget):
    """Base of those widgets; ``asks`` is the kind of message by which their page asks for pixels.

    Each such message is answered by what :meth:`_answer` sends, and then by one that says that this
    was all. While somebody moves about, the picture that the notebook keeps is not drawn: that
    would take the time of the next slice.
    """

    asks: ClassVar[str]
    _css = NotebookWidget._css + style("image_viewer.css")

    def __init__(self, state: Any = None) -> None:
        super().__init__(state)
        self._output = StaticOutput(self.static_html, wait=STILL)

    @abstractmethod
    def _answer(self, content: dict[str, Any]) -> None:
        """Send what the page lacks."""

    def receive(self, content: object) -> None:
        """Send the pixels that the page lacks; all else as every widget does."""
        if not (isinstance(content, dict) and content.get("kind") == self.asks):
            super().receive(content)
            return
        self._output.postpone()
        try:
            self._answer(content)
        except WorkbenchError as error:
            self._problem = str(error)
            self.refresh()
        finally:
            turn = content.get("turn")
            self.send(
                {
                    "kind": "answered",
                    "view": str(content.get("view", ""))[:20],
                    "turn": turn if isinstance(turn, int) else 0,
                }
            )
