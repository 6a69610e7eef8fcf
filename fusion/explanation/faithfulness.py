"""What an explanation of images is held to, every time that it is made."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from fusion.explanation.checks import Check, at_least, at_most
from fusion.explanation.evidence import Evidence, held_out_fit, images_part
from fusion.explanation.heat_overlap import heat_overlap
from fusion.explanation.image_method import ImageMethod, SeenImages
from fusion.explanation.image_score import ImageScore
from fusion.explanation.layerwise_relevance import LayerwiseRelevance
from fusion.explanation.occlusion import Occlusion
from fusion.explanation.random_weights import with_random_weights
from fusion.explanation.replacement import replacement_curves
from fusion.explanation.smooth_grad import with_noise

MOST_GAP = 0.01
LEAST_GAIN = 0.05
MOST_RANDOM_OVERLAP = 0.5
LEAST_NOISE_OVERLAP = 0.5
LEAST_TWIN_OVERLAP = 0.4
LEAST_RIVAL_OVERLAP = 0.3
LEAST_STANDARD_ERRORS = 1.96
MOST_LOG_FACTOR = 1.1


@dataclass(frozen=True)
class FaithfulnessConfig:
    """How an explanation is checked.

    Parameters
    ----------
    n_patients
        Whose maps are made again for the checks, evenly spread over all that are explained.
    noise
        Of the stability check, as a share of the spread of each channel of a slice.
    rival
        A method of another family, with which this one has to agree.
    n_random
        Shifted maps, and models of random weights.
    seed
        Draws noise, shifts and random weights.
    """

    n_patients: int = 16
    noise: float = 0.05
    rival: ImageMethod = field(default_factory=lambda: Occlusion(step=0.125))
    n_random: int = 3
    seed: int = 0


MapsOf = Callable[[ImageScore, SeenImages], Tensor]


def image_checks(
    score: ImageScore,
    seen: SeenImages,
    maps: Tensor,
    *,
    method: ImageMethod,
    maps_of: MapsOf,
    evidence: Evidence | None,
    config: FaithfulnessConfig,
) -> tuple[Check, ...]:
    """Every check of maps of some patients.

    Parameters
    ----------
    seen, maps
        Whom the explanation is of, and what it says: (patient, slice, height, width).
    method
        What made the maps.
    maps_of
        Makes maps of any score and patients as these were made, smoothing included.
    evidence
        Held-out patients and twins of the model. Without, what needs it is not measured, and what
        is not measured does not pass.
    """
    few = torch.linspace(0, len(maps) - 1, min(config.n_patients, len(maps))).long()
    some, heat = seen.take(few), maps[few]
    return (
        *([completeness(score, seen, maps)] if method.additive else []),
        *([method.conservation(score, some)] if isinstance(method, LayerwiseRelevance) else []),
        *replacements(score, some, heat, signed=method.signed, config=config),
        randomisation(score, some, heat, maps_of=maps_of, config=config),
        noise_stability(score, some, heat, maps_of=maps_of, config=config),
        agreement(score, some, heat, rival=config.rival),
        twin_stability(some, heat, maps_of=maps_of, evidence=evidence),
        *usefulness(score, evidence),
    )


@torch.no_grad()
def completeness(score: ImageScore, seen: SeenImages, maps: Tensor) -> Check:
    """Gap between the parts' sum and f(images) − f(reference), over all patients."""
    total = score(seen.images, seen.rows) - score(seen.reference, seen.rows)
    gap = (maps.flatten(1).sum(dim=1) - total).abs().sum() / total.abs().sum()
    return at_most(
        "gap between the sum of places and what they explain, as a share of it",
        float(gap),
        MOST_GAP,
        meaning="The parts do not add up: the method was computed too coarsely. A gap of a "
        "hundredth is too small to see.",
    )


def replacements(
    score: ImageScore, seen: SeenImages, maps: Tensor, *, signed: bool, config: FaithfulnessConfig
) -> tuple[Check, Check]:
    """Deletion and insertion against the same maps in other places."""
    curves = replacement_curves(
        score, seen, maps, signed=signed, n_random=config.n_random, seed=config.seed
    )
    meaning = (
        "The places that the map calls important are no more so than others of the same shape: it "
        "does not show what the model uses. Maps without information come out at 0."
    )
    return (
        at_least(
            "share of the score lost as hot places are deleted, over the same shapes elsewhere",
            curves.deletion_gain,
            LEAST_GAIN,
            meaning=meaning,
        ),
        at_least(
            "share of the score regained as hot places are put in, over the same shapes elsewhere",
            curves.insertion_gain,
            LEAST_GAIN,
            meaning=meaning,
        ),
    )


