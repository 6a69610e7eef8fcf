"""Run a cohort definition of ATLAS on an OMOP CDM: circe's cohort, with an account of every step.

The cohort is circe's own: its SQL, from the package ``ohdsi-circepy``, translated for DuckDB. The
account is ours: patients and records at each step, from the entry events on.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from workbench.cohort.circe.attrition import RuleTable, rule_table, suppress_losses
from workbench.cohort.circe.cdm import SCHEMA, CommonDataModel
from workbench.cohort.circe.definition import CirceDefinition
from workbench.cohort.circe.duck_sql import Statement, statements
from workbench.cohort.circe.entry_steps import LIMITS, entry_steps, limit_of
from workbench.cohort.circe.extra import import_extra
from workbench.cohort.circe.rendering import TARGET, render
from workbench.data.card.cohorts import MINIMUM_CELL
from workbench.errors import CohortError

if TYPE_CHECKING:
    import duckdb

_BROKEN = (
    "VisitDetail, Measurement.Abnormal, Specimen.SpecimenType, "
    "VisitOccurrence.PlaceOfServiceLocation, and some counts of different concepts"
)

_Count = tuple[str, int, int]
"""Step, records left, patients left."""


@dataclass(frozen=True, eq=False, repr=False)
class CirceCohort:
    """Who is in, since when and until when, and how they were chosen.

    Parameters
    ----------
    rows
        ``person_id`` (int64), ``start``, ``end`` (datetime64[us], days; both count), sorted. A
        patient may be in more than once.
    entries
        ``person_id``, ``start``: index dates of the entry events that are in, each day of a patient
        once, before spans are joined.
    attrition
        One row a step: ``step``, ``n_records`` (entry events, from the collapse on spans of
        time), ``n_patients``, ``records_removed``, ``patients_removed``.
    rules
        Which inclusion rules each entry event meets.
    warnings
        What a reader must know, one sentence each.
    """

    rows: pd.DataFrame
    entries: pd.DataFrame
    attrition: pd.DataFrame
    rules: RuleTable
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Counts only: what a notebook shows and saves holds no patient."""
        n_patients = self.rows["person_id"].nunique()
        return f"CirceCohort({n_patients} patients, {len(self.rows)} spans of time)"

    def attrition_for_export(self, minimum_cell: int = MINIMUM_CELL) -> pd.DataFrame:
        """:attr:`attrition` without small cells.

        As in every attrition, a small loss of patients hides in another, with the counts between.
        Counts of records are then withheld too, for they give patients away.

        Parameters
        ----------
        minimum_cell
            Smallest count that may be shown; that of the records (``Records.minimum_cell``), or of
            the card.
        """
        return suppress_losses(self.attrition, minimum_cell)


def run_circe(definition: CirceDefinition, model: CommonDataModel) -> CirceCohort:
    """Build a cohort.

    Parameters
    ----------
    definition
        From :func:`~workbench.cohort.circe.definition.read_circe`.
    model
        From :func:`~workbench.cohort.circe.cdm.open_cdm`.

    Raises
    ------
    CohortError
        If circe cannot render the definition, or DuckDB cannot run it.
    """
    steps = statements(render(definition))
    cursor = model.connection.cursor()
    try:
        counts, rules = _build(cursor, definition, steps)
        rows = _dated(
            cursor,
            "SELECT subject_id AS person_id, cohort_start_date AS start, cohort_end_date AS end "
            f"FROM {TARGET} ORDER BY ALL",
        )
        entries = _dated(
            cursor,
            "SELECT DISTINCT person_id, CAST(start_date AS DATE) AS start FROM included_events "
            "ORDER BY ALL",
        )
    except import_extra("duckdb").Error as error:
        raise CohortError(
            f"DuckDB cannot run the SQL that the installed circe wrote ({type(error).__name__}). "
            f"circepy 0.3 writes such SQL for {_BROKEN}: leave that out, or translate the "
            "definition"
        ) from None
    finally:
        cursor.close()
    return CirceCohort(
        rows,
        entries,
        _with_losses(counts),
        rules,
        (*definition.warnings, *_absent_tables(model, steps)),
    )


