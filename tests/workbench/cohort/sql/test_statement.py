"""What a definition says enters a statement only as a bound parameter, and nothing is written."""

import re
from typing import Any

import duckdb
import pandas as pd
import pytest

import workbench as wb
from workbench.cohort.criteria import EventQuery, Happened
from workbench.cohort.criteria.columns import IsIn
from workbench.cohort.record_cohort import build_cohort
from workbench.cohort.record_definition import RecordDefinition, define
from workbench.cohort.sql import (
    DuckFile,
    DuckMemory,
    MedsDatabase,
    OmopDatabase,
    Postgres,
    criterion_sql,
    definition_sql,
    run_in_database,
)
from workbench.cohort.sql.meds import MedsSource
from workbench.data.concepts import Concept, ConceptSet
from workbench.data.events import MemoryEvents
from workbench.data.records import ColumnFacts, Records, SourceFacts
from workbench.errors import CohortError, RecordsError

CORPUS = (
    "'; DROP TABLE events; --",
    '"; DROP TABLE events; --',
    "x' OR '1'='1",
    "x') UNION SELECT patient_id FROM events --",
    "/* */ OR 1=1",
    "$1",
    "$$ ; $$",
    ":name",
    "%(name)s",
    "100%",
    "a_b",
    "%",
    "__",
    "back\\slash\\'",
    "new\nline; --",
    "ünï ‘quoted’ 😀",
)


def records_with(texts: tuple[str, ...]) -> tuple[Records, pd.DataFrame, pd.DataFrame]:
    """A patient a text, who has it as code, as value in words, and as a characteristic."""
    ids = [f"P{i:02}" for i in range(len(texts))]
    events = pd.DataFrame(
        {
            "patient_id": ids * 2,
            "time": pd.to_datetime(["2020-01-01"] * len(ids) + ["2020-02-01"] * len(ids)),
            "code": ["entry"] * len(ids) + list(texts),
            "text_value": [None] * len(ids) + list(texts),
        }
    )
    patients = pd.DataFrame({"patient_id": ids, "label": list(texts)})
    people = patients.set_index("patient_id").astype({"label": "category"})
    facts = {"label": ColumnFacts("categorical", "label")}
    source = MemoryEvents.from_frame(events, people.index)
    kind = SourceFacts("meds", "toy", "1")
    return Records(kind, "calendar", people, facts, source), events, patients


def definition_with(text: str) -> RecordDefinition:
    """The text in every place that a definition has for one."""
    code = Happened(EventQuery(codes=(text,), title=text), name=text, rationale=text)
    worded = Happened(EventQuery(prefixes=("",), texts=(text,)))
    around = Happened(EventQuery(codes=("entry",), where=worded.within(0, None)))
    return define(
        wb.entry(wb.event("entry")),
        code,
        Happened(EventQuery(prefixes=(text,))),
        worded,
        around,
        wb.col("label") == text,
        ~IsIn("label", (text,)),
        outcome=Happened(EventQuery(codes=(text,))),
        title=text,
    )


@pytest.fixture
def loaded() -> Any:
    records, events, patients = records_with(CORPUS)
    with duckdb.connect() as connection:
        connection.register("e", events)
        connection.register("p", patients)
        connection.execute("CREATE TABLE events AS SELECT * FROM e")
        connection.execute("CREATE TABLE patients AS SELECT * FROM p")
        yield records, connection


@pytest.mark.parametrize("text", CORPUS)
def test_a_text_is_bound_and_found(text: str, loaded: Any) -> None:
    records, connection = loaded
    definition = definition_with(text)
    source = MedsSource("main", patients_table="patients", column_kinds={"label": "categorical"})
    shown = definition_sql(definition, source)
    plain = definition_sql(definition_with("harmless"), source)
    assert shown.text == plain.text
    assert text in [p for p in shown.parameters if isinstance(p, str)]
    assert [text] in shown.parameters

    database = MedsDatabase(DuckMemory(connection), patients="patients", name="toy")
    expected, found = build_cohort(records, definition), run_in_database(definition, database)
    pd.testing.assert_frame_equal(found.attrition, expected.attrition)
    begins = [other for other in CORPUS if other.startswith(text)]
    rules = [int(step.holds.sum()) for step in found.flow.rules]
    assert rules == [1, len(begins), 1, 1, 1, len(CORPUS) - 1]
    assert connection.execute("SELECT count(*) FROM events").fetchone() == (2 * len(CORPUS),)