def randomisation(
    score: ImageScore,
    seen: SeenImages,
    maps: Tensor,
    *,
    maps_of: MapsOf,
    config: FaithfulnessConfig,
) -> Check:
    """Overlap with maps of the same model with random weights."""
    overlaps = [
        heat_overlap(maps, maps_of(with_random_weights(score, config.seed + draw), seen))
        for draw in range(config.n_random)
    ]
    return at_most(
        "overlap with maps of a model with random weights",
        float(torch.stack(overlaps).mean()),
        MOST_RANDOM_OVERLAP,
        meaning="The map shows edges of the image and not what the model has learned (Adebayo et "
        "al. 2018). Half of the hottest places may be shared, since bright places attract heat "
        "from any weights; 0.1 is chance.",
    )


def noise_stability(
    score: ImageScore,
    seen: SeenImages,
    maps: Tensor,
    *,
    maps_of: MapsOf,
    config: FaithfulnessConfig,
) -> Check:
    """Overlap with maps of images with a little noise."""
    generator = torch.Generator().manual_seed(config.seed)
    noisy = with_noise(seen.images, config.noise, generator)
    again = maps_of(score, SeenImages(noisy, seen.reference, seen.rows))
    return at_least(
        f"overlap with maps of images with {100 * config.noise:.0f} % noise",
        float(heat_overlap(maps, again).mean()),
        LEAST_NOISE_OVERLAP,
        meaning="Noise that nobody sees moves most of the hottest places: another scan of the same "
        "patient would have another map.",
    )


def agreement(score: ImageScore, seen: SeenImages, maps: Tensor, *, rival: ImageMethod) -> Check:
    """Overlap with maps by a method of another family."""
    return at_least(
        f"overlap with maps by {rival.name}",
        float(heat_overlap(maps, rival(score, seen)).mean()),
        LEAST_RIVAL_OVERLAP,
        meaning="Two methods point at different places, so that at least one is wrong. Three "
        "times the overlap of chance: methods differ in fine detail.",
    )


def twin_stability(
    seen: SeenImages, maps: Tensor, *, maps_of: MapsOf, evidence: Evidence | None
) -> Check:
    """Overlap with maps of the same kind of model from other seeds or folds."""
    twins = () if evidence is None else evidence.twins
    overlaps = [float(heat_overlap(maps, maps_of(twin, seen)).mean()) for twin in twins]
    return at_least(
        "overlap with maps of the model trained again",
        float(np.mean(overlaps)) if overlaps else float("nan"),
        LEAST_TWIN_OVERLAP,
        meaning="The model trained again looks elsewhere: what the map shows was learned by "
        "chance. Four times the overlap of chance. Not measured without twins of the model.",
    )


def usefulness(score: ImageScore, evidence: Evidence | None) -> tuple[Check, Check]:
    """Whether held-out patients fare as the part of the score that is of their images says."""
    surely, off = float("nan"), float("nan")
    if evidence is not None:
        found = held_out_fit(evidence.time, evidence.event, images_part(score, evidence.seen))
        surely = found.standard_errors
        off = abs(float(np.log(found.slope))) if found.slope > 0 else float("inf")
    return (
        at_least(
            "standard errors by which the images tell held-out patients' risk better than chance",
            surely,
            LEAST_STANDARD_ERRORS,
            meaning="The model has learned nothing from the images that holds for new patients: "
            "there is nothing to explain. A model that knows nothing passes once in forty times. "
            "Not measured without held-out patients.",
        ),
        at_most(
            "logarithm of the factor by which the images' part of the score is too large or small",
            off,
            MOST_LOG_FACTOR,
            meaning="Held-out risk does not change as the score says: contributions have the wrong "
            "size, or the right direction by luck. A factor of three is more than overfitting of "
            "a sound model. Not measured without held-out patients.",
        ),
    )
