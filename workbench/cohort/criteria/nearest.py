"""The next event after a moment, and the last one before it."""

import numpy as np

from workbench.cohort.criteria.population import FIRST, LAST, Population
from workbench.data.events import STATIC, EventRows


def first_after(population: Population, rows: EventRows, origin: np.ndarray) -> np.ndarray:
    """When the first of some events happened after an origin, (record,) int64 µs.

    ``LAST`` where none did.

    Parameters
    ----------
    population
        Records with index dates.
    rows
        Events.
    origin
        Last moment that lies before, such as of
        :func:`workbench.cohort.criteria.landmark.last_within`, (record,) int64 µs.
    """
    record, event = population.pair(rows)
    moment = rows.time[event]
    later = moment > origin[record]
    first = np.full(len(population), LAST)
    np.minimum.at(first, record[later], moment[later])
    return first


def last_before(population: Population, rows: EventRows, origin: np.ndarray) -> np.ndarray:
    """When the last of some events happened before an origin, (record,) int64 µs.

    ``FIRST`` where none did; what has no time does not count.

    Parameters
    ----------
    population
        Records with index dates.
    rows
        Events.
    origin
        First moment that lies after, (record,) int64 µs.
    """
    record, event = population.pair(rows)
    moment = rows.time[event]
    earlier = (moment < origin[record]) & (moment != STATIC)
    last = np.full(len(population), FIRST)
    np.maximum.at(last, record[earlier], moment[earlier])
    return last
