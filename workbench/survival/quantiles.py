"""When a given share of patients has had the event."""

from typing import NamedTuple

import numpy as np

from workbench.errors import SurvivalError

# A product of fractions that should be 1/2 is rarely exactly 1/2; R allows as much.
TOLERANCE = float(np.sqrt(np.finfo(np.float64).eps))


class SurvivalQuantile(NamedTuple):
    """Times by which shares of patients have had the event, each of the shape asked; ``inf``
    means "not reached".
    """

    estimate: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


def step_quantile(
    time: np.ndarray, survival: np.ndarray, p: np.ndarray | list[float] | float
) -> np.ndarray:
    """First time at which a curve has fallen to 1 - ``p``, as R's ``quantile.survfit``.

    Where the curve lies level at exactly 1 - ``p``, the middle of that step; where it ends
    level there, the middle between reaching it and the last time; where it never comes so low,
    ``inf``. Of a confidence limit the same is asked: the limits of a quantile are the times at
    which the limits of the curve first come down to 1 - ``p`` (Brookmeyer and Crowley). Limits can
    rise again late in a curve; there R's ``print`` agrees, and its ``quantile`` may not.

    Parameters
    ----------
    time
        Ascending times, (time,).
    survival
        The curve (or one of its limits) from each time on, (time,); NaN where undefined.
    p
        Shares in (0, 1), any shape.

    Raises
    ------
    SurvivalError
        A share outside (0, 1).

    References
    ----------
    Brookmeyer and Crowley, Biometrics 1982;38:29-41.

    Examples
    --------
    Of four patients one dies at each of 1, 2, 5 and 6: survival is .5 from 2 until 5, so the median
    is 3.5; a quarter has died at 1 to 2.

    >>> steps = np.array([0.75, 0.5, 0.25, 0])
    >>> step_quantile(np.array([1.0, 2, 5, 6]), steps, [0.25, 0.5, 0.6]).tolist()
    [1.5, 3.5, 5.0]
    """
    p = np.asarray(p, dtype=np.float64)
    if not ((p > 0) & (p < 1)).all():
        raise SurvivalError(
            f"quantiles are of shares between 0 and 1, got {int((~((p > 0) & (p < 1))).sum())} "
            "outside: pass 0.5 for the median"
        )
    # Limits may rise again late in a curve: the first crossing counts, so their lowest so far.
    lowest = np.fmin.accumulate(survival)
    fallen = -np.where(np.isnan(lowest), np.inf, lowest)
    reached = np.searchsorted(fallen, -(1 - p + TOLERANCE))
    passed = np.searchsorted(fallen, -(1 - p - TOLERANCE))
    padded = np.append(time, np.inf)
    ends_level = np.abs(survival[-1] - (1 - p)) < TOLERANCE
    until = np.where(ends_level & (passed == len(time)), time[-1], padded[passed])
    return (padded[reached] + until) / 2
