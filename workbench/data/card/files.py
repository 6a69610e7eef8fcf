"""Files of a card, and which patient each row belongs to."""

import re
from typing import Annotated, Literal

from pydantic import Field, model_validator

from workbench.data.card.names import Part, Regex, RelativePath, Scalar, check_replacement


class Key(Part):
    r"""Turns a column's value (or a file's path) into a patient id: ``regex`` → ``replace``.

    ``regex`` must match the whole value; ``replace`` uses ``\1`` … ``\9``.
    ``separator`` then exchanges one string for another, as in ``["_", "-"]``.
    In a table with patients in columns the values are its headers, ``column`` is the one that
    holds the feature names (the first, if not given), and headers that do not match are
    annotations.
    """

    column: str | None = None
    regex: Regex | None = None
    replace: str = r"\1"
    separator: tuple[str, str] | None = None

    @model_validator(mode="after")
    def _fits(self) -> "Key":
        if self.regex is not None:
            check_replacement(self.regex, self.replace)
        return self

    def patient_id(self, value: str) -> str | None:
        """The patient id in ``value``; None where there is none."""
        if self.regex is not None:
            match = re.fullmatch(self.regex, value)
            if match is None:
                return None
            value = match.expand(self.replace)
        if self.separator is not None:
            value = value.replace(*self.separator)
        return value or None


class SourceFile(Part):
    """One table on disk: CSV, TSV, Parquet or XLSX, also as the member of a zip."""

    path: RelativePath
    url: Annotated[str, Field(pattern=r"^https?://")] | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    bytes: Annotated[int, Field(ge=0)] | None = None
    licence: str | None = None
    format: Literal["csv", "tsv", "parquet", "xlsx"] | None = None
    member: str | None = None
    sheet: str | None = None
    layout: Literal["patients_in_rows", "patients_in_columns"] = "patients_in_rows"
    key: Key
    first_per: Literal["patient_id"] | None = None
    missing: tuple[Scalar, ...] = ("", "NA", "NaN")

    @model_validator(mode="after")
    def _row_key(self) -> "SourceFile":
        if self.layout == "patients_in_rows" and self.key.column is None:
            raise ValueError("key needs column: the one that holds the patient's identifier")
        if self.url is not None and (self.sha256 is None or self.bytes is None):
            raise ValueError("a url needs sha256 and bytes, so that what arrives can be verified")
        return self
