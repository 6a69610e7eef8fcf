"""Small counts of an evaluation, withheld before anything of it is written."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from workbench.cohort.privacy import suppress
from workbench.evaluation.group_rows import partition

COUNTS = ("n", "n_events", "n_at_risk")
NUMBER = r"(?<![\d,.])\d+(?:,\d{3})*"
"""A whole number in a sentence, with thousands apart or not."""

Json = dict[str, Any]


def withhold_counts(evaluation: Json, minimum: int, refused: Collection[str] = ()) -> Json:
    """The same evaluation with counts below the minimum cell as text, such as ``"<10"``.

    Counts whose total is published (events of risk groups, of calibration bins, and of groups
    that hold every patient once) get complementary suppression too: a single withheld part could
    be had by subtraction.

    Parameters
    ----------
    evaluation
        ``Evaluation.to_json()``.
    minimum
        Smallest count that may be shown; 0 withholds nothing.
    refused
        Groups whose counts earlier releases forbid.
    """
    if minimum <= 1:
        return evaluation
    parts = set(partition(evaluation["settings"]))
    groups = [row for row in evaluation["ladder"] if row["group"] in parts]
    hidden = {
        (name, row["group"])
        for name in ("n", "n_events")
        for row in exposed(_first_of_each(groups), name, minimum)
    } | {(name, group) for name in ("n", "n_events") for group in refused}
    strata = [
        {**stratum, "curves": _parts(stratum["curves"], minimum)}
        for stratum in evaluation["risk_groups"]["strata"]
    ]
    curves = [{**c, "bins": _parts(c["bins"], minimum)} for c in evaluation["calibration_curves"]]
    kept = {
        **evaluation,
        "risk_groups": {**evaluation["risk_groups"], "strata": strata},
        "calibration_curves": curves,
    }
    return withheld(kept, minimum, hidden)


def _first_of_each(rows: Sequence[Json]) -> list[Json]:
    """One row a group: every model of a group has the same counts."""
    return list({row["group"]: row for row in reversed(rows)}.values())


def exposed(rows: Sequence[Json], name: str, minimum: int) -> list[Json]:
    """Rows of a whole whose counts must go, so that no small one is had by subtraction."""
    if not rows:
        return []
    counts = np.array([[row[name]] for row in rows])
    hidden = suppress(counts, minimum, row_totals=False)[:, 0]
    return [row for row, hide in zip(rows, hidden, strict=True) if hide]


def _parts(rows: Sequence[Json], minimum: int) -> list[Json]:
    """Rows whose events add up to a total that is published."""
    hide = [id(row) for row in exposed(rows, "n_events", minimum)]
    return [row | ({"n_events": "withheld"} if id(row) in hide else {}) for row in rows]


def withheld(value: Any, minimum: int, hidden: Collection[tuple[str, str]]) -> Any:
    """Any part of an evaluation without small counts, and without those named in ``hidden``.

    Parameters
    ----------
    value
        Mappings, lists, sentences and numbers.
    minimum
        Smallest count that may be shown.
    hidden
        Name of a count and of the group whose count it is.
    """
    if isinstance(value, Mapping):
        group = value.get("group")
        return {
            key: "withheld"
            if (key, group) in hidden
            else _small(inner, minimum)
            if key in COUNTS
            else _without_hidden(inner, minimum, group, hidden)
            if key == "sentence"
            else withheld(inner, minimum, hidden)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [withheld(inner, minimum, hidden) for inner in value]
    return _without_small_counts(value, minimum) if isinstance(value, str) else value


def _without_hidden(
    sentence: str, minimum: int, group: str | None, hidden: Collection[tuple[str, str]]
) -> str:
    """A sentence about a group whose counts give others away names neither."""
    for count, word in (("n", "patients?"), ("n_events", "events?")):
        if (count, group) in hidden:
            sentence = re.sub(rf"{NUMBER}(?= {word}\b)", "withheld", sentence)
    return _without_small_counts(sentence, minimum)


def _small(value: Any, minimum: int) -> Any:
    if isinstance(value, list):
        return [_small(inner, minimum) for inner in value]
    return f"<{minimum}" if isinstance(value, int) and 0 < value < minimum else value


def _without_small_counts(sentence: str, minimum: int) -> str:
    """Sentences name counts too: ``"109 patients, 7 events"``."""

    def shown(found: re.Match[str]) -> str:
        small = 0 < int(found[0].replace(",", "")) < minimum
        return f"<{minimum}" if small else found[0]

    return re.sub(rf"{NUMBER}(?= (?:patients?|events?|at risk)\b)", shown, sentence)
