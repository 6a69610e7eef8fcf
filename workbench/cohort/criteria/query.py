"""What counts as an event: its code, how much of it, and what must surround it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from workbench.cohort.criteria.code_search import find_codes
from workbench.cohort.criteria.coded import Coded
from workbench.cohort.criteria.number_range import Range
from workbench.cohort.written import check_entries
from workbench.data.concepts import ConceptSet
from workbench.data.events import DAY, FIXED_NAMES, STATIC, EventRows
from workbench.data.records import Records
from workbench.data.sources.omop_tables import UNIT, VALUE
from workbench.errors import CohortError

if TYPE_CHECKING:
    from workbench.cohort.criteria.criterion import Criterion


FREQUENT = 100_000
"""Events of one code that are counted apart from those of other codes."""


@dataclass(frozen=True)
class EventQuery:
    """Events of some codes, of some values.

    Parameters
    ----------
    codes
        Exact codes; any of them.
    prefixes
        Any code that begins with one of these, such as ``condition//``.
    concepts
        Any code of a concept set; needs ``domain``.
    domain
        What stands before the concept id in a code, such as ``condition``.
    value
        The numeric value lies in this range; events without one do not count.
    texts
        The text value is one of these.
    lasting
        Days from begin to end, by calendar, lie in this range.
    first_ever
        Only the first event of the codes in the patient's life counts, and it must be of such a
        value too. Of several at the same moment it is the one whose code comes first; of those,
        the one of the smallest number (none comes last), then of the first text (none comes first),
        then the one that ended first.
    where
        A criterion that must hold of the event as if it were the index date, such as another event
        within 30 days of it.
    title
        What a sentence calls the events; the codes, if not given.
    units
        One of these is the unit: it stands in the text as a whole, alone or between spaces, as
        OMOP (``unit//8840``) and FHIR (``mg/dL``) have it.
    answers
        One of these is the coded answer; it stands in the text as a unit does, as OMOP has it
        (``value//45884084``).
    unit, answer
        The unit, or the coded answer, is of a concept set, or of none of it: as OMOP has them,
        with what lies under a concept as the vocabulary says.
    """

    codes: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    concepts: ConceptSet | None = None
    domain: str = ""
    value: Range | None = None
    texts: tuple[str, ...] = ()
    lasting: Range | None = None
    first_ever: bool = False
    where: "Criterion | None" = None
    title: str = ""
    units: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    unit: Coded | None = None
    answer: Coded | None = None

    def __post_init__(self) -> None:
        if not (self.codes or self.prefixes or self.concepts):
            raise CohortError("name the events: a code, the beginning of codes, or a concept set")
        if (self.concepts is None) != (not self.domain):
            raise CohortError(
                "a concept set needs the domain of its events, such as domain='condition', and "
                "only a concept set has one"
            )
        texts = (*self.codes, *self.prefixes, *self.texts, *self.units, *self.answers)
        for text in (*texts, self.domain, self.title):
            if not isinstance(text, str):
                raise CohortError(f"codes and texts are text, got {type(text).__name__}")
        if any(not part.strip() for part in (*self.units, *self.answers)):
            raise CohortError("a unit or an answer is a text that is not empty")
        if "" in self.codes:
            raise CohortError("a code cannot be empty; for any event write event('*')")

    def find_codes(self, records: Records) -> frozenset[str]:
        """Codes of the records that it asks for.

        Raises
        ------
        CohortError
            If a code that it names occurs nowhere and is unknown to the vocabulary, no code begins
            with a prefix that is no whole domain (``drug//``), or no CDM has such a domain: it
            would silently find nobody.
        RecordsError
            If the concept set does not resolve.
        """
        return find_codes(self, records)

    def rows(self, records: Records, among: np.ndarray | None = None) -> EventRows:
        """The events, sorted by patient and time.

        Parameters
        ----------
        records
            Where events are.
        among
            Whose events are wanted, (patient,) bool; None is everyone's.
        """
        return self._narrowed(records, records.events.rows(self.find_codes(records)), among)

    def parts(self, records: Records, among: np.ndarray | None = None) -> Iterator[EventRows]:
        """The events of :meth:`rows`, those of each frequent code apart.

        What is counted needs no common order of all codes, and sorting millions of events takes
        longer than counting them.
        """
        codes, counts = self.find_codes(records), records.events.code_counts()
        frequent = counts.index[counts.to_numpy() >= FREQUENT].intersection(list(codes))
        if self.first_ever or len(codes) == 1:
            frequent = frequent[:0]
        for code in frequent:
            yield self._narrowed(records, records.events.rows([code]), among)
        rest = codes.difference(frequent)
        if rest:
            yield self._narrowed(records, records.events.rows(rest), among)

    def _narrowed(self, records: Records, rows: EventRows, among: np.ndarray | None) -> EventRows:
        from workbench.cohort.criteria.population import records_at

        if self.first_ever:
            rows = rows[_first_of_each(rows)]
        keep = np.ones(len(rows), bool)
        if self.value is not None:
            keep &= self.value.contains(rows.number)
        if self.texts:
            keep &= np.asarray(rows.text.isin(list(self.texts)))
        for parts in (self.units, self.answers):
            if parts:
                keep &= _holding(rows.text, parts)
        for before, coded in ((UNIT, self.unit), (VALUE, self.answer)):
            if coded is not None:
                keep &= coded.holds(rows.text, before, records)
        if self.lasting is not None:
            days = np.floor_divide(rows.end, DAY) - rows.day
            keep &= self.lasting.contains(days.astype(float)) & (rows.time != STATIC)
        rows = rows if keep.all() else rows[keep]
        if self.where is not None:
            timed = rows.time != STATIC
            rows = rows[timed if among is None else timed & among[rows.patient]]
            rows = rows[self.where.mask(records_at(records, rows.patient, rows.time))]
        return rows

    def words(self) -> str:
        """What a sentence calls the events."""
        words = self._what()
        if self.first_ever:
            words = f"first ever {words}"
        if self.value is not None:
            words += f" {self.value.words()}"
        if self.texts:
            words += f" of {' or '.join(self.texts)}"
        if self.units:
            words += f" in {' or '.join(self.units)}"
        if self.answers:
            words += f" answered {' or '.join(self.answers)}"
        if self.unit is not None:
            words += f" in {self.unit.words()}"
        if self.answer is not None:
            words += f" answered {self.answer.words()}"
        if self.lasting is not None:
            words += f" lasting {self.lasting.words()} days"
        if self.where is not None:
            words += f" (with {self.where.sentence('that event')})"
        return words

    def _what(self) -> str:
        if self.title:
            return self.title
        parts = [
            *(FIXED_NAMES.get(code, code) for code in self.codes),
            *(f"{prefix}…" if prefix else "any event" for prefix in self.prefixes),
        ]
        if self.concepts is not None:
            parts.append(f"{self.domain} of {self.concepts.name}")
        return " or ".join(parts)

    def columns(self) -> frozenset[str]:
        """Columns that it reads, of the surrounding criterion."""
        return frozenset() if self.where is None else self.where.columns()

    def queries(self) -> "tuple[EventQuery, ...]":
        """Itself, and what it asks to surround the event."""
        return (self, *(() if self.where is None else self.where.queries()))

    def concept_sets(self) -> tuple[ConceptSet, ...]:
        """Concept sets of its codes, its unit and its answer."""
        coded = (one.concepts for one in (self.unit, self.answer) if one is not None)
        return (*(() if self.concepts is None else (self.concepts,)), *coded)

    def looks_ahead(self) -> bool:
        """Whether it sees what happens after the event: its end, or other events later on."""
        return self.lasting is not None or (self.where is not None and self.where.looks_ahead())

    def to_json(self) -> dict[str, Any]:
        """What :meth:`from_json` reads; equal queries give equal JSON."""
        written: dict[str, Any] = {}
        if self.codes:
            written["codes"] = sorted(set(self.codes))
        if self.prefixes:
            written["prefixes"] = sorted(set(self.prefixes))
        if self.concepts is not None:
            written |= {"concept_set": self.concepts.to_json(), "domain": self.domain}
        if self.value is not None:
            written["value"] = self.value.to_json()
        for name in ("texts", "units", "answers"):
            if getattr(self, name):
                written[name] = sorted(set(getattr(self, name)))
        for name, coded in (("unit", self.unit), ("answer", self.answer)):
            if coded is not None:
                written[name] = coded.to_json()
        if self.lasting is not None:
            written["lasting_days"] = self.lasting.to_json()
        if self.first_ever:
            written["first_ever"] = True
        if self.where is not None:
            written["where"] = self.where.to_json()
        if self.title:
            written["title"] = self.title
        return written

    @classmethod
    def from_json(cls, written: Any) -> Self:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        CohortError
            If it is no event query; the message names the entry.
        """
        from workbench.cohort.criteria.parse import parse

        known = {
            "codes", "prefixes", "concept_set", "domain", "value", "texts", "lasting_days",
            "first_ever", "where", "title", "units", "answers", "unit", "answer",
        }  # fmt: skip
        check_entries(written, known, "event query")
        if not isinstance(written.get("first_ever", False), bool):
            raise CohortError("event query: first_ever is true or false")
        ranges = {
            name: Range.from_json(written[key], key)
            for name, key in (("value", "value"), ("lasting", "lasting_days"))
            if key in written
        }
        concepts = written.get("concept_set")
        where = written.get("where")
        return cls(
            codes=_texts_of(written, "codes"),
            prefixes=_texts_of(written, "prefixes"),
            concepts=None if concepts is None else ConceptSet.from_json(concepts),
            domain=written.get("domain", ""),
            texts=_texts_of(written, "texts"),
            first_ever=written.get("first_ever", False),
            where=None if where is None else parse(where),
            title=written.get("title", ""),
            units=_texts_of(written, "units"),
            answers=_texts_of(written, "answers"),
            unit=_coded_of(written, "unit"),
            answer=_coded_of(written, "answer"),
            **ranges,
        )

    def valued(self, value: Range) -> Self:
        """The same events, of a numeric value in a range."""
        return replace(self, value=value)


def _texts_of(written: Mapping[str, Any], key: str) -> tuple[str, ...]:
    texts = written.get(key, [])
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise CohortError(f"event query: {key} is a list of texts")
    return tuple(texts)


def _coded_of(written: Mapping[str, Any], key: str) -> Coded | None:
    return Coded.from_json(written[key], f"event query: {key}") if key in written else None


def _holding(texts: pd.Categorical, parts: Iterable[str]) -> np.ndarray:
    """Which texts have one of some parts in them, as a whole between spaces, (event,) bool."""
    held = np.zeros(len(texts.categories) + 1, bool)
    for i in np.unique(texts.codes[texts.codes >= 0]):
        held[i] = any(f" {part} " in f" {texts.categories[i]} " for part in parts)
    return held[texts.codes]


def _first_of_each(rows: EventRows) -> np.ndarray:
    """Position of each patient's earliest event that has a time."""
    timed = np.flatnonzero(rows.time != STATIC)
    keys = (rows.end, rows.text.codes, rows.number, rows.code.codes, rows.time, rows.patient)
    order = timed[np.lexsort([key[timed] for key in keys])]
    patient = rows.patient[order]
    first = np.ones(len(order), bool)
    first[1:] = patient[1:] != patient[:-1]
    return order[first]
