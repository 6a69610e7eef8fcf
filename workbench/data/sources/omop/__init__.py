"""The OMOP Common Data Model in files or a DuckDB file, read as records."""

from workbench.data.sources.omop.read import bad_omop_rows, read_omop

__all__ = ["bad_omop_rows", "read_omop"]
