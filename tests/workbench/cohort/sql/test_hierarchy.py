"""What lies under a concept is the same in files and in databases, wherever the CDM says it."""

from pathlib import Path
from typing import Any

import pytest

import workbench as wb
from tests.workbench.cohort.sql.test_omop_database import (
    assert_same,
    into_duckdb,
    into_postgres,
    tables_of,
)
from tests.workbench.data.sources.conftest import Tables, cdm, write_csv  # noqa: F401
from workbench.cohort.record_cohort import build_cohort
from workbench.cohort.record_definition import RecordDefinition, define
from workbench.cohort.sql import DuckMemory, OmopDatabase, Postgres, run_in_database
from workbench.data.concepts import Concept, ConceptSet
from workbench.data.sources.omop import read_omop
from workbench.errors import RecordsError


def related(tables: Tables) -> Tables:
    """Diabetes above its type 2, and a broader concept above it, said in both directions."""
    columns = ("concept_id_1", "concept_id_2", "relationship_id", "invalid_reason")
    rows = [
        ("201826", "201820", " Is a ", ""),
        ("442793", "201820", "Subsumes", ""),
        ("316866", "442793", "Is a", "D"),  # no longer true
        ("316866", "442793", "Maps to", ""),
        ("201820", "201820", "Is a", ""),
    ]
    broad = {"concept_id": "442793", "concept_name": "Complication", "domain_id": "Condition"}
    told = [dict(zip(columns, row, strict=True)) for row in rows]
    return {**tables, "concept": [*tables["concept"], broad], "concept_relationship": told}


def definitions() -> list[RecordDefinition]:
    above = wb.concept_set("broad", 442793)
    without = wb.concept_set("broad without type 2", 442793, 316866, exclude=[201826])
    alone = ConceptSet("alone", (Concept("201826", descendants=False),))
    every = wb.entry(wb.event("*"), which="all")
    return [define(every, wb.event(one, domain="condition")) for one in (above, without, alone)]


def types(tables: dict[str, Any]) -> dict[str, Any]:
    """Texts of the relationships are texts, as the DDL of OHDSI has them."""
    kinds, rows = tables["concept_relationship"]
    texts = dict.fromkeys(("relationship_id", "invalid_reason"), "VARCHAR")
    return {**tables, "concept_relationship": ({**kinds, **texts}, rows)}


@pytest.mark.parametrize("left", [[], None])
def test_relationships_where_ancestors_are_empty(cdm: Any, tmp_path: Path, left: Any) -> None:  # noqa: F811
    tables = types(tables_of(related(cdm)))
    del cdm["concept_ancestor"]
    records = read_omop(write_csv(related(cdm), tmp_path / "cdm"))
    if left is None:
        del tables["concept_ancestor"]
    else:
        tables["concept_ancestor"] = (tables["concept_ancestor"][0], left)
    with into_duckdb(tables) as connection:
        database = OmopDatabase(DuckMemory(connection), name="Toy")
        n = [assert_same(definition, records, database) for definition in definitions()]
    assert n[0] > n[1] > 0


@pytest.mark.postgres
def test_relationships_in_postgresql(cdm: Any, tmp_path: Path, cluster: Any) -> None:  # noqa: F811
    del cdm["concept_ancestor"]
    whole = related(cdm)
    into_postgres(cluster, "related", types(tables_of(whole)))
    records = read_omop(write_csv(whole, tmp_path / "cdm"))
    server = Postgres(cluster.url("reader"), timeout_seconds=30)
    for definition in definitions():
        assert_same(definition, records, OmopDatabase(server, "related", name="Toy"))


def test_without_a_hierarchy_files_say_so_and_a_database_refuses(cdm: Any, tmp_path: Path) -> None:  # noqa: F811
    del cdm["concept_ancestor"]
    records = read_omop(write_csv(cdm, tmp_path / "cdm"))
    diabetes = wb.event(wb.concept_set("diabetes", 201826), domain="condition")
    definition = define(wb.entry(diabetes))
    alone = definitions()[2]
    with into_duckdb(tables_of(cdm)) as connection:
        database = OmopDatabase(DuckMemory(connection), name="Toy")
        assert (
            "the set finds what it names, and no more"
            in build_cohort(records, definition).warnings[-1]
        )
        assert not any("and no more" in w for w in build_cohort(records, alone).warnings)
        with pytest.raises(RecordsError, match="nothing in concept_ancestor"):
            run_in_database(definition, database)
        assert assert_same(alone, records, database) > 0
