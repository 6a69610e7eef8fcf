"""The dataset description: the one place where a dataset's facts live.

A card is a Markdown file: YAML front matter for the machine, prose for people. This package is its
schema. Everything is declarative; nothing in a card is executed.
"""

from workbench.data.card.cohorts import Collection, Group, Inventory, Privacy, Split
from workbench.data.card.columns import Column, Fill, Observed
from workbench.data.card.events import EventTable
from workbench.data.card.files import Key, SourceFile
from workbench.data.card.modalities import (
    EhrModality,
    GenomicsModality,
    ImageModality,
    Modality,
    Owners,
)
from workbench.data.card.names import Name, Regex, RelativePath, Scalar, did_you_mean
from workbench.data.card.outcomes import (
    DAYS_IN,
    FREE,
    STATE_HORIZON,
    AnyOutcome,
    BinaryOutcome,
    EventCoding,
    Outcome,
    StateCoding,
    TimeUnit,
)
from workbench.data.card.references import DanglingReferencesError
from workbench.data.card.schema import SCHEMA_VERSION, Card

__all__ = [
    "DAYS_IN",
    "FREE",
    "SCHEMA_VERSION",
    "STATE_HORIZON",
    "AnyOutcome",
    "BinaryOutcome",
    "Card",
    "Collection",
    "Column",
    "DanglingReferencesError",
    "EhrModality",
    "EventCoding",
    "EventTable",
    "Fill",
    "GenomicsModality",
    "Group",
    "ImageModality",
    "Inventory",
    "Key",
    "Modality",
    "Name",
    "Observed",
    "Outcome",
    "Owners",
    "Privacy",
    "Regex",
    "RelativePath",
    "Scalar",
    "SourceFile",
    "Split",
    "StateCoding",
    "TimeUnit",
    "did_you_mean",
]
