"""What an image is compared with: the same image without what is to be explained."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def blurred(
    images: Float[Tensor, "patient slice channel height width"], *, share: float = 0.15
) -> Float[Tensor, "patient slice channel height width"]:
    """Each slice blurred by a Gaussian, so that lesions and texture are gone and the head stays.

    Parameters
    ----------
    share
        Standard deviation of the Gaussian, as a share of the slice's longer side.

    References
    ----------
    Fong, R. and Vedaldi, A. (2017). Interpretable explanations of black boxes by meaningful
    perturbation. ICCV.
    """
    if not 0 < share <= 1:
        raise ValueError(f"share must be in (0, 1], got {share}")
    planes = images.flatten(0, 2)[:, None]
    deviation = share * max(images.shape[-2:])
    reach = int(3 * deviation) + 1
    offset = torch.arange(-reach, reach + 1, dtype=images.dtype, device=images.device)
    kernel = torch.exp(-0.5 * (offset / deviation) ** 2)
    for axis in (2, 3):
        shape = [1, 1, 1, 1]
        shape[axis] = -1
        padding = [0, 0]
        padding[axis - 2] = reach
        line = kernel.view(shape)
        inside = functional.conv2d(torch.ones_like(planes[:1]), line, padding=padding)
        # Over the weight that lies inside: edges do not darken.
        planes = functional.conv2d(planes, line, padding=padding) / inside
    return planes[:, 0].unflatten(0, images.shape[:3])


def mean_of_slice(
    images: Float[Tensor, "patient slice channel height width"],
) -> Float[Tensor, "patient slice channel height width"]:
    """Each channel of a slice at its mean throughout."""
    return images.mean(dim=(-2, -1), keepdim=True).expand_as(images)
