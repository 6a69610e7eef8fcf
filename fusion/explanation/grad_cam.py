"""Maps of a late layer, weighted by how the score depends on each."""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from fusion.explanation.image_method import SeenImages
from fusion.explanation.image_score import ImageScore
from fusion.explanation.layer_maps import explain_by_layer


@dataclass(frozen=True)
class GradCam:
    """Grad-CAM of a score that has two directions.

    A class has evidence for it, and the paper drops the rest. A log hazard is raised or lowered:
    the map is the paper's for the score less the paper's for the score turned round, which is the
    weighted sum itself. Pictures and volumes, models with one or several image inputs; where a
    layer is called more than once, its maps add up.

    Parameters
    ----------
    layer
        Whose maps; None takes the one that the score names, or else the last whose maps still have
        8 cells along each side.
    batch
        Patients at once.

    References
    ----------
    Selvaraju, R. et al. (2017). Grad-CAM: visual explanations from deep networks. ICCV.
    """

    layer: nn.Module | None = None
    batch: int = 32
    name: ClassVar[str] = "Grad-CAM"
    additive: ClassVar[bool] = False
    signed: ClassVar[bool] = True

    def __call__(
        self, score: ImageScore, seen: SeenImages
    ) -> Float[Tensor, "patient slice height width"]:
        """What raises (positive) and lowers (negative) the score, at each place."""
        return explain_by_layer(score, seen, weighted_sum, layer=self.layer, batch=self.batch)


def weighted_sum(values: Tensor, gradients: Tensor) -> Tensor:
    """Maps weighted by their mean gradients, (image, channel, \\*space) → (image, \\*space)."""
    weights = gradients.flatten(2).mean(dim=2)
    weighted = weights.unflatten(1, (-1, *[1] * (values.ndim - 2))) * values
    return weighted.sum(dim=1)
