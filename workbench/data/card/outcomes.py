"""Outcomes of a card: times to an event, or whether it is there; and how the event is coded."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Tag, model_validator

from workbench.data.card.names import Name, Part, Scalar


class EventCoding(Part):
    """How the file says that the event happened: name the value of one side, or of both.

    Where one side is named, every other value that is not missing means the other.
    """

    column: str
    event: Scalar | tuple[Scalar, ...] | None = None
    censored: Scalar | tuple[Scalar, ...] | None = None
    other_entry: ClassVar[str] = "censored"
    """What the card calls the side without the event."""
    several_others: ClassVar[bool] = False
    """Whether several values that nobody named may mean it."""

    @model_validator(mode="after")
    def _some(self) -> "EventCoding":
        if not any(side is not None and side != () for side in (self.event, self.censored)):
            raise ValueError(
                "say which value means the event, as in `event: 1`, or which means censored"
            )
        return self

    @property
    def other(self) -> Scalar | tuple[Scalar, ...] | None:
        """Values of the side without the event."""
        return self.censored


class StateCoding(Part):
    """How the file says that the event is there, where nobody is censored.

    Where one side is named, every other value that is not missing means the other.
    """

    column: str
    event: Scalar | tuple[Scalar, ...] | None = None
    no_event: Scalar | tuple[Scalar, ...] | None = None
    other_entry: ClassVar[str] = "no_event"
    several_others: ClassVar[bool] = True

    @model_validator(mode="after")
    def _some(self) -> "StateCoding":
        if not any(side is not None and side != () for side in (self.event, self.no_event)):
            raise ValueError(
                "say which value means the event, as in `event: 1`, or which means none, as in "
                "`no_event: 0`"
            )
        return self

    @property
    def other(self) -> Scalar | tuple[Scalar, ...] | None:
        """Values of the side without the event."""
        return self.no_event


TimeUnit = Literal["days", "weeks", "months", "years"]
DAYS_IN: dict[TimeUnit, float] = {"days": 1, "weeks": 7, "months": 30.4375, "years": 365.25}
"""Months and years of the average length, so that no date is needed."""


STATE_HORIZON = 1.0
"""Where the state of an outcome without a time is asked, so that what judges times judges it too.

Patients with the event stand at it and all others beyond, at :data:`FREE`: nobody is censored, a
concordance is the AUC, and Kaplan-Meier is the share of patients. Nobody is shown either.
"""
FREE = 2.0


class Outcome(Part):
    """A time to event, from the index date.

    ``unit`` is that of every study. Where the file has another, it is named by ``recorded_in``,
    and times are converted as they are read: two outcomes of a card can so share horizons.
    """

    kind: Literal["time_to_event"] = "time_to_event"
    title: str
    file: Name
    time: str
    unit: TimeUnit
    recorded_in: TimeUnit | None = None
    event: EventCoding
    time_zero: str
    note: str = ""

    @property
    def headers(self) -> tuple[str, ...]:
        """Columns of ``file`` that it is read from."""
        return (self.time, self.event.column)


class BinaryOutcome(Part):
    """An event that is there or not, such as a diagnosis: no time, and nobody is censored."""

    kind: Literal["binary"]
    title: str
    file: Name
    event: StateCoding
    time_zero: str
    note: str = ""
    unit: ClassVar[None] = None

    @property
    def headers(self) -> tuple[str, ...]:
        """Columns of ``file`` that it is read from."""
        return (self.event.column,)


def _kind(written: Any) -> Any:
    """Which of the two it is; cards that name no kind mean a time."""
    kind = written.get("kind") if isinstance(written, dict) else getattr(written, "kind", None)
    return "time_to_event" if kind is None else kind


AnyOutcome = Annotated[
    Annotated[Outcome, Tag("time_to_event")] | Annotated[BinaryOutcome, Tag("binary")],
    Discriminator(_kind),
]
