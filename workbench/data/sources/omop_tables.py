"""How tables of the OMOP Common Data Model become patients and events: one declaration.

It holds for versions 5.3 and 5.4 of the model [1], wherever its tables lie: files, DuckDB, another
database. Who reads them builds queries from it and keeps these rules:

- **Code**: ``domain//concept_id``, such as ``condition//201826``; concept 0 (unmapped) is a code
  like another. Death and birth have the codes that MEDS fixes.
- **Time**: the datetime where there is one, else the date at midnight.
- **End**: the end datetime, else the end date, as the source has it; an event without one ends when
  it begins. ATLAS (circe) puts the next day in place of an absent end, and for a drug its days of
  supply first: a criterion that follows ATLAS adds that itself, for which a drug's number is its
  days of supply. An end at midnight on the day of the start is known only to the day: where the
  start is later that day, the event ends when it begins.
- **Number**: the column ``number`` of the table.
- **Text**: what there is of words, ``value//concept_id`` and ``unit//concept_id``, in this order,
  with a space between; a concept that is null or 0 says nothing. :func:`text_parts` takes it apart.

References
----------
[1] OHDSI. "OMOP Common Data Model v5.4." https://ohdsi.github.io/CommonDataModel/cdm54.html
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from workbench.data.events import DEATH


@dataclass(frozen=True)
class EventTable:
    """A table whose rows are events of a person; names of its columns, None where it has no such.

    Parameters
    ----------
    name
        Table, in lower case.
    domain
        First part of its codes.
    concept
        What happened; None for death, whose code is fixed.
    date, datetime
        When it happened, or began; the date is always there.
    end_date, end_datetime
        When it ended.
    number
        Its value as a number.
    words
        Its value in words.
    value_concept, unit_concept
        Its value as a concept; the unit of the number.
    source_concept
        What the source called it, before it was mapped to a standard concept.
    """

    name: str
    domain: str
    concept: str | None
    date: str
    datetime: str | None = None
    end_date: str | None = None
    end_datetime: str | None = None
    number: str | None = None
    words: str | None = None
    value_concept: str | None = None
    unit_concept: str | None = None
    source_concept: str | None = None

    @property
    def required(self) -> tuple[str, ...]:
        """Columns without which the table cannot be read."""
        return tuple(c for c in ("person_id", self.concept, self.date) if c is not None)

    @property
    def optional(self) -> tuple[str, ...]:
        """Columns that are read where they are there; an export may lack them."""
        columns = (
            self.datetime, self.end_date, self.end_datetime, self.number, self.words,
            self.value_concept, self.unit_concept,
        )  # fmt: skip
        return tuple(c for c in columns if c is not None)

    def code(self, concept_id: int | str) -> str:
        """Code of an event of this table.

        >>> {t.name: t for t in EVENT_TABLES}["condition_occurrence"].code(201826)
        'condition//201826'
        """
        return DEATH if self.concept is None else f"{self.domain}//{concept_id}"


EVENT_TABLES = (
    EventTable(
        "condition_occurrence",
        "condition",
        "condition_concept_id",
        "condition_start_date",
        "condition_start_datetime",
        "condition_end_date",
        "condition_end_datetime",
        source_concept="condition_source_concept_id",
    ),
    EventTable(
        "drug_exposure",
        "drug",
        "drug_concept_id",
        "drug_exposure_start_date",
        "drug_exposure_start_datetime",
        "drug_exposure_end_date",
        "drug_exposure_end_datetime",
        number="days_supply",
        source_concept="drug_source_concept_id",
    ),
    EventTable(
        "procedure_occurrence",
        "procedure",
        "procedure_concept_id",
        "procedure_date",
        "procedure_datetime",
        "procedure_end_date",
        "procedure_end_datetime",
        number="quantity",
        source_concept="procedure_source_concept_id",
    ),
    EventTable(
        "measurement",
        "measurement",
        "measurement_concept_id",
        "measurement_date",
        "measurement_datetime",
        number="value_as_number",
        value_concept="value_as_concept_id",
        unit_concept="unit_concept_id",
        source_concept="measurement_source_concept_id",
    ),
    EventTable(
        "observation",
        "observation",
        "observation_concept_id",
        "observation_date",
        "observation_datetime",
        number="value_as_number",
        words="value_as_string",
        value_concept="value_as_concept_id",
        unit_concept="unit_concept_id",
        source_concept="observation_source_concept_id",
    ),
    EventTable(
        "visit_occurrence",
        "visit",
        "visit_concept_id",
        "visit_start_date",
        "visit_start_datetime",
        "visit_end_date",
        "visit_end_datetime",
        source_concept="visit_source_concept_id",
    ),
    EventTable(
        "visit_detail",
        "visit_detail",
        "visit_detail_concept_id",
        "visit_detail_start_date",
        "visit_detail_start_datetime",
        "visit_detail_end_date",
        "visit_detail_end_datetime",
        source_concept="visit_detail_source_concept_id",
    ),
    EventTable(
        "device_exposure",
        "device",
        "device_concept_id",
        "device_exposure_start_date",
        "device_exposure_start_datetime",
        "device_exposure_end_date",
        "device_exposure_end_datetime",
        number="quantity",
        unit_concept="unit_concept_id",
        source_concept="device_source_concept_id",
    ),
    EventTable(
        "specimen",
        "specimen",
        "specimen_concept_id",
        "specimen_date",
        "specimen_datetime",
        number="quantity",
        unit_concept="unit_concept_id",
    ),
    EventTable(
        "condition_era",
        "condition_era",
        "condition_concept_id",
        "condition_era_start_date",
        end_date="condition_era_end_date",
        number="condition_occurrence_count",
    ),
    EventTable(
        "drug_era",
        "drug_era",
        "drug_concept_id",
        "drug_era_start_date",
        end_date="drug_era_end_date",
        number="drug_exposure_count",
    ),
    EventTable(
        "dose_era",
        "dose_era",
        "drug_concept_id",
        "dose_era_start_date",
        end_date="dose_era_end_date",
        number="dose_value",
        unit_concept="unit_concept_id",
    ),
    EventTable(
        "episode",
        "episode",
        "episode_concept_id",
        "episode_start_date",
        "episode_start_datetime",
        "episode_end_date",
        "episode_end_datetime",
        value_concept="episode_object_concept_id",
        source_concept="episode_source_concept_id",
    ),
    EventTable(
        "death",
        "death",
        None,
        "death_date",
        "death_datetime",
        value_concept="cause_concept_id",
        source_concept="cause_source_concept_id",
    ),
)
"""Tables that become events. Notes, costs, plans of payers and links between rows are not read."""

PERSON_REQUIRED = ("person_id", "gender_concept_id", "year_of_birth")
PERSON_OPTIONAL = (
    "month_of_birth",
    "day_of_birth",
    "birth_datetime",
    "race_concept_id",
    "ethnicity_concept_id",
    "location_id",
    "care_site_id",
)
PERIOD_REQUIRED = (
    "person_id",
    "observation_period_start_date",
    "observation_period_end_date",
)
REQUIRED_TABLES = ("person", "observation_period")
VOCABULARY_TABLES = (
    "concept",
    "concept_ancestor",
    "concept_relationship",
    "vocabulary",
    "cdm_source",
)
TABLES = (*REQUIRED_TABLES, *(table.name for table in EVENT_TABLES), *VOCABULARY_TABLES)
"""Every table that is read. No other is opened."""

SEXES = {8507: "male", 8532: "female"}
"""Concepts of gender; others are called what the vocabulary calls them."""

VALUE, UNIT = "value//", "unit//"
"""What stands before a concept in an event's text."""

_TEXT = re.compile(
    r"(?P<words>.*?)(?:(?:^| )value//(?P<value>\d+))?(?:(?:^| )unit//(?P<unit>\d+))?", re.DOTALL
)


def absent_tables(there: Iterable[str]) -> tuple[str, ...]:
    """One sentence for the tables of events that a source lacks, or none."""
    have = set(there)
    absent = [table.name for table in EVENT_TABLES if table.name not in have]
    said = f"no events of {', '.join(absent)}: the source has no such tables"
    return (said,) if absent else ()


class TextParts(NamedTuple):
    """What an event's text says; None where it says nothing of it."""

    words: str | None
    value_concept: str | None
    unit_concept: str | None


def text_parts(text: str) -> TextParts:
    """Take the text of an event apart.

    >>> text_parts("value//45884084 unit//8554")
    TextParts(words=None, value_concept='45884084', unit_concept='8554')
    >>> text_parts("lives alone")
    TextParts(words='lives alone', value_concept=None, unit_concept=None)
    """
    match = _TEXT.fullmatch(text)
    assert match is not None  # every part may be empty, so it always matches
    return TextParts(match["words"] or None, match["value"], match["unit"])
