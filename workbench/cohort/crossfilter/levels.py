"""Levels, and combinations of modalities → a bin for each of the frequent, one for the others."""

from collections.abc import Mapping

import numpy as np

from workbench.cohort.crossfilter.bins import Dimension, LevelBins, PatternBins
from workbench.cohort.values import Value
from workbench.errors import CohortError

MODALITIES = "modalities"
MOST_MODALITIES = 16


def level_dimension(
    name: str, codes: np.ndarray, levels: tuple[Value, ...], *, ordered: bool, most: int
) -> Dimension:
    """A categorical column, binned.

    Parameters
    ----------
    name
        Of the column.
    codes
        Position of each patient's level, (patient,) int; -1 where missing.
    levels
        All levels.
    ordered
        Whether their order means something: it is kept while each has a bin. Else the most
        frequent come first.
    most
        Levels with a bin of their own at most; the most frequent get one.
    """
    counts = _count(codes, len(levels))
    few = len(levels) <= most
    shown = list(range(len(levels)))
    if not (ordered and few):
        shown.sort(key=lambda at: (-counts[at], str(levels[at])))
    shown = shown[:most]
    bins = LevelBins(tuple(levels[at] for at in shown), len(levels) - len(shown))
    return Dimension(name, bins, _recoded(codes, shown, len(levels), bins.n_bins), codes, levels)


def pattern_dimension(present: Mapping[str, np.ndarray], n_patients: int, most: int) -> Dimension:
    """Which modalities each patient has: every combination that occurs is a level.

    Parameters
    ----------
    present
        Modality → whether the patient has it, (patient,) bool.
    n_patients
        Patients there are.
    most
        Combinations with a bin of their own at most; the most frequent get one.

    Raises
    ------
    CohortError
        A mask is not boolean or not one value a patient, or there are too many modalities.
    """
    if len(present) > MOST_MODALITIES:
        raise CohortError(
            f"modalities: at most {MOST_MODALITIES} can be shown together, got {len(present)}: "
            "pass those that matter"
        )
    bits = np.zeros(n_patients, np.int32)
    for place, (name, mask) in enumerate(present.items()):
        mask = np.asarray(mask)
        if mask.dtype != np.bool_ or mask.shape != (n_patients,):
            raise CohortError(
                f"presence of {name} must be bool of shape ({n_patients},), got {mask.dtype} of "
                f"shape {mask.shape}: pass one value a patient, in the order of the rows"
            )
        bits |= mask.astype(np.int32) << place
    names, n_patterns = tuple(present), 2 ** len(present)
    counts = _count(bits, n_patterns)
    found = sorted(np.flatnonzero(counts).tolist(), key=lambda pattern: (-counts[pattern], pattern))
    shown = found[:most]
    patterns = tuple(pattern_names(names, pattern) for pattern in shown)
    bins = PatternBins(names, patterns, len(found) - len(shown))
    return Dimension(MODALITIES, bins, _recoded(bits, shown, n_patterns, bins.n_bins), bits)


def pattern_names(modalities: tuple[str, ...], bits: int) -> tuple[str, ...]:
    """Modalities whose bit is set.

    >>> pattern_names(("mri", "rna", "ehr"), 0b101)
    ('mri', 'ehr')
    """
    return tuple(name for place, name in enumerate(modalities) if bits >> place & 1)


def pattern_bits(modalities: tuple[str, ...], pattern: tuple[str, ...]) -> int:
    """The bits of the modalities that ``pattern`` names."""
    return sum(1 << modalities.index(name) for name in pattern)


def _count(codes: np.ndarray, n_levels: int) -> np.ndarray:
    """Patients with each level, (level,) int."""
    return np.bincount(codes.astype(np.intp) + 1, minlength=n_levels + 1)[1:]


def _recoded(codes: np.ndarray, shown: list[int], n_levels: int, n_bins: int) -> np.ndarray:
    """Bin of each level, looked up; -1, the last entry, is missing."""
    table = np.full(n_levels + 1, max(n_bins - 1, 0), np.uint8)
    table[shown] = range(len(shown))
    table[-1] = n_bins
    return table[codes]
