"""Whether contributions stay where little changes, and change where the model does."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from fusion.dataset import PatientDataset
from fusion.explanation.attribution import FeatureAttribution
from fusion.explanation.checks import Check, at_least, at_most
from fusion.explanation.log_hazard import feature_terms
from fusion.explanation.network_gradients import rough_terms
from fusion.explanation.randomised import randomised
from fusion.explanation.tabular_faithfulness import correlation
from fusion.models.protocol import FittedRisk

NOISE = 0.05
MOST_LEVELS = 10
"""Values up to which a feature is a level, not a measurement."""
STABLE = 0.9
LIKE_RANDOM = 0.5
LIKE_REFIT = 0.5
N_RANDOMISED = 3

Terms = Mapping[str, FeatureAttribution]


def noise_check(model: FittedRisk, dataset: PatientDataset, terms: Terms, *, seed: int) -> Check:
    """Correlation with the contributions after a little noise in every measurement.

    Features that take more than ten values are moved by a twentieth of their standard deviation.
    Counts, grades and copies of a gene are not measured with such noise.
    """
    moved = _rough(model, noisy(dataset, tuple(terms), seed))
    return at_least(
        "correlation after small noise in the input",
        correlation(_table(terms, terms), _table(moved, terms)),
        STABLE,
        meaning="An explanation that changes with noise below any measurement's error says "
        "nothing of the patient. Noise of 5 % of a standard deviation should leave nine tenths.",
    )


def noisy(dataset: PatientDataset, modalities: Sequence[str], seed: int) -> PatientDataset:
    """The same patients with measurements moved by 5 % of their standard deviation."""
    draw = np.random.default_rng(seed)
    for name in modalities:
        modality = dataset.modalities[name]
        values = modality.values.copy()
        rows = values[modality.present]
        deviation = np.array([_deviation(column) for column in rows.T])
        values[modality.present] = rows + draw.normal(size=rows.shape) * NOISE * deviation
        dataset = dataset.replace_modality(replace(modality, values=values))
    return dataset


def randomisation_check(
    model: FittedRisk, dataset: PatientDataset, terms: Terms, *, seed: int
) -> Check:
    """Mean correlation with the contributions in models of random weights."""
    own = _table(terms, terms)
    others = [
        correlation(own, _table(_rough(randomised(model, seed + i), dataset), terms))
        for i in range(N_RANDOMISED)
    ]
    return at_most(
        "correlation with models of random weights",
        abs(float(np.mean(others))),
        LIKE_RANDOM,
        meaning="An explanation that stays when the weights are random shows the data, and not "
        "what the model learned. One half still tells them apart.",
    )


def refit_check(dataset: PatientDataset, terms: Terms, refits: Sequence[FittedRisk]) -> Check:
    """Mean correlation with the contributions in models of other folds or seeds.

    Of images there are only embeddings, which mean something else in every fold, since an encoder
    is trained in each: what another fold's model says of them is left out.

    Parameters
    ----------
    refits
        The same model, fitted on other patients or from another seed.
    """
    terms = {n: p for n, p in terms.items() if dataset.modalities[n].kind != "embedding"}
    others = [
        correlation(_table(terms, terms), _table(_rough(refit, dataset), terms))
        for refit in refits
        if terms
    ]
    return at_least(
        "correlation with models of other folds and seeds",
        float(np.mean(others)) if others else float("nan"),
        LIKE_REFIT,
        meaning="What another fold or seed would not repeat is chance. Models of five folds share "
        "three quarters of their patients, and should agree in more than half.",
    )


def _rough(model: FittedRisk, dataset: PatientDataset) -> Terms:
    return feature_terms(model, dataset, rough_terms).parts


def _table(terms: Terms, shape: Terms) -> np.ndarray:
    """Contributions side by side, (patient, feature); 0 where a model does not use a modality."""
    return np.concatenate(
        [
            terms[name].values[0] if name in terms else np.zeros_like(part.values[0])
            for name, part in shape.items()
        ],
        axis=1,
    )


def _deviation(column: np.ndarray) -> float:
    known = column[~np.isnan(column)]
    return float(known.std()) if len(np.unique(known)) > MOST_LEVELS else 0.0