@pytest.mark.parametrize("text", CORPUS)
def test_a_unit_is_bound(text: str) -> None:
    drug = wb.event("drug//7")
    shown = criterion_sql(drug.in_unit(text).answered(text))
    assert shown.text == criterion_sql(drug.in_unit("mg").answered("yes")).text
    assert shown.parameters.count(f" {text} ") == 2


@pytest.mark.parametrize("text", CORPUS)
def test_a_column_is_looked_up_not_written(text: str, loaded: Any) -> None:
    database = MedsDatabase(DuckMemory(loaded[1]), patients="patients")
    definition = define(wb.entry(wb.event("entry")), wb.col(text) == "x")
    with pytest.raises(CohortError, match="no column is called"):
        run_in_database(definition, database)


@pytest.mark.parametrize("text", CORPUS)
def test_a_concept_of_a_cdm_is_a_whole_number(text: str) -> None:
    concepts = ConceptSet("any", (Concept(text),))
    with pytest.raises(RecordsError, match="concepts of a CDM are whole numbers"):
        criterion_sql(wb.event(concepts, domain="condition"))
    shown = criterion_sql(wb.event(f"condition//{text}", f"drug//{text}*", "drug//7"))
    assert shown.text == criterion_sql(wb.event("condition//no", "drug//no*", "drug//7")).text
    assert text in shown.parameters


@pytest.mark.parametrize("name", ['odd "table"; --', "UPPER", "select", "100%", "a.b"])
def test_names_of_the_database_are_quoted(name: str, tmp_path: Any) -> None:
    _, events, patients = records_with(CORPUS)
    quoted = '"' + name.replace('"', '""') + '"'
    path = tmp_path / "toy.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.register("e", events)
        connection.register("p", patients.rename(columns={"label": name}))
        connection.execute(f"CREATE SCHEMA {quoted}")
        connection.execute(f"CREATE TABLE {quoted}.{quoted} AS SELECT * FROM e")
        connection.execute(f"CREATE TABLE {quoted}.patients AS SELECT * FROM p")
    database = MedsDatabase(DuckFile(path), name, "patients", schema=name, name="toy")
    rule = wb.col(name) == CORPUS[0]
    found = run_in_database(define(wb.entry(wb.event("entry")), rule), database)
    assert found.patients["patient_id"].tolist() == ["P00"]
    assert repr(found) == "DatabaseCohort(toy: counts: see attrition_for_export)"


def test_only_patients_dates_and_booleans_leave() -> None:
    source = MedsSource("main", patients_table="patients", column_kinds={"label": "categorical"})
    shown = definition_sql(definition_with(CORPUS[0]), source)
    last = shown.text[shown.text.rindex("SELECT answers.patient_id") :]
    # Of an answer that is null only "not held, and unknown" leaves.
    named = re.sub(r"coalesce\(answers\.rule_\d+,\s*false\)|answers\.rule_\d+ IS NULL", "", last)
    columns = re.findall(r"(?:AS |answers\.)(\w+)(?:,|\s+FROM)", named)
    allowed = r"patient_id|(index|exit|outcome)_date|event|earlier|entry_\d+|holds_\d+|unknown_\d+"
    assert len(columns) > 10
    assert all(re.fullmatch(allowed, name) for name in columns)


def test_order_and_dropping_need_no_database(loaded: Any) -> None:
    records, connection = loaded
    definition = definition_with("a_b")
    found = run_in_database(
        definition, MedsDatabase(DuckMemory(connection), patients="patients", name="toy")
    )
    connection.close()
    expected = build_cohort(records, definition).reordered([5, 3, 4, 0, 1, 2]).dropping(0)
    changed = found.reordered([5, 3, 4, 0, 1, 2]).dropping(0)
    pd.testing.assert_frame_equal(changed.attrition, expected.attrition)
    assert changed.definition == expected.definition
    assert changed.patients["patient_id"].tolist() == ["P10"]


