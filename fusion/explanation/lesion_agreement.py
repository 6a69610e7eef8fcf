"""Whether heat lies in the drawn lesion, against the lesions of other patients."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float

from fusion.explanation.heat_overlap import heat_overlap

N_OTHERS = 20
N_BOOTSTRAPS = 1000
INTERVAL = (0.025, 0.975)
FEWEST = 3
"""Patients with a drawn lesion below which nothing is said."""

Heat = Float[np.ndarray, "patient slice height width"]
Lesion = Bool[np.ndarray, "patient slice height width"]


@dataclass(frozen=True)
class Compared:
    """One measure over patients: with their own lesions, with others', and the difference.

    Each is (estimate, lower, upper), with a 95 % bootstrap interval over patients.
    """

    own: tuple[float, float, float]
    others: tuple[float, float, float]
    difference: tuple[float, float, float]


@dataclass(frozen=True)
class LesionAgreement:
    """How heat maps and drawn lesions agree.

    Parameters
    ----------
    n_patients
        With a lesion drawn and any heat.
    area
        Mean share of the images that the lesion covers.
    measures
        By name, a key of :data:`MEASURES`.
    inside
        Share of the heat that lies in the lesion, (patient,); NaN for patients who do not count.
    """

    n_patients: int
    area: float
    measures: Mapping[str, Compared]
    inside: np.ndarray


def lesion_agreement(heat: Heat, lesion: Lesion, *, seed: int = 0) -> LesionAgreement | None:
    """Compare maps with lesions, by chance being the lesions of other patients.

    Other patients' lesions lie where lesions mostly lie, so a map that shows the middle of every
    head does not pass for one that shows the lesion.

    Parameters
    ----------
    heat
        Of any sign; sizes count.
    seed
        Draws other patients, and bootstraps.

    Returns
    -------
    LesionAgreement or None
        None where fewer than three patients have a lesion drawn.
    """
    heat = np.abs(heat)
    counts = lesion.any(axis=(1, 2, 3)) & (heat > 0).any(axis=(1, 2, 3))
    n = int(counts.sum())
    if n < FEWEST:
        return None
    inside = np.full(heat.shape[0], np.nan)
    heat, drawn = heat[counts], lesion[counts]
    draw = np.random.default_rng(seed)
    order = draw.permutation(n)
    steps = draw.permutation(np.arange(1, n))[:N_OTHERS]
    others = [order[(order.argsort() + step) % n] for step in steps]
    bootstraps = draw.integers(0, n, (N_BOOTSTRAPS, n))
    measures = {}
    for name, measure in MEASURES.items():
        own = measure(heat, drawn)
        chance = np.mean([measure(heat, drawn[other]) for other in others], axis=0)
        measures[name] = Compared(
            *(_with_interval(values, bootstraps) for values in (own, chance, own - chance))
        )
        if name == INSIDE:
            inside[counts] = own
    return LesionAgreement(n, float(drawn.mean()), measures, inside)


def share_inside(heat: Heat, lesion: Lesion) -> Float[np.ndarray, " patient"]:
    """Share of a map's heat that lies in the lesion."""
    return (heat * lesion).sum(axis=(1, 2, 3)) / heat.sum(axis=(1, 2, 3))


def pointing(heat: Heat, lesion: Lesion) -> Float[np.ndarray, " patient"]:
    """1 where the hottest place lies in the lesion, else 0 (Zhang et al. 2018)."""
    hottest = heat.reshape(len(heat), -1).argmax(axis=1)
    return lesion.reshape(len(heat), -1)[np.arange(len(heat)), hottest].astype(float)


def overlap(heat: Heat, lesion: Lesion) -> Float[np.ndarray, " patient"]:
    """Intersection over union of the lesion and as many of the hottest places."""
    flat, inside = heat.reshape(len(heat), -1), lesion.reshape(len(heat), -1)
    rank = (-flat).argsort(axis=1, kind="stable").argsort(axis=1, kind="stable")
    size = inside.sum(axis=1)
    both = ((rank < size[:, None]) & inside).sum(axis=1)
    return both / (2 * size - both)


def hottest_tenth(heat: Heat, lesion: Lesion) -> Float[np.ndarray, " patient"]:
    """Share of the map's hottest tenth that is in the tenth where the lesion is densest."""
    shared = heat_overlap(torch.as_tensor(heat), torch.as_tensor(lesion.astype(np.float32)))
    return shared.double().numpy()


INSIDE = "share of the heat inside the lesion"
MEASURES: Mapping[str, Callable[[Heat, Lesion], np.ndarray]] = {
    INSIDE: share_inside,
    "hottest place inside the lesion": pointing,
    "overlap (IoU) of the lesion with as many of the hottest places": overlap,
    "hottest tenth shared with the lesion": hottest_tenth,
}


def _with_interval(values: np.ndarray, bootstraps: np.ndarray) -> tuple[float, float, float]:
    lower, upper = np.quantile(values[bootstraps].mean(axis=1), INTERVAL)
    return float(values.mean()), float(lower), float(upper)
