"""Rules while they are being written: what a person has chosen so far, complete or not.

A draft is plain JSON. :mod:`workbench.widgets.rule_reading` makes a criterion of a draft, and a
draft of a criterion; what no control can change stays as it is written.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from workbench.widgets.widget import WidgetState

Op = Literal[
    "", ">=", ">", "<=", "<", "between", "==", "!=", "in", "not in", "is_missing", "is_known"
]


class RuleDraft(WidgetState):
    """What every rule has: whether it counts, what to call it, and why it is there."""

    on: bool = True
    name: str = ""
    rationale: str = ""


class ColumnDraft(RuleDraft):
    """A column compared with numbers, with one text (a level or a date), or with levels."""

    kind: Literal["column"] = "column"
    column: str = ""
    op: Op = ""
    number: float | None = None
    high: float | None = None
    text: str = ""
    levels: tuple[str, ...] = ()


class HasDraft(RuleDraft):
    """A modality, acquired in a window of days around the index date if ``dated``."""

    kind: Literal["has"] = "has"
    modality: str = ""
    dated: bool = False
    start: int | None = None
    end: int | None = 0


class EventsDraft(WidgetState):
    """What counts as the event: codes, with what lies under them if ``descendants``.

    ``find`` is what is being searched for. ``title`` None is the names of the codes, ``release``
    None the vocabulary's own. ``written`` is a query that no control can change.
    """

    find: str = ""
    codes: tuple[str, ...] = ()
    descendants: bool = True
    excluded: tuple[str, ...] = ()
    first_ever: bool = False
    op: Literal["", ">=", ">", "<=", "<", "between"] = ""
    number: float | None = None
    high: float | None = None
    title: str | None = None
    release: str | None = None
    written: dict[str, Any] | None = None


class EventDraft(RuleDraft):
    """So many events in a window of days around the index date; None is open."""

    kind: Literal["event"] = "event"
    events: EventsDraft = EventsDraft()
    start: int | None = None
    end: int | None = 0
    never: bool = False
    least: int = 1
    most: int | None = None
    counted: Literal["events", "days", "codes"] = "events"


class WrittenDraft(RuleDraft):
    """A criterion that no control can change, as JSON without name and rationale."""

    kind: Literal["written"] = "written"
    criterion: dict[str, Any] = Field(default_factory=dict)


class GroupDraft(RuleDraft):
    """Several rules: all of them, any, at least ``least``, or none."""

    kind: Literal["group"] = "group"
    holds: Literal["all", "any", "at least", "none"] = "any"
    least: int = 2
    parts: "tuple[AnyDraft, ...]" = ()


AnyDraft = Annotated[
    ColumnDraft | HasDraft | EventDraft | GroupDraft | WrittenDraft, Field(discriminator="kind")
]
GroupDraft.model_rebuild()


class EntryDraft(WidgetState):
    """What sets the index date, and how long a patient must be known before."""

    events: tuple[EventsDraft, ...] = (EventsDraft(),)
    which: Literal["first", "last", "all"] = "first"
    observed_before: int = 0
    observed_after: int = 0
    washout_days: int | None = None
    since: str = ""
    until: str = ""
    per: Literal["day", "moment"] = "day"


class RecordsDraft(WidgetState):
    """Everything but the rules that a cohort of health records asks for.

    ``unit`` is that of ``follow_for`` and of the ``landmark``, from which time runs; ``earlier``
    says what becomes of those whose outcome came by then. ``more`` is what no control can change:
    entries of the definition, and of its follow-up.
    """

    title: str = ""
    entry: EntryDraft = EntryDraft()
    limit: Literal["first", "last", "all"] = "first"
    unit: Literal["days", "hours"] = "days"
    follow_for: int | None = None
    follow_until: str = ""
    outcome: EventsDraft | None = None
    landmark: int | None = None
    earlier: Literal["leave", "stay"] = "leave"
    more: dict[str, Any] = Field(default_factory=dict)
    more_follow_up: dict[str, Any] = Field(default_factory=dict)
