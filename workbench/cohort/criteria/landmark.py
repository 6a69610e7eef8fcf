"""A landmark: when time begins to run, for those who are still at risk then."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

import numpy as np

from workbench.cohort.criteria.population import INDEX_DATE, day_of
from workbench.cohort.criteria.window import HOUR, LONGEST, Unit
from workbench.cohort.written import check_entries, shown
from workbench.data.events import DAY
from workbench.errors import CohortError

Earlier = Literal["leave", "stay"]


@dataclass(frozen=True)
class Landmark:
    """Time runs from so long after the index date.

    Whoever is not followed up beyond it leaves. What is known at the landmark may select and group
    patients: all of them have lived to it [1].

    Parameters
    ----------
    after
        Days by calendar, at least 1, or hours from the moment; 0 hours are the index date itself,
        with time counted in hours. An outcome or the end of follow-up at exactly the landmark lies
        before it.
    unit
        Of ``after``, and of the time to the outcome.
    earlier
        Patients whose outcome came by the landmark ``leave``; they ``stay`` where it may come
        again, and the first one after the landmark counts.

    References
    ----------
    [1] Anderson, J. R., Cain, K. C. and Gelber, R. D. "Analysis of survival by tumor response."
        J Clin Oncol 1983;1:710-719.
    """

    after: int
    unit: Unit = "days"
    earlier: Earlier = "leave"

    def __post_init__(self) -> None:
        if self.unit not in get_args(Unit):
            raise CohortError(f"landmark: unit is days or hours; got {shown(self.unit)}")
        if self.earlier not in get_args(Earlier):
            raise CohortError(f"landmark: earlier is leave or stay; got {shown(self.earlier)}")
        least, longest = (1, LONGEST) if self.unit == "days" else (0, 24 * LONGEST)
        whole = isinstance(self.after, int) and not isinstance(self.after, bool)
        if not whole or not least <= self.after <= longest:
            raise CohortError(
                f"landmark: expected whole {self.unit} from {least} to {longest} after the index "
                f"date; got {shown(self.after)}"
            )

    def words(self) -> str:
        """When it is."""
        if self.after == 0:
            return f"the moment of {INDEX_DATE}"
        unit = self.unit if self.after > 1 else self.unit.removesuffix("s")
        return f"{self.after} {unit} after {INDEX_DATE}"

    def question(self, outcome: str) -> str:
        """What is asked of whoever stays; ``outcome`` is what is waited for, "" for nothing."""
        first = outcome and self.earlier == "leave"
        without = f", without {outcome} until then" if first else ""
        return f"followed up beyond {self.words()}{without}"

    def to_json(self) -> dict[str, Any]:
        """What :meth:`from_json` reads; what is not said otherwise is left out."""
        written: dict[str, Any] = {"after": self.after}
        for name in ("unit", "earlier"):
            if getattr(self, name) != getattr(Landmark, name):
                written[name] = getattr(self, name)
        return written

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` wrote."""
        check_entries(written, {"after", "unit", "earlier"}, "landmark")
        if "after" not in written:
            raise CohortError("landmark: say how long after the index date it is: after")
        return cls(**written)


def last_within(index: np.ndarray, after: int, unit: Unit) -> np.ndarray:
    """Last moment no later than ``after`` days or hours after each index date, int64 µs."""
    if unit == "days":
        return (day_of(index) + after + 1) * DAY - 1
    return index + after * HOUR
