"""What is asked of a release log, beside all that it knows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from workbench.cohort.privacy.apart import Apart
from workbench.cohort.privacy.differencing import Answer, DisclosureLog

TABLES = 64


@dataclass(frozen=True, eq=False)
class Judged:
    """What was asked, by all patients whom the log knows now.

    Parameters
    ----------
    patient
        Keyed hashes, (patient,) uint64: those who were known, then the new.
    row
        Where the patients who were asked of stand among them, (asked,) int.
    log
        What was shown, with what may be shown now.
    answers
        Words of each part → whether it may.
    selections
        Words of each part → (patient,) bool.
    kept_days
        When each release was that was remembered.
    """

    patient: np.ndarray
    row: np.ndarray
    log: DisclosureLog
    answers: dict[str, Answer]
    selections: dict[str, np.ndarray]
    kept_days: list[str]

    def places(self) -> dict[str, int]:
        """Where each part stands among what was shown; all of them were allowed."""
        shown = [selection for _, selection in self.log.shown]
        return {
            words: next(k for k, each in enumerate(shown) if np.array_equal(each, selection))
            for words, selection in self.selections.items()
        }

    def needs_others(self, apart: Apart) -> bool:
        """Whether somebody is in a difference of whom nothing is at hand."""
        others = np.ones(len(self.patient), bool)
        others[self.row] = False
        elsewhere = np.unique(apart.atom[others])
        return any(found[:, elsewhere].any() for found in apart.differences.values())

    def days(self, n_shown: int) -> list[str]:
        """When each of so many was first shown: the new ones today."""
        today = date.today().isoformat()
        return self.kept_days + [today] * (n_shown - len(self.kept_days))


def earlier_tables(
    shown: Sequence[tuple[str, np.ndarray]], described: np.ndarray, places: Mapping[str, int]
) -> dict[str, list[np.ndarray]]:
    """Tables that were shown no later than each part, but for the parts themselves.

    Parameters
    ----------
    shown
        Words, and (patient,) bool, of each release.
    described
        (release,) int: 0 where no table was shown, and else it grows with each that was.
    places
        Words of a part → its release.
    """
    others = [k for k in np.flatnonzero(described).tolist() if k not in places.values()]
    recent = sorted(others, key=lambda k: -described[k])[:TABLES]
    return {
        words: [shown[k][1] for k in recent if not own or described[k] <= own]
        for words, place in places.items()
        for own in [described[place]]
    }


def places_of(known: np.ndarray, asked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All patients, those who are known first in their places, and where the asked stand."""
    row = pd.Index(known).get_indexer(pd.Index(asked))
    new = row < 0
    row[new] = len(known) + np.arange(np.count_nonzero(new))
    return np.concatenate([known, asked[new]]), row
