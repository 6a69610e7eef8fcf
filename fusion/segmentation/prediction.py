"""What a trained network outlines: whole images, or a window that slides over large ones."""

import torch
from jaxtyping import Float
from monai.inferers.utils import sliding_window_inference
from torch import Tensor, nn

from fusion.segmentation.images import OutlinedImages, PatientScale

OVERLAP = 0.5


@torch.no_grad()
def predict_chances(
    network: nn.Module,
    images: OutlinedImages,
    *,
    reach: int = 0,
    flips: tuple[int, ...] = (),
    window: tuple[int, ...] | None = None,
    batch: int = 32,
    device: str = "cpu",
) -> Float[Tensor, "image *space"]:
    """Chance that each place lies inside the outline; drawn masks are not looked at.

    Parameters
    ----------
    network
        Image → logits; put into evaluation mode.
    reach
        Neighbouring slices on each side that it was trained with.
    flips
        Axes of space along which training mirrored images: each image is also seen mirrored along
        each, and logits are averaged.
    window
        Size of a window that slides with half overlap, weighted to its middle; None for the whole
        image at once.
    batch
        Images, or windows, that pass through the network at once.
    """
    layout = torch.channels_last if images.dimensions == 2 else torch.channels_last_3d
    network.to(device).to(memory_format=layout).eval()
    scale = PatientScale.of(images)
    found = []

    def logits_of(pixels: Tensor) -> Tensor:
        pixels = pixels.contiguous(memory_format=layout)
        if window is None:
            return network(pixels)
        logits = sliding_window_inference(
            pixels, window, batch, network, overlap=OVERLAP, mode="gaussian"
        )
        return torch.as_tensor(logits)

    for rows in torch.arange(images.n_images).split(batch):
        pixels = scale.seen(images, rows, reach=reach, device=device)
        seen = [logits_of(pixels)]
        seen += [logits_of(pixels.flip(axis + 2)).flip(axis + 2) for axis in flips]
        found.append(torch.stack(seen).mean(dim=0)[:, 0].sigmoid().cpu())
    return torch.cat(found)
