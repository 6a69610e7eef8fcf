"""Records: patients, and what happened to them, whatever format they came in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from workbench.data.card.cohorts import MINIMUM_CELL
from workbench.data.concepts import Vocabulary
from workbench.data.events import Clock, EventSource
from workbench.errors import RecordsError

if TYPE_CHECKING:
    from workbench.cohort.criteria import Criterion, Happened
    from workbench.cohort.criteria.landmark import Landmark
    from workbench.cohort.entry import Entry
    from workbench.cohort.follow_up import FollowUp
    from workbench.cohort.record_cohort import RecordCohort
    from workbench.cohort.record_definition import Limit

Kind = Literal["numeric", "categorical", "boolean", "date"]


@dataclass(frozen=True)
class ColumnFacts:
    """What a patient column is.

    ``unit`` is None where there is none. ``meaning`` is a sentence for a reader.
    """

    type: Kind
    meaning: str
    unit: str | None = None


@dataclass(frozen=True, eq=False)
class ObservationPeriods:
    """When each patient was under observation, sorted by patient and start; they do not overlap.

    Parameters
    ----------
    patient
        Row of the patient in the records, (period,) int32.
    start, end
        First and last moment, (period,) int64 µs on the patient's clock; both count.
    """

    patient: np.ndarray
    start: np.ndarray
    end: np.ndarray

    def __post_init__(self) -> None:
        if (self.end < self.start).any():
            n = int((self.end < self.start).sum())
            raise RecordsError(f"{n} observation periods end before they begin")
        if (np.diff(self.patient) < 0).any():
            raise RecordsError("observation periods must be sorted by patient")
        same = self.patient[1:] == self.patient[:-1]
        n = int((same & (self.start[1:] <= self.end[:-1])).sum())
        if n:
            raise RecordsError(
                f"{n} observation periods begin before the same patient's last one ended: sort "
                "them by start, and join those that overlap"
            )

    def __len__(self) -> int:
        return len(self.patient)


@dataclass(frozen=True)
class SourceFacts:
    """Where records came from, for the definition and the report.

    Parameters
    ----------
    kind
        Format.
    name, version
        What the source calls itself, such as the name and release of a CDM.
    sha256
        Of what was read; None for a live database.
    """

    kind: Literal["omop", "meds", "fhir", "cbioportal", "card"]
    name: str
    version: str
    sha256: str | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Records:
    """Patients and their events.

    Parameters
    ----------
    source
        Where they came from.
    clock
        ``calendar``, or ``relative`` where each patient has a zero of their own.
    patients
        Index ``patient_id`` (str, unique, sorted). ``birth`` (datetime64[us], may be missing),
        ``sex`` (categorical) where known, and further columns that do not change. On a relative
        clock there is no ``birth``.
    columns
        What each column of ``patients`` is.
    events
        Where their events are.
    observation
        When they were under observation; None where the source does not say.
    vocabulary
        Names of codes and which lies under which; None where the source has none.
    modalities
        Modality → codes whose events are its acquisitions, such as ``{"mri": ("imaging//MR",)}``.
    minimum_cell
        Smallest count that may be shown.
    warnings
        What a reader must know, one sentence each: rows that were left out with consent, codes
        without a name.
    """

    source: SourceFacts
    clock: Clock
    patients: pd.DataFrame
    columns: Mapping[str, ColumnFacts]
    events: EventSource
    observation: ObservationPeriods | None = None
    vocabulary: Vocabulary | None = None
    modalities: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    minimum_cell: int = MINIMUM_CELL
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        index = self.patients.index
        if not index.is_unique or not index.is_monotonic_increasing:
            raise RecordsError("patients must be unique and sorted by patient_id")
        if set(self.columns) != set(self.patients.columns):
            odd = sorted(set(self.columns) ^ set(self.patients.columns))
            raise RecordsError(f"every patient column needs its facts, and only those: {odd[0]!r}")

    def cohort(
        self,
        entry: "Entry",
        *criteria: "Criterion",
        limit: "Limit" = "all",
        follow_up: "FollowUp | None" = None,
        outcome: "Happened | None" = None,
        title: str = "",
        landmark: "Landmark | int | None" = None,
    ) -> "RecordCohort":
        """Find the patients of a definition.

        Parameters
        ----------
        entry
            What sets the index date: :func:`workbench.entry`.
        criteria
            Who is in, in the order in which the attrition tells it.
        limit
            Which of a patient's records that meet every criterion: ``first``, ``last`` or ``all``.
        follow_up
            When follow-up ends: :func:`workbench.follow_up`; if not given, with observation.
        outcome
            The event that is waited for.
        title
            What to call the cohort.
        landmark
            From when time runs, if not from the index date: days, or
            :class:`workbench.Landmark`.
        """
        from workbench.cohort.record_cohort import build_cohort
        from workbench.cohort.record_definition import define

        definition = define(
            entry,
            *criteria,
            limit=limit,
            follow_up=follow_up,
            outcome=outcome,
            title=title,
            landmark=landmark,
        )
        return build_cohort(self, definition)

    def __repr__(self) -> str:
        """Counts only: what a notebook shows and saves holds no patient."""
        counts = self.events.code_counts()
        return (
            f"Records({self.source.kind} {self.source.name}: {len(self.patients)} patients, "
            f"{int(counts.sum())} events of {len(counts)} codes)"
        )
