"""What a database holds, as relations: patients, observation periods, and events by code."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import SelectBase
from sqlalchemy.sql import ColumnElement, FromClause, Select

from workbench.cohort.criteria.query import EventQuery
from workbench.cohort.sql.clock import Clock
from workbench.data.concepts import ConceptSet
from workbench.data.records import Kind

PATIENT, TIME, END, CODE, NUMBER, TEXT = "patient_id", "time", "ends", "code", "number", "text"
"""Columns of every relation of events, as :class:`workbench.data.events.EventRows` has them."""


@dataclass(frozen=True, eq=False)
class PatientColumn:
    """A column that does not change: what it is, and where it stands."""

    kind: Kind
    value: ColumnElement[Any]


@dataclass(frozen=True, eq=False)
class PatientTable:
    """One row a patient.

    Parameters
    ----------
    table
        Where they stand.
    patient_id
        Its key.
    columns
        Name → column, for those that were asked for and exist. The names are the source's own; a
        definition only looks them up.
    """

    table: FromClause
    patient_id: ColumnElement[Any]
    columns: Mapping[str, PatientColumn]


class Source(Protocol):
    """A database as criteria see it."""

    @property
    def kind(self) -> str:
        """Format, as of :class:`workbench.data.records.SourceFacts`."""
        ...

    @property
    def name(self) -> str:
        """What the source is called in the attrition."""
        ...

    @property
    def clock(self) -> Clock:
        """How its moments are counted."""
        ...

    @property
    def modalities(self) -> Mapping[str, tuple[str, ...]]:
        """Modality → codes of its acquisitions."""
        ...

    @property
    def patient_columns(self) -> Collection[str]:
        """Columns that its patients have."""
        ...

    def patient_ids(self) -> Select:
        """Its patients, each once."""
        ...

    def patients(self, names: Collection[str]) -> PatientTable:
        """Its patients with some of their columns; a new alias at each call."""
        ...

    def observation(self) -> Select | None:
        """``patient_id``, ``first``, ``last`` moment of each period; None where it has none."""
        ...

    def events(self, query: EventQuery) -> Select:
        """Events of the codes of a query, whatever their value: :data:`PATIENT` to :data:`TEXT`."""
        ...

    def concept_ids(self, concepts: ConceptSet) -> SelectBase:
        """Concepts of a set, as text."""
        ...

    def knows_code(self, code: str) -> ColumnElement[bool]:
        """Whether an event has the code, or a vocabulary names it."""
        ...

    def knows_concept(self, concept_id: str) -> ColumnElement[bool]:
        """Whether the vocabulary has the concept."""
        ...

    def resolves(self, concepts: ConceptSet) -> ColumnElement[bool]:
        """Whether a concept set has any concept left."""
        ...
