"""Which windows of a task count from the trigger, and which from the event that another ends with.

A window that starts where another ends, such as thirty days from the discharge on, counts from that
event. It then is the event of which each one is a record, and the trigger must have come before it.
"""

from dataclasses import dataclass, replace

from workbench.cohort.aces.bounds import Moment, Place, Reached, place_of
from workbench.cohort.aces.file import Task, refuse
from workbench.cohort.aces.predicates import Predicates
from workbench.cohort.criteria import Criterion, EventQuery, Happened, Window

Bound = int | Reached | None
"""Hours after what the window counts from; an event; or where the record begins or ends."""
Places = dict[str, tuple[Bound, Bound]]


@dataclass(frozen=True)
class Rooted:
    """The windows of a task, by what they count from.

    Parameters
    ----------
    pivot
        The event after the trigger from which some count; None where all count from the trigger.
    from_trigger, from_pivot
        Window → where it begins and ends.
    """

    pivot: Reached | None
    from_trigger: Places
    from_pivot: Places

    @property
    def from_index(self) -> Places:
        """Those that count from the index date."""
        return self.from_trigger if self.pivot is None else self.from_pivot


def root_windows(task: Task) -> Rooted:
    """Find what each window counts from.

    Raises
    ------
    CohortError
        If windows count from several events, one counts from two, or a bound cannot be read.
    """
    pivot, from_trigger, from_pivot = None, {}, {}
    for name in task.windows:
        ends = (place_of(task, name, "start"), place_of(task, name, "end"))
        roots = {_root(end) for end in ends if end is not None}
        for root in roots - {None}:
            if pivot not in (None, root):
                refuse(f"windows.{name}", "windows count from different events: one can be said")
            pivot = root
        if len(roots) > 1:
            refuse(
                f"windows.{name}",
                "one end counts from the trigger, the other from an event after it: let both "
                "count from one",
            )
        group = from_pivot if roots - {None} else from_trigger
        group[name] = (_bound(ends[0]), _bound(ends[1]))
    return Rooted(pivot, from_trigger, from_pivot)


def _root(place: Place) -> Reached | None:
    moment = place.origin if isinstance(place, Reached) else place
    return None if moment is None else moment.root


def _bound(place: Place) -> Bound:
    return place.hours if isinstance(place, Moment) else place


def after_trigger(
    pivot: Reached, trigger: EventQuery, rules: list[Criterion], task: Task, predicates: Predicates
) -> EventQuery:
    """The event that windows count from, where it is the next one after a trigger.

    Parameters
    ----------
    pivot
        The event.
    trigger
        What the trigger is.
    rules
        What must hold of the trigger.
    task, predicates
        The task.
    """
    span = task.windows[pivot.window]
    query = predicates.query(pivot.predicate, f"windows.{pivot.window}.end")
    # The next one after the trigger may come at its very moment only if the window has both ends.
    at_once = span.start_inclusive and span.end_inclusive
    came = Window(None, 0, "hours", since=query, start_included=not at_once, end_included=at_once)
    triggered = Happened(_also(trigger, rules), (came,))
    return replace(_also(query, [triggered]), title=f"{pivot.predicate} after {task.trigger}")


def _also(query: EventQuery, rules: list[Criterion]) -> EventQuery:
    """Only events of which more holds."""
    parts = [*([] if query.where is None else [query.where]), *rules]
    where = None
    for part in parts:
        where = part if where is None else where & part
    return replace(query, where=where)
