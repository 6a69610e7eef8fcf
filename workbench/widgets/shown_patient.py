"""One patient of a cohort under a number, and what a person calls what is known of them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from workbench.figures.wording import capitalised
from workbench.report.words import short

if TYPE_CHECKING:
    from workbench.cohort.cohort import Cohort


@dataclass(frozen=True, eq=False)
class ShownPatient:
    """A patient by the place in the cohort.

    Parameters
    ----------
    cohort
        In whose order patients are counted.
    ordinal
        From 1.
    """

    cohort: "Cohort"
    ordinal: int

    @property
    def row(self) -> int:
        """In the cohort, from 0."""
        return self.ordinal - 1

    @property
    def name(self) -> str:
        """What a person reads: no identifier."""
        return f"Patient {self.ordinal:,} of {len(self.cohort.patients):,}"

    @property
    def patient_id(self) -> str:
        """For Python alone."""
        return str(self.cohort.patients.index[self.row])

    @property
    def known(self) -> pd.Series:
        """Outcome and columns."""
        return self.cohort.patients.iloc[self.row]

    @property
    def last_time(self) -> float:
        """Longest time of the patients a model learned from: nothing is predicted beyond."""
        return float(self.cohort.patients["time"].max())

    def column_title(self, name: str) -> str:
        """What a person calls a column."""
        columns = self.cohort.card.spec.columns
        words = short(columns[name].meaning) if name in columns else name
        return capitalised(words)

    def unit(self, name: str) -> str:
        """Of a column; "" where it has none."""
        columns = self.cohort.card.spec.columns
        return (columns[name].unit or "") if name in columns else ""

    def reference_level(self, name: str) -> str:
        """The level of a column that others are compared with."""
        columns = self.cohort.card.spec.columns
        levels = columns[name].listed_levels if name in columns else ()
        return str(levels[0]) if levels else "reference"
