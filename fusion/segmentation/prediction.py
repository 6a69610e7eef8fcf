"""What a trained network outlines: whole images, or a window that slides over large ones."""

import torch
from jaxtyping import Bool
from monai.inferers.utils import sliding_window_inference
from torch import Tensor, nn

from fusion.segmentation.images import OutlinedImages, PatientScale

OVERLAP = 0.5


@torch.no_grad()
def predict_masks(
    network: nn.Module,
    images: OutlinedImages,
    *,
    window: tuple[int, ...] | None = None,
    batch: int = 32,
    device: str = "cpu",
) -> Bool[Tensor, "image *space"]:
    """True where the network finds what it was taught to outline; drawn masks are not looked at.

    Parameters
    ----------
    network
        Image → logits; put into evaluation mode.
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
    for rows in torch.arange(images.n_images).split(batch):
        pixels = scale.standardised(images.pixels[rows].to(device), rows)
        pixels = pixels.contiguous(memory_format=layout)
        if window is None:
            logits = network(pixels)
        else:
            logits = sliding_window_inference(
                pixels, window, batch, network, overlap=OVERLAP, mode="gaussian"
            )
        found.append((torch.as_tensor(logits)[:, 0] > 0).cpu())
    return torch.cat(found)
