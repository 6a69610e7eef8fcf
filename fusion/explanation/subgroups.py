"""Whether a part matters more in one group of patients than in the others."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

N_DRAWS = 1000


@dataclass(frozen=True)
class GroupDifference:
    """Mean size of a part's contribution in a group, beside that of everyone else.

    Parameters
    ----------
    part, group
        What contributes, and in whom.
    n_patients, n_others
        How many are in the group, and how many are not.
    mean_absolute, mean_absolute_others
        Mean sizes.
    difference, lower, upper
        First less second, with 2.5 % and 97.5 % of the bootstrap.
    """

    part: str
    group: str
    n_patients: int
    n_others: int
    mean_absolute: float
    mean_absolute_others: float
    difference: float
    lower: float
    upper: float


def group_differences(
    contributions: Mapping[str, np.ndarray],
    group: np.ndarray,
    *,
    minimum: int,
    seed: int = 0,
) -> tuple[tuple[GroupDifference, ...], tuple[str, ...]]:
    """Differences between each group and everyone else, and the groups that are withheld.

    Parameters
    ----------
    contributions
        By part, (patient,) each.
    group
        Label of each patient, (patient,) str.
    minimum
        Fewest patients of whom something may be said; a group is withheld if it has fewer, or if
        everyone else has.
    seed
        Draws the bootstrap, patients within the group and outside it.

    Returns
    -------
    differences, withheld
        One a part and group; names of the groups of which nothing is said.
    """
    draw = np.random.default_rng(seed)
    found: list[GroupDifference] = []
    withheld: list[str] = []
    for name in np.unique(group).tolist():
        inside = group == name
        n, n_others = int(inside.sum()), int((~inside).sum())
        if min(n, n_others) < max(minimum, 2):
            withheld.append(name)
            continue
        for part, values in contributions.items():
            own, others = np.abs(values[inside]), np.abs(values[~inside])
            gaps = _means(draw, own) - _means(draw, others)
            lower, upper = np.quantile(gaps, (0.025, 0.975)).tolist()
            means = float(own.mean()), float(others.mean())
            found.append(
                GroupDifference(part, name, n, n_others, *means, means[0] - means[1], lower, upper)
            )
    return tuple(found), tuple(withheld)


def _means(draw: np.random.Generator, values: np.ndarray) -> np.ndarray:
    return values[draw.integers(0, len(values), (N_DRAWS, len(values)))].mean(axis=1)
