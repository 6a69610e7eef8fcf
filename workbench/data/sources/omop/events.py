"""Rows of the CDM's tables as events, and the rows that are none."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from workbench.data.duck import Duck
from workbench.data.prepared_events import EventBatch
from workbench.data.sources.omop.bad_rows import BadTableRows
from workbench.data.sources.omop.files import SourceTable
from workbench.data.sources.omop.people import People
from workbench.data.sources.omop.typed import (
    is_there,
    is_wrong,
    moment,
    number,
    typed_rows,
    whole,
    words,
)
from workbench.data.sources.omop_tables import UNIT, VALUE, EventTable


@dataclass(eq=False)
class EventReader:
    """Reads tables of events; ``other_day`` counts datetimes on another day than their date."""

    duck: Duck
    people: People
    bad: BadTableRows
    other_day: dict[str, int] = field(default_factory=dict)

    def batches(self, table: EventTable, source: SourceTable) -> Iterator[EventBatch]:
        """Events of a table, block by block."""
        source.require(table.required)
        dead = np.zeros(len(self.people), bool)
        for block in source.blocks([*table.required, *table.optional]):
            self.bad.note(source.file, block)
            reasons, query = _query(table, block.rows.schema, source.file)
            rows = typed_rows(self.duck, block.rows, query)
            patient = self.people.rows(rows["person"])
            reason = _numpy(rows["reason"])
            reason[(reason == 0) & (patient < 0)] = len(reasons) + 1
            if table.concept is None:
                again = _again(patient, reason == 0, dead)
                reason[again] = len(reasons) + 2
            known = [*reasons, "person_id is not in PERSON", "the person has died in a row before"]
            self.bad.note_reasons(source.file, block.numbers, reason, known)
            good = reason == 0
            other = int((_numpy(rows["other_day"]) & good).sum())
            if other:
                self.other_day[source.file] = self.other_day.get(source.file, 0) + other
            yield _batch(table, rows.filter(pa.array(good)), patient[good])


def _query(table: EventTable, schema: pa.Schema, file: str) -> tuple[list[str], str]:
    """Reasons why a row is no event, and the query that types rows and finds the first of them."""
    typed = {
        "person": (whole(schema, "person_id"), "person_id", "a whole number"),
        "concept": (whole(schema, table.concept), table.concept, "a whole number"),
        "date": (moment(schema, table.date, file), table.date, "a date"),
        "datetime": (moment(schema, table.datetime, file), table.datetime, "a date"),
        "end_date": (moment(schema, table.end_date, file), table.end_date, "a date"),
        "end_datetime": (moment(schema, table.end_datetime, file), table.end_datetime, "a date"),
        "number": (number(schema, table.number), table.number, "a number"),
        "value": (whole(schema, table.value_concept), table.value_concept, "a whole number"),
        "unit": (whole(schema, table.unit_concept), table.unit_concept, "a whole number"),
    }
    needed = [c for c in ("person_id", table.concept) if c is not None]
    date_there = f"({is_there(schema, table.date)} OR {is_there(schema, table.datetime)})"
    checks = [(f"{c} is empty", f"NOT {is_there(schema, c)}") for c in needed]
    checks.append((f"{table.date} is empty", f"NOT {date_there}"))
    checks += [
        (f"{column} is not {kind}", is_wrong(schema, column, f"typed_{name}"))
        for name, (_, column, kind) in typed.items()
        if column in schema.names
    ]
    checks.append(("ends before it begins", "stop < begin"))
    case = " ".join(f"WHEN {wrong} THEN {i}" for i, (_, wrong) in enumerate(checks, 1))
    columns = ", ".join(f"{value} AS typed_{name}" for name, (value, _, _) in typed.items())
    query = f"""
        WITH typed AS MATERIALIZED (SELECT *, {columns} FROM block),
        begun AS (
            SELECT *, coalesce(typed_datetime, typed_date) AS begin,
                coalesce(typed_end_datetime, typed_end_date) AS recorded_end
            FROM typed),
        ended AS MATERIALIZED (
            SELECT *, CASE
                WHEN CAST(recorded_end AS DATE) = CAST(begin AS DATE)
                    AND recorded_end = date_trunc('day', recorded_end)
                THEN begin
                ELSE recorded_end END AS stop
            FROM begun)
        SELECT place, typed_person AS person, coalesce(typed_concept, 0) AS concept,
            epoch_us(begin) AS begin, epoch_us(coalesce(stop, begin)) AS stop,
            typed_number AS number,
            NULLIF(concat_ws(' ', {words(schema, table.words)},
                '{VALUE}' || NULLIF(typed_value, 0), '{UNIT}' || NULLIF(typed_unit, 0)), '')
                AS text,
            coalesce(CAST(typed_datetime AS DATE) <> CAST(typed_date AS DATE), FALSE) AS other_day,
            CAST(CASE {case} ELSE 0 END AS INTEGER) AS reason
        FROM ended"""
    return [reason for reason, _ in checks], query


def _batch(table: EventTable, rows: pa.Table, patient: np.ndarray) -> EventBatch:
    concept = _array(rows["concept"]).dictionary_encode()
    codes = pa.array([table.code(c) for c in concept.dictionary.to_pylist()], pa.string())
    return EventBatch(
        patient,
        _numpy(rows["begin"]),
        _numpy(rows["stop"]),
        pa.DictionaryArray.from_arrays(concept.indices, codes),
        _numpy(rows["number"]),
        _array(rows["text"]).dictionary_encode(),
    )


def _again(patient: np.ndarray, good: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Good rows of patients who had one before; ``seen`` is brought up to date."""
    first = np.zeros(len(patient), bool)
    where = np.flatnonzero(good)
    first[where[np.unique(patient[where], return_index=True)[1]]] = True
    again = good & (~first | seen[np.maximum(patient, 0)])
    seen[patient[good]] = True
    return again


def _array(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _numpy(column: pa.ChunkedArray) -> np.ndarray:
    return column.to_numpy().copy()
