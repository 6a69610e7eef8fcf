"""Contributions of features added up: a categorical variable as one, a pathway from its genes."""

from dataclasses import replace

import numpy as np

from fusion.dataset import PatientDataset
from fusion.explanation.attribution import Attribution, FeatureAttribution


def as_variables(part: FeatureAttribution) -> FeatureAttribution:
    """Each categorical variable as one, every other feature on its own; the sum stays.

    Parameters
    ----------
    part
        Features whose groups do not overlap, such as those of clinical variables.

    Raises
    ------
    ValueError
        If a feature stands in two groups.

    Examples
    --------
    >>> part = FeatureAttribution(
    ...     ("age", "grade=G3", "grade=G4"),
    ...     np.array([[[1.0, 0.25, 0.5]]]),
    ...     {"grade": ("grade=G3", "grade=G4")},
    ... )
    >>> variables = as_variables(part)
    >>> variables.names, variables.values.tolist()
    (('age', 'grade'), [[[1.0, 0.75]]])
    """
    group_of: dict[str, str] = {}
    for group, members in part.groups.items():
        for member in members:
            if group_of.setdefault(member, group) != group:
                raise ValueError(
                    f"{member} stands in {group_of[member]} and in {group}: sum gene sets with "
                    "gene_set_sums"
                )
    variables = tuple(dict.fromkeys(group_of.get(name, name) for name in part.names))
    inside = np.zeros((len(part.names), len(variables)))
    for at, name in enumerate(part.names):
        inside[at, variables.index(group_of.get(name, name))] = 1.0
    return FeatureAttribution(variables, part.values @ inside)


def readable(attribution: Attribution, dataset: PatientDataset) -> Attribution:
    """The same, as fine as has a name: variables and genes; of images the whole.

    Places of an embedding mean nothing to a person, and something else in every fold.
    """
    kinds = {name: dataset.modalities[name].kind for name in attribution.features}
    return replace(
        attribution,
        features={
            name: as_variables(part) if kinds[name] == "ehr" else part
            for name, part in attribution.features.items()
            if kinds[name] in ("ehr", "genomics")
        },
    )


def gene_set_sums(part: FeatureAttribution) -> FeatureAttribution:
    """Sum over the members of each gene set. Sets may overlap, so they need not sum to the whole.

    Raises
    ------
    ValueError
        If there are no sets.
    """
    if not part.groups:
        raise ValueError("there are no gene sets: describe them with the modality")
    position = {name: at for at, name in enumerate(part.names)}
    sums = [
        part.values[:, :, [position[m] for m in members]].sum(axis=2)
        for members in part.groups.values()
    ]
    return FeatureAttribution(tuple(part.groups), np.stack(sums, axis=2))
