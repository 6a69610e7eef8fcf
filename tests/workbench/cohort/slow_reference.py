"""A second evaluation of cohort definitions: one patient, one event, one question at a time.

It reads a definition's JSON and plain rows, and shares no code with the package. It is slow, and
written to be checked by eye against the docstrings.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

Json = Mapping[str, Any]
Moment = datetime | None
Truth = bool | None

EPOCH = datetime(1970, 1, 1)
END_OF_DAY = time(23, 59, 59, 999999)


@dataclass(frozen=True)
class SlowEvent:
    """What happened to a patient; ``begin`` None has no time, ``end`` None is the begin."""

    patient_id: str
    begin: Moment
    code: str
    end: Moment = None
    number: float | None = None
    text: str | None = None

    @property
    def stop(self) -> Moment:
        return self.begin if self.end is None else self.end


@dataclass(frozen=True)
class SlowSource:
    """Patients as columns by identifier, and what is known of them."""

    patients: Mapping[str, Mapping[str, Any]]
    events: tuple[SlowEvent, ...]
    periods: tuple[tuple[str, datetime, datetime], ...] | None = None
    parents: tuple[tuple[str, str], ...] = ()
    modalities: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    clock: str = "calendar"

    def of(self, patient_id: str) -> list[SlowEvent]:
        return [event for event in self.events if event.patient_id == patient_id]


@dataclass(frozen=True)
class SlowRecord:
    """A patient at an index date; ``observed`` None is outside every period."""

    patient_id: str
    index: datetime
    observed: tuple[datetime, datetime] | None
    exit: Moment = None


@dataclass(frozen=True)
class SlowCohort:
    """Records that are in with their outcome, every record's exit, and the attrition."""

    records: list[SlowRecord]
    exits: list[datetime]
    times: list[float]
    events: list[bool]
    attrition: list[dict[str, Any]]


# --- codes and events ---------------------------------------------------------------------------


def under(source: SlowSource, concept: str) -> set[str]:
    """A concept and everything below it."""
    found, waiting = {concept}, [concept]
    while waiting:
        parent = waiting.pop()
        for above, below in source.parents:
            if above == parent and below not in found:
                found.add(below)
                waiting.append(below)
    return found


def codes_of_set(source: SlowSource, concepts: Iterable[Json]) -> set[str]:
    chosen: dict[bool, set[str]] = {False: set(), True: set()}
    for line in concepts:
        concept = line["concept"]
        some = under(source, concept) if line["descendants"] else {concept}
        chosen[line["excluded"]] |= some
    return chosen[False] - chosen[True]


def is_of_codes(source: SlowSource, query: Json, code: str) -> bool:
    if code in query.get("codes", ()):
        return True
    if any(code.startswith(prefix) for prefix in query.get("prefixes", ())):
        return True
    if "concept_set" not in query:
        return False
    concepts = codes_of_set(source, query["concept_set"]["concepts"])
    return any(code == f"{query['domain']}//{concept}" for concept in concepts)


def in_range(number: float | None, ends: Json) -> bool:
    if number is None or number != number:
        return False
    checks: dict[str, Callable[[float, float], bool]] = {
        ">": lambda a, b: a > b,
        ">=": lambda a, b: a >= b,
        "<": lambda a, b: a < b,
        "<=": lambda a, b: a <= b,
    }
    return all(checks[sign](number, end) for sign, end in ends.items())


def days_between(first: datetime, last: datetime) -> int:
    return last.date().toordinal() - first.date().toordinal()


def lasts(event: SlowEvent, ends: Json) -> bool:
    if event.begin is None or event.stop is None:
        return False
    return in_range(days_between(event.begin, event.stop), ends)


def matching(source: SlowSource, query: Json, patient_id: str) -> list[SlowEvent]:
    """A patient's events that a query asks for."""
    events = [e for e in source.of(patient_id) if is_of_codes(source, query, e.code)]
    if query.get("first_ever"):
        events = first_of(events)
    if "value" in query:
        events = [e for e in events if in_range(e.number, query["value"])]
    if "texts" in query:
        events = [e for e in events if e.text in query["texts"]]
    for parts in ("units", "answers"):
        if parts in query:
            events = [e for e in events if has_part(e.text, query[parts])]
    if "lasting_days" in query:
        events = [e for e in events if lasts(e, query["lasting_days"])]
    if "where" in query:
        events = [e for e in events if surrounded(source, query["where"], e)]
    return events


