"""What may be said of a gain: worded from its interval, by one rule."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from workbench.evaluation.alignment import Aligned
from workbench.evaluation.intervals import Interval, interval, number
from workbench.evaluation.words import by_time, model_words, signed

SMALLEST_GAIN = 0.01
"""A gain in C below this is not worth a claim."""


def difference(
    of: Mapping[str, np.ndarray | None], over: Mapping[str, np.ndarray | None], metric: str
) -> np.ndarray | None:
    """Paired difference of a metric's draws, (draw,); None where either is not defined."""
    mine, theirs = of[metric], over[metric]
    return None if mine is None or theirs is None else mine - theirs


def verdict(gain: Interval | None) -> str:
    """The words for a difference in C, or AUC, from its interval alone.

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
    where = "Overall" if group == "all" else f"In {group}"
    entry = _numbers(aligned, group, draws, model=model, over=over)
    terms = aligned.terms
    subject, other = model_words(model, terms), f"over {model_words(over, terms)}"
    return entry | {"sentence": _sentence(aligned, entry, where, subject, other)}


def modality_claim(
    aligned: Aligned,
    group: str,
    draws: Mapping[str, Mapping[str, np.ndarray | None]],
    *,
    modality: str,
    model: str,
    over: str,
) -> dict[str, Any]:
    """What a modality adds to a model: with it against the same without, in those who have it.

    Parameters
    ----------
    group
        The patients who have the modality; "all" where everyone does.
    modality
        Its name.
    model, over
        The model with the modality, and the same without it.
    """
    entry = {"modality": modality} | _numbers(aligned, group, draws, model=model, over=over)
    if group == "all":
        where = f"In all {entry['n']} patients"
    else:
        where = f"In the {entry['n']} patients who have {modality}"
    subject = f"{model_words(model, aligned.terms)} with {modality}"
    other = f"against the same without {modality}"
    return entry | {"sentence": _sentence(aligned, entry, where, subject, other)}


def _numbers(
    aligned: Aligned,
    group: str,
    draws: Mapping[str, Mapping[str, np.ndarray | None]],
    *,
    model: str,
    over: str,
) -> dict[str, Any]:
    member = aligned.groups[group]
    gain_draws = difference(draws[model], draws[over], "harrell_c")
    gain = None if gain_draws is None else interval(gain_draws)
    return {
        "model": model,
        "over": over,
        "group": group,
        "n": int(member.sum()),
        "n_events": int(aligned.event[member].sum()),
        "delta_harrell_c": None if gain is None else gain.to_json(),
        "delta_ipa": number(difference(draws[model], draws[over], "ipa")),
        "verdict": verdict(gain),
    }


def _at(aligned: Aligned, group: str) -> str:
    """Where IPA is taken in a group, with its unit."""
    tau = aligned.tau(group)
    return "" if tau is None else by_time(tau, aligned.time_unit, " at ")


def _sentence(
    aligned: Aligned, entry: Mapping[str, Any], where: str, subject: str, other: str
) -> str:
    c, at = aligned.terms.c, _at(aligned, entry["group"])
    gain, accuracy = entry["delta_harrell_c"], entry["delta_ipa"]
    counts = f"{entry['n']} patients, {entry['n_events']} events"
    if gain is None:
        return f"{where}, for {subject}, a change in {c} {other} is not estimable ({counts})."
    changed = f"changed {c} by {_with_limits(gain, counts)} {other}: {entry['verdict']}"
    if accuracy is None:
        beside = "ΔIPA is not estimable"
    else:
        beside = f"ΔIPA{at} is {_with_limits(accuracy)}"
    return f"{where}, {subject} {changed}. {beside}."


def _with_limits(value: Mapping[str, float], *more: str) -> str:
    limits = f"{signed(value['lower'])} to {signed(value['upper'])}"
    return f"{signed(value['estimate'])} ({'; '.join([limits, *more])})"
