"""The index: every column of a cohort in small codes, built once, never changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from workbench.cohort.crossfilter.bins import MOST_BINS, Dimension
from workbench.cohort.crossfilter.columns import column_dimension
from workbench.cohort.crossfilter.counting import count_codes, in_threads
from workbench.cohort.crossfilter.levels import MODALITIES, pattern_dimension
from workbench.cohort.crossfilter.outcome import Outcome, bin_outcome
from workbench.errors import CohortError

OUTCOME = ""
"""In place of the name of a view: time and event."""
SAMPLE = 2**15
"""Patients from whom round edges are chosen."""


@dataclass(frozen=True, eq=False)
class CrossFilter:
    """An index for brushing a cohort in linked views.

    Parameters
    ----------
    n_patients
        Rows of the frame.
    dimensions
        View → the column that it shows; each view is called as its column.
    outcome
        For the survival curve of whoever is selected; None: there is none.
    total
        View → patients in each bin, missing values last, (bin + 1,) int.
    outcome_total
        Patients by the codes of the outcome, (2 x time bin,) int; empty without one.
    n_threads
        Threads that count.
    """

    n_patients: int
    dimensions: Mapping[str, Dimension]
    outcome: Outcome | None
    total: Mapping[str, np.ndarray]
    outcome_total: np.ndarray
    n_threads: int = field(default=2, kw_only=True)

    def coded(self, name: str) -> tuple[np.ndarray, int]:
        """Codes of a view's column, or of time and event (OUTCOME), and how many there are."""
        if name != OUTCOME:
            return self.dimensions[name].codes, self.dimensions[name].n_codes
        if self.outcome is None:
            return np.zeros(self.n_patients, np.uint8), 1
        return self.outcome.codes, self.outcome.n_codes


def crossfilter(
    patients: pd.DataFrame,
    time: np.ndarray | None = None,
    event: np.ndarray | None = None,
    *,
    present: Mapping[str, np.ndarray] | None = None,
    most_bins: int = 40,
    most_levels: int = 20,
    n_threads: int = 2,
) -> CrossFilter:
    """Build the index.

    Parameters
    ----------
    patients
        One row a patient; numeric, boolean, categorical, text and datetime columns, each with
        missing values or without. Columns are kept by reference: do not change them afterwards.
    time, event
        From index date to event or censoring, and whether it was the event, (patient,); both or
        neither.
    present
        Modality → whether the patient has it, (patient,) bool; becomes the view "modalities".
    most_bins
        Bins of a column of numbers or dates at most, 8 to 255.
    most_levels
        Levels with a bin of their own at most, 1 to 254; the others share one.
    n_threads
        Threads that count.

    Raises
    ------
    CohortError
        A column is of no type that can be shown, or a setting is out of range.
    SurvivalError
        The outcome is not valid.

    Examples
    --------
    >>> frame = pd.DataFrame({"age": [31.0, 47, 52, None], "sex": ["f", "m", "f", "f"]})
    >>> index = crossfilter(frame)
    >>> index.dimensions["sex"].labels, index.total["sex"].tolist()
    (('f', 'm', 'missing'), [3, 1, 0])
    """
    _check(patients, most_bins, most_levels, n_threads)
    n_patients = len(patients)
    sample = np.arange(n_patients)
    if n_patients > SAMPLE:
        sample = np.sort(np.random.default_rng(0).integers(n_patients, size=SAMPLE))

    def dimension(at: int) -> tuple[Dimension, np.ndarray]:
        built = column_dimension(
            patients.iloc[:, at], sample, most_bins=most_bins, most_levels=most_levels
        )
        built.codes.setflags(write=False)
        return built, count_codes(built.codes, built.n_codes)

    built = in_threads(dimension, range(patients.shape[1]), n_threads)
    if present:
        if MODALITIES in patients:
            raise CohortError(f"rename the column {MODALITIES!r}: that view shows who has which")
        patterns = pattern_dimension(present, n_patients, most_levels)
        built.append((patterns, count_codes(patterns.codes, patterns.n_codes)))
    outcome, outcome_total = None, np.empty(0, np.int64)
    if (time is None) != (event is None):
        raise CohortError("an outcome is time and event: pass both, or neither")
    if time is not None and event is not None:
        outcome = bin_outcome(time, event)
        if len(outcome.time) != n_patients:
            raise CohortError(
                f"time and event must be one value a patient: expected {n_patients}, got "
                f"{len(outcome.time)}"
            )
        outcome_total = count_codes(outcome.codes, outcome.n_codes)
    return CrossFilter(
        n_patients,
        {each.name: each for each, _ in built},
        outcome,
        {each.name: counts for each, counts in built},
        outcome_total,
        n_threads=n_threads,
    )


def _check(patients: pd.DataFrame, most_bins: int, most_levels: int, n_threads: int) -> None:
    named = all(isinstance(name, str) and name for name in patients.columns)
    if not patients.columns.is_unique or not named:
        raise CohortError("columns must have names, each once: rename those that repeat")
    limits = (
        ("most_bins", most_bins, 8, MOST_BINS),
        ("most_levels", most_levels, 1, MOST_BINS - 1),
        ("n_threads", n_threads, 1, 64),
    )
    for name, value, low, high in limits:
        if not low <= value <= high:
            raise CohortError(f"{name} must lie between {low} and {high}, got {value}")
