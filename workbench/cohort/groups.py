"""Reported groups: which patients are in each."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from workbench.cohort.criteria import parse
from workbench.cohort.time_zero import check_columns, check_modalities
from workbench.errors import CohortError

if TYPE_CHECKING:
    from workbench.cohort.cohort import Cohort


def group_masks(cohort: "Cohort", names: Sequence[str]) -> dict[str, np.ndarray]:
    """Patients of each reported group.

    Parameters
    ----------
    cohort
        Its patients.
    names
        A categorical or boolean column gives one group a level that occurs, titled by the
        level; a group of the card gives its criteria, titled by its title.

    Returns
    -------
    dict
        Title → (patient,) bool, in the order given. Whoever misses the value is in none.

    Raises
    ------
    CohortError
        If there is no such group, it is known only later, or two groups have one title.
    """
    masks: dict[str, np.ndarray] = {}
    for name in names:
        for title, mask in _groups_of(cohort, name).items():
            if title in masks:
                raise CohortError(f"two groups are called {title!r}: rename one in the card")
            masks[title] = mask
    return masks


def _groups_of(cohort: "Cohort", name: str) -> dict[str, np.ndarray]:
    spec = cohort.card.spec
    if name in spec.groups:
        criteria = [parse(written) for written in spec.groups[name].criteria]
        for criterion in criteria:
            check_columns(spec, criterion.columns(), f"the group {name}")
            check_modalities(spec, criterion.undated(), f"the group {name}")
        masks = [c.mask(cohort.population) for c in criteria]
        return {spec.groups[name].title: np.logical_and.reduce(masks)}
    check_columns(spec, [name], "a group")
    if spec.columns[name].type == "numeric":
        raise CohortError(f"{name} is a number: declare a group with criteria in the card")
    values = cohort.patients[name].astype(object)
    levels = (
        cohort.patients[name].cat.categories
        if spec.columns[name].type == "categorical"
        else [False, True]
    )
    prefix = "" if spec.columns[name].type == "categorical" else f"{name}: "
    masks = {f"{prefix}{level}": (values == level).fillna(False) for level in levels}
    return {title: mask.to_numpy(bool) for title, mask in masks.items() if mask.any()}
