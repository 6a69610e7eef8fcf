"""Patient resources → birth, sex and death."""

from dataclasses import dataclass

from workbench.data.events import DAY
from workbench.data.sources.fhir.dates import Moment, read_moment
from workbench.data.sources.fhir.json_shape import Json, Misshapen, children, text, truth
from workbench.data.sources.sex import SEXES

_TO_15_JUNE = 31 + 28 + 31 + 30 + 31 + 14


@dataclass(frozen=True)
class Patient:
    """One patient; times in µs of the calendar, None where not known.

    A birth known to the month is on its first day, and known to the year on 15 June, as the OMOP
    CDM has it. A death known to the month or year is on its last day: no record comes after it.
    """

    birth: int | None
    sex: str | None
    death: int | None
    partial: int
    """How many of both are known only to the month or year."""
    dead_since: bool
    """Dead, nobody says since when."""
    replaced: bool
    """Another record is meant to take this one's place."""


def read_patient(resource: Json) -> Patient:
    """Read one.

    Raises
    ------
    Misshapen
        If an element is not what R4 says, or death comes before birth.
    """
    sex = text(resource, "gender")
    if sex not in (*SEXES, "unknown", None):
        raise Misshapen("gender: expected male, female, other or unknown")
    born, died = _moment(resource, "birthDate"), _moment(resource, "deceasedDateTime")
    if born is not None and died is not None and died.last < born.first:
        raise Misshapen("a death before birth")
    links = {text(link, "type") for link in children(resource, "link")}
    return Patient(
        None if born is None else _birth(born),
        sex if sex in SEXES else None,
        None if died is None else _death(died),
        sum(moment is not None and moment.partial for moment in (born, died)),
        died is None and truth(resource, "deceasedBoolean") is True,
        "replaced-by" in links,
    )


def _moment(resource: Json, name: str) -> Moment | None:
    written = text(resource, name)
    return None if written is None else read_moment(written)


def _birth(born: Moment) -> int:
    if born.precision != "year":
        return born.first
    leap = (born.last + 1 - born.first) // DAY == 366
    return born.first + (_TO_15_JUNE + leap) * DAY


def _death(died: Moment) -> int:
    return died.last + 1 - DAY if died.partial else died.first