@pytest.mark.parametrize(
    ("criterion", "match"),
    [
        (wb.event("nowhere"), "no event has the code 'nowhere'"),
        (wb.event("now*"), "no code begins with 'now'"),
        (wb.col("label") == "none of them", "label has no level"),
        (wb.col("label") > 3, "label has no order"),
        (wb.has("mri"), "no modality is called 'mri'"),
        (wb.event("entry").where(wb.event("nowhere")), "no event has the code 'nowhere'"),
    ],
)
def test_what_would_find_nobody_is_refused(criterion: Any, match: str, loaded: Any) -> None:
    database = MedsDatabase(DuckMemory(loaded[1]), patients="patients")
    with pytest.raises(CohortError, match=match):
        run_in_database(define(wb.entry(wb.event("entry")), criterion), database)


def test_missing_tables_are_named(loaded: Any) -> None:
    server = DuckMemory(loaded[1])
    definition = define(wb.entry(wb.event("entry")))
    with pytest.raises(RecordsError, match="no table visits"):
        run_in_database(definition, MedsDatabase(server, "visits"))
    with pytest.raises(RecordsError, match="no table person"):
        run_in_database(definition, OmopDatabase(server))
    with pytest.raises(RecordsError, match="may read no table"):
        run_in_database(definition, OmopDatabase(server, "cdm"))


def test_times_with_a_zone_are_refused(loaded: Any) -> None:
    connection = loaded[1]
    connection.execute("CREATE TABLE zoned AS SELECT * REPLACE (time::TIMESTAMPTZ AS time) FROM e")
    with pytest.raises(RecordsError, match="time carries a time zone"):
        run_in_database(
            define(wb.entry(wb.event("entry"))), MedsDatabase(DuckMemory(connection), "zoned")
        )


def test_a_password_is_shown_nowhere() -> None:
    secret = "s3cret"
    for address in (
        f"postgresql+psycopg://me:{secret}@127.0.0.1:1/cdm",
        f"postgresql://me:{secret}@127.0.0.1:1/cdm?connect_timeout=2",
        f"mysql://me:{secret}@127.0.0.1/cdm",
        f"postgresql://me:{secret}@{secret}@nowhere.invalid:1/{secret}",
        f"not an address {secret}",
    ):
        server = Postgres(address)
        database = OmopDatabase(server)
        assert secret not in repr(server) + repr(database) + str(database)
        with pytest.raises(RecordsError) as caught:
            run_in_database(define(wb.entry(wb.event("x"))), database)
        assert secret not in str(caught.value)
        assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.postgres
def test_postgresql_is_only_read(cluster: Any) -> None:
    import psycopg

    from workbench.cohort.sql.text import Sql

    with psycopg.connect(cluster.dsn("loader"), autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE public.events (patient_id text, time timestamp, code text)"
        )
        connection.execute("INSERT INTO public.events VALUES ('a', '2020-01-01', 'x')")
        # A function of the same name must not take the place of the one of the server.
        connection.execute(
            "CREATE FUNCTION public.starts_with(text, character varying) RETURNS boolean "
            "LANGUAGE sql AS 'SELECT false'"
        )
        database = MedsDatabase(Postgres(connection, timeout_seconds=1))
        found = run_in_database(define(wb.entry(wb.event("x*"))), database)
        assert found.patients["patient_id"].tolist() == ["a"]
        refused = {
            "DELETE FROM public.events RETURNING 1": "it would have changed the database",
            "SELECT pg_sleep(20)": "longer than timeout_seconds",
        }
        for statement, match in refused.items():
            with database.server.session() as session, pytest.raises(RecordsError, match=match):
                session.select(Sql(statement, ()))
        assert connection.read_only is None
        assert connection.execute("SELECT count(*) FROM events").fetchone() == (1,)
        with connection.transaction(), pytest.raises(RecordsError, match="is in a transaction"):
            run_in_database(define(wb.entry(wb.event("x*"))), database)
    database = OmopDatabase(Postgres(cluster.url("reader")), "pg_toast")
    with pytest.raises(RecordsError, match="may read no table"):
        run_in_database(define(wb.entry(wb.event("x"))), database)
