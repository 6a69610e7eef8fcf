"""Names of the concepts in use, and what they lie under; of the others, that they exist."""

from collections.abc import Collection

import numpy as np
import pandas as pd
import pyarrow as pa

from workbench.data.concepts import Vocabulary
from workbench.data.duck import Duck
from workbench.data.sources.omop.files import SourceTable
from workbench.data.sources.omop.typed import whole, words

_IS_A, _SUBSUMES = "Is a", "Subsumes"


def read_vocabulary(
    tables: dict[str, SourceTable], used: Collection[int], duck: Duck, version: str
) -> Vocabulary | None:
    """Read the concepts in use and those above them, and which others there are.

    Which concept lies under which comes from CONCEPT_ANCESTOR; where that is empty or absent, from
    the closure of "Is a" and "Subsumes" in CONCEPT_RELATIONSHIP.

    Returns
    -------
    Vocabulary or None
        None where the source has no CONCEPT table.
    """
    if "concept" not in tables:
        return None
    pairs = _ancestors(tables, used, duck)
    parents = None if len(pairs) else _parents(tables, used, duck)
    needed = set(used) | set((pairs if parents is None else parents).to_numpy().ravel())
    names, every = _names(tables["concept"], needed, duck)
    if parents is not None:
        edges = parents.astype(str).itertuples(index=False, name=None)
        return Vocabulary.from_parents(edges, names, version, every)
    return Vocabulary(names, pairs.astype(str).astype(object), version, every)


def _ancestors(tables: dict[str, SourceTable], used: Collection[int], duck: Duck) -> pd.DataFrame:
    columns = {"ancestor": "ancestor_concept_id", "descendant": "descendant_concept_id"}
    if "concept_ancestor" not in tables:
        return pd.DataFrame(columns=list(columns), dtype="int64")
    return _chosen(tables["concept_ancestor"], columns, "descendant", used, duck)


def _parents(tables: dict[str, SourceTable], used: Collection[int], duck: Duck) -> pd.DataFrame:
    """Edges above the concepts in use, level by level, each read from the file once."""
    source = tables.get("concept_relationship")
    if source is None:
        return pd.DataFrame(columns=["ancestor", "descendant"], dtype="int64")
    source.require(["concept_id_1", "concept_id_2", "relationship_id"])
    wanted = ["concept_id_1", "concept_id_2", "relationship_id", "invalid_reason"]
    parts = []
    for block in source.blocks(wanted):
        schema = block.rows.schema
        one, two = whole(schema, "concept_id_1"), whole(schema, "concept_id_2")
        kind = f"trim({words(schema, 'relationship_id')})"
        with duck.table("block", block.rows):
            parts.append(duck.select(
                f"SELECT CASE {kind} WHEN $up THEN {two} ELSE {one} END AS ancestor, "
                f"CASE {kind} WHEN $up THEN {one} ELSE {two} END AS descendant "
                f"FROM block WHERE {kind} IN ($up, $down) "
                f"AND {one} <> {two} AND {words(schema, 'invalid_reason')} IS NULL",
                {"up": _IS_A, "down": _SUBSUMES},
            ).to_pandas())  # fmt: skip
    nothing = pd.DataFrame(columns=["ancestor", "descendant"], dtype="int64")
    edges = pd.concat(parts or [nothing], ignore_index=True).drop_duplicates()
    above, reached = set(used), set()
    while above:
        reached |= above
        found = edges["ancestor"][edges["descendant"].isin(above)]
        above = set(found) - reached
    return edges[edges["descendant"].isin(reached)]


def _names(
    source: SourceTable, needed: Collection[int], duck: Duck
) -> tuple[dict[str, str], np.ndarray]:
    """Names of the concepts needed, and the numbers of all, sorted; each block is read once."""
    source.require(["concept_id", "concept_name"])
    chosen, names, numbers = _wanted(needed), {}, [np.empty(0, np.int64)]
    for block in source.blocks(["concept_id", "concept_name"]):
        schema = block.rows.schema
        concept, name = whole(schema, "concept_id"), words(schema, "concept_name")
        with duck.table("block", block.rows), duck.table("chosen", chosen):
            every = duck.select(f"SELECT DISTINCT {concept} AS concept FROM block").to_pandas()
            rows = duck.select(
                f"SELECT * FROM (SELECT {concept} AS concept, {name} AS name FROM block) "
                "SEMI JOIN chosen ON concept = wanted"
            ).to_pandas()
        numbers.append(every["concept"].dropna().to_numpy(np.int64))
        rows = rows.dropna().drop_duplicates("concept")
        named = zip(rows["concept"].astype("int64").astype(str), rows["name"], strict=True)
        names = dict(named) | names
    return names, np.unique(np.concatenate(numbers))


def _chosen(
    source: SourceTable, columns: dict[str, str], by: str, wanted: Collection[int], duck: Duck
) -> pd.DataFrame:
    """Rows whose column ``by`` is among the concepts wanted, block by block."""
    source.require(list(columns.values()))
    chosen, parts = _wanted(wanted), []
    for block in source.blocks(list(columns.values())):
        schema = block.rows.schema
        values = [f"{whole(schema, column)} AS {short}" for short, column in columns.items()]
        with duck.table("block", block.rows), duck.table("chosen", chosen):
            parts.append(duck.select(
                f"SELECT * FROM (SELECT {', '.join(values)} FROM block) "
                f"SEMI JOIN chosen ON {by} = wanted"
            ).to_pandas())  # fmt: skip
    nothing = pd.DataFrame({short: pd.Series([], dtype="int64") for short in columns})
    return pd.concat(parts, ignore_index=True).dropna() if parts else nothing


def _wanted(concepts: Collection[int]) -> pa.Table:
    return pa.table({"wanted": pa.array(sorted(int(i) for i in concepts), pa.int64())})


def read_release(tables: dict[str, SourceTable], fallback: str) -> tuple[str, str, str]:
    """Name and version of the CDM, and the release of its vocabulary, from CDM_SOURCE, VOCABULARY.

    What the source does not say is ``fallback`` for its name, else "".
    """
    cdm = _first_row(tables.get("cdm_source"))
    name = cdm.get("cdm_source_name") or fallback
    release = cdm.get("cdm_release_date")
    parts = [cdm.get("cdm_version") or "", f"released {release}" if release else ""]
    vocabulary = cdm.get("vocabulary_version") or ""
    if not vocabulary:
        rows = _all_rows(tables.get("vocabulary"))
        # The row of this name holds the release of the whole.
        vocabulary = next(
            (str(r["vocabulary_version"]) for r in rows
             if r.get("vocabulary_id") == "None" and r.get("vocabulary_version")), "",
        )  # fmt: skip
    return name, ", ".join(part for part in parts if part), vocabulary


def _first_row(source: SourceTable | None) -> dict[str, str]:
    rows = _all_rows(source)
    return {c: str(v) for c, v in rows[0].items() if v is not None} if rows else {}


def _all_rows(source: SourceTable | None) -> list[dict[str, object]]:
    if source is None:
        return []
    return [row for block in source.blocks(list(source.columns)) for row in block.rows.to_pylist()]
