"""Two definitions side by side: what was changed, and whom that moved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Protocol

import numpy as np
import pandas as pd

from workbench.cohort.criteria import Criterion, EventQuery
from workbench.cohort.criteria.landmark import Landmark
from workbench.cohort.entry import Entry
from workbench.cohort.follow_up import FollowUp
from workbench.cohort.privacy import SUPPRESSED, ReleaseLog, small


class Defined(Protocol):
    """A definition of either kind."""

    @property
    def select(self) -> tuple[Criterion, ...]: ...

    def to_dict(self) -> dict[str, Any]: ...

    def sentences(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, eq=False)
class Members:
    """Who stayed, came and went; identifiers, sorted.

    ``moved`` are those who stayed and whose index dates are others now.
    """

    kept: pd.Index
    gained: pd.Index
    lost: pd.Index
    moved: pd.Index

    def released(
        self, log: ReleaseLog, minimum_cell: int, words: str = "a change of definition"
    ) -> dict[str, int | str]:
        """As :meth:`counts`, and without what together with earlier releases gives a group away.

        Parameters
        ----------
        log
            Of the dataset; what is told is remembered there.
        minimum_cell
            As :meth:`counts` has it.
        words
            What the two cohorts are called.
        """
        counts = self.counts(minimum_cell)
        if counts["kept"] == SUPPRESSED:
            return counts
        ids = self.kept.union(self.gained).union(self.lost)
        kept, gained, lost, moved = (
            ids.isin(getattr(self, name)) for name in ("kept", "gained", "lost", "moved")
        )
        parts = {"before": kept | lost, "after": kept | gained, "kept": kept}
        parts |= {"gained": gained, "lost": lost}
        named = {f"{words}: {name}": who for name, who in parts.items() if who.any()}
        everyone = ids.to_numpy(object)
        if not log.show_all(everyone, named).allowed:
            return dict.fromkeys(counts, SUPPRESSED)
        who_moved = {f"{words}: moved": moved} if moved.any() else {}
        if counts["moved"] != SUPPRESSED and not log.show_all(everyone, who_moved).allowed:
            return {**counts, "moved": SUPPRESSED}
        return counts

    def counts(self, minimum_cell: int) -> dict[str, int | str]:
        """How many; all of them withheld where one is too small to be shown.

        The sizes of both cohorts are known, so that one of the three gives the others away.
        """
        n = {name: len(getattr(self, name)) for name in ("kept", "gained", "lost", "moved")}
        parts = np.array([n["kept"], n["gained"], n["lost"]])
        if small(parts, minimum_cell).any():
            return dict.fromkeys(n, SUPPRESSED)
        rest = np.array([n["moved"], n["kept"] - n["moved"]])
        if small(rest, minimum_cell).any():
            return {**n, "moved": SUPPRESSED}
        return dict(n)


def compare_definitions(before: Defined, after: Defined) -> pd.DataFrame:
    """What was changed from one definition to another.

    Returns
    -------
    DataFrame
        One row a change: ``part`` (``select``, ``entry``, ``follow_up`` …), ``change``
        (``added``, ``removed``, ``changed``, ``moved``), ``before``, ``after`` (sentences; "" where
        there is none). Empty where both are the same.
    """
    rows = _criteria(before.select, after.select)
    old, new = before.to_dict(), after.to_dict()
    for part in dict.fromkeys([*old, *new]):
        if part != "select" and old.get(part) != new.get(part):
            rows.append((part, "changed", _told(before, part), _told(after, part)))
    return pd.DataFrame(rows, columns=["part", "change", "before", "after"])


def compare_members(before: pd.DataFrame, after: pd.DataFrame) -> Members:
    """Who stayed, came and went from one cohort to another.

    Parameters
    ----------
    before, after
        ``patients`` of either kind of cohort: ``patient_id`` as the index or a column, and
        ``index_date`` where each has one.
    """
    one, other = _index_dates(before), _index_dates(after)
    kept = one.index.intersection(other.index).sort_values()
    moved = [patient for patient in kept if one[patient] != other[patient]]
    return Members(
        kept,
        other.index.difference(one.index).sort_values(),
        one.index.difference(other.index).sort_values(),
        pd.Index(moved, dtype=object),
    )


def _criteria(
    before: Sequence[Criterion], after: Sequence[Criterion]
) -> list[tuple[str, str, str, str]]:
    old, new = ([_text(criterion) for criterion in side] for side in (before, after))
    removed, added = [], []
    for kind, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind != "equal":
            removed += range(i, j)
            added += range(k, m)
    rows = []
    for i in removed:
        same = next((k for k in added if new[k] == old[i]), None)
        named = next((k for k in added if before[i].name and after[k].name == before[i].name), None)
        if same is not None:
            added.remove(same)
            rows.append(("select", "moved", before[i].sentence(), after[same].sentence()))
        elif named is not None:
            added.remove(named)
            rows.append(("select", "changed", before[i].sentence(), after[named].sentence()))
        else:
            rows.append(("select", "removed", before[i].sentence(), ""))
    return rows + [("select", "added", "", after[k].sentence()) for k in added]


def _text(criterion: Criterion) -> str:
    return repr(criterion.to_json())


def _told(definition: Defined, part: str) -> str:
    """One part as a person reads it."""
    value = getattr(definition, part, None)
    if isinstance(value, Entry | FollowUp):
        return "; ".join(value.sentences())
    if isinstance(value, EventQuery | Landmark):
        return value.words()
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {entry}" for key, entry in value.items())
    return "" if value is None else str(value)


def _index_dates(patients: pd.DataFrame) -> pd.Series:
    """Each patient's index dates as one text; "" where every patient has the same zero."""
    ids = patients["patient_id"] if "patient_id" in patients else patients.index.to_series()
    if "index_date" not in patients:
        return pd.Series("", index=pd.Index(ids, dtype=object))
    days = patients["index_date"].astype(str)
    return days.groupby(ids.to_numpy(), sort=True).agg(" ".join)
