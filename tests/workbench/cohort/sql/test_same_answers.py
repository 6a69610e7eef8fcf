"""Random definitions give the same patients, index dates and attrition in memory and in databases.

Records are few and crowded on few days and codes, so that ties, edges of windows and overlapping
rules are common; they hold events without a time, missing values, NaN, and codes that SQL could
take for something else.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from workbench.cohort.criteria import Criterion, EventQuery, Happened, Range, Window, at_least, col
from workbench.cohort.criteria.landmark import Landmark
from workbench.cohort.criteria.modality import Has
from workbench.cohort.entry import Entry
from workbench.cohort.follow_up import FollowUp
from workbench.cohort.record_cohort import OWN, build_cohort
from workbench.cohort.record_definition import RecordDefinition
from workbench.cohort.sql import DuckMemory, MedsDatabase, Postgres, run_in_database
from workbench.data.events import DAY, DEATH, MemoryEvents
from workbench.data.records import ColumnFacts, ObservationPeriods, Records, SourceFacts
from workbench.errors import CohortError

CODES = ("a//1", "a//2", "A//1", "b%_//1", "b//1", "lab//x", "'; DROP TABLE events; --", DEATH)
PREFIXES = ("", "a//", "b%", "b%_//", "lab//", "'", "a//1")
TEXTS = ("yes", "no", 'it\'s "odd"; --', "100%", "no % at", "at noon")
UNITS = (("%",), ("no", "o"), ('"odd";',), ("at noon",))
START = date(2010, 1, 1)
N_DAYS = 40
MODALITIES = {"mri": ("lab//x",), "ct": ("a//2", "b//1")}


@dataclass(frozen=True)
class Tables:
    """Records as rows, to be loaded anywhere."""

    events: pd.DataFrame
    patients: pd.DataFrame
    periods: pd.DataFrame | None
    clock: str

    def records(self) -> Records:
        people = self.patients.set_index("patient_id")
        people["sex"] = people["sex"].astype("category")
        people["smoker"] = people["smoker"].astype("boolean")
        kinds = {"birth": "date", "sex": "categorical", "smoker": "boolean", "bmi": "numeric"}
        if self.clock == "relative":
            people, kinds = people.drop(columns="birth"), {**kinds}
            del kinds["birth"]
        observation = None
        if self.periods is not None:
            begin, end = (_microseconds(self.periods[name]) for name in ("start", "end"))
            patient = people.index.get_indexer(self.periods["patient_id"]).astype(np.int32)
            observation = ObservationPeriods(patient, begin, end)
        return Records(
            SourceFacts("meds", "toy", "1"),
            self.clock,
            people,
            {name: ColumnFacts(kind, name) for name, kind in kinds.items()},
            MemoryEvents.from_frame(self.events, people.index),
            observation,
            modalities=MODALITIES,
        )

    def database(self, server: Any) -> MedsDatabase:
        periods = None if self.periods is None else "periods"
        return MedsDatabase(
            server, "events", "patients", periods, name="toy", modalities=MODALITIES
        )

    def columns(self) -> Iterator[tuple[str, pd.DataFrame, dict[str, str]]]:
        """Each table with the types of its columns."""
        moment = "TIMESTAMP" if self.clock == "calendar" else "BIGINT"
        yield "events", self.events, {
            "patient_id": "VARCHAR", "time": moment, "end": moment, "code": "VARCHAR",
            "numeric_value": "REAL", "text_value": "VARCHAR",
        }  # fmt: skip
        patients = {
            "patient_id": "VARCHAR", "sex": "VARCHAR", "smoker": "BOOLEAN",
            "bmi": "DOUBLE PRECISION",
        }  # fmt: skip
        if self.clock == "calendar":
            patients["birth"] = "TIMESTAMP"
        yield "patients", self.patients, patients
        if self.periods is not None:
            periods = {"patient_id": "VARCHAR", "start": moment, "end": moment}
            yield "periods", self.periods, periods


def _microseconds(moments: pd.Series) -> np.ndarray:
    if moments.dtype == "int64":
        return moments.to_numpy()
    return moments.astype("datetime64[us]").to_numpy().astype(np.int64)


def make_tables(seed: int, *, clock: str, observed: bool, n_patients: int = 12) -> Tables:
    """Crowded records; on a relative clock days lie before and after zero."""
    rng = np.random.default_rng(seed)
    ids = [f"P{i}" for i in range(n_patients)]
    n = 10 * n_patients
    zero = (START - date(1970, 1, 1)).days if clock == "calendar" else -N_DAYS // 2
    minute = rng.choice([0, 0, 1, 720, 1439], n) * 60_000_000
    time = (zero + rng.integers(0, N_DAYS, n)) * DAY + minute
    end = time + rng.choice([0, 1, DAY - 1, DAY, 5 * DAY], n)
    number = np.round(rng.normal(5, 2, n)).astype(np.float32)
    number[rng.random(n) < 0.2] = np.nan
    events = pd.DataFrame(
        {
            "patient_id": rng.choice(ids, n),
            "time": pd.array(time, "Int64"),
            "end": pd.array(end, "Int64"),
            "code": rng.choice(CODES, n, p=[0.2, 0.15, 0.1, 0.1, 0.15, 0.2, 0.07, 0.03]),
            "numeric_value": number,
            "text_value": rng.choice([*TEXTS, None], n),
        }
    )
    events.loc[rng.random(n) < 0.3, "end"] = pd.NA
    events.loc[rng.random(n) < 0.05, ["time", "end"]] = pd.NA
    born = pd.Series(
        pd.to_datetime("1991-12-20") + pd.to_timedelta(rng.integers(0, 90, n_patients), "D")
    )
    born[0] = pd.Timestamp("1992-02-29")
    patients = pd.DataFrame(
        {
            "patient_id": ids,
            "birth": born.where(rng.random(n_patients) > 0.1),
            "sex": rng.choice(["female", "male", None], n_patients),
            "smoker": rng.choice([True, False, None], n_patients),
            "bmi": np.where(rng.random(n_patients) < 0.3, np.nan, rng.integers(18, 35, n_patients)),
        }
    ).sort_values("patient_id", ignore_index=True)
    patients["birth"] = patients["birth"].astype("datetime64[us]")
    periods = _periods(rng, ids, zero) if observed else None
    if clock == "calendar":
        for frame in (events, periods):
            for name in {"time", "start", "end"} & set(() if frame is None else frame):
                frame[name] = pd.to_datetime(frame[name], unit="us").astype("datetime64[us]")
    return Tables(events, patients, periods, clock)


def _periods(rng: np.random.Generator, ids: list[str], zero: int) -> pd.DataFrame:
    """None, one or two periods a patient, with a gap between."""
    rows = []
    for patient in sorted(ids):
        cuts = np.sort(rng.choice(N_DAYS + 20, 4, replace=False)) - 10
        for i in range(int(rng.choice([0, 1, 1, 2]))):
            begin, last = zero + cuts[2 * i], zero + cuts[2 * i + 1]
            rows.append((patient, begin * DAY, (last + 1) * DAY - 1))
    return pd.DataFrame(rows, columns=["patient_id", "start", "end"]).astype(
        {"start": "int64", "end": "int64"}
    )


def load_duckdb(tables: Tables) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for name, frame, kinds in tables.columns():
        declared = ", ".join(f'"{column}" {kind}' for column, kind in kinds.items())
        connection.execute(f'CREATE TABLE "{name}" ({declared})')
        connection.register("rows", frame[list(kinds)])
        connection.execute(f'INSERT INTO "{name}" SELECT * FROM rows')
        connection.unregister("rows")
    # A missing number may be written either way.
    odd = "numeric_value IS NULL AND length(code) = 4"
    connection.execute(f"UPDATE events SET numeric_value = 'NaN' WHERE {odd}")
    return connection


def load_postgres(connection: Any, schema: str, tables: Tables) -> None:
    connection.execute(f'CREATE SCHEMA "{schema}"')
    for name, frame, kinds in tables.columns():
        declared = ", ".join(f'"{column}" {kind}' for column, kind in kinds.items())
        connection.execute(f'CREATE TABLE "{schema}"."{name}" ({declared})')
        rows = frame[list(kinds)].astype(object)
        with (
            connection.cursor() as cursor,
            cursor.copy(f'COPY "{schema}"."{name}" FROM STDIN') as copy,
        ):
            for row in rows.itertuples(index=False):
                values = [None if pd.isna(value) else value for value in row]
                if "numeric_value" in kinds and values[4] is None and len(values[3]) == 4:
                    values[4] = float("nan")
                copy.write_row(values)
    connection.execute(f'GRANT USAGE ON SCHEMA "{schema}" TO reader')
    connection.execute(f'GRANT SELECT ON ALL TABLES IN SCHEMA "{schema}" TO reader')


# Definitions.

bounds = st.none() | st.integers(-12, 12)


@st.composite
def windows(draw: st.DrawFn, deep: bool = False) -> Window:
    unit = draw(st.sampled_from(["days", "days", "hours"]))
    start, end = draw(bounds), draw(bounds)
    if start is not None and end is not None and start > end:
        start, end = end, start
    scale, least = (12, 1) if unit == "hours" else (1, 0)
    since = until = None
    if deep and (start is None or -start >= least):
        since = draw(st.none() | queries(deep=False))
    if deep and (end is None or end >= least):
        until = draw(st.none() | queries(deep=False))
    in_hours = [e is not None and unit == "hours" for e in (start, end)]
    free = [
        (hours or by_event is not None) and (start is None or start != end)
        for hours, by_event in zip(in_hours, (since, until), strict=True)
    ]
    return Window(
        None if start is None else scale * start,
        None if end is None else scale * end,
        unit,
        draw(st.sampled_from(["index", "index", "exit"])),
        draw(st.sampled_from(["start", "start", "end"])),
        draw(st.booleans()),
        *(not (can and draw(st.booleans())) for can in free),
        since=since,
        until=until,
    )


@st.composite
def ranges(draw: st.DrawFn) -> Range:
    low, high = sorted(draw(st.tuples(st.integers(1, 6), st.integers(4, 9))))
    kind = draw(st.sampled_from(["low", "high", "both"]))
    included = draw(st.booleans()) or low == high
    return Range(
        None if kind == "high" else low, None if kind == "low" else high, included, included
    )


lasting = st.sampled_from([Range(1), Range(None, 0.5), Range(0.5, 3), Range(0, 1, True, False)])


@st.composite
def queries(draw: st.DrawFn, deep: bool = True) -> EventQuery:
    prefixes = draw(st.lists(st.sampled_from(PREFIXES), max_size=1))
    codes = draw(st.lists(st.sampled_from(CODES), min_size=not prefixes, max_size=3, unique=True))
    around = draw(st.none() | happenings(deep=False)) if deep and draw(st.booleans()) else None
    return EventQuery(
        codes=tuple(codes),
        prefixes=tuple(prefixes),
        value=draw(st.none() | st.none() | ranges()),
        texts=tuple(draw(st.just([]) | st.lists(st.sampled_from(TEXTS), max_size=2))),
        lasting=draw(st.none() | st.none() | lasting),
        first_ever=draw(st.booleans()),
        where=around,
        units=draw(st.just(()) | st.just(()) | st.sampled_from(UNITS)),
    )


@st.composite
def happenings(draw: st.DrawFn, deep: bool = True) -> Happened:
    least = draw(st.integers(0, 3))
    most = draw(st.integers(least, 4) | st.none()) if least else draw(st.integers(0, 2))
    several = st.lists(windows(deep), min_size=1, max_size=2).map(tuple)
    counted = st.sampled_from(["events", "days", "codes", "moments"])
    return Happened(draw(queries(deep)), draw(several), least, most, draw(counted))


columns = st.sampled_from(
    [
        col("age") >= 18,
        col("age") < 18,
        col("age").between(17, 18),
        col("index_year") == 2010,
        col("sex") == "female",
        col("sex") != "female",
        col("sex").isin(["male", "female"]),
        col("sex").is_missing(),
        col("smoker") == True,  # noqa: E712
        col("smoker").isin([False]),
        col("bmi") > 25.5,
        col("bmi").isin([20, 21, 22.5]),
        col("birth") >= "1992-01-15",
        col("birth") == "1992-02-29",
        col("nobody") == 1,
        col("sex") == "neither",
    ]
)
modalities = st.builds(Has, st.sampled_from(["mri", "ct"]), st.none() | windows())
leaves = happenings() | columns | modalities
criteria: st.SearchStrategy[Criterion] = st.recursive(
    leaves,
    lambda parts: (
        parts.map(lambda part: ~part)
        | st.lists(parts, min_size=2, max_size=3).flatmap(
            lambda some: st.integers(1, len(some)).map(lambda n: at_least(n, *some))
        )
    ),
    max_leaves=4,
)


@st.composite
def definitions(draw: st.DrawFn, clock: str, observed: bool) -> RecordDefinition:
    days = st.none() | st.integers(0, N_DAYS).map(lambda n: date.fromordinal(START.toordinal() + n))
    since, until = (draw(days), draw(days)) if clock == "calendar" else (None, None)
    if since is not None and until is not None and since > until:
        since, until = until, since
    known = st.sampled_from([0, 0, 3]) if observed else st.just(0)
    entry = Entry(
        tuple(draw(st.lists(queries(), min_size=1, max_size=2))),
        draw(st.sampled_from(["first", "last", "all", "all"])),
        draw(known),
        draw(known),
        draw(st.none() | st.integers(0, 5)),
        since,
        until,
        draw(st.sampled_from(["day", "day", "moment"])),
    )
    unit = draw(st.sampled_from(["days", "days", "hours"]))
    lasts = draw(st.none() | st.integers(1, 20))
    follow_up = FollowUp(
        lasts if unit == "days" else None,
        tuple(draw(st.lists(queries(deep=False), max_size=1))),
        draw(days) if clock == "calendar" else None,
        None if unit == "days" or lasts is None else 12 * lasts,
    )
    return RecordDefinition(
        entry,
        tuple(draw(st.lists(criteria, max_size=4))),
        draw(st.sampled_from(["first", "last", "all"])),
        follow_up,
        draw(st.none() | queries(deep=False)),
        landmark=draw(st.none() | landmarks(unit)),
    )


def landmarks(unit: Any) -> st.SearchStrategy[Landmark]:
    after = st.integers(1, 6).map(lambda n: 12 * n if unit == "hours" else n)
    return st.builds(Landmark, after, st.just(unit), st.sampled_from(["leave", "stay"]))


def assert_same(definition: RecordDefinition, records: Records, database: MedsDatabase) -> None:
    """Both give the same, or both refuse."""
    try:
        expected = build_cohort(records, definition)
    except CohortError:
        with pytest.raises(CohortError):
            run_in_database(definition, database)
        return
    found = run_in_database(definition, database)
    pd.testing.assert_frame_equal(found.attrition, expected.attrition)
    index = expected.candidates.index
    ids = expected.records.patients.index[expected.candidates.patient]
    assert found.patient_ids[found.flow.patient].tolist() == ids.tolist()
    assert found.index_dates.astype(np.int64).tolist() == index.tolist()
    assert found.warnings == expected.warnings
    names = [name for name in OWN if name in expected.patients]
    pd.testing.assert_frame_equal(found.patients, expected.patients[names])


PHASES = tuple(phase for phase in Phase if phase is not Phase.explain)
CHECKS = list(HealthCheck)
KINDS = [("calendar", True), ("calendar", False), ("relative", True), ("relative", False)]


@cache
def in_duckdb(seed: int, clock: str, observed: bool) -> tuple[Records, MedsDatabase]:
    tables = make_tables(seed, clock=clock, observed=observed)
    return tables.records(), tables.database(DuckMemory(load_duckdb(tables)))


@pytest.mark.parametrize(("clock", "observed"), KINDS)
@settings(max_examples=25, deadline=None, phases=PHASES, suppress_health_check=CHECKS)
@given(data=st.data())
def test_duckdb_answers_as_memory_does(clock: str, observed: bool, data: st.DataObject) -> None:
    records, database = in_duckdb(data.draw(st.integers(0, 3)), clock, observed)
    assert_same(data.draw(definitions(clock, observed)), records, database)


def every_edge(anchor: str) -> RecordDefinition:
    """Windows that begin and end around one day or moment, as rules of one definition."""
    offsets = [(o, o) for o in (-1, 0, 1)] + [(None, -1), (None, 0), (0, None), (1, None)]
    rules = []
    for unit, scale in (("days", 1), ("hours", 12)):
        for edge in ("start", "end"):
            for start, end in offsets:
                low, high = (None if o is None else scale * o for o in (start, end))
                window = Window(low, high, unit, anchor, edge)  # pyright: ignore[reportArgumentType]
                rules.append(Happened(EventQuery(prefixes=("a//", "b")), (window,)))
                if unit == "hours" and low != high:
                    without = replace(window, start_included=low is None, end_included=high is None)
                    rules.append(Happened(EventQuery(prefixes=("a//", "b")), (without,)))
    entry = Entry((EventQuery(codes=("a//1", "lab//x")),), "all")
    return RecordDefinition(entry, tuple(rules), follow_up=FollowUp(3))


@pytest.mark.parametrize("anchor", ["index", "exit"])
@pytest.mark.parametrize(("clock", "observed"), KINDS)
def test_every_edge_of_a_window(clock: str, observed: bool, anchor: str) -> None:
    records, database = in_duckdb(1, clock, observed)
    assert_same(every_edge(anchor), records, database)


@pytest.mark.parametrize("observed", [True, False])
def test_follow_up_ends_no_earlier_than_the_index_date(observed: bool) -> None:
    """A fixed end of the study lies before most index dates here."""
    records, database = in_duckdb(0, "calendar", observed)
    windows = (Window(0, 1, anchor="exit"), Window(anchor="exit", until=EventQuery(("a//1",))))
    for window in windows:
        rule = Happened(EventQuery(("a//2",)), (window,), least=0, most=0)
        entry = Entry((EventQuery(("a//1",)),))
        definition = RecordDefinition(entry, (rule,), follow_up=FollowUp(until=date(2010, 1, 1)))
        assert_same(definition, records, database)


@pytest.mark.parametrize(("clock", "observed"), KINDS)
def test_what_is_unknown(clock: str, observed: bool) -> None:
    records, database = in_duckdb(3, clock, observed)
    parts = (col("sex") == "female", col("smoker").isin([True]), col("bmi") > 25)
    numbers = Happened(EventQuery(prefixes=("",), value=Range(9)))
    rules = [at_least(n, *parts) for n in (1, 2, 3)]
    definition = RecordDefinition(
        Entry((EventQuery(codes=("a//1",)),), "all"), (*rules, *(~rule for rule in rules), numbers)
    )
    assert_same(definition, records, database)
    assert any(step.unknown.any() for step in run_in_database(definition, database).flow.rules)


@pytest.fixture(scope="module")
def loaded(cluster: Any) -> dict[tuple[str, bool], tuple[Records, MedsDatabase]]:
    import psycopg

    found = {}
    with psycopg.connect(cluster.dsn("loader"), autocommit=True) as connection:
        for i, (clock, observed) in enumerate(KINDS):
            tables = make_tables(i, clock=clock, observed=observed, n_patients=30)
            load_postgres(connection, f"toy {i}", tables)

            database = tables.database(Postgres(cluster.url("reader"), timeout_seconds=20))
            found[clock, observed] = tables.records(), replace(database, schema=f"toy {i}")
    return found


def some_definitions(clock: str, observed: bool) -> list[RecordDefinition]:
    """The same few each time: a server is asked too slowly for a search."""
    found: list[RecordDefinition] = []

    @settings(
        max_examples=15, derandomize=True, phases=[Phase.generate], suppress_health_check=CHECKS
    )
    @given(definition=definitions(clock, observed))
    def gather(definition: RecordDefinition) -> None:
        found.append(definition)

    gather()
    return found


@pytest.mark.postgres
@pytest.mark.parametrize(("clock", "observed"), KINDS)
def test_postgresql_answers_as_memory_does(clock: str, observed: bool, loaded: Any) -> None:
    for definition in some_definitions(clock, observed):
        assert_same(definition, *loaded[clock, observed])
