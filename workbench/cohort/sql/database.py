"""Databases of records: where they are, and what they hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy import column, select, table

from workbench.cohort.sql import bound
from workbench.cohort.sql.catalogue import Tables, check_no_zone, tables_of
from workbench.cohort.sql.clock import CalendarClock, Clock, RelativeClock
from workbench.cohort.sql.meds import MedsSource
from workbench.cohort.sql.omop import Cdm, OmopSource
from workbench.cohort.sql.omop.cdm import ANCESTOR, CONCEPT, RELATIONSHIP
from workbench.cohort.sql.server import Server, Session
from workbench.cohort.sql.source import Source
from workbench.cohort.sql.text import as_sql
from workbench.data.card import did_you_mean
from workbench.data.concepts import Vocabulary
from workbench.data.records import Kind
from workbench.data.sources.omop_tables import (
    EVENT_TABLES,
    PERIOD_REQUIRED,
    PERSON_OPTIONAL,
    PERSON_REQUIRED,
)
from workbench.errors import RecordsError, printable


class Database(Protocol):
    """A database that :func:`workbench.cohort.sql.run_in_database` can ask."""

    @property
    def server(self) -> Server:
        """Where it is."""
        ...

    def source(self, session: Session) -> Source:
        """What it holds, of which its catalogue is asked."""
        ...


@dataclass(frozen=True)
class OmopDatabase:
    """A Common Data Model of OMOP, 5.3 or 5.4.

    Parameters
    ----------
    server
        Where it is: :class:`Postgres`, :class:`DuckFile` or :class:`DuckMemory`.
    schema
        Of the clinical tables; that of the server, if not given.
    vocabulary_schema
        Of ``concept``, and of ``concept_ancestor`` or, where that is empty,
        ``concept_relationship``; ``schema``, if not given.
    modalities
        Modality → codes whose events are its acquisitions.
    name
        What the attrition calls it; that of ``cdm_source``, if not given, else OMOP. Data that are
        read from files too need one name in both, for what was shown of them is remembered under
        it.
    """

    server: Server
    schema: str | None = None
    vocabulary_schema: str | None = None
    modalities: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    name: str | None = None

    def source(self, session: Session) -> OmopSource:
        """What it holds.

        Raises
        ------
        RecordsError
            If a table or column that every CDM has is not there, or a time carries a zone.
        """
        schema = self.server.default_schema if self.schema is None else self.schema
        vocabulary = schema if self.vocabulary_schema is None else self.vocabulary_schema
        clinical = tables_of(session, schema)
        words = clinical if vocabulary == schema else tables_of(session, vocabulary)
        columns = {
            "person": _present(clinical, "person", PERSON_REQUIRED, PERSON_OPTIONAL),
            "observation_period": _present(clinical, "observation_period", PERIOD_REQUIRED, ()),
        }
        for events in EVENT_TABLES:
            if events.name in clinical:
                columns[events.name] = _present(
                    clinical, events.name, events.required, events.optional
                )
        if "concept" in words:
            columns["concept"] = _present(words, "concept", CONCEPT, ())
        if _holds_rows(session, words, vocabulary, "concept_ancestor"):
            columns["concept_ancestor"] = _present(words, "concept_ancestor", ANCESTOR, ())
        elif _holds_rows(session, words, vocabulary, "concept_relationship"):
            columns["concept_relationship"] = _present(
                words, "concept_relationship", RELATIONSHIP, ("invalid_reason",)
            )
        cdm = Cdm(schema, vocabulary, columns)
        name = self.name or _name_of(session, clinical, schema) or "OMOP"
        return OmopSource(cdm, modalities=dict(self.modalities), name=name)


@dataclass(frozen=True)
class MedsDatabase:
    """Tables in the shape of MEDS.

    Parameters
    ----------
    server
        Where it is: :class:`Postgres`, :class:`DuckFile` or :class:`DuckMemory`.
    events
        Table or view with ``patient_id`` (or ``subject_id``), ``time`` (a timestamp, or whole
        microseconds on each patient's own clock), ``code``, and if there are any ``end``,
        ``numeric_value``, ``text_value``.
    patients
        Table with one row a patient: ``patient_id`` and columns that do not change. If not given,
        patients and their birth are taken from the events.
    periods
        Table of observation periods: ``patient_id``, ``start``, ``end``; both moments count.
    schema
        Of the tables; that of the server, if not given.
    modalities, vocabulary
        As of :class:`workbench.data.records.Records`.
    name
        What the attrition calls it, and under which what was shown is remembered.
    """

    server: Server
    events: str = "events"
    patients: str | None = None
    periods: str | None = None
    schema: str | None = None
    modalities: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    vocabulary: Vocabulary | None = None
    name: str = "MEDS"

    def source(self, session: Session) -> MedsSource:
        """What it holds.

        Raises
        ------
        RecordsError
            If a table or column is not there, or a time carries a zone.
        """
        schema = self.server.default_schema if self.schema is None else self.schema
        tables = tables_of(session, schema)
        optional = ("patient_id", "subject_id", "end", "numeric_value", "text_value")
        present = _present(tables, self.events, ("time", "code"), optional)
        if not present & {"patient_id", "subject_id"}:
            raise RecordsError(f"table {printable(self.events)} has no column patient_id")
        if self.periods is not None:
            _present(tables, self.periods, ("patient_id", "start", "end"), ())
        kinds: dict[str, Kind] = {}
        if self.patients is not None:
            _present(tables, self.patients, ("patient_id",), tuple(tables[self.patients]))
            kinds = {
                name: kind
                for name, type_ in tables[self.patients].items()
                if name != "patient_id" and (kind := _kind(type_)) is not None
            }
        return MedsSource(
            schema,
            self.events,
            tuple(sorted(present)),
            self.patients,
            kinds,
            self.periods,
            _clock(self.events, tables[self.events]["time"]),
            dict(self.modalities),
            self.vocabulary,
            self.name,
        )


def _name_of(session: Session, tables: Tables, schema: str) -> str:
    """What a CDM calls itself; "" where it does not."""
    if "cdm_source_name" not in tables.get("cdm_source", {}):
        return ""
    of_cdm = table("cdm_source", column("cdm_source_name"), schema=schema)
    rows = session.select(as_sql(select(of_cdm.c.cdm_source_name.label("name")).limit(bound.ONE)))
    return str(rows["name"][0]) if len(rows["name"]) and rows["name"][0] is not None else ""


def _holds_rows(session: Session, tables: Tables, schema: str, name: str) -> bool:
    """Whether a table is there, and not empty."""
    if name not in tables:
        return False
    rows = select(bound.ONE).select_from(table(name, schema=schema))
    return bool(session.select(as_sql(select(rows.exists().label("any"))))["any"][0])


def _present(
    tables: Tables, name: str, required: tuple[str, ...], optional: tuple[str, ...]
) -> frozenset[str]:
    """Columns of a table that are known to us."""
    if name not in tables:
        raise RecordsError(f"no table {printable(name)[:60]}{did_you_mean(name, tables)}")
    columns = tables[name]
    missing = [column for column in required if column not in columns]
    if missing:
        raise RecordsError(
            f"table {printable(name)}: no column {missing[0]}{did_you_mean(missing[0], columns)}"
        )
    used = {column: kind for column, kind in columns.items() if column in (*required, *optional)}
    check_no_zone(name, used)
    return frozenset(used)


def _clock(table: str, kind: str) -> Clock:
    if kind.startswith(("TIMESTAMP", "DATE")):
        return CalendarClock()
    if kind in ("BIGINT", "INTEGER", "HUGEINT"):
        return RelativeClock()
    raise RecordsError(
        f"table {printable(table)}: time is {kind.lower()}: expected a timestamp without time "
        "zone, or whole microseconds"
    )


def _kind(kind: str) -> Kind | None:
    """What a column of the catalogue is; None for what no criterion can ask."""
    if kind.startswith(("TIMESTAMP", "DATE")):
        return "date"
    if kind == "BOOLEAN":
        return "boolean"
    if kind.startswith(("CHARACTER", "VARCHAR", "TEXT", "ENUM", "USER-DEFINED")):
        return "categorical"
    numeric = ("DOUBLE", "REAL", "FLOAT", "NUMERIC", "DECIMAL", "BIGINT", "INTEGER", "SMALLINT",
               "TINYINT", "HUGEINT", "UBIGINT", "UINTEGER", "USMALLINT", "UTINYINT")  # fmt: skip
    return "numeric" if kind.startswith(numeric) else None
