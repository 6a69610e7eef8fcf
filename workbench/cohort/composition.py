"""Which groups lack a modality altogether, so that nothing can be learned of it there."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from workbench.cohort.privacy import SUPPRESSED
from workbench.cohort.table_one import shown_groups

if TYPE_CHECKING:
    from workbench.cohort.cohort import Cohort


def composition_warnings(cohort: "Cohort", modalities: Sequence[str]) -> tuple[str, ...]:
    """One sentence for each modality that some have, but nobody of a group.

    Groups are the levels of the card's columns of role ``group``. How many patients a level has
    is said only where table one may say it.

    Parameters
    ----------
    cohort
        The evaluated patients.
    modalities
        Names of the modalities that the study uses.
    """
    groups = [n for n, c in cohort.card.spec.columns.items() if c.role == "group"]
    found = (_lacking(cohort, name, group) for name in modalities for group in groups)
    return tuple(sentence for sentence in found if sentence)


def _lacking(cohort: "Cohort", modality: str, group: str) -> str:
    """The sentence on one modality and one grouping; empty where every level has the modality."""
    has = pd.Series(cohort.available[modality], cohort.patients.index)
    values = cohort.patients[group]
    having = has.groupby(values, observed=True).any()
    without, judged = ([str(v) for v in having.index[having == known]] for known in (False, True))
    if not without or not judged:
        return ""
    sizes = dict.fromkeys(without, SUPPRESSED)
    if cohort.release(group).allowed:
        sizes |= {title: int(who.sum()) for title, who in shown_groups(cohort, group).items()}
    title = cohort.card.spec.modalities[modality].title
    lost = " and ".join(
        f"all {level} patients" if sizes[level] == SUPPRESSED else f"all {sizes[level]} {level}"
        for level in without
    )
    return (
        f"No patient with {group} = {' or '.join(without)} has {modality} ({title}): it can be "
        f"judged in {' and '.join(judged)} only; selecting has({modality!r}) would remove {lost}."
    )
