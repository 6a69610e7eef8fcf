"""Cohort definitions that a database runs: compiled with bound parameters, read-only."""

from workbench.cohort.sql.database import Database, MedsDatabase, OmopDatabase
from workbench.cohort.sql.run import DatabaseCohort, run_in_database
from workbench.cohort.sql.server import DuckFile, DuckMemory, Postgres
from workbench.cohort.sql.show import criterion_sql, definition_sql
from workbench.cohort.sql.text import Sql

__all__ = [
    "Database",
    "DatabaseCohort",
    "DuckFile",
    "DuckMemory",
    "MedsDatabase",
    "OmopDatabase",
    "Postgres",
    "Sql",
    "criterion_sql",
    "definition_sql",
    "run_in_database",
]
