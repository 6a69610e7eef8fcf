"""A table one asks before it shows its patients and the groups that it compares."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from workbench.cohort.privacy import ReleaseLog
from workbench.errors import PrivacyError


def require_release(
    log: ReleaseLog, words: str, ids: pd.Index | pd.Series, groups: Mapping[str, np.ndarray]
) -> None:
    """Ask for all patients, and for those of each group that is large enough to be shown.

    Parameters
    ----------
    log
        Of the dataset.
    words
        What the patients are called.
    ids
        Whose row each is, (row,) str.
    groups
        Title → (row,) bool.

    Raises
    ------
    PrivacyError
        If together with what was shown before, they would give a small group away.
    """
    if log.minimum <= 1:
        return
    owner, everyone = pd.factorize(np.asarray(ids, object))
    parts = {words: np.ones(len(everyone), bool)}
    for title, rows in groups.items():
        there = np.zeros(len(everyone), bool)
        there[owner[rows]] = True
        if there.sum() >= log.minimum:
            parts[f"{words}, {title}"] = there
    answer = log.show_all(everyone, parts)
    if not answer.allowed:
        raise PrivacyError(answer.sentence)
