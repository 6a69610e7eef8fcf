"""What every view asks at one moment, what it asked before, and what was undone."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from workbench.cohort.crossfilter.clause_json import parse_clause
from workbench.cohort.crossfilter.clauses import Clause
from workbench.errors import CohortError

MOST_UNDONE = 100
"""Changes that can be undone: what is saved does not grow for ever."""

Clauses = tuple[tuple[str, Clause], ...]


@dataclass(frozen=True)
class Brushes:
    """Clauses by the view that set them; every change makes another record.

    Parameters
    ----------
    present
        (view, clause) in the order of the views' names.
    past, future
        What was there before, oldest first, and what was undone, latest first.
    version
        How many changes led here, undoing and redoing included: it only grows.

    Examples
    --------
    >>> from workbench.cohort.crossfilter.clauses import Range
    >>> brushes = Brushes().with_clause("age", Range("age", 40, 60)).without("age").undo()
    >>> brushes.clauses, brushes.version
    ({'age': Range(column='age', low=40, high=60, closed='left', missing='out')}, 3)
    """

    present: Clauses = ()
    past: tuple[Clauses, ...] = ()
    future: tuple[Clauses, ...] = ()
    version: int = 0

    @property
    def clauses(self) -> dict[str, Clause]:
        """View → its clause."""
        return dict(self.present)

    def with_clause(self, view: str, clause: Clause) -> Self:
        """The view asks this from now on."""
        return self._changed({**self.clauses, view: clause})

    def without(self, view: str) -> Self:
        """The view asks nothing any more."""
        return self._changed({name: each for name, each in self.present if name != view})

    def cleared(self) -> Self:
        """No view asks anything any more."""
        return self._changed({})

    def undo(self) -> Self:
        """As before the last change; the same if there was none."""
        if not self.past:
            return self
        return replace(
            self,
            present=self.past[-1],
            past=self.past[:-1],
            future=(self.present, *self.future),
            version=self.version + 1,
        )

    def redo(self) -> Self:
        """As before the last undoing; the same if nothing was undone since the last change."""
        if not self.future:
            return self
        return replace(
            self,
            present=self.future[0],
            past=(*self.past, self.present),
            future=self.future[1:],
            version=self.version + 1,
        )

    def _changed(self, clauses: Mapping[str, Clause]) -> Self:
        present = tuple(sorted(clauses.items()))
        if present == self.present:
            return self
        return replace(
            self,
            present=present,
            past=(*self.past, self.present)[-MOST_UNDONE:],
            future=(),
            version=self.version + 1,
        )

    def to_json(self) -> dict[str, Any]:
        """What :meth:`from_json` reads: clauses by view, and the steps before and after."""
        return {
            "version": self.version,
            "clauses": _to_json(self.present),
            "past": [_to_json(step) for step in self.past],
            "future": [_to_json(step) for step in self.future],
        }

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` wrote; ``clauses`` alone is enough.

        Raises
        ------
        CohortError
            An entry that is unknown, or a clause that is none.
        """
        match dict(written):
            case {"clauses": dict(clauses), **rest} if rest.keys() <= {"version", "past", "future"}:
                past, future = rest.get("past", []), rest.get("future", [])
                version = rest.get("version", 0)
                if isinstance(past, list) and isinstance(future, list) and _is_count(version):
                    return cls(
                        _from_json(clauses),
                        tuple(map(_from_json, past)),
                        tuple(map(_from_json, future)),
                        version,
                    )
        raise CohortError(
            "brushes: expected clauses (view → clause) and, if at all, version (a count), past and "
            f"future (lists), got {', '.join(map(str, written)) or 'no entries'}"
        )


def _is_count(version: object) -> bool:
    return isinstance(version, int) and not isinstance(version, bool) and version >= 0


def _to_json(clauses: Clauses) -> dict[str, Any]:
    return {view: clause.to_json() for view, clause in clauses}


def _from_json(written: Any) -> Clauses:
    if not isinstance(written, Mapping):
        raise CohortError(f"brushes: clauses are a mapping by view, got {type(written).__name__}")
    return tuple(sorted((str(view), parse_clause(each)) for view, each in written.items()))
