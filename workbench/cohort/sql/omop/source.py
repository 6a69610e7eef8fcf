"""A Common Data Model of OMOP in a database: the domain tables that a query needs, as events.

Which table becomes which events is declared in :mod:`workbench.data.sources.omop_tables`; this is
that declaration as SQL. Rows that a reader of files leaves out are left out here: a row without a
date or a person, and one that ends before it begins.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from sqlalchemy import SelectBase, Text, column, false, func, or_, select, true, union_all
from sqlalchemy.sql import ColumnElement, Select, cast

from workbench.cohort.criteria.query import EventQuery
from workbench.cohort.sql import bound
from workbench.cohort.sql.clock import CalendarClock
from workbench.cohort.sql.omop.cdm import Cdm, standard_cdm
from workbench.cohort.sql.omop.concepts import knows_concept, resolved, resolves, whole_number
from workbench.cohort.sql.omop.events import births, rows_of
from workbench.cohort.sql.omop.persons import characteristics, observation, persons
from workbench.cohort.sql.source import PatientTable
from workbench.data.concepts import ConceptSet
from workbench.data.events import BIRTH, DEATH
from workbench.data.sources.omop_tables import EVENT_TABLES, EventTable


@dataclass(frozen=True, eq=False)
class OmopSource:
    """A CDM as criteria see it.

    Parameters
    ----------
    cdm
        Its tables.
    modalities, name
        As of :class:`workbench.data.records.Records`.
    """

    cdm: Cdm
    modalities: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    name: str = "OMOP"
    kind: str = "omop"
    clock: CalendarClock = field(default_factory=CalendarClock)

    @property
    def patient_columns(self) -> Collection[str]:
        """Columns that its patients have."""
        return tuple(characteristics(self.cdm, self.cdm.table("person")))

    def patient_ids(self) -> Select:
        """Its patients, each once."""
        return select(self.cdm.table("person").c.person_id)

    def patients(self, names: Collection[str]) -> PatientTable:
        """Its patients with some of their columns; a new alias at each call."""
        return persons(self.cdm, names)

    def observation(self) -> Select:
        """``patient_id``, ``first``, ``last`` moment of each period."""
        return observation(self.cdm, self.clock)

    def events(self, query: EventQuery) -> Select:
        """Events of the codes of a query, whatever their value."""
        parts = []
        for table in EVENT_TABLES:
            wanted = self._wanted(table, query)
            if wanted is not None and table.name in self.cdm:
                parts.append(rows_of(self.cdm, self.clock, table, wanted))
        if BIRTH in query.codes or any(BIRTH.startswith(prefix) for prefix in query.prefixes):
            parts.append(births(self.cdm))
        if not parts:
            parts.append(births(self.cdm).where(false()))
        if len(parts) == 1:
            return parts[0]
        rows = union_all(*parts).subquery("of_domains")
        return select(*rows.c)

    def _wanted(self, events: EventTable, query: EventQuery) -> ColumnElement[bool] | None:
        """Which rows of a table a query asks for; None for none of them."""
        if events.concept is None:
            asked = DEATH in query.codes or any(map(DEATH.startswith, query.prefixes))
            return true() if asked else None
        concept = column(events.concept)
        before = f"{events.domain}//"
        if any(before.startswith(prefix) for prefix in query.prefixes):
            return concept.is_not(None)
        wanted: list[ColumnElement[bool]] = []
        ids = {i for code in query.codes if (i := _concept_of(code, before)) is not None}
        if query.concepts is not None and query.domain == events.domain:
            wanted.append(concept.in_(resolved(self.cdm, query.concepts, ids)))
        elif ids:
            wanted.append(concept == func.any(bound.wholes(ids)))
        for prefix in query.prefixes:
            if prefix.startswith(before):
                rest = bound.text(prefix.removeprefix(before))
                wanted.append(func.starts_with(cast(concept, Text()), rest))
        return or_(*wanted) if wanted else None

    def concept_ids(self, concepts: ConceptSet) -> SelectBase:
        """Concepts of a set, as text."""
        found = resolved(self.cdm, concepts).subquery("of_set")
        return select(cast(found.c[0], Text()))

    def knows_code(self, code: str) -> ColumnElement[bool]:
        """Whether an event has the code, or a vocabulary names it."""
        parts: list[ColumnElement[bool]] = [self.events(EventQuery(codes=(code,))).exists()]
        if "concept" in self.cdm:
            parts.append(self.knows_concept(code.rpartition("//")[2]))
        return or_(*parts)

    def knows_concept(self, concept_id: str) -> ColumnElement[bool]:
        """Whether the vocabulary has the concept."""
        return knows_concept(self.cdm, concept_id)

    def resolves(self, concepts: ConceptSet) -> ColumnElement[bool]:
        """Whether a concept set has any concept left."""
        return resolves(self.cdm, concepts)


def standard_source(schema: str = "cdm") -> OmopSource:
    """A CDM 5.4 with every table and column of the standard, for showing statements."""
    return OmopSource(standard_cdm(schema))


def _concept_of(code: str, before: str) -> int | None:
    """The concept of a code of a domain; None for another code."""
    return whole_number(code.removeprefix(before)) if code.startswith(before) else None
