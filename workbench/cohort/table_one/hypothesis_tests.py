"""Tests of no difference between groups, for those who are asked for p values."""

from collections.abc import Sequence

import numpy as np
from scipy import stats


def compare_numbers(groups: Sequence[np.ndarray], *, normal: bool) -> tuple[str, float] | None:
    """Welch's t test or one-way analysis of variance; of skewed numbers a test of ranks.

    Parameters
    ----------
    groups
        Known values of each group; groups of fewer than two are left out.
    normal
        Whether means describe them.

    Returns
    -------
    str, float or None
        The test and its p value; None where it is not defined.
    """
    groups = [x for x in groups if len(x) > 1]
    if len(groups) < 2 or np.ptp(np.concatenate(groups)) == 0:
        return None
    if not normal:
        if len(groups) == 2:
            return "Wilcoxon rank-sum", float(stats.mannwhitneyu(*groups).pvalue)
        return "Kruskal–Wallis", float(stats.kruskal(*groups).pvalue)
    if all(np.ptp(x) == 0 for x in groups):
        return None
    if len(groups) == 2:
        return "Welch’s t", float(stats.ttest_ind(*groups, equal_var=False).pvalue)
    return "one-way ANOVA", float(stats.f_oneway(*groups).pvalue)


def compare_levels(counts: np.ndarray) -> tuple[str, float] | None:
    """Pearson's chi-squared test without correction, or Fisher's exact test of a small 2 × 2 table.

    Parameters
    ----------
    counts
        (level, group) int of the known; empty levels and groups are left out.

    Returns
    -------
    str, float or None
        The test and its p value; None where there are not two levels and two groups.
    """
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    if min(counts.shape) < 2:
        return None
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    if counts.shape == (2, 2) and expected.min() < 5:
        return "Fisher’s exact", float(stats.fisher_exact(counts).pvalue)
    return "chi-squared", float(stats.chi2_contingency(counts, correction=False).pvalue)
