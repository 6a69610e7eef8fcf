"""Numbers by group: moments, quantiles, standardised differences; weighted or not.

References
----------
[1] Austin, P. C. and Stuart, E. A. "Moving towards best practice when using inverse probability
    of treatment weighting (IPTW) using the propensity score to estimate causal treatment effects
    in observational studies." Statistics in Medicine 2015;34:3661-3679: the weighted variance.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.cohort.table_one.grouping import Division

QUARTILES = (0.5, 0.25, 0.75)
RANGE = (0.5, 0.0, 1.0)


@dataclass(frozen=True, eq=False)
class Parts:
    """The known values of each group in turn, with their weights if there are any."""

    values: list[np.ndarray]
    weights: list[np.ndarray] | None


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums about the mean of each group, (group,) float64.

    ``n`` counts values, ``weight`` and ``weight_squared`` sum their weights and the squares of
    these, ``second`` and ``third`` the powers of the distance from ``mean``.
    """

    n: np.ndarray
    weight: np.ndarray
    weight_squared: np.ndarray
    mean: np.ndarray
    second: np.ndarray
    third: np.ndarray

    @property
    def variance(self) -> np.ndarray:
        """Unbiased variance, as of weights in [1]; NaN below two values."""
        with np.errstate(invalid="ignore", divide="ignore"):
            degrees = self.weight**2 - self.weight_squared
            return np.where(self.n > 1, self.weight / degrees * self.second, np.nan)

    def together(self) -> "Moments":
        """The moments of all groups as one."""
        weight = self.weight.sum()
        known = self.n > 0
        share = np.where(known, self.mean, 0)
        mean = float(self.weight @ share / weight) if weight > 0 else np.nan
        apart = np.where(known, self.mean - mean, 0)
        second = (self.second + self.weight * apart**2).sum()
        third = (self.third + 3 * apart * self.second + self.weight * apart**3).sum()
        sums = (self.n.sum(), weight, self.weight_squared.sum(), mean, second, third)
        return Moments(*(np.array([value]) for value in sums))

    def skewness(self) -> float:
        """Adjusted skewness of all groups as one, as pandas has it; 0 of a constant."""
        whole = self.together()
        n, second, third = whole.n[0], whole.second[0] / whole.weight[0], whole.third[0]
        # What is left of a constant by rounding has no shape.
        if n < 3 or second <= 1e-14 * max(1.0, whole.mean[0] ** 2):
            return 0.0
        return float(np.sqrt(n * (n - 1)) / (n - 2) * third / whole.weight[0] / second**1.5)


class Order:
    """The patients sorted by group, once for all columns."""

    def __init__(self, division: Division | None, n_patients: int) -> None:
        self.order = None if division is None else np.argsort(division.codes, kind="stable")
        sizes = [n_patients] if division is None else np.bincount(division.codes)
        self.ends = np.cumsum(sizes)

    def parts(self, values: np.ndarray, weights: np.ndarray | None) -> Parts:
        """Known values of each group."""
        groups = self._split(values)
        known = [~np.isnan(group) for group in groups]
        found = [g if k.all() else g[k] for g, k in zip(groups, known, strict=True)]
        if weights is None:
            return Parts(found, None)
        return Parts(found, [w[k] for w, k in zip(self._split(weights), known, strict=True)])

    def _split(self, values: np.ndarray) -> list[np.ndarray]:
        return np.split(values if self.order is None else values[self.order], self.ends[:-1])


def side_by_side(found: Sequence[Moments]) -> Moments:
    """Moments of several sets of groups as of one."""
    names = ("n", "weight", "weight_squared", "mean", "second", "third")
    return Moments(*(np.concatenate([getattr(m, name) for m in found]) for name in names))


def moments(parts: Parts) -> Moments:
    """Moments of each group in two passes, about its own mean."""
    weights = parts.weights or [None] * len(parts.values)
    found = [_moments(x, w) for x, w in zip(parts.values, weights, strict=True)]
    return Moments(*np.array(found, float).T)


def _moments(x: np.ndarray, weights: np.ndarray | None) -> tuple[float, ...]:
    n = len(x)
    if weights is None:
        weight = squared = float(n)
        mean = x.mean() if n else np.nan
        apart = x - mean
        second, third = apart @ apart, np.einsum("i,i,i", apart, apart, apart)
        return n, weight, squared, float(mean), float(second), float(third)
    weight = weights.sum()
    mean = weights @ x / weight if weight > 0 else np.nan
    apart = x - mean
    pulled = weights * apart
    sums = (weights @ weights, mean, pulled @ apart, (pulled * apart) @ apart)
    return n, float(weight), *(float(value) for value in sums)


def quantiles(parts: Parts, levels: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Quantiles of each group, (group, level), and of all groups as one, (level,).

    Without weights linear between two values, as numpy has it; with weights the smallest value at
    which the weights below it and its own reach the level.
    """
    if parts.weights is None:
        ordered = [np.sort(x) for x in parts.values]
        whole = ordered[0] if len(ordered) == 1 else np.sort(np.concatenate(ordered), kind="stable")
        each = [_quantiles(x, levels) for x in ordered]
        return np.array(each), _quantiles(whole, levels)
    each = [_weighted(x, w, levels) for x, w in zip(parts.values, parts.weights, strict=True)]
    whole = _weighted(np.concatenate(parts.values), np.concatenate(parts.weights), levels)
    return np.array(each), whole


def _quantiles(ordered: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    if not len(ordered):
        return np.full(len(levels), np.nan)
    place = np.array(levels) * (len(ordered) - 1)
    below = np.floor(place).astype(int)
    low, high = ordered[below], ordered[np.minimum(below + 1, len(ordered) - 1)]
    return low + (high - low) * (place - below)


def _weighted(x: np.ndarray, weights: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    x, weights = x[weights > 0], weights[weights > 0]
    if not len(x):
        return np.full(len(levels), np.nan)
    order = np.argsort(x, kind="stable")
    reached = np.cumsum(weights[order])
    place = np.searchsorted(reached / reached[-1], np.array(levels), side="left")
    return x[order][np.minimum(place, len(x) - 1)]


def smd(found: Moments, first: int, second: int) -> float:
    """|difference of means| over the root of the mean variance; NaN where it is not defined."""
    pooled = (found.variance[first] + found.variance[second]) / 2
    if not pooled > 0:
        return np.nan
    return float(abs(found.mean[first] - found.mean[second]) / np.sqrt(pooled))
