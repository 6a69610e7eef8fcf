"""How many patients share a combination of what a reader may know of them from elsewhere.

References
----------
[1] Sweeney, L. "k-anonymity: a model for protecting privacy." International Journal of
    Uncertainty, Fuzziness and Knowledge-Based Systems 2002;10:557-570.
[2] Machanavajjhala, A. et al. "l-diversity: privacy beyond k-anonymity." ACM Transactions on
    Knowledge Discovery from Data 2007;1:3.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.cohort.privacy.small_cells import SUPPRESSED
from workbench.cohort.sheet import Head, Line, Sheet
from workbench.cohort.sheet_html import sheet_html
from workbench.data.card import did_you_mean
from workbench.data.card.cohorts import MINIMUM_CELL
from workbench.errors import CohortError


@dataclass(frozen=True)
class Classes:
    """Patients who share a combination form a class.

    Parameters
    ----------
    k
        Size of the smallest class.
    n_classes
        Number of classes.
    n_below
        Patients in classes smaller than was asked for; None where that number is withheld.
    """

    k: int
    n_classes: int
    n_below: int | None


@dataclass(frozen=True)
class Driver:
    """What remains ``without`` a column."""

    column: str
    without: Classes


@dataclass(frozen=True)
class KAnonymity:
    """How well patients hide among each other.

    Parameters
    ----------
    columns
        Columns that a reader may know from elsewhere, and how each was binned, in words.
    n_patients
        All patients.
    asked_k
        The smallest class that is accepted.
    classes
        Of all columns together.
    drivers
        The same without each column, that which helps most first.
    sensitive, l, n_undiverse
        Column that must not be told from the class, the smallest number of its values in a class
        [2], and the patients in classes with fewer values than ``asked_l``; None where that number
        is withheld, and all None if not asked for.
    asked_l
        The smallest number of values that is accepted.
    minimum_cell
        Smallest number of patients that is shown. ``k`` and ``l`` are shown as they are: they are
        what is asked, and point at no combination.
    """

    columns: Mapping[str, str]
    n_patients: int
    asked_k: int
    classes: Classes
    drivers: tuple[Driver, ...]
    sensitive: str | None
    asked_l: int | None
    l: int | None  # noqa: E741
    n_undiverse: int | None
    minimum_cell: int

    @property
    def fulfilled(self) -> bool:
        """Whether every class is as large, and as diverse, as was asked."""
        diverse = self.l is None or self.asked_l is None or self.l >= self.asked_l
        return self.classes.k >= self.asked_k and diverse

    def frame(self) -> pd.DataFrame:
        """One row for all columns and one without each: ``columns``, ``k``, ``n_classes``,
        ``n_below`` as text, so that what is withheld reads so."""
        rows = [("all", self.classes)] + [(f"without {d.column}", d.without) for d in self.drivers]
        return pd.DataFrame(
            [(name, c.k, c.n_classes, _shown(c.n_below)) for name, c in rows],
            columns=["columns", "k", "n_classes", "n_below"],
        )

    def sheet(self) -> Sheet:
        """The words of the report."""
        rows = [("All columns", self.classes)]
        rows += [(f"Without {d.column}", d.without) for d in self.drivers]
        body = tuple(
            Line(name, (str(c.k), str(c.n_classes), _shown(c.n_below)), part=name != "All columns")
            for name, c in rows
        )
        known = "; ".join(f"{name} ({how})" if how else name for name, how in self.columns.items())
        notes = [
            f"Of {self.n_patients} patients; a reader may know: {known}.",
            "k: size of the smallest class of patients who share a combination. Without a column "
            "that drives it, k rises most.",
        ]
        if self.sensitive is not None:
            notes.append(
                f"Diversity of {self.sensitive}: every class has at least {self.l} of its values; "
                f"patients in classes with fewer than {self.asked_l}: {_shown(self.n_undiverse)}."
            )
        if self.minimum_cell > 1:
            notes.append(f"Numbers of patients below {self.minimum_cell} are withheld.")
        met = "met" if self.fulfilled else "not met"
        return Sheet(
            caption=f"k-anonymity: k ≥ {self.asked_k} is {met}",
            corner="Columns",
            heads=(
                (
                    Head("k"),
                    Head("Classes"),
                    Head("Patients", below=f"in classes below {self.asked_k}"),
                ),
            ),
            bodies=(body[:1], body[1:]) if self.drivers else (body,),
            notes=tuple(notes),
            withheld=SUPPRESSED,
        )

    def to_html(self) -> str:
        """One self-contained page."""
        return sheet_html(self.sheet())


def k_anonymity(
    patients: pd.DataFrame,
    quasi_identifiers: Sequence[str],
    *,
    bins: Mapping[str, Sequence[float]] | None = None,
    sensitive: str | None = None,
    asked_k: int = 5,
    asked_l: int = 2,
    minimum_cell: int = MINIMUM_CELL,
) -> KAnonymity:
    """How well patients hide among each other.

    Parameters
    ----------
    patients
        One row a patient.
    quasi_identifiers
        Columns that a reader may know from elsewhere, such as age, sex and site. A missing value
        is a value of its own.
    bins
        Edges of a number's bins, ascending: ``[40, 60]`` makes below 40, 40 to below 60, 60 and
        above. Without edges every value is its own.
    sensitive
        Column whose value must not follow from the class, such as the outcome; missing is a value.
    asked_k, asked_l
        The smallest class, and the smallest number of sensitive values in a class, to be accepted.
    minimum_cell
        Numbers of patients from 1 to this - 1 are withheld.

    Raises
    ------
    CohortError
        If there are no patients, or a column does not exist, or edges do not ascend.

    Examples
    --------
    >>> patients = pd.DataFrame({"age": [41, 44, 47, 63, 66], "sex": ["f", "f", "m", "m", "m"]})
    >>> k_anonymity(patients, ["age", "sex"], bins={"age": [50]}).classes.k
    1
    """
    bins = bins or {}
    names = list(quasi_identifiers)
    for name in (*names, *bins, *([sensitive] if sensitive is not None else [])):
        if name not in patients:
            near = did_you_mean(str(name), [str(c) for c in patients])
            raise CohortError(f"k-anonymity: no column is called {name!r}{near}")
    if not names or not len(patients):
        raise CohortError(
            f"k-anonymity needs patients and quasi-identifiers, got {len(patients)} and "
            f"{len(names)}"
        )
    codes = {name: _codes(patients[name], bins.get(name)) for name in names}
    member = _classes(list(codes.values()), len(patients))
    drivers = [
        Driver(
            name,
            _judged(
                _classes([c for other, c in codes.items() if other != name], len(patients)),
                asked_k,
                minimum_cell,
            ),
        )
        for name in names
    ]
    diversity, n_undiverse = None, None
    if sensitive is not None:
        pair = _classes([member, _codes(patients[sensitive], bins.get(sensitive))], len(patients))
        _, first = np.unique(pair, return_index=True)
        values = np.bincount(member[first])
        diversity = int(values.min())
        n_undiverse = _withheld(int((values[member] < asked_l).sum()), len(patients), minimum_cell)
    return KAnonymity(
        columns={name: _how(bins.get(name)) for name in names},
        n_patients=len(patients),
        asked_k=asked_k,
        classes=_judged(member, asked_k, minimum_cell),
        drivers=tuple(sorted(drivers, key=lambda d: (-d.without.k, d.without.n_classes))),
        sensitive=sensitive,
        asked_l=None if sensitive is None else asked_l,
        l=diversity,
        n_undiverse=n_undiverse,
        minimum_cell=minimum_cell,
    )


def _codes(values: pd.Series, edges: Sequence[float] | None) -> np.ndarray:
    """A number for each value, or for the bin it falls in, missing being one too."""
    if edges is None:
        return pd.factorize(values)[0] + 1
    if list(edges) != sorted(set(edges)):
        raise CohortError(f"bins of {values.name}: edges must ascend, got {len(edges)} that do not")
    numbers = values.to_numpy(float, na_value=np.nan)
    return np.where(np.isnan(numbers), 0, np.searchsorted(edges, numbers, side="right") + 1)


def _classes(codes: Sequence[np.ndarray], n_patients: int) -> np.ndarray:
    """Class of each patient, numbered from 0 without gaps; codes are not negative."""
    member = np.zeros(n_patients, np.int64)
    for code in codes:
        joint = member * (int(code.max()) + 1) + code
        member = pd.factorize(joint)[0]
    return member


def _judged(member: np.ndarray, asked_k: int, minimum: int) -> Classes:
    sizes = np.bincount(member)
    n_below = int(sizes[sizes < asked_k].sum())
    return Classes(int(sizes.min()), len(sizes), _withheld(n_below, len(member), minimum))


def _withheld(n: int, n_patients: int, minimum: int) -> int | None:
    """None where few patients, or all but few, are meant."""
    few = 0 < n < minimum or 0 < n_patients - n < minimum
    return None if few else n


def _shown(n: int | None) -> str:
    return SUPPRESSED if n is None else str(n)


def _how(edges: Sequence[float] | None) -> str:
    return "" if edges is None else f"cut at {', '.join(f'{edge:g}' for edge in edges)}"
