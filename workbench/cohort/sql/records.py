"""Records in SQL: patients at index dates, and what must be joined to answer criteria of them."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CTE, and_, case, func, select, tuple_
from sqlalchemy.sql import ColumnElement, Select, extract

from workbench.cohort.sql.bound import ONE, ZERO
from workbench.cohort.sql.clock import Clock, Moment
from workbench.cohort.sql.source import PATIENT, PatientColumn
from workbench.cohort.sql.writing import Writing
from workbench.data.card import did_you_mean
from workbench.errors import CohortError


@dataclass(frozen=True, eq=False)
class Records:
    """Patients at index dates.

    Parameters
    ----------
    table
        ``patient_id``, ``index_date``, which together are its key, ``exit_date`` (the end of
        follow-up, null where it has none); with observation periods also ``observed_from`` and
        ``observed_to``, null where no period holds the index date.
    observed
        Whether the source has observation periods.
    """

    table: CTE
    observed: bool

    @property
    def key(self) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
        """Patient and index date."""
        return self.table.c[PATIENT], self.table.c.index_date


def records_at(moments: CTE, writing: Writing) -> Records:
    """Patients at moments, followed up to the end of the observation period that holds each.

    Parameters
    ----------
    moments
        ``patient_id``, ``index_date``.
    writing
        The statement.
    """
    periods = writing.source.observation()
    if periods is None:
        nowhere = select(
            moments.c[PATIENT],
            moments.c.index_date,
            _never(moments.c.index_date).label("exit_date"),
        )
        table = writing.part("records", moments.name, lambda: nowhere)
        return Records(table, observed=False)
    period = writing.part("periods", None, lambda: periods)
    held = and_(
        period.c[PATIENT] == moments.c[PATIENT],
        period.c.first <= moments.c.index_date,
        period.c.last >= moments.c.index_date,
    )
    statement = select(
        moments.c[PATIENT],
        moments.c.index_date,
        period.c.first.label("observed_from"),
        period.c.last.label("observed_to"),
        period.c.last.label("exit_date"),
    ).select_from(moments.outerjoin(period, held))
    return Records(writing.part("records", moments.name, lambda: statement), observed=True)


def _never(moment: Moment) -> Moment:
    """No moment, of the type of another."""
    return func.nullif(moment, moment)


class Question:
    """Records, and joined to them what criteria ask for."""

    def __init__(
        self, records: Records, writing: Writing, names: Collection[str] = frozenset()
    ) -> None:
        """Columns of the patients that will be asked for are named at the start."""
        self.records = records
        self.writing = writing
        wanted = {*names, "birth"} if {"age", "age_by_year"} & {*names} else {*names}
        known = wanted & {*writing.source.patient_columns}
        self._people = writing.source.patients(known) if known else None
        self._counted: list[CTE] = []

    @property
    def clock(self) -> Clock:
        """How moments are counted."""
        return self.writing.source.clock

    def column(self, name: str) -> PatientColumn:
        """A column of the patients, or one that depends on the index date.

        Raises
        ------
        CohortError
            If there is none of that name.
        """
        columns = {} if self._people is None else dict(self._people.columns)
        if self.clock.kind == "calendar":
            at = self.records.table.c.index_date
            columns["index_year"] = PatientColumn("numeric", extract("year", at))
            if "birth" in columns:
                born = columns["birth"]
                columns["age"] = PatientColumn("numeric", _completed_years(born, at))
                by_year = extract("year", at) - extract("year", born.value)
                columns["age_by_year"] = PatientColumn("numeric", by_year)
        if name not in columns:
            there = self.writing.source.patient_columns
            raise CohortError(f"no column is called {name!r}{did_you_mean(name, there)}")
        return columns[name]

    def joined(self, counted: CTE) -> CTE:
        """A part with one row a record, joined to the records by their key."""
        if not any(counted is known for known in self._counted):
            self._counted.append(counted)
        return counted

    def select(
        self, *columns: ColumnElement[Any], where: ColumnElement[bool] | None = None
    ) -> Select:
        """Of every record, or of those of which something is true."""
        patient, at = self.records.key
        source = self.records.table
        joined: Any = source
        if self._people is not None:
            same = self._people.patient_id == patient
            joined = joined.outerjoin(self._people.table, same)
        for counted in self._counted:
            same = and_(counted.c[PATIENT] == patient, counted.c.index_date == at)
            joined = joined.outerjoin(counted, same)
        statement = select(*columns).select_from(joined)
        return statement if where is None else statement.where(where)


def _completed_years(birth: PatientColumn, at: Moment) -> ColumnElement[Any]:
    """Age on the day of the index date; who is born on 29 February grows older on 1 March."""
    born = birth.value
    today, birthday = (tuple_(extract("month", on), extract("day", on)) for on in (at, born))
    years = extract("year", at) - extract("year", born)
    return years - case((today < birthday, ONE), else_=ZERO)