def has_part(text: str | None, parts: Iterable[str]) -> bool:
    """The text is one of them, or has one at its begin, its end or between two spaces."""
    if text is None:
        return False
    return any(
        text == part
        or text.startswith(f"{part} ")
        or text.endswith(f" {part}")
        or f" {part} " in text
        for part in parts
    )


def first_of(events: list[SlowEvent]) -> list[SlowEvent]:
    """The first with a time; of several at that moment, the one whose code comes first."""
    timed = [e for e in events if e.begin is not None]
    if not timed:
        return []
    begin = min(e.begin for e in timed if e.begin is not None)
    at_once = [e for e in timed if e.begin == begin]
    return [min(at_once, key=tie)]


def tie(event: SlowEvent) -> tuple[Any, ...]:
    """Among events of one moment: code, then number (none last), text (none first), then end."""
    numberless = event.number is None or event.number != event.number
    return (
        event.code,
        numberless,
        0.0 if numberless else event.number,
        event.text or "",
        event.stop,
    )


def surrounded(source: SlowSource, criterion: Json, event: SlowEvent) -> bool:
    if event.begin is None:
        return False
    observed = period_of(source, event.patient_id, event.begin)
    # Nothing but the end of observation ends the follow-up of an event.
    exit = observed[1] if observed is not None and source.periods is not None else None
    record = SlowRecord(event.patient_id, event.begin, observed, exit)
    return truth(source, criterion, record) is True


# --- records ------------------------------------------------------------------------------------


def period_of(
    source: SlowSource, patient_id: str, index: datetime
) -> tuple[datetime, datetime] | None:
    if source.periods is None:
        return datetime.min, datetime.max
    for whose, start, end in source.periods:
        if whose == patient_id and start <= index <= end:
            return start, end
    return None


def candidates(source: SlowSource, definition: Json) -> list[SlowRecord]:
    """Every day with an entry event is a record that begins with the first of that day.

    Or every moment with one is a record.
    """
    found = []
    for patient_id in sorted(source.patients):
        begins = {
            event.begin
            for query in definition["entry"]["events"]
            for event in matching(source, query, patient_id)
            if event.begin is not None
        }
        days = sorted({begin.date() for begin in begins})
        indices = [min(begin for begin in begins if begin.date() == day) for day in days]
        if definition["entry"].get("per") == "moment":
            indices = sorted(begins)
        for index in indices:
            found.append(SlowRecord(patient_id, index, period_of(source, patient_id, index)))
    return [
        SlowRecord(r.patient_id, r.index, r.observed, exit_of(source, definition, r)) for r in found
    ]


def in_hours(definition: Json) -> bool:
    """Whether time runs from moment to moment: the landmark says so, or else the follow-up."""
    if "landmark" in definition:
        return definition["landmark"].get("unit") == "hours"
    return "hours" in definition["follow_up"]


def time_between(definition: Json, first: datetime, last: datetime) -> float:
    """Days by calendar, or hours."""
    if in_hours(definition):
        return (last - first) / timedelta(hours=1)
    return days_between(first, last)


def later(
    source: SlowSource, definition: Json, query: Json, record: SlowRecord, after: int = 0
) -> list[datetime]:
    """When events of a query happened, later than so long after the index date."""
    return [
        event.begin
        for event in matching(source, query, record.patient_id)
        if event.begin is not None and time_between(definition, record.index, event.begin) > after
    ]


def exit_of(source: SlowSource, definition: Json, record: SlowRecord) -> datetime:
    """The earliest of what ends follow-up; whoever is not followed at all ends where they begin."""
    follow_up = definition["follow_up"]
    ends: list[datetime] = []
    if source.periods is None:
        ends += [e.stop for e in source.of(record.patient_id) if e.stop is not None]
        ends = [max(ends)] if ends else []
    elif record.observed is not None:
        ends.append(record.observed[1])
    else:
        return record.index
    ends += [
        e.begin
        for e in source.of(record.patient_id)
        if e.code == "MEDS_DEATH" and e.begin is not None
    ]
    if follow_up.get("days") is not None:
        last_day = record.index.date() + timedelta(follow_up["days"])
        ends.append(datetime.combine(last_day, END_OF_DAY))
    if "hours" in follow_up:
        ends.append(record.index + timedelta(hours=follow_up["hours"]))
    for query in follow_up.get("events", ()):
        ends += later(source, definition, query, record)
    if "until" in follow_up:
        ends.append(datetime.combine(date.fromisoformat(follow_up["until"]), END_OF_DAY))
    return max(min(ends), record.index)


