"""Of which entry events each question about them holds: study period, washout, landmark …"""

from collections.abc import Mapping

import numpy as np

from workbench.cohort.account import LANDMARK
from workbench.cohort.criteria.landmark import last_within
from workbench.cohort.criteria.nearest import first_after
from workbench.cohort.criteria.population import Population, day_of
from workbench.cohort.entry import Entry
from workbench.cohort.record_definition import RecordDefinition


def entry_masks(
    candidates: Population, definition: RecordDefinition, asked: Mapping[str, str]
) -> dict[str, np.ndarray]:
    """Step → of which records it holds, (record,) bool, for what is asked of every entry event."""
    masks, entry = {}, definition.entry
    if "study period" in asked:
        masks["study period"] = _in_period(candidates, entry)
    if "observed" in asked:
        masks["observed"] = _observed(candidates, entry)
    if "washout" in asked:
        masks["washout"] = _since_last(candidates) > (entry.washout_days or 0)
    if "followed up" in asked:
        masks["followed up"] = candidates.exit > last_within(candidates.index, 0, definition.unit)
    if definition.landmark is not None:
        masks[LANDMARK] = _at_risk(candidates, definition)
    return masks


def _in_period(candidates: Population, entry: Entry) -> np.ndarray:
    date = candidates.index.view("datetime64[us]").astype("datetime64[D]")
    inside = np.ones(len(date), bool)
    if entry.since is not None:
        inside &= date >= np.datetime64(entry.since)
    if entry.until is not None:
        inside &= date <= np.datetime64(entry.until)
    return inside


def _observed(candidates: Population, entry: Entry) -> np.ndarray:
    day, first, last = day_of(candidates.index), candidates.observed_from, candidates.observed_to
    held = first <= last
    before = np.where(held, day - day_of(np.where(held, first, 0)), -1)
    after = np.where(held, day_of(np.where(held, last, 0)) - day, -1)
    return held & (before >= entry.observed_before) & (after >= entry.observed_after)


def _since_last(candidates: Population) -> np.ndarray:
    """Days since the patient's entry event before; endless for the first, (record,) int64."""
    day = day_of(candidates.index)
    # Rows lie by patient and time, so the event before is the row before.
    since = np.full(len(day), np.iinfo(np.int64).max)
    same = candidates.patient[1:] == candidates.patient[:-1]
    since[1:][same] = (day[1:] - day[:-1])[same]
    return since


def _at_risk(candidates: Population, definition: RecordDefinition) -> np.ndarray:
    """Who is followed up beyond the landmark, and has had no outcome if none may come again."""
    landmark, unit = definition.landmark, definition.unit
    assert landmark is not None
    last = last_within(candidates.index, landmark.after, unit)
    at_risk = candidates.exit > last
    if definition.outcome is not None and landmark.earlier == "leave":
        rows = definition.outcome.rows(candidates.with_events)
        origin = last_within(candidates.index, 0, unit)
        at_risk &= first_after(candidates, rows, origin) > last
    return at_risk
