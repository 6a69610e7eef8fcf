"""What every widget is: a state anybody may set, a page drawn from it, a picture that stays.

To write one, say what its state is, and which blocks it shows for that state:

>>> from typing import ClassVar
>>> from pydantic import BaseModel
>>> from workbench.widgets.blocks import Controls, Switch, Words
>>> class Greeting(NotebookWidget):
...     class State(WidgetState):
...         polite: bool = True
...     title = "Greeting"
...     def blocks(self):
...         words = "Good morning." if self.state.polite else "Hi."
...         return (Controls((Switch("polite", "Polite", self.state.polite),)), Words(words))
>>> greeting = Greeting()
>>> greeting.receive({"kind": "change", "field": "polite", "value": False})
>>> greeting.state, greeting.text()
(State(polite=False), 'Greeting\\n\\nPolite: no\\n\\nHi.\\n')
"""

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar, Protocol

import anywidget
import traitlets
from pydantic import BaseModel, ConfigDict, ValidationError

from workbench.errors import WorkbenchError
from workbench.figures.drawing import Drawing
from workbench.widgets.blocks import (
    Block,
    Button,
    Control,
    Controls,
    Figure,
    Notice,
    Part,
    Private,
    Table,
    walk,
)
from workbench.widgets.cell_outputs import show_in_cell
from workbench.widgets.messages import Ask, Brush, Change, Do, Pick, Said, read_message
from workbench.widgets.offered import checked_value
from workbench.widgets.page import page_json
from workbench.widgets.saving import save_widget
from workbench.widgets.static_output import StaticOutput
from workbench.widgets.static_page import static_html, static_text


