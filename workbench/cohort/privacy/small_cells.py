"""Counts that could point at a person."""

import numpy as np

SUPPRESSED = "suppressed"
"""What stands in place of a count that is withheld; it is never shown as zero."""
COUNTS_ELSEWHERE = "counts: see attrition_for_export"
"""What stands in place of the counts of a cohort where showing them must be asked for."""


def small(counts: np.ndarray, minimum: int) -> np.ndarray:
    """Which counts are too small to show, bool of the same shape; zero is no small count."""
    return (counts > 0) & (counts < minimum)
