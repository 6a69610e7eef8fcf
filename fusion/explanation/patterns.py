"""What a modality's part of the prediction follows: each feature's correlation with it."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata

from fusion.dataset import PatientDataset
from fusion.explanation.attribution import Attribution
from fusion.explanation.importance import Importance, over_runs

FEWEST = 3
"""Patients with a modality below which a run says nothing of its pattern."""


def feature_patterns(
    runs: Sequence[Attribution], datasets: Sequence[PatientDataset], *, top: int = 20
) -> tuple[Importance, ...]:
    """Features by how closely their modality's contribution follows them, the closest first.

    A penalised model spreads the effect of twenty genes that move together over all of them, so
    each has a small contribution and single noisy genes come first. What such a model found is
    seen in its pattern instead: the correlation of each gene with what the modality contributes,
    over patients that the model was not fitted on. A gene may stand here because it moves with one
    that matters; it is a marker of the prediction, and no cause of it.

    Parameters
    ----------
    runs
        What the model of each fold said of the patients it was not fitted on.
    datasets
        The patients of each run, in its order.
    top
        How many count as the closest of a model and modality.

    Returns
    -------
    tuple
        ``mean_absolute`` is the mean size of the rank correlation.

    Raises
    ------
    ValueError
        Without runs, or if patients of a run and of its dataset differ.

    References
    ----------
    Haufe, S. et al. (2014). On the interpretation of weight vectors of linear models in
    multivariate neuroimaging. NeuroImage 87.
    """
    sizes = []
    for run, dataset in zip(runs, datasets, strict=True):
        if not np.array_equal(run.patient_id, dataset.patient_id):
            raise ValueError(
                "a dataset holds other patients than its attribution, or in another order: pass "
                "the patients of each run"
            )
        sizes.append(
            {
                (modality, name): size
                for modality, part in run.features.items()
                for name, size in zip(
                    part.names, _correlations(run, dataset, modality), strict=True
                )
            }
        )
    if not sizes:
        raise ValueError("pass the attribution of one model or more, such as one a fold")
    return over_runs(sizes, top)


def _correlations(run: Attribution, dataset: PatientDataset, modality: str) -> list[float]:
    """Size of the rank correlation of each feature with the modality's contribution."""
    there = dataset.modalities[modality]
    rows = there.present
    if rows.sum() < FEWEST:
        return [float("nan")] * len(there.names)
    values = there.values[rows]
    known = ~np.isnan(values)
    n_known = np.maximum(known.sum(axis=0), 1)
    # A missing value stands at the mean rank, as it does in the model.
    ranks = rankdata(values, axis=0, nan_policy="omit")
    centred = np.where(known, ranks - np.where(known, ranks, 0.0).sum(axis=0) / n_known, 0.0)
    part = rankdata(run.of(modality)[-1][rows])
    part = part - part.mean()
    size = np.sqrt((centred**2).sum(axis=0) * (part**2).sum())
    return np.abs(centred.T @ part / np.where(size > 0, size, np.inf)).tolist()