# --- criteria -----------------------------------------------------------------------------------


def truth(source: SlowSource, criterion: Json, record: SlowRecord) -> Truth:
    """True, False, or None where a value is missing."""
    if "column" in criterion:
        return compare(characteristic(source, record, criterion["column"]), criterion)
    if "event" in criterion:
        return happened(source, criterion, record)
    if "has" in criterion:
        codes = {"codes": source.modalities[criterion["has"]]}
        windows = [criterion["window"]] if "window" in criterion else []
        events = matching(source, codes, record.patient_id)
        return any(all(lies_in(source, e, w, record) for w in windows) for e in events)
    if "not" in criterion:
        inner = truth(source, criterion["not"], record)
        return None if inner is None else not inner
    parts, n = group(criterion)
    answers = [truth(source, part, record) for part in parts]
    if sum(answer is True for answer in answers) >= n:
        return True
    if sum(answer is not False for answer in answers) < n:
        return False
    return None


def group(criterion: Json) -> tuple[list[Json], int]:
    if "all" in criterion:
        return criterion["all"], len(criterion["all"])
    if "any" in criterion:
        return criterion["any"], 1
    return criterion["of"], criterion["at_least"]


def compare(value: Any, criterion: Json) -> Truth:
    if criterion["op"] == "is_missing":
        return value is None
    if value is None:
        return None
    asked: Any = criterion["value"]
    if isinstance(value, date):
        asked = date.fromisoformat(asked) if isinstance(asked, str) else asked
        asked = [date.fromisoformat(a) for a in asked] if isinstance(asked, list) else asked
    answers: dict[str, Callable[[], bool]] = {
        "==": lambda: value == asked,
        "!=": lambda: value != asked,
        "<": lambda: value < asked,
        "<=": lambda: value <= asked,
        ">": lambda: value > asked,
        ">=": lambda: value >= asked,
        "in": lambda: value in asked,
        "between": lambda: asked[0] <= value <= asked[1],
    }
    return answers[criterion["op"]]()


def characteristic(source: SlowSource, record: SlowRecord, column: str) -> Any:
    patient = source.patients[record.patient_id]
    if column == "index_year":
        return record.index.year
    if column == "age":
        return None if patient["birth"] is None else age(patient["birth"], record.index.date())
    return patient[column]


def age(birth: date, day: date) -> int:
    """Birthdays passed; that of 29 February is 1 March in a common year."""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def happened(source: SlowSource, criterion: Json, record: SlowRecord) -> bool:
    windows = criterion.get("windows", [criterion["window"]] if "window" in criterion else [])
    events = [
        event
        for event in matching(source, criterion["event"], record.patient_id)
        if all(lies_in(source, event, window, record) for window in windows)
    ]
    counted = criterion.get("counted", "events")
    n = len(events)
    if counted == "days":
        n = len({None if e.begin is None else e.begin.date() for e in events})
    if counted == "moments":
        n = len({e.begin for e in events})
    if counted == "codes":
        n = len({e.code for e in events})
    return criterion.get("least", 1) <= n <= criterion.get("most", float("inf"))


