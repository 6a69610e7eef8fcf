"""Restricted cubic splines: a smooth effect that is straight beyond its outer knots."""

from typing import NamedTuple

import numpy as np

from workbench.errors import SurvivalError
from workbench.survival.inputs import check_numbers

FEWEST_ROWS = 100  # below, outer quantiles are unsteady: the fifth value from each end serves
COMMON = 0.05  # share of one value at an end of the range from which it is a knot itself


class Spline(NamedTuple):
    """Columns of a restricted cubic spline, (patient, knot - 1), and its knots, (knot,)."""

    columns: np.ndarray
    knots: np.ndarray


def restricted_cubic_spline(x: np.ndarray, n_knots: int) -> Spline:
    r"""Columns that let a regression bend along x: x itself, then one for each further bend.

    With knots t_1 < ... < t_k and :math:`u_+ = \max(u, 0)`, column j + 1 is

    .. math:: \frac{(x - t_j)_+^3 - (x - t_{k-1})_+^3 \frac{t_k - t_j}{t_k - t_{k-1}}
        + (x - t_k)_+^3 \frac{t_{k-1} - t_j}{t_k - t_{k-1}}}{(t_k - t_1)^2}

    for j = 1 to k - 2, in the unit of x. The knots lie at evenly spaced quantiles of x between the
    outer ones: 10 % and 90 % with 3 knots, 5 % and 95 % with 4 to 6, 2.5 % and 97.5 % with 7. With
    fewer than 100 values the outer knots are the fifth smallest and fifth largest. Where a
    twentieth or more of the patients share the smallest (largest) value, the next value is the
    outer knot.

    Parameters
    ----------
    x
        (patient,), at least 6 values.
    n_knots
        3 to 7.

    Raises
    ------
    SurvivalError
        Another number of knots, or too few distinct values for that many.

    References
    ----------
    Harrell, Regression Modeling Strategies, 2nd ed. 2015, sections 2.4.5 and 2.4.6.

    Examples
    --------
    The knots of 0 to 100 are its quantiles, and the spline bends only beyond the first.

    >>> spline = restricted_cubic_spline(np.arange(101.0), 3)
    >>> spline.knots.tolist(), spline.columns[[0, 10, 50]].tolist()
    ([10.0, 50.0, 90.0], [[0.0, 0.0], [10.0, 0.0], [50.0, 10.0]])
    """
    x = check_numbers("x", x, (-1,))
    if not 3 <= n_knots <= 7:
        raise SurvivalError(f"n_knots must be 3 to 7, got {n_knots}: 4 suits most")
    n_distinct = len(np.unique(x))
    if len(x) < 6 or n_distinct - 2 <= n_knots:
        raise SurvivalError(
            f"a spline of {n_knots} knots needs more than {n_knots + 2} distinct values, got "
            f"{n_distinct}: use fewer knots, levels, or a straight line"
        )
    knots = harrell_knots(x, n_knots)
    return Spline(spline_columns(x, knots), knots)


def harrell_knots(x: np.ndarray, n_knots: int) -> np.ndarray:
    """Knots of :func:`restricted_cubic_spline`, (knot,) ascending."""
    outer = {3: 0.1, 7: 0.025}.get(n_knots, 0.05)
    first, last, inner = _common_ends(x)
    n_inner = n_knots - len(first) - len(last)
    lowest = outer if n_inner != 2 else 0.5
    shares = np.linspace(lowest, 1 - outer, n_inner) if n_inner > 1 else np.array([0.5])
    knots = np.quantile(inner, shares)
    if n_inner > 1 and 6 <= len(inner) < FEWEST_ROWS:
        ordered = np.sort(inner)
        if not first:
            knots[0] = ordered[4]
        if not last:
            knots[-1] = ordered[-5]
    knots = np.array([*first, *knots, *last])
    if not (np.diff(knots) > 0).all():
        raise SurvivalError(
            f"{n_knots} knots fall together where many patients share a value: use fewer knots"
        )
    return knots


def _common_ends(x: np.ndarray) -> tuple[list[float], list[float], np.ndarray]:
    """Outer knots that common extreme values set, and the values between them."""
    values, counts = np.unique(x, return_counts=True)
    share = counts / len(x)
    first: list[float] = []
    last: list[float] = []
    inner = x
    if share[1:-1].max() < COMMON:
        if share[0] >= COMMON:
            first = [float(values[1])]
            inner = inner[inner > first[0]]
        if share[-1] >= COMMON:
            last = [float(inner[inner < inner.max()].max())]
            inner = inner[inner < last[0]]
    return first, last, inner


def spline_columns(x: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Columns of a restricted cubic spline with given knots, (patient, knot - 1)."""
    cubes = np.maximum(x[:, None] - knots, 0) ** 3
    gap = knots[-1] - knots[-2]
    before_last = cubes[:, -2:-1] * (knots[-1] - knots[:-2]) / gap
    beyond = cubes[:, -1:] * (knots[-2] - knots[:-2]) / gap
    bends = (cubes[:, :-2] - before_last + beyond) / (knots[-1] - knots[0]) ** 2
    return np.column_stack([x, bends])
