"""Importance over a cohort: how far each part moves predictions, and whether folds agree."""

from collections.abc import Mapping, Sequence
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
    runs: Sequence[Attribution],
    *,
    present: Sequence[Mapping[str, np.ndarray]] | None = None,
    position: int = 0,
    top: int = 20,
) -> tuple[Importance, ...]:
    """Importance of every feature over models of several folds and seeds, the largest first.

    Parameters
    ----------
    runs
        What the model of each fold, or of each seed, said of the patients it was not fitted on. A
        feature that a model does not use moves nothing there.
    present
        Of each run who has a modality, (patient,) bool each, as :meth:`Attribution.spread` takes
        it: a run in which nobody has it does not count for its features.
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
                part.names,
                _mean_size(part.values[position], rows[modality]).tolist(),
                strict=True,
            )
        }
        for run, rows in zip(runs, _who(runs, present), strict=True)
    ]
    return over_runs(sizes, top)


def modality_importance(
    runs: Sequence[Attribution],
    *,
    present: Sequence[Mapping[str, np.ndarray]] | None = None,
    position: int = 0,
) -> tuple[Importance, ...]:
    """Importance of every modality over models of several folds and seeds, the largest first."""
    _require_one_output(runs)
    sizes = [
        {
            (name, name): float(_mean_size(run.modalities[position, :, at], rows[name]))
            for at, name in enumerate(run.modality_names)
        }
        for run, rows in zip(runs, _who(runs, present), strict=True)
    ]
    return over_runs(sizes, 1)


def over_runs(sizes: Sequence[dict[tuple[str, str], float]], top: int) -> tuple[Importance, ...]:
    """Mean and spread over runs of a size by (modality, name), the largest mean first.

    A run that does not name a part has it at 0; one in which it could not be told (NaN) is left
    out for that part, and a part that no run can tell of is left out altogether.
    """
    keys = list(dict.fromkeys(key for run in sizes for key in run))
    table = np.array([[run.get(key, 0.0) for key in keys] for run in sizes])
    told = np.flatnonzero(~np.isnan(table).all(axis=0))
    if not told.size:
        return ()
    keys, table = [keys[at] for at in told], table[:, told]
    rank = (-table).argsort(axis=1, kind="stable").argsort(axis=1)
    among = ((rank < top) & (table > 0)).sum(axis=0) / (~np.isnan(table)).sum(axis=0)
    lower, upper = np.nanquantile(table, INTERVAL, axis=0)
    found = [
        Importance(*key, *numbers)
        for key, *numbers in zip(
            keys,
            np.nanmean(table, axis=0).tolist(),
            lower.tolist(),
            upper.tolist(),
            among.tolist(),
            strict=True,
        )
    ]
    return tuple(sorted(found, key=lambda each: -each.mean_absolute))


def _mean_size(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Mean absolute of (patient, ...) over some patients; NaN where there are none."""
    if not rows.any():
        return np.full(values.shape[1:], np.nan)
    return np.asarray(np.abs(values[rows]).mean(axis=0))


def _who(
    runs: Sequence[Attribution], present: Sequence[Mapping[str, np.ndarray]] | None
) -> list[Mapping[str, np.ndarray]]:
    """Of each run who has each modality; everybody where nothing is said of it."""
    said = [{}] * len(runs) if present is None else present
    return [
        {name: np.ones(run.n_patients, dtype=bool) for name in run.modality_names} | dict(rows)
        for run, rows in zip(runs, said, strict=True)
    ]


def _require_one_output(runs: Sequence[Attribution]) -> None:
    if not runs:
        raise ValueError("pass the attribution of one model or more, such as one a fold")
    if len({(run.target, *run.horizons.tolist()) for run in runs}) > 1:
        raise ValueError("the attributions explain different outputs: pass those of one")
