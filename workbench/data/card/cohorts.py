"""What a card says of its patients: published splits, groups, cohorts of one layout, privacy."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from workbench.data.card.names import Name, Part, RelativePath


class Split(Part):
    """A published split: one CSV a fold, whose ``column`` lists the held-out patients.

    ``pattern`` is the path of a fold's file, with ``{fold}``.
    """

    pattern: RelativePath
    folds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=2)]
    column: str
    source: str

    def path(self, fold: int) -> str:
        """Path of one fold's file, relative to the data folder."""
        return self.pattern.replace("{fold}", str(fold))


class Collection(Part):
    """Several cohorts of one layout, described by one card: one file a member.

    ``name`` says what a member is, such as ``cancer``; ``{cancer}`` may then stand for the member
    in any text of the card. ``pattern`` is the path that members are found by, with ``{cancer}``
    once: they are the files there, and a file added later is one more member.
    """

    name: Name
    pattern: RelativePath

    @model_validator(mode="after")
    def _finds(self) -> "Collection":
        if self.pattern.count(self.placeholder) != 1:
            raise ValueError(f"pattern must hold {self.placeholder} once, for the member's name")
        if self.name in ("stem", "folder", "fold"):
            raise ValueError(f"{self.placeholder} means something else in a card: use another name")
        return self

    @property
    def placeholder(self) -> str:
        """What stands for a member's name in the card's texts."""
        return f"{{{self.name}}}"


class Group(Part):
    """Patients within which every number is reported too; ``criteria`` as in a study."""

    title: str
    criteria: Annotated[tuple[dict[str, Any], ...], Field(min_length=1)]


class Inventory(Part):
    """A variable that an expert would ask for."""

    item: str
    status: Literal["used", "available, not used", "unavailable"]
    note: str = ""


MINIMUM_CELL = 10
"""Smallest count that may be shown where nothing else is said."""


class Privacy(Part):
    """What may leave the room. ``minimum_cell`` 0 is for public or simulated data only.

    What was shown of a restricted dataset is remembered under its name, or under ``released_as``,
    where its patients are those of another dataset too.

    ``quasi_identifiers`` are columns that a reader may know of a patient from elsewhere, such as
    age and sex; a number with the edges of the bins in which it is published, ``age: [40, 60]``.
    ``workbench data check`` says how many patients share a combination; at least ``k`` should.
    """

    minimum_cell: Annotated[int, Field(ge=0)] = MINIMUM_CELL
    restricted: bool = True
    thumbnails: bool = False
    basis: str = ""
    released_as: str = ""
    quasi_identifiers: dict[Name, tuple[float, ...]] = Field(default_factory=dict)
    k: Annotated[int, Field(ge=2)] = 5
