"""Maps of what moved a score, with the checks that they were held to."""

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.ndimage import gaussian_filter
from torch import Tensor

from fusion.explanation.attribution import Attribution, ImageAttribution, Target
from fusion.explanation.checks import failed_first
from fusion.explanation.evidence import Evidence
from fusion.explanation.faithfulness import FaithfulnessConfig, image_checks
from fusion.explanation.image_method import ImageMethod, SeenImages
from fusion.explanation.image_score import ImageScore
from fusion.explanation.integrated_gradients import IntegratedGradients
from fusion.explanation.reference_images import blurred

SMOOTHING = 1 / 32


def explain_images(
    score: ImageScore,
    images: Float[Tensor, "patient slice channel height width"],
    rows: Int[Tensor, " patient"],
    *,
    patient_id: np.ndarray,
    target: Target = "log_hazard",
    method: ImageMethod | None = None,
    evidence: Evidence | None = None,
    reference: Tensor | None = None,
    smoothing: float = SMOOTHING,
    affine: np.ndarray | None = None,
    config: FaithfulnessConfig | None = None,
) -> Attribution:
    """What each place of some patients' images contributed to a score, checks first.

    Parameters
    ----------
    images, rows
        Of the patients who are explained, and their rows among all that the score knows.
    patient_id
        (patient,) str.
    target
        What the score is.
    method
        Integrated gradients if not given.
    evidence
        Held-out patients, and the model trained again; without, the explanation does not pass.
    reference
        Where contributions start from, as large as ``images``; the images blurred if not given.
    smoothing
        Standard deviation of the Gaussian over maps, as a share of a slice's longer side: single
        pixels of a gradient are noise. It keeps sums. 0 leaves maps as they are.
    affine
        (4, 4) from position in the map to mm, of volumes whose grid all patients share. The
        third axis of a map is then the slice (``values`` are (row, column, slice)).
    config
        Of the checks.

    Returns
    -------
    Attribution
        Its maps are (1, patient, row, column, slice), its checks those that failed first.
    """
    method = method or IntegratedGradients()
    given = blurred(images) if reference is None else reference
    seen = SeenImages(images, given, rows)

    def maps_of(score: ImageScore, seen: SeenImages) -> Tensor:
        return _smoothed(method(score, seen), smoothing)

    maps = maps_of(score, seen)
    checks = image_checks(
        score,
        seen,
        maps,
        method=method,
        maps_of=maps_of,
        evidence=evidence,
        config=config or FaithfulnessConfig(),
    )
    # (patient, slice, row, column) → (patient, row, column, slice)
    values = maps.movedim(1, -1).double().cpu().numpy()
    sums = values.sum(axis=(1, 2, 3))
    return Attribution(
        method=method.name,
        target=target,
        horizons=np.array([]),
        reference="the same images, blurred" if reference is None else "the reference images given",
        patient_id=patient_id,
        modality_names=(score.modality,),
        modalities=sums[None, :, None],
        images={score.modality: ImageAttribution(values[None], affine)},
        checks=failed_first(checks),
    )


def _smoothed(maps: Tensor, share: float) -> Tensor:
    if not share:
        return maps
    deviation = share * max(maps.shape[-2:])
    # Mirrored edges: nothing of the sum is lost.
    smooth = gaussian_filter(maps.cpu().numpy(), (0, 0, deviation, deviation), mode="reflect")
    return torch.as_tensor(smooth).to(maps)
