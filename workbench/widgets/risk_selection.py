"""From predicted risk back to patients: a bin, a third or a threshold selects them everywhere."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from workbench.cohort.crossfilter import Clause, Levels, Range
from workbench.errors import CohortError, WorkbenchError
from workbench.widgets.evaluated_patients import EvaluatedPatients
from workbench.widgets.selection import Selection

if TYPE_CHECKING:
    from workbench.cohort.cohort import Cohort

THIRD = "third of predicted risk"


class RiskSelection:
    """The clause that one view asks of a selection, about risks that a model predicts.

    Parameters
    ----------
    selection
        Of at least the evaluated patients.
    patients
        With their predictions.
    model
        Whose predictions are asked about.
    view
        Names this view among those that share the selection.

    Raises
    ------
    WorkbenchError
        No patients, or some who are not in the selection.
    """

    def __init__(
        self, selection: Selection, patients: EvaluatedPatients | None, model: str, *, view: str
    ) -> None:
        if patients is None:
            raise WorkbenchError("to lead back to patients, pass the cohort and its predictions")
        _check_patients(selection, patients.cohort)
        self._selection, self._patients, self._model = selection, patients, model
        self._view = view
        self._own: dict[str, pd.Series] = {}

    @property
    def clause(self) -> Clause | None:
        """What is asked now; None where it is asked of risks that another evaluation offers."""
        clause = self._selection.brushes.clauses.get(self._view)
        return clause if clause is not None and self._holds(getattr(clause, "column", "")) else None

    def offer(self, name: str, horizon: float) -> None:
        """Let the selection know the predicted risk under ``name``, and its thirds.

        What another evaluation offers under these names stays until this one asks for patients.
        """
        for each, values in ((name, self._risk(name, horizon)), (THIRD, self._thirds())):
            if self._selection.offered(each) is None:
                self._selection.offer(each, values)

    def _risk(self, name: str, horizon: float) -> pd.Series:
        if name not in self._own:
            self._own[name] = self._of_everyone(self._patients.risk(self._model, horizon))
        return self._own[name]

    def _thirds(self) -> pd.Series:
        if THIRD not in self._own:
            self._own[THIRD] = self._of_everyone(self._patients.thirds(self._model))
        return self._own[THIRD]

    def _of_everyone(self, values: Any) -> pd.Series:
        of_cohort = pd.Series(values).set_axis(self._patients.cohort.patients.index)
        return of_cohort.reindex(self._selection.patients.index)

    def _holds(self, name: str) -> bool:
        """Whether the selection has this view's own values under the name."""
        there, own = self._selection.offered(name), self._own.get(name)
        return there is own or (there is not None and own is not None and own.equals(there))

    def _ask(self, name: str, values: pd.Series, clause: Clause) -> None:
        if not self._holds(name):
            self._selection.offer(name, values)
        self._selection.set(self._view, clause)

    def brushed(self, name: str) -> tuple[float, float] | None:
        """The range of the risk ``name`` that is asked for, from 0 to 1 where an end is open."""
        clause = self.clause
        if not isinstance(clause, Range) or clause.column != name:
            return None
        low, high = clause.low, clause.high
        return (0.0 if low is None else float(low), 1.0 if high is None else float(high))

    def ask(self, name: str, horizon: float, low: float | None, high: float | None) -> None:
        """Patients whose risk ``name`` at a horizon is at least ``low`` and below ``high``."""
        self._ask(name, self._risk(name, horizon), Range(name, low, high))

    def ask_bin(self, name: str, horizon: float, at: int) -> None:
        """Patients in one bin of the calibration."""
        ends = [None, *self._patients.bin_edges(self._model, horizon), None]
        self.ask(name, horizon, ends[at], ends[at + 1])

    def ask_third(self, label: str) -> None:
        """Patients at low, middle or high risk within their fold."""
        self._ask(THIRD, self._thirds(), Levels(THIRD, (label,)))

    def release(self) -> None:
        """Nothing is asked any more."""
        self._selection.set(self._view, None)


def _check_patients(selection: Selection, cohort: "Cohort") -> None:
    lacking = ~cohort.patients.index.isin(selection.patients.index)
    if lacking.any():
        raise CohortError(
            f"the selection lacks {int(lacking.sum())} of the evaluated patients: make it with "
            "Selection.of(cohort)"
        )
