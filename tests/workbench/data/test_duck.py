"""DuckDB reads what it was given, and nothing that a name or a value says is ever executed."""

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.data.duck import open_duck, quoted
from workbench.errors import RecordsError

HOSTILE = [
    "x'; DROP TABLE person; --",
    'x"; DROP TABLE person; --',
    '"',
    '""',
    "'",
    "a/*", "*/ DELETE FROM person; /*",
    "-- comment",
    "person; ATTACH 'other.db' AS o",
    "read_csv('/etc/passwd')",
    "(SELECT content FROM read_text('/etc/passwd'))",
    "COPY person TO 'stolen.csv'",
    "INSTALL httpfs; LOAD httpfs",
    "PRAGMA enable_external_access=true",
    "pers\u043en",  # a Cyrillic o
    "ｐｅｒｓｏｎ",
    "person\u200b",
    "a\nb\r\tc",
    "$1", "?", "{}", "%s", "\\", "\\'", "\u2019 OR 1=1",
]  # fmt: skip


@pytest.fixture
def database(tmp_path):
    """A file with a table called ``person`` and, in it, a column for each hostile name."""
    path = tmp_path / "cdm.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE person AS SELECT 1 AS person_id, 'secret' AS name")
    return path


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_value_is_a_value(database, text) -> None:
    with open_duck(database=database) as duck:
        assert duck.select("SELECT ? AS v", [text])["v"].to_pylist() == [text]
        assert duck.select("SELECT $v AS v", {"v": [text]})["v"].to_pylist() == [[text]]
        assert duck.select("SELECT * FROM person WHERE name = ?", [text]).num_rows == 0
        assert duck.select("SELECT * FROM person").num_rows == 1


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_name_is_a_name(database, text) -> None:
    """Also none that only looks like ``person`` reads that table."""
    with open_duck(database=database) as duck:
        with duck.table(text, pa.table({text: [41]})):
            found = duck.select(f"SELECT {quoted(text)} FROM {quoted(text)}")
            assert found.column_names == [text]
            assert found[0].to_pylist() == [41]
        with pytest.raises(RecordsError, match="refused a query"):
            duck.select(f"SELECT * FROM {quoted(text)}")
        assert duck.select("SELECT name FROM person")["name"].to_pylist() == ["secret"]


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
)
def test_any_name_comes_back_as_it_was(names) -> None:
    columns = ", ".join(f"{i} AS {quoted(name)}" for i, name in enumerate([*names, "last"]))
    with open_duck() as duck:
        assert duck.select(f"SELECT {columns}").column_names == [*names, "last"]


@pytest.mark.parametrize("name", ["", "a\0b", "\0", "a\ud800"])
def test_name_that_no_column_has_is_refused(name) -> None:
    with pytest.raises(RecordsError, match="rename it"):
        quoted(name)


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE person",
        "SELECT 1; DROP TABLE person",
        "COPY person TO 'stolen.csv'",
        "ATTACH 'other.db' AS other",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET threads = 8",
        "SET enable_external_access = true",
        "PRAGMA threads = 8",
        "EXPORT DATABASE 'stolen'",
        "CREATE TABLE t AS SELECT 1",
        "CALL pragma_version()",
        "EXPLAIN ANALYZE SELECT 1",
        "",
    ],
)
def test_only_one_select_is_run(database, sql) -> None:
    with open_duck(reads=[database.parent], database=database) as duck:
        with pytest.raises(RecordsError, match="must be one SELECT"):
            duck.select(sql)
        with pytest.raises(RecordsError, match="must be one SELECT"):
            list(duck.batches(sql))
    assert [p.name for p in database.parent.iterdir()] == [database.name]


def test_duckdb_itself_refuses_what_was_not_given(tmp_path) -> None:
    """Not our code: queries that pass it ask for files, folders, addresses and settings."""
    given_folder, other = tmp_path / "card", tmp_path / "other"
    for folder in (given_folder, other):
        folder.mkdir()
        (folder / "t.csv").write_text("a\n7\n")
    (given_folder / "link.csv").symlink_to(other / "t.csv")
    with open_duck(reads=[given_folder]) as duck:
        read = "SELECT a FROM read_csv(?)"
        assert duck.select(read, [str(given_folder / "t.csv")])["a"].to_pylist() == [7]
        for path in (
            other / "t.csv",
            given_folder / ".." / "other" / "t.csv",
            given_folder / "link.csv",
            "/etc/passwd",
            "https://example.org/t.csv",
        ):
            with pytest.raises(RecordsError, match="outside|refused a query"):
                duck.select(read, [str(path)])
        for sql in (
            "SELECT * FROM glob('/etc/*')",
            "SELECT * FROM read_text('/etc/passwd')",
            f"SELECT * FROM '{other / 't.csv'}'",
        ):
            with pytest.raises(RecordsError, match="outside|refused a query"):
                duck.select(sql)
        locked = duck._connection
        for setting in ("SET threads = 8", "SET enable_external_access = true"):
            with pytest.raises(duckdb.InvalidInputException):
                locked.execute(setting)
        for sql in ("INSTALL httpfs", "LOAD httpfs", f"ATTACH '{other / 'x.db'}'"):
            with pytest.raises(duckdb.PermissionException):
                locked.execute(sql)


def test_one_file_opens_no_other_of_its_folder(tmp_path) -> None:
    for name in ("one.csv", "two.csv"):
        (tmp_path / name).write_text("a\n1\n")
    with open_duck(reads=[tmp_path / "one.csv"]) as duck:
        assert duck.select("SELECT * FROM read_csv(?)", [str(tmp_path / "one.csv")]).num_rows == 1
        with pytest.raises(RecordsError, match="outside"):
            duck.select("SELECT * FROM read_csv(?)", [str(tmp_path / "two.csv")])


def test_a_python_variable_is_no_table() -> None:
    person = pa.table({"a": [1]})
    with open_duck() as duck, pytest.raises(RecordsError, match="refused a query"):
        duck.select("SELECT * FROM person")
    assert person.num_rows == 1


def test_database_is_opened_read_only_with_its_limits(database) -> None:
    with open_duck(database=database, threads=1, memory="100MB") as duck:
        limits = duck.select(
            "SELECT current_setting('threads') t, current_setting('memory_limit') m"
        )
        assert limits.to_pylist() == [{"t": 1, "m": "95.3 MiB"}]
        with pytest.raises(RecordsError, match="more memory than its limit"):
            duck.select("SELECT range AS a, hash(range) AS b FROM range(20000000) ORDER BY b")
        with pytest.raises(duckdb.InvalidInputException, match="read-only"):
            duck._connection.execute("DROP TABLE person")


def test_what_is_no_database_is_refused_in_one_line(tmp_path) -> None:
    (tmp_path / "a.duckdb").write_bytes(b"no database" * 1000)
    with (
        pytest.raises(RecordsError, match="^a.duckdb: not a DuckDB file"),
        open_duck(database=tmp_path / "a.duckdb"),
    ):
        pass
    with (
        pytest.raises(RecordsError, match="^b.duckdb: no such file$"),
        open_duck(database=tmp_path / "b.duckdb"),
    ):
        pass
