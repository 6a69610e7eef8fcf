"""Criteria on modalities: whose images, genomics or notes are there, and since when."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from workbench.cohort.criteria.criterion import Criterion, Truth
from workbench.cohort.criteria.events import Happened
from workbench.cohort.criteria.population import INDEX_DATE, Population
from workbench.cohort.criteria.query import EventQuery
from workbench.cohort.criteria.window import Unit, Window
from workbench.cohort.written import shown
from workbench.data.card import did_you_mean
from workbench.errors import CohortError

if TYPE_CHECKING:
    from workbench.cohort.criteria.landmark import Landmark


@dataclass(frozen=True)
class Has(Criterion):
    """A modality that the patient has, acquired in a window if one is given."""

    modality: str
    window: Window | None = None

    def truth(self, population: Population) -> Truth:
        available = population.available
        if self.modality not in available:
            raise CohortError(
                f"no modality is called {shown(self.modality)}; there are "
                f"{', '.join(available) or 'none'}{did_you_mean(self.modality, available)}"
            )
        if self.window is None:
            holds = available[self.modality].astype(bool)
            return holds, ~holds
        records = population.with_events
        if self.modality not in records.modalities:
            raise CohortError(f"{self.modality} has no acquisitions, so no window: leave it out")
        known = records.events.code_counts().index
        codes = tuple(code for code in records.modalities[self.modality] if code in known)
        if not codes:
            return np.zeros(len(population), bool), np.ones(len(population), bool)
        return Happened(EventQuery(codes=codes), (self.window,)).truth(population)

    def words(self, anchor: str = INDEX_DATE) -> str:
        when = "" if self.window is None else f" {self.window.words(anchor)}"
        return f"has {self.modality}{when}"

    def columns(self) -> frozenset[str]:
        return frozenset() if self.window is None else self.window.columns()

    def queries(self) -> tuple[EventQuery, ...]:
        return () if self.window is None else self.window.queries()

    def reads_events(self) -> bool:
        return self.window is not None

    def looks_ahead(self, landmark: "Landmark | None" = None) -> bool:
        return self.window is not None and self.window.looks_ahead(landmark)

    def undated(self) -> frozenset[str]:
        return frozenset() if self.window is not None else frozenset({self.modality})

    def _body(self) -> dict[str, Any]:
        window = {} if self.window is None else {"window": self.window.to_json()}
        return {"has": self.modality, **window}

    def within(self, start: int | None, end: int | None, unit: Unit = "days") -> Self:
        """Acquired from ``start`` to ``end`` after the index date (negative: before it)."""
        return replace(self, window=Window(start, end, unit))


def has(modality: str) -> Has:
    """Patients who have a modality: in a card's cohort, those whose files are there and readable.

    Of health records it means at any time, and the cohort warns of that: whoever has it later must
    live until then. Say when with :meth:`Has.within`.

    Examples
    --------
    >>> has("mri").within(-60, 0).sentence()
    'has mri in the 60 days before the index date or on it'
    """
    return Has(modality)
