"""What may be said of a gain: worded from its interval, by one rule."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from workbench.evaluation.alignment import Aligned
from workbench.evaluation.intervals import Interval, interval, number

SMALLEST_GAIN = 0.01
"""A gain in C below this is not worth a claim."""


def difference(
    of: Mapping[str, np.ndarray | None], over: Mapping[str, np.ndarray | None], metric: str
) -> np.ndarray | None:
    """Paired difference of a metric's draws, (draw,); None where either is not defined."""
    mine, theirs = of[metric], over[metric]
    return None if mine is None or theirs is None else mine - theirs


def verdict(gain: Interval | None) -> str:
    """The words for a difference in C, from its interval alone.

    Examples
    --------
    >>> verdict(Interval(0.02, 0.005, 0.035)), verdict(Interval(0.01, -0.01, 0.03))
    ('better', 'inconclusive')
    >>> verdict(Interval(0.0, -0.004, 0.004))
    'inconclusive; a gain of .01 or more is unlikely'
    >>> verdict(Interval(-0.03, -0.05, -0.01))
    'worse'
    """
    if gain is None:
        return "not estimable"
    if gain.upper < 0:
        return "worse"
    words = "better" if gain.lower > 0 else "inconclusive"
    if gain.upper < SMALLEST_GAIN:
        words += "; a gain of .01 or more is unlikely"
    return words


def claim(
    aligned: Aligned,
    group: str,
    draws: Mapping[str, Mapping[str, np.ndarray | None]],
    *,
    model: str,
    over: str,
) -> dict[str, Any]:
    """What ``model`` changed over another model in a group, as numbers and as a sentence.

    Parameters
    ----------
    draws
        Draws of each metric of each model in this group.
    """
    member = aligned.groups[group]
    gain_draws = difference(draws[model], draws[over], "harrell_c")
    gain = None if gain_draws is None else interval(gain_draws)
    accuracy = difference(draws[model], draws[over], "ipa")
    entry = {
        "model": model,
        "over": over,
        "group": group,
        "n": int(member.sum()),
        "n_events": int(aligned.event[member].sum()),
        "delta_harrell_c": None if gain is None else gain.to_json(),
        "delta_ipa": number(accuracy),
        "verdict": verdict(gain),
    }
    return entry | {"sentence": _sentence(entry, aligned.tau(group))}


def _sentence(entry: Mapping[str, Any], tau: float | None) -> str:
    where = "Overall" if entry["group"] == "all" else f"In {entry['group']}"
    gain, accuracy = entry["delta_harrell_c"], entry["delta_ipa"]
    counts = f"{entry['n']} patients, {entry['n_events']} events"
    if gain is None:
        changed = f"a change in C over {entry['over']} is not estimable ({counts})"
        return f"{where}, for {entry['model']}, {changed}."
    changed = f"changed C by {_signed(gain, counts)} over {entry['over']}: {entry['verdict']}"
    if accuracy is None:
        beside = "ΔIPA is not estimable"
    else:
        beside = f"ΔIPA at {tau:g} is {_signed(accuracy)}"
    return f"{where}, {entry['model']} {changed}. {beside}."


def _signed(value: Mapping[str, float], *more: str) -> str:
    limits = f"{value['lower']:+.3f} to {value['upper']:+.3f}"
    return f"{value['estimate']:+.3f} ({'; '.join([limits, *more])})"
