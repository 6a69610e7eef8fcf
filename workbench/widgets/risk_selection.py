"""From predicted risk back to patients: a bin, a third or a threshold selects them everywhere."""

from typing import TYPE_CHECKING

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
        self._offered: set[str] = set()

    @property
    def clause(self) -> Clause | None:
        """What is asked now."""
        return self._selection.brushes.clauses.get(self._view)

    def offer(self, name: str, horizon: float) -> None:
        """Let the selection know the predicted risk under ``name``, and its thirds; once each."""
        if name not in self._offered:
            self._give(name, pd.Series(self._patients.risk(self._model, horizon)))
        if THIRD not in self._offered:
            self._give(THIRD, pd.Series(self._patients.thirds(self._model)))

    def _give(self, name: str, values: pd.Series) -> None:
        index = self._patients.cohort.patients.index
        self._offered.add(name)
        everyone = self._selection.patients.index
        self._selection.offer(name, values.set_axis(index).reindex(everyone))

    def brushed(self, name: str) -> tuple[float, float] | None:
        """The range of the risk ``name`` that is asked for, from 0 to 1 where an end is open."""
        clause = self.clause
        if not isinstance(clause, Range) or clause.column != name:
            return None
        low, high = clause.low, clause.high
        return (0.0 if low is None else float(low), 1.0 if high is None else float(high))

    def ask(self, name: str, low: float | None, high: float | None) -> None:
        """Patients whose risk ``name`` is at least ``low`` and below ``high``."""
        self._selection.set(self._view, Range(name, low, high))

    def ask_bin(self, name: str, horizon: float, at: int) -> None:
        """Patients in one bin of the calibration."""
        ends = [None, *self._patients.bin_edges(self._model, horizon), None]
        self.ask(name, ends[at], ends[at + 1])

    def ask_third(self, label: str) -> None:
        """Patients at low, middle or high risk within their fold."""
        self._selection.set(self._view, Levels(THIRD, (label,)))

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
