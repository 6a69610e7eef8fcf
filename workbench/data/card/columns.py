"""Columns of a card: one variable a patient, and when it was observed."""

from typing import Literal

from pydantic import Field, model_validator

from workbench.data.card.names import Name, Part, Regex, Scalar, check_replacement


class Observed(Part):
    """When a value was known, relative to the index date.

    Exactly one of ``days`` (a constant; 0 is the index date, negative is before), ``column`` (a
    declared numeric column that holds such days) and ``assumed`` (accepted by name, and printed
    under limits).
    """

    days: int | None = None
    column: Name | None = None
    assumed: Literal[True] | None = None
    basis: str = ""

    @model_validator(mode="after")
    def _one(self) -> "Observed":
        if sum(v is not None for v in (self.days, self.column, self.assumed)) != 1:
            raise ValueError("observed_at needs exactly one of: days, column, assumed: true")
        return self


class Fill(Part):
    """A value for patients where this column is missing and ``when`` holds (column → level)."""

    when: dict[Name, Scalar]
    value: Scalar
    basis: str


class Column(Part):
    """One variable a patient.

    ``source`` is its header in the file (its own name, if not given), and ``otherwise`` the header
    that is read for patients whose ``source`` is missing. An ``optional`` column may be absent from
    the file, and is then missing for everyone. ``regex`` must match the whole value and is replaced
    by ``replace``; ``recode`` then maps values to levels (null: missing).

    A categorical feature, group or marker lists its ``levels``, the reference first, or takes them
    ``from_data``: the most frequent first, and those that fewer than five patients have as one
    level, ``other``. Other categorical columns may leave levels out. A boolean is read from 1/0,
    true/false or yes/no. ``range`` holds the possible values, both ends included.
    ``informative_missing`` says how it was known at the index date that a value would be missing,
    where that tells the outcome: studies refuse such a feature without it.
    """

    file: Name
    source: str | None = None
    otherwise: str | None = None
    optional: bool = False
    meaning: str
    type: Literal["numeric", "categorical", "boolean"]
    unit: str | None = None
    range: tuple[float | None, float | None] | None = None
    levels: Literal["from_data"] | tuple[str, ...] | None = None
    recode: dict[str, str | None] = Field(default_factory=dict)
    regex: Regex | None = None
    replace: str = r"\1"
    fill: Fill | None = None
    role: Literal["feature", "group", "site", "split", "marker", "description", "post_outcome"]
    observed_at: Observed | None = None
    informative_missing: str = ""

    @model_validator(mode="after")
    def _complete(self) -> "Column":
        if self.type == "categorical":
            if self.levels is None and self.role in ("feature", "group", "marker"):
                raise ValueError(f"a categorical {self.role} needs levels, the reference first")
        elif self.levels is not None:
            raise ValueError(f"only a categorical column has levels; this one is {self.type}")
        if len(set(self.listed_levels)) != len(self.listed_levels):
            raise ValueError("a level is listed twice")
        listed = self.listed_levels
        if self.fill is not None and listed and str(self.fill.value) not in listed:
            raise ValueError("fill.value is not one of the levels")
        if self.range is not None:
            if self.type != "numeric":
                raise ValueError(f"only a numeric column has a range; this one is {self.type}")
            low, high = self.range
            if low is not None and high is not None and low > high:
                raise ValueError("range must ascend: [lowest possible, highest possible]")
        if self.regex is not None:
            check_replacement(self.regex, self.replace)
        return self

    @property
    def listed_levels(self) -> tuple[str, ...]:
        """Levels that the card names; none where they are left to the file."""
        return self.levels if isinstance(self.levels, tuple) else ()

    def headers(self, name: str) -> tuple[str, ...]:
        """Headers that the column ``name`` is read from, the first that is known wins."""
        return (self.source or name, *([self.otherwise] if self.otherwise else []))
