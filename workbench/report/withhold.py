"""Small counts of an evaluation, withheld before anything of it is written."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from workbench.cohort.privacy import suppress
from workbench.evaluation.group_rows import partition
from workbench.report.withheld_events import WITHHELD, coarse_curve, without_observed

COUNTS = ("n", "n_events", "n_at_risk")
NUMBER = r"(?<![\d,.])\d+(?:,\d{3})*"
"""A whole number in a sentence, with thousands apart or not."""

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
    hidden = _exposed_of(evaluation["ladder"], parts, ("n", "n_events"), minimum)
    hidden |= {(name, group) for name in COUNTS for group in refused}
    strata = [_stratum(each, minimum, hidden) for each in evaluation["risk_groups"]["strata"]]
    curves = [_calibration(each, minimum, hidden) for each in evaluation["calibration_curves"]]
    kept = {
        **evaluation,
        "risk_groups": {**evaluation["risk_groups"], "strata": strata},
        "calibration_curves": curves,
    }
    told = withheld(_at_horizons(kept, parts, minimum), minimum, hidden)
    return {**told, "calibration_curves": _without_shares(told)}


def _exposed_of(
    rows: Sequence[Json], parts: Collection[str], names: Sequence[str], minimum: int
) -> set[tuple[str, str]]:
    """Name and group of the counts that must go, of groups of which ``parts`` hold everyone once.

    Of a group that overlaps others, a reader has the rest of everyone.
    """
    # Every model of a group has the same counts.
    groups = {row["group"]: row for row in rows}
    inside = [row for group, row in groups.items() if group in parts]
    hidden = {(name, row["group"]) for name in names for row in exposed(inside, name, minimum)}
    everyone = groups.get("all")
    if everyone is None:
        return hidden
    return hidden | {
        (name, group)
        for group, row in groups.items()
        for name in names
        if group not in parts and 0 < everyone[name] - row[name] < minimum
    }


def _at_horizons(evaluation: Json, parts: Collection[str], minimum: int) -> Json:
    """Without events and numbers at risk that follow from those of others at the same horizon."""
    rows, notes = evaluation.get("at_horizons", ()), list(evaluation.get("notes", ()))
    hidden = {
        (horizon, *count)
        for horizon in {row["horizon"] for row in rows}
        for count in _exposed_of(
            [row for row in rows if row["horizon"] == horizon], parts, COUNTS[1:], minimum
        )
    }
    kept = []
    for row in rows:
        gone = [name for name in COUNTS if (row["horizon"], name, row["group"]) in hidden]
        kept.append(row | dict.fromkeys(gone, "withheld"))
        if "n_at_risk" in gone and row["refused"]:
            # The reason names the count, and so does the note of it.
            kept[-1]["refused"] = told = re.sub(rf"^{NUMBER}", "withheld", row["refused"])
            notes = [note.replace(f": {row['refused']}.", f": {told}.") for note in notes]
    return {**evaluation, "at_horizons": kept, "notes": notes}


def _without_shares(told: Json) -> list[Json]:
    """Calibration curves whose bins give no observed risk where it would tell a withheld count.

    Nor does any bin tell its counts where those of the whole group at the horizon are withheld.
    """
    gone = {
        (row["group"], row["horizon"]): [
            name for name in ("n", "n_events") if isinstance(row[name], str)
        ]
        for row in told.get("at_horizons", ())
    }
    shares = dict.fromkeys(("observed", "lower", "upper"))
    curves = []
    for curve in told["calibration_curves"]:
        names = gone.get((curve.get("group"), curve.get("horizon")), [])
        bins = [each | dict.fromkeys(names, "withheld") for each in curve["bins"]]
        counts_shown = [all(isinstance(b[n], int) for n in ("n", "n_events")) for b in bins]
        bins = [b if shown else b | shares for b, shown in zip(bins, counts_shown, strict=True)]
        curves.append({**curve, "bins": bins})
    return curves


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
