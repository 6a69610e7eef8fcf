"""What tables that were shown before tell of few patients, beside the table that is shown now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from workbench.cohort.privacy.apart import Apart, nothing_apart


@dataclass(frozen=True, eq=False)
class Earlier:
    """Differences of the table's columns from earlier tables, and everyone's values.

    Parameters
    ----------
    everyone
        One row a patient, also of those whom the table does not describe.
    apart
        By row of ``everyone``.
    parts
        Title of a column → what the release log calls its patients.
    """

    everyone: pd.DataFrame
    apart: Apart
    parts: Mapping[str, str] = field(default_factory=dict)

    def levels(
        self, values: pd.Series, levels: Sequence[str], titles: Sequence[str]
    ) -> list[tuple[int, np.ndarray]]:
        """Column, and (level + 1,) patients of a difference; the missing come last.

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
        return [
            (column, counts[:-1]) for column, counts in self.counts(place[codes], n + 2, titles)
        ]

    def known(self, values: pd.Series, titles: Sequence[str]) -> list[tuple[int, np.ndarray]]:
        """Column, and (2,) patients of a difference who have a value, and who do not."""
        if not self.apart.differences:
            return []
        missing = self.everyone[str(values.name)].isna().to_numpy()
        return self.counts(missing.astype(np.int64), 2, titles)

    def counts(
        self, codes: np.ndarray, n_codes: int, titles: Sequence[str]
    ) -> list[tuple[int, np.ndarray]]:
        """Column, and (code,) patients of a difference.

        Parameters
        ----------
        codes
            Of everyone, (patient,) int from 0.
        n_codes
            Codes there are.
        titles
            Of the table's columns.
        """
        counts = self.apart.counts(codes, n_codes)
        return [
            (column, each)
            for column, title in enumerate(titles)
            for each in counts.get(self.parts.get(title, ""), ())
        ]


NOTHING_EARLIER = Earlier(pd.DataFrame(), nothing_apart(0))