def lies_in(source: SlowSource, event: SlowEvent, window: Json, record: SlowRecord) -> bool:
    """Whether a moment of an event lies in a window; without a time, in an open one only."""
    moment = event.stop if window.get("edge") == "end" else event.begin
    anchor = record.exit if window.get("anchor") == "exit" else record.index
    if window.get("observed"):
        if moment is None or record.observed is None:
            return False
        if not record.observed[0] <= moment <= record.observed[1]:
            return False
    if anchor is None:
        return False
    if not {"start", "end", "since", "until"} & window.keys():
        return True
    if moment is None:
        return False
    if not (starts(window, anchor, moment) and stops(window, anchor, moment)):
        return False
    if "since" in window:
        earlier = [
            other.begin
            for other in matching(source, window["since"], record.patient_id)
            if other.begin is not None
            and other.begin < anchor
            and stops(window, anchor, other.begin)
        ]
        if earlier and moment < max(earlier):
            return False
        if earlier and moment == max(earlier) and not window.get("start_included", True):
            return False
    if "until" in window:
        later = [
            other.begin
            for other in matching(source, window["until"], record.patient_id)
            if other.begin is not None
            and other.begin > anchor
            and starts(window, anchor, other.begin)
        ]
        if later and moment > min(later):
            return False
        if later and moment == min(later) and not window.get("end_included", True):
            return False
    return True


def starts(window: Json, anchor: datetime, moment: datetime) -> bool:
    """Whether a moment lies no earlier than the days or hours of a window."""
    start = window.get("start")
    if start is None:
        return True
    if window.get("unit") != "hours":
        return days_between(anchor, moment) >= start
    first = anchor + timedelta(hours=start)
    return moment > first or (moment == first and window.get("start_included", True))


def stops(window: Json, anchor: datetime, moment: datetime) -> bool:
    """Whether a moment lies no later than the days or hours of a window."""
    end = window.get("end")
    if end is None:
        return True
    if window.get("unit") != "hours":
        return days_between(anchor, moment) <= end
    last = anchor + timedelta(hours=end)
    return moment < last or (moment == last and window.get("end_included", True))


# --- the whole definition -----------------------------------------------------------------------

Mask = list[bool]


def evaluate(source: SlowSource, definition: Json) -> SlowCohort:
    """The records of a definition, their outcome, and the attrition."""
    found = candidates(source, definition)
    before = entry_steps(source, definition, found)
    rules = [
        [truth(source, criterion, record) for record in found] for criterion in definition["select"]
    ]
    masks = [*before, *([answer is True for answer in rule] for rule in rules)]
    kept = together(masks, len(found))
    limit = definition["limit"]
    if limit != "all":
        masks.append(one_each(found, kept, limit))
    outcomes = [outcome_of(source, definition, record) for record in found]
    rows = list(flow(source, found, masks, [event for _, event in outcomes]))
    n_in = len(patients_of(found, together(masks, len(found))))
    for position, rule in enumerate(rules):
        row = rows[2 + len(before) + position]
        row["n_unknown"] = n_unknown(found, masks[: len(before) + position], rule)
        row["n_regained"] = n_in_without(source, definition, position) - n_in
    final = together(masks, len(found))
    chosen = [i for i, stays in enumerate(final) if stays]
    return SlowCohort(
        records=[found[i] for i in chosen],
        exits=[exit_at(record) for record in found],
        times=[outcomes[i][0] for i in chosen],
        events=[outcomes[i][1] for i in chosen],
        attrition=rows,
    )


def n_in_without(source: SlowSource, definition: Json, position: int) -> int:
    """Patients of the same definition without one criterion, found anew."""
    select = [c for i, c in enumerate(definition["select"]) if i != position]
    found = candidates(source, definition)
    masks = entry_steps(source, definition, found)
    masks += [[truth(source, c, r) is True for r in found] for c in select]
    return len(patients_of(found, together(masks, len(found))))


def entry_steps(source: SlowSource, definition: Json, found: list[SlowRecord]) -> list[Mask]:
    """Study period, observation, washout, and which of those that remain."""
    entry = definition["entry"]
    steps: list[Mask] = []
    if "since" in entry or "until" in entry:
        since = date.fromisoformat(entry.get("since", "0001-01-01"))
        until = date.fromisoformat(entry.get("until", "9999-12-31"))
        steps.append([since <= record.index.date() <= until for record in found])
    if source.periods is not None:
        needs = entry.get("observed_before", 0), entry.get("observed_after", 0)
        steps.append([observed_enough(record, *needs) for record in found])
    if "washout_days" in entry:
        steps.append([washed_out(record, found, entry["washout_days"]) for record in found])
    if definition["outcome"] is not None:
        steps.append([time_between(definition, r.index, exit_at(r)) > 0 for r in found])
    if entry.get("which", "first") != "all":
        remain = together(steps, len(found))
        steps.append(one_each(found, remain, entry.get("which", "first")))
    if "landmark" in definition:
        steps.append([at_risk(source, definition, record) for record in found])
    return steps


