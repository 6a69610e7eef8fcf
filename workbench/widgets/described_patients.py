"""Patients as table one describes them: columns by title and unit, and how they are divided."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.cohort.cohort import Cohort
from workbench.cohort.features import Feature
from workbench.cohort.record_cohort import RecordCohort
from workbench.cohort.table_one.of_cohort import division_of
from workbench.cohort.table_one.of_records import UNITS, described_columns
from workbench.cohort.time_zero import check_columns
from workbench.errors import CohortError
from workbench.widgets.grouping import Cut, group_by
from workbench.widgets.selection import Selection

SELECTED = "selected"
LONGEST_TITLE = 48
MOST_LEVELS = 12
"""Columns of more levels are no groups to compare."""
DESCRIBED = ("feature", "group", "marker")
"""Roles of the columns that a table describes where nobody says which."""


@dataclass(frozen=True, eq=False)
class DescribedPatients:
    """Use :meth:`of`.

    Parameters
    ----------
    source
        A cohort, also of health records, or a selection.
    frame
        Columns that can be described, one row a patient.
    titles, units
        Column → what a reader calls it, and its unit.
    groups
        What patients can be compared by → what it is called; "" is nobody.
    features
        Of health records: variables out of events before the index date.
    """

    source: Cohort | RecordCohort | Selection
    frame: pd.DataFrame
    titles: dict[str, str]
    units: dict[str, str | None]
    groups: dict[str, str]
    features: tuple[Feature, ...] = ()

    @classmethod
    def of(
        cls, source: Cohort | RecordCohort | Selection, features: Sequence[Feature] = ()
    ) -> "DescribedPatients":
        """Everybody of a cohort or a selection.

        Parameters
        ----------
        source
            Whom to describe.
        features
            Of health records: variables out of events before the index date.

        Raises
        ------
        CohortError
            Features are asked of what holds no events.
        """
        if isinstance(source, RecordCohort):
            frame, titles, units = _record_columns(source, features)
            groups = {name: name.replace("_", " ") for name in frame if _few(frame[name])}
            return cls(source, frame, titles, units, {"": "nobody"} | groups, tuple(features))
        if features:
            raise CohortError("features are variables out of events: give a cohort of records")
        if isinstance(source, Selection):
            frame = _selection_columns(source)
            titles = {name: _short(source, name) for name in frame}
            groups = {"": "nobody", SELECTED: "in the selection"}
            groups |= {name: titles[name] for name in frame if _few(frame[name])}
            return cls(source, frame, titles, dict.fromkeys(frame.columns), groups)
        frame, titles, units = _columns(source)
        return cls(source, frame, titles, units, _of_cohort(source, frame))

    @property
    def default_columns(self) -> list[str]:
        """Columns that are described where nobody says which."""
        if isinstance(self.source, Selection | RecordCohort):
            return list(self.frame)
        columns = self.source.card.spec.columns
        return [n for n in self.frame if n == "event" or columns[n].role in DESCRIBED]

    @property
    def numbers(self) -> dict[str, str]:
        """Columns of numbers, and their titles."""
        return {name: self.titles[name] for name in self.frame if self.is_number(name)}

    @property
    def minimum(self) -> int:
        """Smallest count that may be shown."""
        if isinstance(self.source, Selection):
            return self.source.minimum
        if isinstance(self.source, RecordCohort):
            return self.source.records.minimum_cell
        return self.source.card.spec.privacy.minimum_cell

    def is_number(self, name: str) -> bool:
        """Whether ``name`` is a column of numbers: as a group it must be cut."""
        return name in self.frame and _is_number(self.frame[name])

    def divided(self, by: str, cut: Cut) -> tuple[str, pd.Series] | None:
        """What patients are compared by: its title, and the group of each; None compares nobody.

        Parameters
        ----------
        by
            One of ``groups``.
        cut
            Where numbers are cut.
        """
        if not by:
            return None
        title, source = self.groups[by], self.source
        if by == SELECTED and isinstance(source, Selection):
            return title, _named(source.mask, self.frame.index, "selected", "not selected")
        if self.is_number(by):
            groups = group_by(self.frame[by], cut=cut, title=self.titles[by])
            codes, levels = groups.codes, list(groups.labels)
        elif isinstance(source, Cohort):
            division = division_of(source, by)
            codes, levels = division.codes, list(division.titles)
        elif pd.api.types.is_bool_dtype(self.frame[by]):
            return title, _named(self.frame[by].to_numpy(bool), self.frame.index, "yes", "no")
        else:
            return title, self.frame[by]
        values = pd.Categorical.from_codes(codes, levels)
        return title, pd.Series(values, self.frame.index, name=title)


def _columns(cohort: Cohort) -> tuple[pd.DataFrame, dict[str, str], dict[str, str | None]]:
    spec = cohort.card.spec
    roles = (*DESCRIBED, "site", "description")
    names = [name for name, column in spec.columns.items() if column.role in roles]
    frame = cohort.patients[names].copy()
    event = cohort.patients["event"].to_numpy()
    frame.insert(0, "event", _named(event, frame.index, "yes", "no"))
    title = spec.outcomes[cohort.outcome].title
    titles = {"event": f"{title}: event"} | {name: name.replace("_", " ") for name in names}
    return frame, titles, {"event": None} | {name: spec.columns[name].unit for name in names}


def _record_columns(
    cohort: RecordCohort, features: Sequence[Feature]
) -> tuple[pd.DataFrame, dict[str, str], dict[str, str | None]]:
    patients = cohort.patients_with(features)
    names = [*described_columns(cohort, patients), *(each.name for each in features)]
    titles = {n: n.replace("_", " ") for n in names} | {f.name: f.words() for f in features}
    units = {name: UNITS.get(name) for name in names} | {each.name: each.unit for each in features}
    return patients[names], titles, units


def _selection_columns(selection: Selection) -> pd.DataFrame:
    patients, event = selection.patients, selection.event
    if event is None or "event" in patients:
        return patients
    levels = _named(np.asarray(event, bool), patients.index, "yes", "no")
    return pd.concat([levels.rename("event"), patients], axis="columns")


def _of_cohort(cohort: Cohort, frame: pd.DataFrame) -> dict[str, str]:
    spec, groups = cohort.card.spec, {"": "nobody", "event": "event"}
    if "fold" in cohort.patients:
        groups["fold"] = "fold"
    for name in spec.columns:
        try:
            check_columns(spec, [name], "a group")
        except CohortError:
            continue
        if name in frame and _few(frame[name]):
            groups[name] = name.replace("_", " ")
    return groups | {f"has_{name}": f"has {name}" for name in spec.modalities}


def _few(values: pd.Series) -> bool:
    """Whether the values make few groups; numbers do once they are cut."""
    return _is_number(values) or values.nunique() <= MOST_LEVELS


def _short(selection: Selection, name: str) -> str:
    """The title of a column, where it is one, and not a sentence."""
    title = selection.title(name)
    return title if len(title) <= LONGEST_TITLE else name.replace("_", " ")


def _is_number(values: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def _named(holds: np.ndarray, index: pd.Index, yes: str, no: str) -> pd.Series:
    return pd.Series(pd.Categorical(np.where(holds, yes, no), [no, yes]), index)
