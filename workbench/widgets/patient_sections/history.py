"""What happened to one patient, how long they were followed, which kinds of data there are."""

import numpy as np
import pandas as pd

from workbench.errors import CohortError
from workbench.figures import plot_timeline
from workbench.figures.timeline import FollowUp
from workbench.report.format import A_YEAR
from workbench.report.words import in_sentence, short
from workbench.widgets.blocks import Figure, Table
from workbench.widgets.shown_attribution import modality_title
from workbench.widgets.shown_patient import ShownPatient

EVENT_COLUMNS = ("patient_id", "day", "kind", "label")
DAYS_A_YEAR = 365.25


def timeline(patient: ShownPatient, events: pd.DataFrame | None) -> Figure | Table:
    """Events of one patient by their day from the index date, and the end of follow-up.

    Where the outcome has no time and no events are known, a table of the outcome alone.
    """
    end = None if patient.cohort.time_unit is None else _follow_up(patient)
    own = None
    if events is not None:
        own = events[events["patient_id"].astype(str) == patient.patient_id]
    if end is None and (own is None or own.empty):
        said = (("● there" if patient.known["event"] else "○ not there"),)
        outcome = patient.cohort.card.spec.outcomes[patient.cohort.outcome].title
        return Table("outcome", "Outcome", (short(outcome),), (said,))
    if own is None or own.empty:
        notes = [] if events is not None else ["No events are known"]
        title = f"{patient.name}: follow-up"
        drawing = plot_timeline(np.empty(0), (), (), follow_up=end, title=title, notes=notes)
        return Figure("timeline", drawing)
    own = own.sort_values("day", kind="stable")
    drawing = plot_timeline(
        own["day"].to_numpy(float),
        own["kind"].astype(str).tolist(),
        own["label"].astype(str).tolist(),
        value=own["value"].to_numpy(float) if "value" in own else None,
        follow_up=end,
        title=f"{patient.name}: what happened",
    )
    return Figure("timeline", drawing)


def _follow_up(patient: ShownPatient) -> FollowUp:
    cohort, known = patient.cohort, patient.known
    a_year = {"years": 1.0, **A_YEAR}.get(cohort.time_unit or "", DAYS_A_YEAR)
    days = float(known["time"]) * DAYS_A_YEAR / a_year
    outcome = in_sentence(short(cohort.card.spec.outcomes[cohort.outcome].title))
    return FollowUp(round(days, 1), bool(known["event"]), f"event of {outcome}")


def data_tiles(patient: ShownPatient) -> Table:
    """Which kinds of data the patient has."""
    available = patient.cohort.available
    rows = tuple(
        (
            modality_title(patient.cohort, name),
            "● there" if available[name][patient.row] else "○ absent",
        )
        for name in patient.cohort.card.spec.modalities
    )
    return Table("tiles", "Kinds of data", ("Kind", "This patient"), rows)


def checked_events(events: pd.DataFrame) -> pd.DataFrame:
    """The same events.

    Raises
    ------
    CohortError
        A column that every event needs is not there.
    """
    missing = [name for name in EVENT_COLUMNS if name not in events.columns]
    if missing:
        raise CohortError(
            f"events need the columns {', '.join(EVENT_COLUMNS)}, got none named "
            f"{', '.join(missing)}"
        )
    return events
