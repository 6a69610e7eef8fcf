"""What tables that were shown before tell of few patients, beside the table that is shown now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from workbench.cohort.privacy.apart import Apart, nothing_apart
from workbench.cohort.table_one.people import cells_of_patients

Between = tuple[int, np.ndarray, np.ndarray]
"""A column; (code,) patients of a difference with a row of each code; and with no other row."""


@dataclass(frozen=True, eq=False)
class Earlier:
    """Differences of the table's columns from earlier tables, and everyone's values.

    Parameters
    ----------
    everyone
        One row a patient or a record, also of those whom the table does not describe.
    owner
        Whose each row is, (row,) int from 0.
    apart
        By patient.
    parts
        Title of a column → what the release log calls its patients.
    """

    everyone: pd.DataFrame
    owner: np.ndarray
    apart: Apart
    parts: Mapping[str, str] = field(default_factory=dict)

    def levels(
        self, values: pd.Series, levels: Sequence[str], titles: Sequence[str]
    ) -> list[Between]:
        """Differences by level; the missing come last.

        Parameters
        ----------
        values
            The described ones; their name is that of the column in ``everyone``.
        levels
            As the table names them. Patients of other levels are left out.
        titles
            Of the table's columns.
        """
        if not self.apart.differences:
            return []
        codes, found = pd.factorize(self.everyone[str(values.name)])
        place = pd.Index(levels).get_indexer(pd.Index([str(level) for level in found]))
        n = len(levels)
        place = np.append(np.where(place < 0, n + 1, place), n)
        found = self.counts(place[codes], n + 2, titles)
        return [(column, inside[:-1], alone[:-1]) for column, inside, alone in found]

    def known(self, values: pd.Series, titles: Sequence[str]) -> list[Between]:
        """Differences by whether there is a value: with, then without."""
        if not self.apart.differences:
            return []
        missing = self.everyone[str(values.name)].isna().to_numpy()
        return self.counts(missing.astype(np.int64), 2, titles)

    def counts(self, codes: np.ndarray, n_codes: int, titles: Sequence[str]) -> list[Between]:
        """Differences by code.

        Parameters
        ----------
        codes
            Of everyone, (row,) int from 0.
        n_codes
            Codes there are.
        titles
            Of the table's columns.
        """
        whose, code, single = cells_of_patients(codes, n_codes, self.owner)
        inside = self.apart.counts(code, n_codes, whose)
        alone = self.apart.counts(code[single], n_codes, whose[single])
        return [
            (column, *each)
            for column, title in enumerate(titles)
            for words in [self.parts.get(title, "")]
            for each in zip(inside.get(words, ()), alone.get(words, ()), strict=True)
        ]


NOTHING_EARLIER = Earlier(pd.DataFrame(), np.zeros(0, np.int64), nothing_apart(0))
