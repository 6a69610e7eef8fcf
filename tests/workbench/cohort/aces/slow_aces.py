"""ACES by the letter of its manual: one trigger, one window, one event at a time.

It takes a task as plain values and rows of ``(patient, moment, code, number)``, and shares no code
with the package.
"""

import re
from ast import literal_eval
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

Row = tuple[str, datetime | None, str, float | None]
Found = tuple[str, datetime, bool | None, datetime]
HOURS = {"h": 1, "hours": 1, "days": 24, "d": 24}


def realise(task: Mapping[str, Any], rows: Sequence[Row]) -> list[Found]:
    """Patient, trigger, label and moment of prediction of every realization."""
    found = []
    for who in sorted({row[0] for row in rows}):
        mine = [row for row in rows if row[0] == who]
        static = task.get("patient_demographics", {}).values()
        if not all(any(r[1] is None and plain(r, one) for r in mine) for one in static):
            continue
        moments = sorted({row[1] for row in mine if row[1] is not None})
        at = {m: [row for row in mine if row[1] == m] for m in moments}
        for trigger in moments:
            if count(task, task["trigger"], at[trigger]):
                label, valid, at_index = of_trigger(task, trigger, at)
                found += [(who, trigger, label, at_index)] if valid else []
    return found


def of_trigger(
    task: Mapping[str, Any], trigger: datetime, at: Mapping[datetime, list[Row]]
) -> tuple[bool | None, bool, datetime]:
    label, valid, index = None, True, trigger
    for name in task["windows"]:
        ends = bounds(task, name, trigger, at)
        if ends is None:
            return None, False, trigger
        window = task["windows"][name]
        inside = [
            rows for moment, rows in at.items()
            if (ends[0] < moment or (window["start_inclusive"] and ends[0] == moment))
            and (moment < ends[1] or (window["end_inclusive"] and ends[1] == moment))
        ]  # fmt: skip
        for predicate, limits in window.get("has", {}).items():
            least, most = literal_eval(limits)
            n = sum(count(task, predicate, rows) for rows in inside)
            valid &= (least is None or n >= least) and (most is None or n <= most)
        if "label" in window:
            label = sum(count(task, window["label"], rows) for rows in inside) > 0
        if "index_timestamp" in window:
            index = ends[window["index_timestamp"] == "end"]
    return label, valid, index


def bounds(
    task: Mapping[str, Any], name: str, trigger: datetime, at: Mapping[datetime, list[Row]]
) -> tuple[datetime, datetime] | None:
    """Start and end of a window; None where the record has no such event, or ends before."""
    window = task["windows"][name]
    start, end = (moment_of(task, name, side, trigger, at) for side in ("start", "end"))
    if "nowhere" in (start, end):
        return None
    at_once = window["start_inclusive"] and window["end_inclusive"]
    if isinstance(end, str) or window["end"] is None:
        predicate = end if isinstance(end, str) else "_ANY_EVENT"
        after = [m for m in at if count(task, predicate, at[m])]
        after = [m for m in after if m > start or (at_once and m == start)]
        if not after:
            return None
        end = min(after) if isinstance(end, str) else end
    if isinstance(start, str) or window["start"] is None:
        predicate = start if isinstance(start, str) else "_ANY_EVENT"
        before = [m for m in at if count(task, predicate, at[m])]
        before = [m for m in before if m < end or (at_once and m == end)]
        if not before:
            return None
        start = max(before) if isinstance(start, str) else start
    return start, end


def moment_of(
    task: Mapping[str, Any],
    name: str,
    side: str,
    trigger: datetime,
    at: Mapping[datetime, list[Row]],
) -> Any:
    """A moment, or the predicate that is waited for; null is before or after everything."""
    written = task["windows"][name][side]
    if written is None:
        return datetime.min if side == "start" else datetime.max
    if "->" in written or "<-" in written:
        return re.split("->|<-", written)[1].strip()
    of, *rest = written.split()
    moment = trigger
    if of != "trigger":
        other, edge = of.split(".") if "." in of else (name, of)
        if other == name:
            moment = moment_of(task, other, edge, trigger, at)
        else:
            ends = bounds(task, other, trigger, at)
            moment = "nowhere" if ends is None else ends[edge == "end"]
        if moment == "nowhere":
            return moment
    if rest:
        length = re.fullmatch(r"(\d+)\s*(\w+)", " ".join(rest[1:]))
        assert length is not None
        hours = int(length[1]) * HOURS[length[2]]
        moment += timedelta(hours=hours if rest[0] == "+" else -hours)
    return moment


def count(task: Mapping[str, Any], predicate: str, rows: Sequence[Row]) -> int:
    """How often a predicate is met at one moment."""
    if predicate == "_ANY_EVENT":
        return 1
    one = task["predicates"][predicate]
    if "expr" not in one:
        return sum(plain(row, one) for row in rows)
    kind, names = re.fullmatch(r"(and|or)\((.*)\)", one["expr"]).groups()  # type: ignore[union-attr]
    met = [count(task, part.strip(), rows) > 0 for part in names.split(",")]
    return int(all(met) if kind == "and" else any(met))


def plain(row: Row, one: Mapping[str, Any]) -> bool:
    code = one["code"]
    if isinstance(code, str):
        same = row[2] == code
    elif "any" in code:
        same = row[2] in code["any"]
    else:
        same = re.match(code["regex"], row[2]) is not None
    for end, sign in (("value_min", 1), ("value_max", -1)):
        if same and end in one:
            number = row[3]
            over = -1 if number is None else sign * (number - one[end])
            same = over > 0 or (over == 0 and one.get(f"{end}_inclusive", False))
            same &= number is not None
    return same
