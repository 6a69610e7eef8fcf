"""A task file of ACES → a definition of our own, where every part of it can be said."""

from dataclasses import replace
from pathlib import Path

from workbench.cohort.aces.bounds import Reached
from workbench.cohort.aces.file import Span, Task, read_task, refuse
from workbench.cohort.aces.predicates import ANY_EVENT, Predicates
from workbench.cohort.aces.rooted import Bound, Places, Rooted, after_trigger, root_windows
from workbench.cohort.criteria import Criterion, EventQuery, Happened, Window
from workbench.cohort.criteria.landmark import Landmark
from workbench.cohort.entry import Entry
from workbench.cohort.follow_up import FollowUp
from workbench.cohort.record_definition import RecordDefinition
from workbench.errors import CohortError


def read_aces(source: str | Path) -> RecordDefinition:
    """The definition that an ACES task file stands for.

    The trigger is the entry event, each moment of it a record; what windows must hold are criteria;
    the window with the label gives the outcome, a landmark where it starts, and the follow-up.
    Windows that end with the next event ask for that event, which looks ahead: see
    :meth:`RecordDefinition.warnings`.

    Without its outcome and landmark, the definition has the records of the task, all of them. With
    them, a label of 1 is an event, and a label of 0 of somebody who was followed up to the end of
    the window is none. The other labels of 0 are what ACES makes of silence: the record ends before
    the window does. Here they are no survivors: whoever is not followed up beyond the landmark
    leaves, for nobody knows whether they were still at risk, and who is lost later is censored
    then. As survivors they would make every risk too low, and the more so the sooner they were
    lost. A regular expression is read as
    the beginning of a code. An event bounds the window that it stands at only where both ends of
    the window are included.

    Where the label's window starts at the next event after the trigger, as that of readmission does
    at the discharge, that event is the entry, and the trigger is what must have come before it:
    triggers that wait for the same event are one record.

    Parameters
    ----------
    source
        Path of the file, or its text.

    Raises
    ------
    CohortError
        If it is no task, or a part of it cannot be said here; the message names the place and what
        to do.
    """
    task = read_task(source)
    predicates = Predicates(task)
    rooted = root_windows(task)
    labelled = [name for name, span in task.windows.items() if span.label is not None]
    if len(labelled) > 1:
        refuse(f"windows.{labelled[1]}.label", "one window has the label: there are several")
    rules = [
        rule
        for name, ends in rooted.from_index.items()
        for rule in _criteria(name, task.windows[name], ends, predicates)
    ]
    entry = Entry((_entry(task, rooted, predicates),), "all", per="moment")
    select = (*predicates.static, *rules)
    title = " ".join(task.description.split())
    if not labelled:
        return RecordDefinition(entry, select, title=title)
    name = labelled[0]
    if name not in rooted.from_index:
        refuse(
            f"windows.{name}",
            "the window with the label counts from the trigger, another from an event after it: "
            "let both count from one",
        )
    landmark, follow_up = _label(name, task, rooted.from_index, predicates)
    _check_index_timestamp(task, rooted, landmark)
    outcome = predicates.query(task.windows[name].label or "", f"windows.{name}.label")
    return RecordDefinition(entry, select, "all", follow_up, outcome, title, landmark)


def _entry(task: Task, rooted: Rooted, predicates: Predicates) -> EventQuery:
    """The event of which each moment is a record."""
    trigger, pivot = predicates.query(task.trigger, "trigger"), rooted.pivot
    if pivot is None:
        return trigger
    rules = []
    for name, ends in rooted.from_trigger.items():
        asked = _criteria(name, task.windows[name], ends, predicates)
        # That the event comes is what every record begins with.
        rules += asked[1:] if ends[1] == pivot else asked
    return after_trigger(pivot, trigger, rules, task, predicates)


def _criteria(
    name: str, span: Span, ends: tuple[Bound, Bound], predicates: Predicates
) -> list[Criterion]:
    """What a window must hold, beginning with the events that bound it."""
    here = f"windows.{name}"
    rules: list[Criterion] = [*_reached(name, span, ends, predicates)]
    if not rules:
        rules += _record_reaches(name, span, ends, predicates)
    for wanted, (least, most) in span.has.items():
        if not least and most is None:
            continue
        window = _whole_window(span, ends, here, predicates)
        query = predicates.query(wanted, f"{here}.has")
        try:
            rule = Happened(query, (window,), least or 0, most, predicates.counted(wanted))
        except CohortError as error:
            refuse(f"{here}.has.{wanted}", str(error))
        rules.append(rule.named(f"{name}: {wanted}"))
    return rules


def _reached(
    name: str, span: Span, ends: tuple[Bound, Bound], predicates: Predicates
) -> list[Happened]:
    """That the events are there by which a window is bounded."""
    both = span.start_inclusive and span.end_inclusive
    rules = []
    for side, place in zip(("start", "end"), ends, strict=True):
        if isinstance(place, Reached):
            hours = place.origin.hours
            low, high = (hours, None) if place.after else (None, hours)
            # An event ends the window that it begins only where that window is one moment.
            window = _window(low, high, both, both, f"windows.{name}")
            query = predicates.query(place.predicate, f"windows.{name}.{side}")
            rules.append(Happened(query, (window,)).named(f"{name} has its {side}"))
    return rules


