"""Bins of a column: ranges of numbers or dates, levels, patterns of modalities.

Code ``i`` of a patient is bin ``i``; one code more, ``n_bins``, is a missing value. Codes are
uint8, so that there are at most 255 bins.
"""

from dataclasses import dataclass

import numpy as np

from workbench.cohort.values import Value

MOST_BINS = 255
MISSING = "missing"
OTHER = "other"


@dataclass(frozen=True, eq=False)
class RangeBins:
    """Ranges of an ordered column: bin ``i`` holds ``edges[i - 1] <= value < edges[i]``.

    The outer bins are open: whatever lies below the first edge or above the last is theirs.

    Parameters
    ----------
    edges
        (bin - 1,) ascending, numbers in the dtype of the column or datetime64[D].
    labels
        What each bin is called, (bin,).
    single
        The one value that each bin holds, (bin,), where the column has few; else None.
    unit
        Of the calendar, such as "month"; "" for numbers.
    """

    edges: np.ndarray
    labels: tuple[str, ...]
    single: np.ndarray | None = None
    unit: str = ""

    @property
    def n_bins(self) -> int:
        """Bins without that of missing values."""
        return len(self.labels)


@dataclass(frozen=True)
class LevelBins:
    """A bin a level, and one for all other levels where there are too many.

    Parameters
    ----------
    levels
        Levels with a bin of their own, in their order.
    n_other
        Levels that share the last bin; 0: there is no such bin.
    """

    levels: tuple[Value, ...]
    n_other: int = 0

    @property
    def n_bins(self) -> int:
        """Bins without that of missing values."""
        return len(self.levels) + (self.n_other > 0)

    @property
    def labels(self) -> tuple[str, ...]:
        """What each bin is called, (bin,)."""
        words = {True: "yes", False: "no"}
        shown = tuple(words[v] if isinstance(v, bool) else str(v) for v in self.levels)
        return (*shown, f"{OTHER} ({self.n_other})") if self.n_other else shown


@dataclass(frozen=True)
class PatternBins:
    """A bin a combination of modalities that occurs, and one for all other combinations.

    Parameters
    ----------
    modalities
        All modalities, in their order.
    patterns
        Combinations with a bin of their own: which modalities the patient has (and no other).
    n_other
        Combinations that share the last bin; 0: there is no such bin.
    """

    modalities: tuple[str, ...]
    patterns: tuple[tuple[str, ...], ...]
    n_other: int = 0

    @property
    def n_bins(self) -> int:
        """Bins without that of missing values, of which there are none."""
        return len(self.patterns) + (self.n_other > 0)

    @property
    def labels(self) -> tuple[str, ...]:
        """What each bin is called, (bin,)."""
        shown = tuple(" + ".join(pattern) or "none" for pattern in self.patterns)
        return (*shown, f"{OTHER} ({self.n_other})") if self.n_other else shown


Bins = RangeBins | LevelBins | PatternBins


@dataclass(frozen=True, eq=False)
class Dimension:
    """A column that a view shows: its bins, each patient's code, and the values themselves.

    Parameters
    ----------
    name
        Of the column.
    bins
        What the codes mean.
    codes
        (patient,) uint8; ``bins.n_bins`` where the value is missing.
    values
        What clauses are judged by, (patient,): numbers (NaN missing), datetime64 (NaT missing),
        positions in ``levels`` (-1 missing), or a bit a modality.
    levels
        All levels of a categorical column; () for others.
    """

    name: str
    bins: Bins
    codes: np.ndarray
    values: np.ndarray
    levels: tuple[Value, ...] = ()

    @property
    def n_codes(self) -> int:
        """Bins, that of missing values included."""
        return self.bins.n_bins + 1

    @property
    def labels(self) -> tuple[str, ...]:
        """What each code is called, the last being missing values, (bin + 1,)."""
        return (*self.bins.labels, MISSING)
