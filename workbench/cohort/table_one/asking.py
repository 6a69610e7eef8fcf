"""A table one asks before it shows its patients and the groups that it compares."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from workbench.cohort.privacy.release_log import ReleaseLog
from workbench.cohort.privacy.suppression import suppress_sizes
from workbench.cohort.table_one.earlier import NOTHING_EARLIER, Earlier
from workbench.cohort.table_one.grouping import ALL, Division, blocks_of
from workbench.cohort.table_one.people import people_of
from workbench.errors import PrivacyError

if TYPE_CHECKING:
    from workbench.cohort.cohort import Cohort


def require_tables(
    log: ReleaseLog,
    words: str,
    everyone: pd.DataFrame,
    *,
    ids: pd.Index | pd.Series,
    described: np.ndarray,
    divisions: Sequence[Division],
) -> Earlier:
    """Ask for all patients of a table, and for those of each group whose size is shown.

    Parameters
    ----------
    log
        Of the dataset.
    words
        What the patients are called.
    everyone
        One row a patient or a record, also of those whom the table does not describe, so that what
        an earlier table of more patients tells beside it can be judged.
    ids
        Whose row of ``everyone`` each is, (row,) str.
    described
        Rows of the table, (row,) bool.
    divisions
        Of the described rows.

    Raises
    ------
    PrivacyError
        If together with what was shown before, they would give a small group away, or nobody can
        tell because an earlier table holds patients who are not in ``everyone``.
    """
    if log.minimum <= 1:
        return NOTHING_EARLIER
    owner, people = pd.factorize(np.asarray(ids, object))
    rows = np.flatnonzero(described)

    def who(chosen: np.ndarray) -> np.ndarray:
        there = np.zeros(len(people), bool)
        there[owner[chosen]] = True
        return there

    masks, parts = {words: who(rows)}, {ALL: words}
    sizes = people_of(np.zeros(len(rows), np.int64), 1, divisions, owner[rows])
    hidden = suppress_sizes(sizes.inside[0], blocks_of(divisions), log.minimum, sizes.alone[0])
    shown = iter(~hidden[1:])
    for division in divisions:
        for k, title in enumerate(division.titles):
            if next(shown):
                parts[title] = f"{words}, {division.by[0]} {title}"
                masks[parts[title]] = who(rows[division.codes == k])
    answer, apart = log.show_tables(people, masks)
    if not answer.allowed:
        raise PrivacyError(answer.sentence)
    return Earlier(everyone, owner, apart, parts)


def require_cohort_tables(cohort: "Cohort", divisions: Sequence[Division]) -> Earlier:
    """As :func:`require_tables`, of a cohort beside everyone of its card."""
    if cohort.release_log.minimum <= 1:
        return NOTHING_EARLIER
    everyone = everyone_of(cohort)
    return require_tables(
        cohort.release_log,
        cohort_words(cohort),
        everyone,
        ids=everyone.index,
        described=np.arange(len(everyone)) < cohort.n_patients,
        divisions=divisions,
    )


def everyone_of(cohort: "Cohort") -> pd.DataFrame:
    """The patients of a cohort, then all others of its card."""
    everyone = cohort.everyone
    others = everyone[~everyone.index.isin(cohort.patients.index)]
    patients = cohort.patients[list(everyone)]
    return pd.concat([patients, others]) if len(others) else patients


def cohort_words(cohort: "Cohort") -> str:
    """What the release log calls the patients of a cohort."""
    steps = [step.sentence for step in (*cohort.flow.rules, *cohort.flow.after)]
    return ", ".join([f"patients of {cohort.outcome}", *steps])