def _record_reaches(
    name: str, span: Span, ends: tuple[Bound, Bound], predicates: Predicates
) -> list[Criterion]:
    """That the record reaches into a window that is open at one end."""
    start, end = ends
    assert not isinstance(start, Reached)
    assert not isinstance(end, Reached)
    both = span.start_inclusive and span.end_inclusive
    if _surely_reached(start, end, both):
        return []
    here, side = f"windows.{name}", "start" if start is None else "end"
    open_ended = _window(start, end, both, both, here)
    return [
        Happened(predicates.query(ANY_EVENT, here), (open_ended,)).named(f"{name} has its {side}")
    ]


def _whole_window(
    span: Span, ends: tuple[Bound, Bound], here: str, predicates: Predicates
) -> Window:
    """The window, from or up to the event that bounds it."""
    start, end = ends
    started, ended = span.start_inclusive, span.end_inclusive
    since = until = None
    if isinstance(start, Reached):
        if end != start.origin.hours or not _first_of(-start.origin.hours, ended, started):
            refuse(f"{here}.has", _FIRST_OF.format("start", "end_inclusive"))
        since, start = predicates.query(start.predicate, f"{here}.start"), None
    if isinstance(end, Reached):
        if start != end.origin.hours or not _first_of(end.origin.hours, started, ended):
            refuse(f"{here}.has", _FIRST_OF.format("end", "start_inclusive"))
        until, end = predicates.query(end.predicate, f"{here}.end"), None
    bounds = _window(start, end, started, ended, here)
    return replace(
        bounds,
        since=since,
        until=until,
        start_included=started or (start is None and since is None),
        end_included=ended or (end is None and until is None),
    )


_FIRST_OF = (
    "its {} is an event, up to which things are counted only in a window that begins and ends on "
    "the same side of the trigger: write {}: False, or bound the window by time"
)


def _first_of(hours: int, fixed_included: bool, event_included: bool) -> bool:
    """Whether the event that bounds a window is sought from where a window of ours seeks it.

    Ours seeks it strictly after the index date, and from the fixed side on where that lies later.
    """
    if hours == 0:
        return not (fixed_included and event_included)
    return hours > 0 and (event_included or not fixed_included)


def _surely_reached(start: int | None, end: int | None, both_included: bool) -> bool:
    """Whether the trigger itself lies in a window that is open at one end."""
    if start is None and end is not None:
        return end > 0 or (end == 0 and both_included)
    if start is not None and end is None:
        return start < 0 or (start == 0 and both_included)
    return True


def _window(
    start: int | None, end: int | None, start_included: bool, end_included: bool, here: str
) -> Window:
    try:
        return Window(
            start,
            end,
            "hours",
            start_included=start_included or start is None,
            end_included=end_included or end is None,
        )
    except CohortError as error:
        refuse(here, str(error))


def _label(
    name: str, task: Task, places: Places, predicates: Predicates
) -> tuple[Landmark, FollowUp]:
    """When time begins to run, and when follow-up ends."""
    here, span = f"windows.{name}", task.windows[name]
    start, end = places[name]
    if not isinstance(start, int) or start < 0 or span.start_inclusive:
        refuse(
            f"{here}.start",
            "the window with the label starts at a time from the trigger or later, and without it: "
            "write start_inclusive: False",
        )
    if end is not None and not span.end_inclusive:
        refuse(f"{here}.end_inclusive", "the window with the label includes its end: write True")
    if isinstance(end, Reached):
        if end.origin.hours != start or not _ruled_out(
            end.predicate, start, task, places, predicates
        ):
            refuse(
                f"{here}.end",
                f"{end.predicate} may come before {name} starts, which would end follow-up: add "
                f"{end.predicate}: (None, 0) to a window from the trigger to there",
            )
        ends = FollowUp(events=(predicates.query(end.predicate, f"{here}.end"),))
    else:
        ends = FollowUp(hours=end)
    once = _ruled_out(span.label or "", start, task, places, predicates)
    return Landmark(start, "hours", "leave" if once else "stay"), ends


def _ruled_out(
    predicate: str, until: int, task: Task, places: Places, predicates: Predicates
) -> bool:
    """Whether a predicate cannot be met after the trigger and up to so many hours later."""
    ruled_out: set[str] = set()
    for name, (start, end) in places.items():
        span = task.windows[name]
        begins = start is None or (isinstance(start, int) and start <= 0)
        lasts = end is None or (
            isinstance(end, int) and (end > until or (end == until and span.end_inclusive))
        )
        if begins and lasts:
            ruled_out |= {one for one, (_, most) in span.has.items() if most == 0}
    if until == 0 or predicate in ruled_out or ANY_EVENT in ruled_out:
        return True
    return ruled_out.issuperset(predicates.parts(predicate))


def _check_index_timestamp(task: Task, rooted: Rooted, landmark: Landmark) -> None:
    """Refuse a prediction made after the label may have come."""
    for name, span in task.windows.items():
        if span.index_timestamp is None:
            continue
        here = f"windows.{name}.index_timestamp"
        if span.index_timestamp not in ("start", "end"):
            refuse(here, "expected start or end")
        side = span.index_timestamp == "end"
        both = rooted.from_trigger | rooted.from_pivot
        if both[name][side] == rooted.pivot is not None:
            continue
        at = rooted.from_index[name][side] if name in rooted.from_index else None
        if not isinstance(at, int) or at > landmark.after:
            refuse(
                here,
                "it must be a time from the trigger, or from the event that others wait for, and "
                "no later than the label's window",
            )
