"""Event tables of a card: what happened to a patient, and on which day."""

from pydantic import Field, model_validator

from workbench.data.card.names import Name, Part


class EventTable(Part):
    """Events of patients over time: several rows a patient, each on a ``day`` from the index date.

    In a wide table ``values`` says which code each column's number has; in a long one ``code``
    names the column of codes, with ``value`` and ``text`` beside it, and ``prefix`` stands before
    each code. Where ``day`` is missing, the event has no time.
    """

    file: Name
    day: str
    values: dict[str, str] = Field(default_factory=dict)
    code: str | None = None
    value: str | None = None
    text: str | None = None
    prefix: str = ""

    @model_validator(mode="after")
    def _one_shape(self) -> "EventTable":
        if bool(self.values) == (self.code is not None):
            raise ValueError("events need values (column: code), or code, the column of codes")
        if self.values and (self.value or self.text):
            raise ValueError("value and text belong to a column of codes")
        return self
