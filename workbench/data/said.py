"""What a person has said of the files of a dataset: the answers that become a card."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Role = Literal["feature", "group", "site", "description", "later", "out"]
Known = Literal["at", "before", "assumed"]


TEXTS = {
    "title": "what this dataset is, in one line",
    "source": "where the data come from",
    "licence": "who may use them",
    "citation": "how to cite them",
    "limits": "who is missing from these data, and what was not recorded",
}


class Said(BaseModel):
    """What a person has said of the files; empty where nothing was said.

    ``sheets``, ``patient_ids`` and ``first_rows`` are by table, the others by column, under the
    names that a guided card gives them. ``time`` and ``event`` are ``"table/header"``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    files: tuple[str, ...] = ()
    name: str = ""
    sheets: dict[str, str] = {}
    patient_ids: dict[str, str] = {}
    first_rows: dict[str, bool] = {}
    index_date: str = ""
    time: str = ""
    time_unit: Literal["", "days", "weeks", "months", "years"] = ""
    event: str = ""
    event_values: tuple[str, ...] = ()
    event_means: str = ""
    outcome_title: str = ""
    roles: dict[str, Role] = {}
    known: dict[str, Known] = {}
    units: dict[str, str] = {}
    meanings: dict[str, str] = {}
    title: str = ""
    source: str = ""
    licence: str = ""
    citation: str = ""
    limits: str = ""
