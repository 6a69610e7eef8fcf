"""What else tells how many events there were, once their number is withheld."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from workbench.cohort.privacy import small

WITHHELD = "withheld"

Json = dict[str, Any]


def coarse_curve(curve: Mapping[str, Any], ticks: Sequence[float], minimum: int) -> Json:
    """A curve whose events are withheld, so coarse that it does not give them back.

    Patients times one less survival are the events, where nobody was censored. So survival stays at
    the at-risk times alone that lost nobody or at least the minimum, and falls in steps of so many
    patients; there is no band and no median, and other numbers at risk are withheld.
    Where the number of patients is withheld, nothing but the start stays.

    Parameters
    ----------
    curve
        ``n`` (text where it is withheld), ``n_at_risk``, ``time`` and ``survival``, among others.
    ticks
        Times of ``n_at_risk``.
    minimum
        Smallest count that may be shown.
    """
    n, n_at_risk = curve["n"], curve["n_at_risk"]
    kept = [0]
    for at, (tick, left) in enumerate(zip(ticks, n_at_risk, strict=True)):
        fewer = np.array(n_at_risk[kept[-1]] - left)
        if at and left >= minimum and not small(fewer, minimum):
            kept += [at] * (tick <= curve["time"][-1])
    told = {at for at, left in enumerate(n_at_risk) if at in kept or not left}
    if isinstance(n, str):
        kept, told = [0], set()
    times = [float(ticks[at]) for at in kept]
    reached = np.searchsorted(curve["time"], times, side="right") - 1
    step = 1.0 if isinstance(n, str) else minimum / n
    lost = np.floor((1 - np.array(curve["survival"], float)[reached]) / step + 0.5) * step
    return {
        **curve,
        "time": times,
        "survival": np.maximum(1 - lost, 0.0).tolist(),
        "lower": [None] * len(times),
        "upper": [None] * len(times),
        "censored": [],
        "median": WITHHELD,
        "n_at_risk": [left if at in told else WITHHELD for at, left in enumerate(n_at_risk)],
    }


def without_observed(part: Mapping[str, Any]) -> Json:
    """A bin of a calibration curve without the observed share, which is that of its events."""
    return {**part, "observed": None, "lower": None, "upper": None}
