"""One selection for all widgets: what is brushed in one selects patients in every other.

The bus holds clauses by the view that set them, the index that judges them, and the masks, which
stay in the kernel. A view sees the patients for whom the clauses of all *other* views hold.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.cohort.criteria import Criterion
from workbench.cohort.crossfilter import (
    Brushes,
    Clause,
    Counts,
    CrossFilter,
    Display,
    Drag,
    Shown,
    crossfilter,
    rules,
    select,
    take_up,
)
from workbench.cohort.crossfilter import Selection as Chosen
from workbench.cohort.privacy import ReleaseLog
from workbench.data.card.cohorts import MINIMUM_CELL
from workbench.errors import CohortError
from workbench.report.document import column_label

if TYPE_CHECKING:
    from workbench.cohort.cohort import Cohort
    from workbench.data.card.schema import Card

MODALITIES = "modalities"


@dataclass(frozen=True)
class Moved:
    """What happened to the selection.

    Parameters
    ----------
    version
        Of the brushes; it only grows.
    view
        The view that moved; "" for undo, redo and clearing.
    settled
        False while a brush is in motion: what costs time waits until it is let go.
    """

    version: int
    view: str
    settled: bool


class Selection:
    """Patients, the clauses that select among them, and everybody who watches.

    Parameters
    ----------
    patients
        One row a patient: the columns that can be brushed.
    time, event
        From index date to event or censoring, and whether it was the event, (patient,). An outcome
        without a time has the event alone: tables compare by it, curves need both.
    present
        Modality → whether the patient has it, (patient,) bool.
    minimum
        Smallest count that any view may show.
    time_unit
        Of ``time``.
    titles
        Column → what a person reads.
    log
        What was shown of a restricted dataset, whose identifiers are the index of ``patients``:
        tables ask it, and counts of what is brushed are rounded to its minimum.

    Examples
    --------
    >>> from workbench.cohort.crossfilter import Range
    >>> patients = pd.DataFrame({"age": [35, 48, 61, 77], "sex": ["f", "m", "m", "f"]})
    >>> selection = Selection(patients, minimum=0)
    >>> selection.set("age", Range("age", 40, 70))
    >>> selection.n_selected, [rule.sentence() for rule in selection.rules()]
    (2, ['age ≥ 40 and age < 70'])
    >>> selection.undo()
    >>> selection.n_selected
    4
    """

    def __init__(
        self,
        patients: pd.DataFrame,
        time: np.ndarray | None = None,
        event: np.ndarray | None = None,
        *,
        present: Mapping[str, np.ndarray] | None = None,
        minimum: int = MINIMUM_CELL,
        time_unit: str = "",
        titles: Mapping[str, str] | None = None,
        log: ReleaseLog | None = None,
    ) -> None:
        self.patients = patients
        self.time, self.event = time, event
        self.modalities = tuple(present or ())
        self.minimum = minimum
        self.release_log = log or ReleaseLog("", 0)
        self.time_unit = time_unit
        self.titles = dict(titles or {})
        timed = event if time is not None else None
        index = crossfilter(patients, time, timed, present=present or None)
        self.views = tuple(index.dimensions)
        self._moving: Counts | None = None
        self._offered: dict[str, np.ndarray | pd.Series] = {}
        self._hold(index, Brushes())
        self._watchers: list[Callable[[Moved], None]] = []

    @classmethod
    def of(cls, cohort: "Cohort", columns: tuple[str, ...] = ()) -> "Selection":
        """The patients of a cohort by the columns of its card, under the card's privacy.

        Parameters
        ----------
        cohort
            Its outcome gives the curves, if it is a time; its card gives the titles and the
            smallest count.
        columns
            Which columns; all that the card declares for analysis, if not given.

        Raises
        ------
        CohortError
            A column that the card does not declare.
        """
        spec = cohort.card.spec
        unknown = set(columns) - set(spec.columns)
        if unknown:
            raise CohortError(f"the dataset has no column {', '.join(sorted(unknown))}")
        names = columns or tuple(n for n, c in spec.columns.items() if c.role in BRUSHED)
        timed = cohort.time_unit is not None
        return cls(
            cohort.patients[list(names)],
            cohort.patients["time"].to_numpy() if timed else None,
            cohort.patients["event"].to_numpy(),
            present=cohort.available if len(cohort.available) > 1 else None,
            minimum=spec.privacy.minimum_cell,
            time_unit=cohort.time_unit or "",
            titles={"event": f"{spec.outcomes[cohort.outcome].title}: event"}
            | {name: _title(spec, name) for name in names},
            log=cohort.release_log,
        )

    # What is asked

    def set(self, view: str, clause: Clause | None) -> None:
        """``view`` asks this from now on; None: nothing any more.

        Raises
        ------
        CohortError
            The clause does not fit the patients.
        """
        before = self._brushes
        self._settle(
            before.without(view) if clause is None else before.with_clause(view, clause), view
        )

    def clear(self) -> None:
        """No view asks anything any more."""
        self._settle(self._brushes.cleared(), "")

    def undo(self) -> None:
        """As before the last change."""
        self._settle(self._brushes.undo(), "")

    def redo(self) -> None:
        """As before the last undoing."""
        self._settle(self._brushes.redo(), "")

    def move(self, view: str, clause: Clause | None) -> Shown:
        """A brush on the column ``view`` is in motion: counts of all views, from tiles.

        The selection itself changes when the brush is let go, with :meth:`set`.
        """
        if self._drag is None or self._drag.view != view:
            self._drag = take_up(self._chosen, view)
        self._moving = self._drag.move(clause)
        self._shown = shown = self.display.counts(self._moving)
        self._tell(Moved(self.version, view, settled=False))
        return shown

    def offer(self, name: str, values: np.ndarray | pd.Series) -> None:
        """Make a column that clauses may name, such as risk groups or predicted risks.

        Parameters
        ----------
        name
            Unique among the columns; the same name again replaces what was offered before, and what
            was asked of that is asked no more.
        values
            One a patient, of any type that a column may have.

        Raises
        ------
        CohortError
            The name is that of a column of the patients, or the values do not fit.
        """
        if name in self.views:
            raise CohortError(f"{name!r} is a column of the patients: offer another name")
        if len(values) != len(self.patients):
            raise CohortError(
                f"{name}: expected one value for each of {len(self.patients)} patients, got "
                f"{len(values)}"
            )
        # The values of a series as they are: levels keep their order, rows theirs.
        plain = values if isinstance(values, np.ndarray) else values.array
        frame = pd.DataFrame({name: plain})
        extra = crossfilter(frame)
        index = replace(
            self.index,
            dimensions={**self.index.dimensions, **extra.dimensions},
            total={**self.index.total, **extra.total},
        )
        kept = self._brushes
        for view, clause in kept.present:
            if getattr(clause, "column", None) == name:
                kept = kept.without(view)
        asked_no_more = kept is not self._brushes
        self._offered[name] = values
        self._hold(index, kept)
        if asked_no_more:
            self._tell(Moved(self.version, "", settled=True))

    def offered(self, name: str) -> np.ndarray | pd.Series | None:
        """Values that a view offered under a name, the very ones; None where nobody did."""
        return self._offered.get(name)

    # What holds

    @property
    def brushes(self) -> Brushes:
        """The clauses, with what was there before."""
        return self._brushes

    @property
    def version(self) -> int:
        """Grows with every change."""
        return self._brushes.version

    @property
    def chosen(self) -> Chosen:
        """The selection, judged patient by patient."""
        return self._chosen

    @property
    def mask(self) -> np.ndarray:
        """Who is selected, (patient,) bool."""
        return self._chosen.mask

    @property
    def n_selected(self) -> int:
        """Patients for whom all clauses hold."""
        return self._chosen.counts.n_selected

    def mask_for(self, view: str) -> np.ndarray:
        """Who is selected by all views but this one, (patient,) bool."""
        return self._chosen.passing(slice(None), view)

    @property
    def shown(self) -> Shown:
        """Counts of all views as they may be shown; of tiles while a brush is in motion."""
        if self._shown is None:
            self._shown = self.display.selection(self._chosen)
        return self._shown

    @property
    def moving(self) -> Counts | None:
        """Counts while a brush is in motion; None when it is not."""
        return self._moving if self._drag is not None else None

    def rules(self) -> tuple[Criterion, ...]:
        """The clauses as criteria for :meth:`workbench.cohort.cohort.Cohort.select`.

        Raises
        ------
        CohortError
            A clause rests on a column that a view offered: no cohort knows it.
        """
        for _, clause in self._brushes.present:
            column = getattr(clause, "column", MODALITIES)
            if column not in self.views:
                raise CohortError(f"{column!r} is no column of the cohort: it cannot become a rule")
        return rules(self._brushes, self.modalities)

    def title(self, column: str) -> str:
        """What a person reads for a column."""
        return self.titles.get(column, column.replace("_", " "))

    def to_json(self) -> dict[str, Any]:
        """The clauses and their history; no patient."""
        return self._brushes.to_json()

    def replay(self, written: Mapping[str, Any]) -> None:
        """Ask what :meth:`to_json` wrote.

        Raises
        ------
        CohortError
            It is not that, or does not fit these patients.
        """
        self._settle(Brushes.from_json(written), "")

    def watch(self, watcher: Callable[[Moved], None]) -> Callable[[], None]:
        """Call ``watcher`` after each change; returns what ends it."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    def _settle(self, brushes: Brushes, view: str) -> None:
        if self._drag is not None and self._drag.view == view and view in self.views:
            clause = brushes.clauses.get(view)
            chosen = replace(self._drag.release(clause), brushes=brushes)
        else:
            chosen = select(self.index, brushes, self._chosen)
        self._drag, self._brushes, self._chosen, self._shown = None, brushes, chosen, None
        self._tell(Moved(self.version, view, settled=True))

    def _hold(self, index: CrossFilter, brushes: Brushes) -> None:
        self.index, self._brushes = index, brushes
        self._drag: Drag | None = None
        self.display = Display(index, self.minimum, max(self.release_log.minimum, 1))
        self._chosen = select(index, brushes)
        self._shown: Shown | None = None

    def _tell(self, moved: Moved) -> None:
        for watcher in tuple(self._watchers):
            watcher(moved)


def _title(spec: "Card", name: str) -> str:
    column = spec.columns[name]
    label = column_label(column.meaning, spec.simulated)
    return f"{label} ({column.unit})" if column.unit else label


BRUSHED = ("feature", "group", "marker", "site", "description")