def at_risk(source: SlowSource, definition: Json, record: SlowRecord) -> bool:
    """Followed up beyond the landmark, and without an outcome by then that must come once."""
    landmark, outcome = definition["landmark"], definition["outcome"]
    if time_between(definition, record.index, exit_at(record)) <= landmark["after"]:
        return False
    if outcome is None or landmark.get("earlier") == "stay":
        return True
    return not any(
        time_between(definition, record.index, moment) <= landmark["after"]
        for moment in later(source, definition, outcome, record)
    )


def exit_at(record: SlowRecord) -> datetime:
    assert record.exit is not None
    return record.exit


def observed_enough(record: SlowRecord, before: int, after: int) -> bool:
    if record.observed is None:
        return False
    start, end = record.observed
    return days_between(start, record.index) >= before and days_between(record.index, end) >= after


def washed_out(record: SlowRecord, found: list[SlowRecord], days: int) -> bool:
    return not any(
        other.patient_id == record.patient_id
        and other.index < record.index
        and days_between(other.index, record.index) <= days
        for other in found
    )


def together(masks: list[Mask], n: int) -> Mask:
    return [all(mask[i] for mask in masks) for i in range(n)]


def one_each(found: list[SlowRecord], among: Mask, which: str) -> Mask:
    """The first or last of each patient's records among some."""
    chosen = [False] * len(found)
    for patient_id in {record.patient_id for record in found}:
        mine = [i for i, r in enumerate(found) if among[i] and r.patient_id == patient_id]
        mine.sort(key=lambda i: found[i].index)
        if mine:
            chosen[mine[0] if which == "first" else mine[-1]] = True
    return chosen


def outcome_of(source: SlowSource, definition: Json, record: SlowRecord) -> tuple[float, bool]:
    """Time to the outcome, if it came by the end of follow-up, else to that end."""
    outcome, landmark = definition["outcome"], definition.get("landmark", {"after": 0})
    last = time_between(definition, record.index, exit_at(record))
    if outcome is None:
        return days_between(record.index, exit_at(record)), False
    after = landmark["after"] if landmark.get("earlier") == "stay" else 0
    moments = later(source, definition, outcome, record, after)
    times = [time_between(definition, record.index, moment) for moment in moments]
    times = [time for time in times if time <= last]
    return (min(times, default=last) - landmark["after"], bool(times))


# --- the account --------------------------------------------------------------------------------


def patients_of(found: list[SlowRecord], kept: Mask) -> set[str]:
    return {record.patient_id for record, stays in zip(found, kept, strict=True) if stays}


def flow(
    source: SlowSource, found: list[SlowRecord], masks: list[Mask], events: list[bool]
) -> Iterator[dict[str, Any]]:
    """Everyone, those with an entry event, and one row a step."""
    everyone = len(source.patients)
    kept = [True] * len(found)
    yield {"n_before": everyone, "n_removed": 0, "n_after": everyone}
    n_before = everyone
    for mask in [kept, *masks]:
        left = [a and b for a, b in zip(kept, mask, strict=True)]
        n_after = len(patients_of(found, left))
        yield {
            "n_before": n_before,
            "n_removed": n_before - n_after,
            "n_after": n_after,
            "records_removed": sum(kept) - sum(left),
            "records_after": sum(left),
            "events_removed": with_event(kept, events) - with_event(left, events),
            "events_after": with_event(left, events),
        }
        kept, n_before = left, n_after


def with_event(kept: Mask, events: list[bool]) -> int:
    return sum(stays and event for stays, event in zip(kept, events, strict=True))


def n_unknown(found: list[SlowRecord], earlier: list[Mask], rule: list[Truth]) -> int:
    """Patients that the rule leaves without a record, one of which lacks a value."""
    kept = together(earlier, len(found))
    left = [stays and answer is True for stays, answer in zip(kept, rule, strict=True)]
    lacking = [stays and answer is None for stays, answer in zip(kept, rule, strict=True)]
    return len(patients_of(found, lacking) - patients_of(found, left))
