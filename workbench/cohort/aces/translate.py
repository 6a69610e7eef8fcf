"""A task file of ACES → a definition of our own, where every part of it can be said."""

from pathlib import Path

from workbench.cohort.aces.bounds import Place, Reached, place_of
from workbench.cohort.aces.file import Span, Task, read_task, refuse
from workbench.cohort.aces.predicates import ANY_EVENT, Predicates
from workbench.cohort.criteria import Criterion, Happened, Window
from workbench.cohort.criteria.landmark import Landmark
from workbench.cohort.entry import Entry
from workbench.cohort.follow_up import FollowUp
from workbench.cohort.record_definition import RecordDefinition
from workbench.errors import CohortError

Places = dict[str, tuple[Place, Place]]


def read_aces(source: str | Path) -> RecordDefinition:
    """The definition that an ACES task file stands for.

    The trigger is the entry event, each moment of it a record; what windows must hold are criteria;
    the window with the label gives the outcome, a landmark where it starts, and the follow-up.
    Windows that end with the next event ask for that event, which looks ahead: see
    :meth:`RecordDefinition.warnings`.

    Without its outcome and landmark, the definition has the records of the task. With them, whoever
    is not followed up beyond the landmark leaves, and whoever is not followed up to the end of the
    window is censored: ACES takes their silence for a label of 0. A regular expression is read as
    the beginning of a code. An event bounds the window that it stands at only where both ends of
    the window are included.

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
    places: Places = {
        name: (place_of(task, name, "start"), place_of(task, name, "end")) for name in task.windows
    }
    select = [*predicates.static]
    for name, span in task.windows.items():
        select += _criteria(name, span, places[name], predicates)
    labelled = [name for name, span in task.windows.items() if span.label is not None]
    if len(labelled) > 1:
        refuse(f"windows.{labelled[1]}.label", "one window has the label: there are several")
    entry = Entry((predicates.query(task.trigger, "trigger"),), "all", per="moment")
    title = " ".join(task.description.split())
    if not labelled:
        return RecordDefinition(entry, tuple(select), title=title)
    name = labelled[0]
    landmark, follow_up = _label(name, task, places, predicates)
    _check_index_timestamp(task, places, landmark)
    outcome = predicates.query(task.windows[name].label or "", f"windows.{name}.label")
    return RecordDefinition(entry, tuple(select), "all", follow_up, outcome, title, landmark)


def _criteria(
    name: str, span: Span, places: tuple[Place, Place], predicates: Predicates
) -> list[Criterion]:
    start, end = places
    here = f"windows.{name}"
    both = span.start_inclusive and span.end_inclusive
    for side, place in (("start", start), ("end", end)):
        if not isinstance(place, Reached):
            continue
        if span.has:
            refuse(
                f"{here}.has",
                f"its {side} is an event, up to which nothing can be counted: bound the window by "
                "time",
            )
        low, high = (place.hours, None) if place.after else (None, place.hours)
        # An event ends the window that it begins only where that window is one moment.
        window = _window(low, high, both, both, here)
        query = predicates.query(place.predicate, f"{here}.{side}")
        return [Happened(query, (window,)).named(f"{name} has its {side}")]
    assert not isinstance(start, Reached)
    assert not isinstance(end, Reached)
    window = _window(start, end, span.start_inclusive, span.end_inclusive, here)
    rules: list[Criterion] = []
    if not _surely_reached(start, end, both):
        open_ended = _window(start, end, both, both, here)
        any_event = predicates.query(ANY_EVENT, here)
        side = "start" if start is None else "end"
        rules.append(Happened(any_event, (open_ended,)).named(f"{name} has its {side}"))
    for wanted, (least, most) in span.has.items():
        if not least and most is None:
            continue
        query = predicates.query(wanted, f"{here}.has")
        try:
            rule = Happened(query, (window,), least or 0, most, predicates.counted(wanted))
        except CohortError as error:
            refuse(f"{here}.has.{wanted}", str(error))
        rules.append(rule.named(f"{name}: {wanted}"))
    return rules


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
        if end.hours != start or not _ruled_out(end.predicate, start, task, places, predicates):
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
    for name, span in task.windows.items():
        start, end = places[name]
        begins = start is None or (isinstance(start, int) and start <= 0)
        lasts = end is None or (
            isinstance(end, int) and (end > until or (end == until and span.end_inclusive))
        )
        if begins and lasts:
            ruled_out |= {one for one, (_, most) in span.has.items() if most == 0}
    if until == 0 or predicate in ruled_out or ANY_EVENT in ruled_out:
        return True
    return ruled_out.issuperset(predicates.parts(predicate))


def _check_index_timestamp(task: Task, places: Places, landmark: Landmark) -> None:
    """Refuse a prediction made after the label may have come."""
    for name, span in task.windows.items():
        if span.index_timestamp is None:
            continue
        here = f"windows.{name}.index_timestamp"
        if span.index_timestamp not in ("start", "end"):
            refuse(here, "expected start or end")
        at = places[name][span.index_timestamp == "end"]
        if not isinstance(at, int) or at > landmark.after:
            refuse(here, "it must be a time from the trigger, and no later than the label's window")
