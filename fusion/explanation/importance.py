"""Importance over a cohort: how far each part moves predictions, and whether folds agree."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fusion.explanation.attribution import Attribution

INTERVAL = (0.025, 0.975)


@dataclass(frozen=True)
class Importance:
    """How far one part moves the output, over several fitted models.

    Parameters
    ----------
    modality, name
        The part: a feature, or the modality itself.
    mean_absolute
        Mean over models of the mean size of the contribution, in the attribution's unit.
    lower, upper
        2.5 % and 97.5 % of the models' mean sizes; of few models nearly their range.
    top_share
        Share of the models in which it is among the largest.
    """

    modality: str
    name: str
    mean_absolute: float
    lower: float
    upper: float
    top_share: float


def feature_importance(
    runs: Sequence[Attribution], *, position: int = 0, top: int = 20
) -> tuple[Importance, ...]:
    """Importance of every feature over models of several folds and seeds, the largest first.

    Parameters
    ----------
    runs
        What the model of each fold, or of each seed, said of the patients it was not fitted on. A
        feature that a model does not use moves nothing there.
    position
        Which horizon; 0 for a log hazard.
    top
        How many count as the largest of a model.

    Raises
    ------
    ValueError
        Without runs, or if they explain different outputs.
    """
    _require_one_output(runs)
    sizes = [
        {
            (modality, name): size
            for modality, part in run.features.items()
            for name, size in zip(
                part.names, np.abs(part.values[position]).mean(axis=0).tolist(), strict=True
            )
        }
        for run in runs
    ]
    return over_runs(sizes, top)


def modality_importance(
    runs: Sequence[Attribution], *, position: int = 0
) -> tuple[Importance, ...]:
    """Importance of every modality over models of several folds and seeds, the largest first."""
    _require_one_output(runs)
    sizes = [
        {
            (name, name): float(np.abs(run.modalities[position, :, at]).mean())
            for at, name in enumerate(run.modality_names)
        }
        for run in runs
    ]
    return over_runs(sizes, 1)


def over_runs(sizes: Sequence[dict[tuple[str, str], float]], top: int) -> tuple[Importance, ...]:
    """Mean and spread over runs of a size by (modality, name), the largest mean first."""
    keys = list(dict.fromkeys(key for run in sizes for key in run))
    table = np.array([[run.get(key, 0.0) for key in keys] for run in sizes])
    rank = (-table).argsort(axis=1, kind="stable").argsort(axis=1)
    among = ((rank < top) & (table > 0)).mean(axis=0)
    lower, upper = np.quantile(table, INTERVAL, axis=0)
    found = [
        Importance(*key, *numbers)
        for key, *numbers in zip(
            keys,
            table.mean(axis=0).tolist(),
            lower.tolist(),
            upper.tolist(),
            among.tolist(),
            strict=True,
        )
    ]
    return tuple(sorted(found, key=lambda each: -each.mean_absolute))


def _require_one_output(runs: Sequence[Attribution]) -> None:
    if not runs:
        raise ValueError("pass the attribution of one model or more, such as one a fold")
    if len({(run.target, *run.horizons.tolist()) for run in runs}) > 1:
        raise ValueError("the attributions explain different outputs: pass those of one")
