"""Variables out of events: one number a record, from nothing that happened after time zero."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from workbench.cohort.criteria.events import Happened
from workbench.cohort.criteria.landmark import Landmark
from workbench.cohort.criteria.population import Population
from workbench.errors import CohortError

Take = Literal["last", "first", "mean", "largest", "smallest", "count", "any"]


@dataclass(frozen=True)
class Feature:
    """One variable.

    Parameters
    ----------
    name
        Of the column: a letter, then letters, digits and ``_``.
    event
        What is measured, with the window in which it may lie; the window ends on the index date
        or before it, or by the ``landmark``.
    take
        Of several: the ``last`` or ``first`` value in time, the ``mean``, ``largest`` or
        ``smallest`` value, the ``count`` of events, or whether there was ``any``.
    unit, meaning
        For tables and reports; the meaning is written from the event, if not given.
    landmark
        Up to when it may see, if that is later than the index date: no later than the landmark of
        the cohort.
    """

    name: str
    event: Happened
    take: Take = "last"
    unit: str | None = None
    meaning: str = ""
    landmark: Landmark | None = None

    def __post_init__(self) -> None:
        if not self.name.isidentifier() or self.name.startswith("_"):
            raise CohortError(
                f"{self.name!r} is not a name: start with a letter, then use letters, digits and _"
            )
        if self.take not in get_args(Take):
            raise CohortError(f"{self.name}: take one of {', '.join(get_args(Take))}")
        self.check_seen(self.landmark)

    def check_seen(self, landmark: Landmark | None) -> None:
        """Refuse what looks beyond the index date, or beyond a landmark if there is one.

        Raises
        ------
        CohortError
            If it would.
        """
        if self.event.looks_ahead(landmark):
            origin = "the index date" if landmark is None else "the landmark"
            raise CohortError(
                f"{self.name} would see what happens after {origin} "
                f"({self.event.sentence()}): end its window by then, such as .within(-365, 0), "
                "and ask neither for how long events last nor for what follows"
            )

    def words(self) -> str:
        """What the variable is."""
        if self.meaning:
            return self.meaning
        when = " and ".join(window.words() for window in self.event.windows)
        taken = {"count": "number of", "any": "any"}.get(self.take, f"{self.take} value of")
        return f"{taken} {self.event.query.words()} {when}"

    def values(self, population: Population) -> np.ndarray:
        """One value a record: float64, NaN where there is none; bool for ``any``."""
        if self.take in ("count", "any"):
            counts = self.event.counts(population)
            return counts > 0 if self.take == "any" else counts.astype(float)
        rows = self.event.query.rows(population.with_events)
        rows = rows[~np.isnan(rows.number)]
        record, position = self.event.pairs(population, rows)
        value, time = rows.number[position], rows.time[position]
        if self.take in ("last", "first"):
            # Of several at one moment the larger value, so that the order of rows never decides.
            order = np.lexsort((value, time if self.take == "last" else -time, record))
            return _last_of_each(record[order], value[order], len(population))
        if self.take == "mean":
            total = np.bincount(record, value, minlength=len(population))
            number = np.bincount(record, minlength=len(population))
            return np.divide(total, number, out=np.full(len(total), np.nan), where=number > 0)
        order = np.lexsort((value if self.take == "largest" else -value, record))
        return _last_of_each(record[order], value[order], len(population))


def feature_table(
    population: Population, features: Sequence[Feature], landmark: Landmark | None = None
) -> pd.DataFrame:
    """Variables of every record, one column each.

    Parameters
    ----------
    population
        Records.
    features
        Variables.
    landmark
        From when time runs, if not from the index date.

    Raises
    ------
    CohortError
        If two have one name, or one sees what happens after the index date or landmark.
    """
    for feature in features:
        feature.check_seen(landmark)
    names = [feature.name for feature in features]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise CohortError(f"two features are called {twice[0]!r}")
    values = {feature.name: feature.values(population) for feature in features}
    return pd.DataFrame(values, index=pd.RangeIndex(len(population)))


def _last_of_each(record: np.ndarray, value: np.ndarray, n_records: int) -> np.ndarray:
    """The last value of each record; records lie together."""
    found = np.full(n_records, np.nan)
    found[record] = value  # of several, numpy keeps the last
    return found
