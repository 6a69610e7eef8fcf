"""Small counts of an evaluation, withheld before anything of it is written."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from workbench.cohort.privacy import suppress
from workbench.evaluation.group_rows import partition
from workbench.report.withheld_events import WITHHELD, coarse_curve, without_observed

COUNTS = ("n", "n_events", "n_at_risk")

Json = dict[str, Any]


def withhold_counts(evaluation: Json, minimum: int, refused: Collection[str] = ()) -> Json:
    """The same evaluation with counts below the minimum cell as text, such as ``"<10"``.

    Counts whose total is published (events of risk groups, of calibration bins, and of groups
    that hold every patient once) get complementary suppression too: a single withheld part could
    be had by subtraction. Where events are withheld, so is what tells their number otherwise.

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
    strata = [_stratum(each, minimum, hidden) for each in evaluation["risk_groups"]["strata"]]
    curves = [_calibration(each, minimum, hidden) for each in evaluation["calibration_curves"]]
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


def _stratum(stratum: Json, minimum: int, hidden: Collection[tuple[str, str]]) -> Json:
    """Curves whose events add up to a total that is published, or is withheld with them."""
    ticks = stratum["at_risk_times"]
    curves = [
        coarse_curve(curve, ticks, minimum) if curve["n_events"] == WITHHELD else curve
        for curve in _parts(stratum["curves"], stratum["group"], minimum, hidden)
    ]
    return {**stratum, "curves": curves}


def _calibration(curve: Json, minimum: int, hidden: Collection[tuple[str, str]]) -> Json:
    """Bins as :func:`_stratum` has curves."""
    bins = [
        without_observed(part) if part["n_events"] == WITHHELD else part
        for part in _parts(curve["bins"], curve["group"], minimum, hidden)
    ]
    return {**curve, "bins": bins}


def _parts(
    rows: Sequence[Json], group: str, minimum: int, hidden: Collection[tuple[str, str]]
) -> list[Json]:
    """Rows that add up to the counts of a group, without what gives events of few away.

    Where the group's own count is withheld, so is that of every row.
    """
    few = exposed(rows, "n_events", minimum)
    events = rows if ("n_events", group) in hidden else few
    hide = {id(row) for row in events}
    n = {"n": WITHHELD} if ("n", group) in hidden else {}
    return [row | n | ({"n_events": WITHHELD} if id(row) in hide else {}) for row in rows]


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
            key: WITHHELD
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
    for count, word in (("n", "patients"), ("n_events", "events")):
        if (count, group) in hidden:
            sentence = re.sub(rf"\b\d+ {word}\b", f"withheld {word}", sentence)
    return _without_small_counts(sentence, minimum)


def _small(value: Any, minimum: int) -> Any:
    if isinstance(value, list):
        return [_small(inner, minimum) for inner in value]
    return f"<{minimum}" if isinstance(value, int) and 0 < value < minimum else value


def _without_small_counts(sentence: str, minimum: int) -> str:
    """Sentences name counts too: ``"109 patients, 7 events"``."""
    return re.sub(
        r"\b(\d+)(?= (?:patients|events|at risk)\b)",
        lambda found: str(_small(int(found[1]), minimum)),
        sentence,
    )
