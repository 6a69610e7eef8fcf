"""Which counts of a cohort may be shown now, beside what was shown of its dataset before."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from workbench.cohort.privacy import Answer, release_attrition, suppress_attrition
from workbench.cohort.table_one import shown_groups
from workbench.cohort.table_one.asking import cohort_words

if TYPE_CHECKING:
    from workbench.cohort.cohort import Cohort


def release_cohort(cohort: "Cohort", by: str | None) -> Answer:
    """Whether all patients, and the groups of the column ``by``, may be shown."""
    log, words = cohort.release_log, cohort_words(cohort)
    groups = {} if by is None or log.minimum <= 1 else shown_groups(cohort, by)
    levels = {f"{words}, {by} {level}": mask for level, mask in groups.items()}
    everyone = {words: np.ones(cohort.n_patients, bool)}
    return log.show_all(cohort.patients.index.to_numpy(object), everyone | levels)


def refused_groups(cohort: "Cohort", groups: Mapping[str, np.ndarray]) -> dict[str, str]:
    """Title of each group, (patient,) bool, that may not be shown → why."""
    parts = {f"{cohort_words(cohort)}, {title}": mask for title, mask in groups.items()}
    ids = cohort.patients.index.to_numpy(object)
    answers = cohort.release_log.show(ids, parts).values()
    return {
        title: answer.sentence
        for title, answer in zip(groups, answers, strict=True)
        if not answer.allowed
    }


def released_attrition(cohort: "Cohort") -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The attrition without small cells, and why more than small cells is withheld.

    Raises
    ------
    PrivacyError
        The patients who are left would give a small group away.
    """
    privacy, ids = cohort.card.spec.privacy, cohort.everyone.index.to_numpy(object)
    if not privacy.restricted:
        return suppress_attrition(cohort.attrition, privacy.minimum_cell), ()
    return release_attrition(
        cohort.attrition, cohort.flow, ids, log=cohort.release_log, words=cohort_words(cohort)
    )
