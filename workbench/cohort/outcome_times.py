"""When records begin and end, and when the outcome came, as columns of a cohort."""

from typing import Any

import numpy as np

from workbench.cohort.criteria.landmark import last_within
from workbench.cohort.criteria.nearest import first_after
from workbench.cohort.criteria.population import FIRST, LAST, Population, day_of
from workbench.cohort.criteria.window import HOUR
from workbench.cohort.record_definition import RecordDefinition
from workbench.errors import CohortError


def outcome_of(
    population: Population, definition: RecordDefinition
) -> tuple[np.ndarray, np.ndarray]:
    """Time to the outcome or the end of follow-up, and which of the two.

    Returns
    -------
    time
        From the index date, or the landmark, (record,) float64: days by calendar, or hours.
    event
        Whether the outcome came first, later than the index date (on a later day, where time is
        counted in days), (record,) bool. Where patients stay whose outcome came by the landmark, it
        is the first after that.
    """
    if definition.outcome is None:
        raise CohortError("the definition waits for no outcome: give it one")
    landmark, unit = definition.landmark, definition.unit
    again = landmark.after if landmark is not None and landmark.earlier == "stay" else 0
    origin = last_within(population.index, again, unit)
    first = first_after(population, definition.outcome.rows(population.with_events), origin)
    event = (first != LAST) & (first <= last_within(population.exit, 0, unit))
    return time_to(population.index, np.where(event, first, population.exit), definition), event


def time_to(index: np.ndarray, end: np.ndarray, definition: RecordDefinition) -> np.ndarray:
    """From the index date, or the landmark, to an end, (record,) float64: days or hours.

    Parameters
    ----------
    index, end
        Moments, (record,) int64 µs.
    definition
        Where time begins to run, and in which unit.
    """
    after = 0 if definition.landmark is None else definition.landmark.after
    if definition.unit == "hours":
        return (end - index) / HOUR - after
    return (day_of(end) - day_of(index) - after).astype(float)


def moments(index: np.ndarray, end: np.ndarray, *, calendar: bool) -> dict[str, Any]:
    """``index_date``, ``exit_date`` and ``days`` between, as a table of patients has them.

    Parameters
    ----------
    index, end
        Index date and end of follow-up, (record,) int64 µs.
    calendar
        Whether moments are dates, or else days on the patient's own clock.
    """
    shown = _dates if calendar else day_of
    return {
        "index_date": shown(index),
        "exit_date": shown(end),
        "days": day_of(end) - day_of(index),
    }


def _dates(moment: np.ndarray) -> np.ndarray:
    open_end = (moment == FIRST) | (moment == LAST)
    dates = np.where(open_end, 0, moment).astype("datetime64[us]")
    dates[open_end] = np.datetime64("NaT")
    return dates
