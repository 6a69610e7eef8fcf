"""The front matter of a card, whole."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from workbench.data.card.cohorts import Collection, Group, Inventory, Privacy, Split
from workbench.data.card.columns import Column
from workbench.data.card.events import EventTable
from workbench.data.card.files import SourceFile
from workbench.data.card.modalities import Modality
from workbench.data.card.names import Name, Part, RelativePath
from workbench.data.card.outcomes import AnyOutcome
from workbench.data.card.references import DanglingReferencesError, dangling

SCHEMA_VERSION = 1


class Card(Part):
    """The front matter of a card, whole."""

    schema_version: Literal[1] = Field(alias="schema")
    name: Name
    title: str
    version: str
    simulated: bool = False
    generator: Literal["simulated_glioma"] | None = None
    licence: str
    citation: str
    source: str
    index_date: str
    manifest: RelativePath | None = None
    collection: Collection | None = None
    files: dict[Name, SourceFile] = Field(default_factory=dict)
    population: Annotated[tuple[Name, ...], Field(min_length=1)]
    columns: dict[Name, Column]
    outcomes: dict[Name, AnyOutcome]
    modalities: dict[Name, Modality]
    events: dict[Name, EventTable] = Field(default_factory=dict)
    splits: dict[Name, Split] = Field(default_factory=dict)
    groups: dict[Name, Group] = Field(default_factory=dict)
    markers: tuple[Name, ...] = ()
    inventory: tuple[Inventory, ...] = ()
    inventory_title: str = ""
    limits: tuple[str, ...]
    privacy: Privacy = Privacy()
    study: dict[str, Any]

    @model_validator(mode="after")
    def _refers(self) -> "Card":
        problems = list(dangling(self))
        if problems:
            raise DanglingReferencesError(problems)
        return self

    def unfit_features(self, columns: Iterable[str]) -> dict[str, str]:
        """Why some of ``columns`` may never be features: column → reason.

        Columns known only after the outcome, the outcome's own columns, and columns of which the
        card does not say when they were observed.
        """
        reasons = {}
        for name in columns:
            column = self.columns[name]
            if column.role == "post_outcome":
                reasons[name] = "is known only after the outcome"
            elif self.is_outcome(name):
                reasons[name] = "is the outcome itself"
            elif column.role == "split":
                reasons[name] = "is a split, not a measurement"
            elif column.observed_at is None:
                reasons[name] = "has no observed_at, so nobody knows whether it was known in time"
        return reasons

    def is_outcome(self, name: str) -> bool:
        """Whether a column is read from where an outcome's time or event is."""
        column = self.columns[name]
        read = {(o.file, c) for o in self.outcomes.values() for c in o.headers}
        return any((column.file, header) in read for header in column.headers(name))
