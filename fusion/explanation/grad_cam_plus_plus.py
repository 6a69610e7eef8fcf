"""Grad-CAM whose weights count only places where a map matters."""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from fusion.explanation.image_method import SeenImages
from fusion.explanation.image_score import ImageScore
from fusion.explanation.layer_maps import explain_by_layer

EPSILON = 1e-12


@dataclass(frozen=True)
class GradCamPlusPlus:
    """Grad-CAM++ for the score, less Grad-CAM++ for the score turned round.

    Parameters
    ----------
    layer
        Whose maps; None takes the one that the score names, or else the last whose maps still have
        8 cells along each side.
    batch
        Patients at once.

    References
    ----------
    Chattopadhay, A. et al. (2018). Grad-CAM++: generalized gradient-based visual explanations for
    deep convolutional networks. WACV.
    """

    layer: nn.Module | None = None
    batch: int = 32
    name: ClassVar[str] = "Grad-CAM++"
    additive: ClassVar[bool] = False
    signed: ClassVar[bool] = True

    def __call__(
        self, score: ImageScore, seen: SeenImages
    ) -> Float[Tensor, "patient slice height width"]:
        """What raises (positive) and lowers (negative) the score, at each place."""
        return explain_by_layer(
            score,
            seen,
            lambda values, gradients: evidence(values, gradients) - evidence(values, -gradients),
            layer=self.layer,
            batch=self.batch,
        )


def evidence(values: Tensor, gradients: Tensor) -> Tensor:
    """The paper's map for an exponential of the score, (image, \\*space), ≥ 0.

    Parameters
    ----------
    values, gradients
        (image, channel, \\*space).
    """
    space = tuple(range(2, values.ndim))
    squares = gradients**2
    below = 2 * squares + values.sum(dim=space, keepdim=True) * gradients**3
    share = squares / below.where(below != 0, EPSILON)
    weights = (share * gradients.clamp(min=0)).sum(dim=space, keepdim=True)
    return (weights * values).sum(dim=1).clamp(min=0)
