"""A page may say four things; whatever else it says changes nothing and stops nothing."""

import json
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import WorkbenchError
from workbench.widgets.blocks import (
    Button,
    Choice,
    Controls,
    Number,
    Several,
    Slider,
    Switch,
    Table,
    TextEntry,
)
from workbench.widgets.messages import read_message
from workbench.widgets.widget import NotebookWidget, WidgetState

OPTIONS = {"a": "First", "b": "Second"}


class EveryControl(NotebookWidget):
    """One of each."""

    class State(WidgetState):
        one: Literal["a", "b"] = "a"
        some: tuple[str, ...] = ()
        share: float = 0.5
        count: int | None = None
        words: str = ""
        on: bool = False
        rules: tuple[dict[str, int], ...] = ({"days": 3},)

    title = "Every control"

    def __init__(self) -> None:
        self.done: list[str] = []
        super().__init__()

    def blocks(self) -> tuple[Any, ...]:
        s = self.state
        controls = (
            Choice("one", "One", OPTIONS, s.one),
            Several("some", "Some", OPTIONS, s.some),
            Slider("share", "Share", 0, 1, 0.1, s.share),
            Number("count", "Count", s.count, 0, 10, optional=True),
            TextEntry("words", "Words", s.words, longest=5),
            Switch("on", "On", s.on),
            Number("rules.0.days", "Days", s.rules[0]["days"], 0, 99),
            Button("act", "Act", argument="x"),
            Button("wait", "Wait", enabled=False),
        )
        return (Controls(controls), Table("t", "A table", ("Name",), (("one",),), picks=("p",)))

    def do_act(self, argument: str) -> None:
        self.done.append(argument)

    def do_wait(self) -> None:
        self.done.append("waited")

    def pick(self, name: str, pick: str) -> None:
        self.done.append(f"{name}:{pick}")


def change(field: str, value: object) -> dict[str, object]:
    return {"kind": "change", "field": field, "value": value}


@pytest.mark.parametrize(
    ("field", "value", "read"),
    [
        ("one", "b", lambda s: s.one == "b"),
        ("some", ["b", "a"], lambda s: s.some == ("a", "b")),
        ("share", 0.3, lambda s: s.share == 0.3),
        ("share", 1, lambda s: s.share == 1),
        ("count", 7, lambda s: s.count == 7),
        ("count", None, lambda s: s.count is None),
        ("words", "hello", lambda s: s.words == "hello"),
        ("on", True, lambda s: s.on),
        ("rules.0.days", 9, lambda s: s.rules[0]["days"] == 9),
    ],
)
def test_what_a_control_offers_can_be_set(field: str, value: object, read: Any) -> None:
    widget = EveryControl()
    widget.receive(change(field, value))
    assert read(widget.state), widget.state
    again = EveryControl()
    again.state = json.loads(json.dumps(widget.state.model_dump(mode="json")))
    assert again.view == widget.view


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (change("one", "c"), "not one of those offered"),
        (change("some", ["a", "z"]), "not one of those offered"),
        (change("share", 2), "expected 0 to 1"),
        (change("share", float("nan")), "not understood"),
        (change("count", "7"), "not one of those offered"),
        (change("words", "too long"), "not one of those offered"),
        (change("on", 1), "not one of those offered"),
        (change("title", "mine"), "not on offer"),
        (change("rules.0.__class__", 1), "not on offer"),
        (change("_state", {}), "not understood"),
        ({"kind": "do", "verb": "act", "argument": "y"}, "not on offer"),
        ({"kind": "do", "verb": "wait"}, "not on offer"),
        ({"kind": "do", "verb": "close"}, "not on offer"),
        ({"kind": "do", "verb": "__init__"}, "not on offer"),
        ({"kind": "pick", "name": "t", "pick": "q"}, "not on offer"),
        ({"kind": "brush", "name": "t", "range": [0, 1]}, "cannot be brushed"),
        ({"kind": "eval", "code": "1/0"}, "not understood"),
        ("{}", "not understood"),
        (None, "not understood"),
    ],
)
def test_what_is_not_on_offer_changes_nothing(message: object, said: str) -> None:
    widget = EveryControl()
    before = widget.state
    widget.receive(message)
    assert widget.state == before
    assert widget.done == []
    problem = widget.view["blocks"][0]
    assert problem["kind"] == "notice"
    assert said in problem["text"]
    widget.receive(change("on", False))
    assert widget.view["blocks"][0]["kind"] == "controls"


def test_buttons_and_rows_on_offer_are_done() -> None:
    widget = EveryControl()
    widget.receive({"kind": "do", "verb": "act", "argument": "x"})
    widget.receive({"kind": "pick", "name": "t", "pick": "p"})
    assert widget.done == ["x", "t:p"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["kind", "field", "value", "verb", "argument", "name", "pick", "range"])
            | st.text(max_size=4),
            inner | st.sampled_from(["change", "do", "pick", "brush", "one", "act", "t", "count"]),
            max_size=5,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150)
@given(JSON)
def test_any_message_leaves_a_valid_state_and_a_page(message: object) -> None:
    widget = EveryControl()
    widget.receive(message)
    assert EveryControl.State.model_validate(widget.state.model_dump()) == widget.state
    json.dumps(widget.view, allow_nan=False)
    assert set(widget.done) <= {"x", "t:p"}


def test_a_page_sets_no_trait() -> None:
    widget = EveryControl()
    code, view = widget._esm, widget.view
    widget.set_state({"_esm": "alert(1)", "view": {"blocks": []}, "done": ["y"]})
    assert (widget._esm, widget.view, widget.done) == (code, view, [])


def test_long_texts_are_not_read() -> None:
    with pytest.raises(WorkbenchError, match="not understood: change.field"):
        read_message(change("x" * 300, 1))


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"one": "c"}, "one: "),
        ({"unknown": 1}, "unknown: "),
        ({"share": "0.5"}, "share: "),
        ({"on": object()}, "the state must be JSON"),
    ],
)
def test_a_bad_state_is_refused_and_the_old_one_stays(state: dict[str, Any], said: str) -> None:
    widget = EveryControl()
    widget.change(one="b")
    with pytest.raises(WorkbenchError, match=said):
        widget.state = state
    assert widget.state.one == "b"
