"""What a page is given: bars and coarse curves, without small cells."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

Count = int | None
"""None: withheld, which is not zero."""


@dataclass(frozen=True)
class ShownView:
    """Bars of one view, missing values last.

    Parameters
    ----------
    labels
        What each bin is called.
    total, selected, rest
        Patients in each; ``selected`` are those for whom the clauses of all other views hold.
    """

    labels: tuple[str, ...]
    total: tuple[Count, ...]
    selected: tuple[Count, ...]
    rest: tuple[Count, ...]


@dataclass(frozen=True)
class ShownCurve:
    """Survival at round times, as long as enough patients are at risk.

    Parameters
    ----------
    time, survival, n_at_risk
        (point,); numbers at risk differ by none or at least by the minimum.
    exact
        Whether it is Kaplan and Meier's estimator; else a life table of bins of time.
    off_by
        How far the estimator can be from it at most.
    """

    time: tuple[float, ...]
    survival: tuple[float, ...]
    n_at_risk: tuple[int, ...]
    exact: bool
    off_by: float


@dataclass(frozen=True)
class Shown:
    """One picture of all views.

    Parameters
    ----------
    views
        View → its bars.
    n_patients, n_selected, n_rest
        Of the cohort, of whom all clauses hold, and all others.
    survival, survival_rest
        Curves of the selected and of the rest; None where there is no outcome or too few.
    exact
        False while a brush cuts through bins and the nearest are counted instead.
    rounded_to
        What counts of the selected and of the rest are rounded to multiples of.
    """

    views: Mapping[str, ShownView]
    n_patients: Count
    n_selected: Count
    n_rest: Count
    survival: ShownCurve | None
    survival_rest: ShownCurve | None
    exact: bool
    rounded_to: int = 1

    def to_json(self) -> dict[str, Any]:
        """Plain lists and numbers; null is withheld."""
        return asdict(self)
