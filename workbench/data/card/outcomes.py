"""Outcomes of a card: times to an event, and how the event is coded."""

from typing import Literal

from pydantic import model_validator

from workbench.data.card.names import Name, Part, Scalar


class EventCoding(Part):
    """How the file says that the event happened: name the value of one side, or of both.

    Where one side is named, every other value that is not missing means the other.
    """

    column: str
    event: Scalar | tuple[Scalar, ...] | None = None
    censored: Scalar | tuple[Scalar, ...] | None = None

    @model_validator(mode="after")
    def _some(self) -> "EventCoding":
        if not any(side is not None and side != () for side in (self.event, self.censored)):
            raise ValueError(
                "say which value means the event, as in `event: 1`, or which means censored"
            )
        return self


TimeUnit = Literal["days", "weeks", "months", "years"]
DAYS_IN: dict[TimeUnit, float] = {"days": 1, "weeks": 7, "months": 30.4375, "years": 365.25}
"""Months and years of the average length, so that no date is needed."""


class Outcome(Part):
    """A time to event, from the index date.

    ``unit`` is that of every study. Where the file has another, it is named by ``recorded_in``,
    and times are converted as they are read: two outcomes of a card can so share horizons.
    """

    title: str
    file: Name
    time: str
    unit: TimeUnit
    recorded_in: TimeUnit | None = None
    event: EventCoding
    time_zero: str
    note: str = ""
