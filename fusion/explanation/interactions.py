"""Which variables a prediction depends on together: Shapley interactions of the most important."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fusion.dataset import PatientDataset
from fusion.explanation.attribution import Attribution
from fusion.explanation.hidden_features import hide
from fusion.models.protocol import FittedRisk
from fusion.shapley import coalition_values, interaction_values

MOST_VARIABLES = 8


@dataclass(frozen=True)
class Variable:
    """One variable that is known or not as a whole.

    Parameters
    ----------
    modality, name
        Where it stands, and what it is called.
    features
        Columns that stand for it: itself, or one a level.
    """

    modality: str
    name: str
    features: tuple[str, ...]


@dataclass(frozen=True)
class Interactions:
    """Shapley interaction values of some variables; all others keep their values.

    Parameters
    ----------
    variables
        (variable,).
    target
        ``"log_hazard"``, or ``"risk"`` by ``horizon``.
    horizon
        None for a log hazard.
    values
        (patient, variable, variable), symmetric: off the diagonal half of what two variables do
        together beyond what they do apart, on it what one does alone.
    """

    variables: tuple[Variable, ...]
    target: str
    horizon: float | None
    values: np.ndarray

    def strongest(self) -> list[tuple[str, str, float]]:
        """Pairs by mean size of their whole interaction, the largest first."""
        size = 2 * np.abs(self.values).mean(axis=0)
        pairs = [
            (one.name, other.name, float(size[i, j]))
            for i, one in enumerate(self.variables)
            for j, other in enumerate(self.variables[:i])
        ]
        return sorted(pairs, key=lambda pair: -pair[2])


def top_variables(
    attribution: Attribution, dataset: PatientDataset, n: int
) -> tuple[Variable, ...]:
    """The ``n`` variables of the largest mean contribution, over all modalities.

    Columns of one categorical variable count as one; genes stand for themselves.
    """
    sizes: list[tuple[float, Variable]] = []
    for modality, part in attribution.features.items():
        grouped = part.groups if dataset.modalities[modality].kind == "ehr" else {}
        inside = {member for members in grouped.values() for member in members}
        every = {**grouped, **{name: (name,) for name in part.names if name not in inside}}
        at = {name: i for i, name in enumerate(part.names)}
        for name, features in every.items():
            whole = part.values[-1][:, [at[f] for f in features]].sum(axis=1)
            sizes.append((float(np.abs(whole).mean()), Variable(modality, name, features)))
    largest = sorted(sizes, key=lambda size: -size[0])[:n]
    return tuple(variable for _, variable in largest)


def interactions(
    model: FittedRisk,
    dataset: PatientDataset,
    variables: Sequence[Variable],
    *,
    horizon: float | None = None,
) -> Interactions:
    """Exact Shapley interactions of two to eight variables, a hidden one being missing.

    Parameters
    ----------
    dataset
        Patients to explain.
    variables
        The other ones keep their values.
    horizon
        Explain the risk by then; None for the log hazard, in which a linear model has none.

    Raises
    ------
    ValueError
        With fewer than two variables or more than eight.
    """
    if not 2 <= len(variables) <= MOST_VARIABLES:
        raise ValueError(f"pass 2 to {MOST_VARIABLES} variables, got {len(variables)}")
    if len({(v.modality, v.name) for v in variables}) < len(variables):
        raise ValueError("a variable is named twice: pass each once")
    keys = [f"{v.modality}/{v.name}" for v in variables]

    def value(known: tuple[str, ...]) -> np.ndarray:
        gone = [v for v, key in zip(variables, keys, strict=True) if key not in known]
        return model.risk_score(hide(dataset, _masks(dataset, gone)))

    scores = coalition_values(keys, value)
    if horizon is not None:
        scores = 1 - model.baseline.survival(scores.ravel(), np.array([horizon])).reshape(
            scores.shape
        )
    # variable variable patient → patient variable variable
    found = np.moveaxis(interaction_values(scores), -1, 0)
    target = "log_hazard" if horizon is None else "risk"
    return Interactions(tuple(variables), target, horizon, found)


def _masks(dataset: PatientDataset, gone: Sequence[Variable]) -> dict[str, np.ndarray]:
    masks: dict[str, np.ndarray] = {}
    for variable in gone:
        names = dataset.modalities[variable.modality].names
        mask = masks.setdefault(variable.modality, np.zeros(len(names), dtype=bool))
        mask[[names.index(feature) for feature in variable.features]] = True
    return masks