def _build(
    cursor: "duckdb.DuckDBPyConnection",
    definition: CirceDefinition,
    steps: tuple[Statement, ...],
) -> tuple[list[_Count], RuleTable]:
    """Fill the cohort table; counts at each step, and rules met."""
    cursor.execute(
        f"CREATE TEMP TABLE {TARGET} (cohort_definition_id INTEGER, subject_id BIGINT, "
        "cohort_start_date DATE, cohort_end_date DATE)"
    )
    counts: list[_Count] = []
    for statement in steps:
        if statement.makes == "qualified_events":
            for name, counting in entry_steps(definition, statement):
                cursor.execute(counting.sql, dict(counting.bound))
                counts.append((name, *_one_pair(cursor)))
        cursor.execute(statement.sql, dict(statement.bound))
    rules = rule_table(
        definition.rule_names,
        cursor.execute("SELECT person_id, event_id FROM qualified_events ORDER BY ALL").df(),
        cursor.execute("SELECT * FROM inclusion_events").df(),
    )
    counts += _later_counts(cursor, definition, rules)
    return counts, rules


def _later_counts(
    cursor: "duckdb.DuckDBPyConnection", definition: CirceDefinition, rules: RuleTable
) -> list[_Count]:
    """From the qualified events to the cohort."""
    document = definition.document
    counts: list[_Count] = []

    def count(step: str, table: str, person: str = "person_id") -> None:
        cursor.execute(f"SELECT count(*), count(DISTINCT {person}) FROM {table}")
        counts.append((step, *_one_pair(cursor)))

    qualified = LIMITS.get(limit_of(document, "QualifiedLimit", "All"))
    if "AdditionalCriteria" in document and qualified:
        count(f"{qualified} qualified event of each patient", "qualified_events")
    left = rules.attrition()[["step", "n_records", "n_patients"]]
    counts += list(left.itertuples(index=False, name=None))
    included = LIMITS.get(limit_of(document, "ExpressionLimit", "All"))
    if included:
        count(f"{included} included event of each patient", "included_events")
    count("exit on or after entry", "cohort_rows")
    gap = document.get("CollapseSettings", {}).get("EraPad", 0)
    count(f"spans of time, those at most {gap} days apart as one", "final_cohort")
    if document.get("CensorWindow"):
        count("within the censor window", TARGET, "subject_id")
    return counts


def _dated(cursor: "duckdb.DuckDBPyConnection", sql: str) -> pd.DataFrame:
    rows = cursor.execute(sql).df()
    return rows.astype(dict.fromkeys(rows.columns[1:], "datetime64[us]"))


def _one_pair(cursor: "duckdb.DuckDBPyConnection") -> tuple[int, int]:
    row = cursor.fetchone()
    return (0, 0) if row is None else (row[0], row[1])


def _with_losses(counts: list[_Count]) -> pd.DataFrame:
    frame = pd.DataFrame(counts, columns=["step", "n_records", "n_patients"])
    for kind in ("records", "patients"):
        n = frame[f"n_{kind}"]
        frame[f"{kind}_removed"] = (n.shift(fill_value=n.iloc[0]) - n).astype("int64")
    return frame


def _absent_tables(model: CommonDataModel, steps: tuple[Statement, ...]) -> tuple[str, ...]:
    """A sentence where the definition asks for tables that the CDM lacks."""
    kinds = import_extra("sqlglot").exp
    asked = {
        table.name.lower()
        for statement in steps
        for table in statement.tree.find_all(kinds.Table)
        if table.db.lower() == SCHEMA
    }
    lacking = sorted(asked & set(model.absent))
    if not lacking:
        return ()
    return (f"the CDM has no {', '.join(lacking)}: what the definition asks of them finds nobody",)