class WidgetState(BaseModel):
    """What a person has set in a widget: plain JSON, checked, never changed in place."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def page_code(*names: str) -> str:
    """The script of a page: the kit that all widgets share, then what this one adds."""
    folder = files("workbench.widgets") / "static"
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in ("kit.js", *names))


class Watched(Protocol):
    """What tells of its changes, such as a :class:`~workbench.widgets.Selection`."""

    def watch(self, watcher: Callable[..., None], /) -> Callable[[], None]:
        """Call ``watcher`` after each change; returns what ends it."""
        ...


class NotebookWidget(anywidget.AnyWidget):
    """Base of all widgets.

    The page may say only what :mod:`workbench.widgets.messages` knows, and only about controls that
    are on it. It cannot set a trait. What leaves the kernel is ``view``: blocks as JSON, aggregates
    and words; no row of a table of patients, no identifier.

    Parameters
    ----------
    state
        Where to begin: a ``State``, or its JSON; its defaults if not given.
    """

    State: ClassVar[type[WidgetState]] = WidgetState
    title: ClassVar[str] = ""
    scripts: ClassVar[tuple[str, ...]] = ()
    """Files in ``static/`` that this widget needs beside the kit."""

    _esm = page_code()
    _css = (files("workbench.widgets") / "static" / "kit.css").read_text(encoding="utf-8")
    view = traitlets.Dict().tag(sync=True)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if "scripts" in cls.__dict__:
            cls._esm = page_code(*cls.scripts)
        super().__init_subclass__(**kwargs)

    def __init__(self, state: WidgetState | Mapping[str, Any] | None = None) -> None:
        self._followed: list[tuple[Watched, Callable[..., None]]] = []
        self._ends: list[Callable[[], None]] = []
        super().__init__()
        self._state = self._read_state({} if state is None else state)
        self._problem = ""
        self.version = 0
        self._blocks: tuple[Block, ...] = ()
        self._watchers: list[Callable[[WidgetState], None]] = []
        self._output = StaticOutput(self.static_html)
        self.on_msg(lambda _, content, buffers: self.receive(content))
        self.refresh()

    # What a widget says of itself

    def blocks(self) -> tuple[Block, ...]:
        """The page for the state as it is now."""
        return ()

    def pick(self, name: str, pick: str) -> None:
        """A series or row that was offered in the block ``name`` has been chosen."""

    def brush(self, name: str, ends: tuple[float, float] | None, *, moving: bool) -> None:
        """A range has been brushed in the figure ``name``, or let go."""

    # State

    @property
    def state(self) -> Any:
        """What is set now; assign a ``State``, or its JSON, to set it."""
        return self._state

    @state.setter
    def state(self, value: WidgetState | Mapping[str, Any]) -> None:
        before, self._state = self._state, self._read_state(value)
        try:
            self.refresh()
        except WorkbenchError:
            self._state = before
            self.refresh()
            raise
        for watcher in tuple(self._watchers):
            watcher(self._state)

    def change(self, **fields: Any) -> None:
        """Set some fields of the state, and leave the others.

        Raises
        ------
        WorkbenchError
            A field that the state does not have, or a value that does not fit.
        """
        self.state = {**self._state.model_dump(mode="json"), **fields}

    def watch(self, watcher: Callable[[WidgetState], None]) -> Callable[[], None]:
        """Call ``watcher`` with each new state; returns what ends it."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    def _read_state(self, value: WidgetState | Mapping[str, Any]) -> WidgetState:
        if isinstance(value, self.State):
            return value
        written = value.model_dump(mode="json") if isinstance(value, BaseModel) else dict(value)
        try:
            # Read as JSON, so that whatever can be saved can be set, and nothing else.
            return self.State.model_validate_json(json.dumps(written), strict=True)
        except (TypeError, ValueError) as error:
            raise WorkbenchError(f"{type(self).__name__}: {_reasons(error)}") from None

    # The page

    def refresh(self) -> None:
        """Draw the page for the state as it is now."""
        self.version += 1
        self._blocks = self.blocks()
        shown = self._blocks
        if self._problem:
            shown = (Notice(self._problem, "problem", name="problem"), *shown)
        self.view = {"title": self.title, "blocks": page_json(shown)}
        self._output.later()

    def receive(self, content: object) -> None:
        """Do what the page asks, if it is on offer; else say why not on the page."""
        had_problem = self._problem
        try:
            message = read_message(content)
            if not isinstance(message, Ask):
                self._problem = ""
            self._handle(message)
            if had_problem and not self._problem:
                self.refresh()
        except WorkbenchError as error:
            self._problem = str(error)
            self.refresh()
        finally:
            self.send({"kind": "done"})

    def _handle(self, message: Said) -> None:
        match message:
            case Change(field=field, value=value):
                control = self._offered(field)
                if "." not in field:
                    self.change(**{field: checked_value(control, value)})
                    return
                written = deepcopy(self._state.model_dump(mode="json"))
                _put(written, field.split("."), checked_value(control, value))
                self.state = written
            case Do(verb=verb, argument=argument):
                self._check_verb(verb, argument)
                getattr(self, f"do_{verb}")(*([argument] if argument else []))
            case Pick(name=name, pick=pick):
                self._check_pick(name, pick)
                self.pick(name, pick)
            case Brush(name=name, range=ends, moving=moving):
                self._check_brush(name)
                self.brush(name, ends and (min(ends), max(ends)), moving=moving)
            case Ask(name=name):
                self._send_private(name)

    def _send_private(self, name: str) -> None:
        """What concerns a single patient goes to the page, and stays nowhere."""
        for block in walk(self._blocks):
            if isinstance(block, Private) and block.name == name:
                self.send({"kind": "private", "name": name, "blocks": page_json(block.blocks)})
                return
        raise WorkbenchError("the page asks for something that is not on offer now")

    def _everything(self) -> list[Block]:
        """All blocks that a person may act upon."""
        return walk(self._blocks, private=True)

    def _controls(self) -> list[Control]:
        return [c for b in self._everything() if isinstance(b, Controls) for c in b.controls]

    def _offered(self, field: str) -> Control:
        for control in self._controls():
            if not isinstance(control, Button) and control.field == field:
                return control
        raise WorkbenchError("the page asks for a control that is not on offer now")

    def _check_verb(self, verb: str, argument: str) -> None:
        on_offer = any(
            isinstance(c, Button) and c.enabled and (c.verb, c.argument) == (verb, argument)
            for c in self._controls()
        )
        if not on_offer:
            raise WorkbenchError("the page asks for something that is not on offer now")

    def _check_pick(self, name: str, pick: str) -> None:
        for block in self._everything():
            if isinstance(block, Figure | Table) and block.name == name and pick in block.picks:
                return
        raise WorkbenchError("the page chooses something that is not on offer now")

    def _check_brush(self, name: str) -> None:
        for block in self._everything():
            if isinstance(block, Figure) and block.name == name and block.brush >= 0:
                return
        raise WorkbenchError("the page brushes a figure that cannot be brushed")

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """The page sets no trait: it sends messages."""

    # Without a browser

    def still(self) -> tuple[Block, ...]:
        """What a picture without a script shows: the page, where a widget says nothing else."""
        return self._blocks

    def static_html(self) -> str:
        """The page as HTML without a script: a picture of what is set and shown now."""
        return static_html(self.title, self.still())

    def text(self) -> str:
        """The page in words and numbers: what a screen reader or a log is given."""
        return static_text(self.title, self.still())

    @property
    def figures(self) -> dict[str, Drawing]:
        """Name → drawing of each figure that is shown."""
        figures = [b for b in walk(self.still()) if isinstance(b, Figure | Part)]
        return {each.name: each.drawing for each in figures if each.drawing is not None}

    @property
    def tables(self) -> dict[str, Table]:
        """Name → each table that is shown."""
        blocks = walk(self.still())
        whole = {b.name: b for b in blocks if isinstance(b, Table)}
        return whole | {b.name: b.table for b in blocks if isinstance(b, Part) and b.table}

    def save(self, path: str | Path, name: str = "") -> Path:
        """Write what is shown now, as the suffix of ``path`` says.

        Parameters
        ----------
        path
            ``.html``: the whole page; ``.svg``, ``.png`` and ``.pdf``: one figure; ``.csv``: one
            table; ``.json``: state, tables and figures' descriptions.
        name
            Which figure or table, where there are several.

        Raises
        ------
        WorkbenchError
            Another suffix, or no such figure or table.
        """
        return save_widget(self, Path(path), name)

    # Open and closed

    def follow(self, source: Watched, watcher: Callable[..., None]) -> None:
        """Call ``watcher`` after each change of ``source``, for as long as the widget is open."""
        self._followed.append((source, watcher))
        self._ends.append(source.watch(watcher))

    def close(self) -> None:
        """Follow nothing any more, and leave every page.

        The notebook does so when the cells that showed the widget have run again without it.
        Results can still be read, as they were; showing the widget opens it again.
        """
        if "_output" in self.__dict__:  # Python closes also what was never wholly made.
            for end in self._ends:
                end()
            self._ends = []
            self._output.end()
        super().close()

    def _reopen(self) -> None:
        self.__dict__.pop("_repr_mimebundle_", None)
        self.open()
        self._ends = [source.watch(watcher) for source, watcher in self._followed]
        self.refresh()

    def _ipython_display_(self, **kwargs: Any) -> None:
        if self.comm is None:
            self._reopen()
        show_in_cell(self)
        self._output.display(super()._repr_mimebundle_())


def _put(written: Any, path: list[str], value: Any) -> None:
    for step in path[:-1]:
        written = written[int(step)] if isinstance(written, list) else written[step]
    last = path[-1]
    written[int(last) if isinstance(written, list) else last] = value


def _reasons(error: Exception) -> str:
    if isinstance(error, ValidationError):
        found = error.errors()[:5]
        places = [".".join(map(str, each["loc"])) or "state" for each in found]
        reasons = [each["msg"].removeprefix("Value error, ") for each in found]
        return "; ".join(map(": ".join, zip(places, reasons, strict=True)))
    return "the state must be JSON"
