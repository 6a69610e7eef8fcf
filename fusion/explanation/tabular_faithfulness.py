"""Whether contributions of features are what the model does: it is asked again without them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fusion.dataset import PatientDataset
from fusion.explanation.attribution import FeatureAttribution
from fusion.explanation.checks import Check, at_least
from fusion.explanation.hidden_features import hide, repeated
from fusion.models.protocol import FittedRisk

SHARES = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75)
N_RANDOM = 2
N_COMPARED = 10
BETTER_THAN_RANDOM = 0.9
AGREEMENT = 0.9


@dataclass(frozen=True)
class RemovalCurves:
    """Mean risk score as features are hidden, the ones that raise it most first.

    Parameters
    ----------
    share
        Of the patient's known features, (step,).
    deletion, insertion
        Mean risk score with that share hidden, and with that share alone known, (step,).
    random_deletion, random_insertion
        The same in a random order.
    deletion_wins, insertion_wins
        Share of the patients in whom the order given is better than a random one.
    """

    share: np.ndarray
    deletion: np.ndarray
    insertion: np.ndarray
    random_deletion: np.ndarray
    random_insertion: np.ndarray
    deletion_wins: float
    insertion_wins: float


def removal_curves(
    model: FittedRisk,
    dataset: PatientDataset,
    features: Mapping[str, FeatureAttribution],
    *,
    seed: int,
) -> RemovalCurves:
    """Deletion and insertion of features in the order of their contributions, against random.

    Parameters
    ----------
    features
        Contributions to the log hazard of the dataset's patients, (1, patient, feature) each.
    seed
        Draws random orders.

    References
    ----------
    Petsiuk, V. et al. (2018). RISE: randomized input sampling for explanation of black-box models.
    BMVC.
    """
    draw = np.random.default_rng(seed)
    known = np.concatenate([_known(dataset, name) for name in features], axis=1)
    given = np.concatenate([part.values[0] for part in features.values()], axis=1)
    deletion, insertion = _curves(model, dataset, features, _order(given, known), known)
    by_chance = [
        _curves(model, dataset, features, _order(draw.random(known.shape), known), known)
        for _ in range(N_RANDOM)
    ]
    random_deletion = np.mean([curves[0] for curves in by_chance], axis=0)
    random_insertion = np.mean([curves[1] for curves in by_chance], axis=0)
    return RemovalCurves(
        np.array(SHARES),
        deletion.mean(axis=1),
        insertion.mean(axis=1),
        random_deletion.mean(axis=1),
        random_insertion.mean(axis=1),
        float((deletion.mean(axis=0) < random_deletion.mean(axis=0)).mean()),
        float((insertion.mean(axis=0) > random_insertion.mean(axis=0)).mean()),
    )


def removal_checks(curves: RemovalCurves) -> tuple[Check, Check]:
    """Whether hiding what raises the risk lowers it sooner than hiding at random, and back."""
    meaning = (
        "If features of large contributions change the prediction no more than random ones, the "
        "explanation is not of this model. By chance half of the patients pass; nine in ten are "
        "asked for, since a single strong variable with the right sign already helps many."
    )
    return (
        at_least(
            "patients in whom deletion beats a random order",
            curves.deletion_wins,
            BETTER_THAN_RANDOM,
            meaning=meaning,
        ),
        at_least(
            "patients in whom insertion beats a random order",
            curves.insertion_wins,
            BETTER_THAN_RANDOM,
            meaning=meaning,
        ),
    )


def agreement_check(
    model: FittedRisk,
    dataset: PatientDataset,
    features: Mapping[str, FeatureAttribution],
    *,
    seed: int,
) -> Check:
    """Correlation with another method: what the risk score loses when one feature is hidden.

    Over patients, and over the ten features of the largest contributions and ten drawn at random.
    """
    draw = np.random.default_rng(seed)
    names = [(modality, f) for modality, part in features.items() for f in range(len(part.names))]
    given = np.concatenate([part.values[0] for part in features.values()], axis=1)
    largest = (-np.abs(given).mean(axis=0)).argsort(kind="stable")[:N_COMPARED]
    drawn = draw.permutation(len(names))[:N_COMPARED]
    chosen = np.unique(np.concatenate([largest, drawn]))
    whole = model.risk_score(dataset)
    lost = np.stack(
        [whole - model.risk_score(hide(dataset, _one(features, *names[at]))) for at in chosen],
        axis=1,
    )
    return at_least(
        "correlation with hiding one feature at a time",
        correlation(given[:, chosen], lost),
        AGREEMENT,
        meaning="Two methods that disagree cannot both be right. They are equal for linear terms; "
        "interactions within a network cost a little.",
    )


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson's correlation over all entries; NaN where one of them is constant."""
    one, other = one.ravel() - one.mean(), other.ravel() - other.mean()
    size = float(np.sqrt((one**2).sum() * (other**2).sum()))
    return float((one * other).sum()) / size if size > 0 else float("nan")


def _known(dataset: PatientDataset, name: str) -> np.ndarray:
    modality = dataset.modalities[name]
    return modality.present[:, None] & ~np.isnan(modality.values)


def _order(size: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Place of each known feature by descending size, as a share of those known; else 2."""
    place = np.where(known, -size, np.inf).argsort(axis=1, kind="stable").argsort(axis=1)
    share = (place + 0.5) / np.maximum(known.sum(axis=1, keepdims=True), 1)
    return np.where(known, share, 2.0)


def _curves(
    model: FittedRisk,
    dataset: PatientDataset,
    features: Mapping[str, FeatureAttribution],
    order: np.ndarray,
    known: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Risk score with the first features hidden, and with them alone known, (step, patient)."""
    ends = np.cumsum([len(part.names) for part in features.values()])[:-1]
    shares = np.array(SHARES)[:, None, None]
    hidden = np.concatenate([order < shares, known & (order >= shares)])
    # step patient feature → (step patient) feature, so that the model is asked once.
    rows = hidden.reshape(-1, hidden.shape[2])
    masks = dict(zip(features, np.split(rows, ends, axis=1), strict=True))
    scores = model.risk_score(hide(repeated(dataset, len(hidden)), masks))
    deletion, insertion = scores.reshape(2, len(SHARES), -1)
    return deletion, insertion


def _one(
    features: Mapping[str, FeatureAttribution], modality: str, feature: int
) -> dict[str, np.ndarray]:
    mask = np.zeros(len(features[modality].names), dtype=bool)
    mask[feature] = True
    return {modality: mask}
