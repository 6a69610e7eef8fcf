"""Whom a table counts that an earlier one does not: what subtracting one from the other tells of.

Two tables of 200 and 180 patients may both be shown; yet where 41 and 40 of them smoke, one of the
twenty between them does. So those who stand between two nested tables are a column that a reader
has without being shown it, and its small counts are to be withheld like any other's
(:func:`~workbench.cohort.privacy.suppression.suppress_blocks`). A third table may give further
columns: all, without the women, without the men.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

WORD = 31


@dataclass(frozen=True, eq=False)
class Apart:
    """Differences of a new table's parts from tables that were shown before.

    Parameters
    ----------
    atom
        (patient,) int. Patients who stand in the same tables share one.
    differences
        Words of a part → (difference, atom) bool: who is in each.
    """

    atom: np.ndarray
    differences: Mapping[str, np.ndarray]

    def counts(
        self, codes: np.ndarray, n_codes: int, patients: np.ndarray | slice = slice(None)
    ) -> dict[str, np.ndarray]:
        """Patients by code in each difference: words of a part → (difference, code) int.

        Parameters
        ----------
        codes
            (patient,) int from 0.
        n_codes
            Codes there are.
        patients
            Whose each code is; a patient can have several.
        """
        if not any(len(found) for found in self.differences.values()):
            return {}
        n_atoms = max(found.shape[1] for found in self.differences.values())
        each = np.bincount(self.atom[patients] * n_codes + codes, minlength=n_atoms * n_codes)
        by_atom = each.reshape(n_atoms, n_codes)
        return {words: found @ by_atom for words, found in self.differences.items() if len(found)}


def nothing_apart(n_patients: int) -> Apart:
    """No table was shown before."""
    return Apart(np.zeros(n_patients, np.int64), {})


def tell_apart(
    parts: Mapping[str, np.ndarray],
    tables: Mapping[str, Sequence[np.ndarray]],
) -> Apart:
    """The groups that two or three nested tables tell of, one of them new.

    Parameters
    ----------
    parts
        Words → (patient,) bool: what the new table shows.
    tables
        Words of a part → (patient,) bool each: the tables that were shown before it.

    Examples
    --------
    >>> older, old = np.array([True, True, False, False]), np.array([True, True, True, False])
    >>> apart = tell_apart({"older": older}, {"older": [old]})
    >>> apart.counts(np.array([0, 1, 1, 0]), 2)
    {'older': array([[0, 1]])}
    """
    shown = list({id(each): each for of_part in tables.values() for each in of_part}.values())
    place = {id(each): k for k, each in enumerate(shown)}
    atom, members = _atoms(np.stack([*shown, *parts.values()]))
    own = dict(zip(parts, members[len(shown) :], strict=True))
    return Apart(
        atom,
        {
            words: _differences(own[words], members[[place[id(each)] for each in of_part]])
            for words, of_part in tables.items()
            if of_part
        },
    )


def _differences(part: np.ndarray, tables: np.ndarray) -> np.ndarray:
    """What is between a part and each table, and between that and each table, (found, atom)."""
    first = _between(part, tables)
    second = [found for difference in first for found in _between(difference, tables)]
    known = {each.tobytes(): each for each in (*first, *second)}
    known.pop(part.tobytes(), None)
    return np.array(list(known.values()), bool).reshape(len(known), len(part))


def _between(one: np.ndarray, tables: np.ndarray) -> list[np.ndarray]:
    found = []
    for other in tables:
        if not (other & ~one).any() or not (one & ~other).any():
            difference = one ^ other
            if difference.any() and not (difference == one).all() and other.any():
                found.append(difference)
    return found


def _atoms(members: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Atom of each patient, (patient,) int64, and who holds each: (selection, atom) bool."""
    atom = np.zeros(members.shape[1], np.int64)
    for start in range(0, len(members), WORD):
        for selection in members[start : start + WORD]:
            atom = 2 * atom + selection
        atom = pd.factorize(atom)[0]
    _, first = np.unique(atom, return_index=True)
    return atom, members[:, first]
