"""What a study tells of its patients → rows of events, on each patient's own clock."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import pandas as pd

from workbench.data.bad_rows import BadRows
from workbench.data.events import DAY, DEATH, STATIC
from workbench.data.sources.cbioportal.mutations import CODE
from workbench.data.sources.cbioportal.survival import FollowUp
from workbench.data.sources.cbioportal.timeline import TimelineEvent

DIAGNOSIS = "diagnosis"


class Row(NamedTuple):
    """One event; times in µs from day 0."""

    patient_id: str
    time: int
    end: int
    code: str
    numeric_value: float | None = None
    text_value: str | None = None


def diagnosis_rows(patients: pd.Index) -> list[Row]:
    """``diagnosis`` on day 0 of every patient: the index date of a study without a timeline."""
    return [Row(str(patient_id), 0, 0, DIAGNOSIS) for patient_id in patients]


def timeline_rows(
    events: Iterable[TimelineEvent], patient_of: Mapping[str, str], patients: pd.Index, bad: BadRows
) -> tuple[list[Row], dict[str, int]]:
    """Events of known patients, and when each sample was first taken.

    Parameters
    ----------
    events
        Of all timeline files.
    patient_of
        ``SAMPLE_ID`` → ``PATIENT_ID``.
    patients
        Those of the clinical files.
    bad
        Takes events of others, and of samples that belong to others.
    """
    rows, taken = [], {}
    for event in events:
        if event.patient_id not in patients:
            bad.add(
                event.file, f"line {event.line}", "a patient that the clinical files do not have"
            )
            continue
        if event.sample is not None:
            if patient_of.get(event.sample) != event.patient_id:
                bad.add(event.file, f"line {event.line}", "a sample that is not of this patient")
                continue
            taken[event.sample] = min(event.time, taken.get(event.sample, event.time))
        code = "//".join(event.path)
        rows.append(Row(event.patient_id, event.time, event.end, code, event.number, event.text))
    return rows, taken


def profile_rows(
    members: Mapping[str, frozenset[str]], chosen: pd.Series, taken: Mapping[str, int]
) -> list[Row]:
    """An event for each profile of the sample that stands for a patient, when it was taken.

    ``members`` is code → samples, or patients where a profile is of patients. Without a timeline of
    specimens nobody knows when, and the event is static.
    """
    rows = []
    for code, who in members.items():
        for patient_id, sample in chosen.items():
            if sample in who or patient_id in who:
                time = taken.get(sample, STATIC)
                rows.append(Row(str(patient_id), time, time, code))
    return rows


def mutation_rows(
    mutations: Iterable[tuple[str, str, str | None]], chosen: pd.Series, taken: Mapping[str, int]
) -> list[Row]:
    """``mutation//GENE`` for each mutation of the sample that stands for a patient."""
    patient_of = {sample: str(patient_id) for patient_id, sample in chosen.items()}
    rows = []
    for sample, gene, change in mutations:
        if sample in patient_of:
            time = taken.get(sample, STATIC)
            rows.append(Row(patient_of[sample], time, time, f"{CODE}//{gene}", None, change))
    return rows


def death_rows(followed: FollowUp | None) -> list[Row]:
    """``MEDS_DEATH`` on the last day of those who died."""
    if followed is None:
        return []
    days = followed.day[followed.died].dropna()
    return [Row(str(p), int(day) * DAY, int(day) * DAY, DEATH) for p, day in days.items()]
