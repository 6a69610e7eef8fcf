"""Images a second in training, beside a plain MONAI loop; decoding; a second look at embeddings.

    python tests/benchmarks/image_training.py

Both loops train the same U-Net on the same pictures, made here as JPEG, and change them alike. The
plain loop is the one of MONAI's tutorials: files are decoded and changed one by one in every epoch.
Ratios count; both run in one process, in turns. On CUDA the share of the card's peak is printed.
"""

import argparse
import hashlib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from monai.data.dataloader import DataLoader
from monai.data.dataset import Dataset
from monai.losses.dice import DiceCELoss
from monai.transforms.compose import Compose
from monai.transforms.intensity.dictionary import (
    NormalizeIntensityd,
    RandAdjustContrastd,
    RandGaussianNoised,
    RandShiftIntensityd,
)
from monai.transforms.io.dictionary import LoadImaged
from monai.transforms.spatial.dictionary import RandAffined
from monai.transforms.utility.dictionary import EnsureChannelFirstd, EnsureTyped
from PIL import Image
from torch import nn

from fusion.embedding_cache import StoredImage, embed_images
from fusion.encoders.resnet import ResNetBackbone
from fusion.norms import group_normed
from fusion.segmentation.images import OutlinedImages
from fusion.segmentation.networks import unet
from fusion.segmentation.training import Precision, SegmentationTrainingConfig, train_segmentation

PEAK_BF16 = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "L4": 121e12}
"""Dense operations a second, by the makers' data sheets."""
WIDTHS = (16, 32, 64, 128)


def make_files(folder: Path, n: int, size: int) -> list[dict[str, str]]:
    """Bright discs on noise as JPEG, with masks as PNG."""
    rng = np.random.default_rng(0)
    row, column = np.mgrid[:size, :size]
    files = []
    for i in range(n):
        centre, radius = rng.uniform(0.3, 0.7, 2) * size, rng.uniform(0.1, 0.25) * size
        mask = np.hypot(row - centre[0], column - centre[1]) < radius
        pixels = 60 + 100 * mask[..., None] + rng.normal(0, 12, (size, size, 3))
        paths = {"image": str(folder / f"{i}.jpg"), "mask": str(folder / f"{i}.png")}
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(paths["image"])
        Image.fromarray(255 * mask.astype(np.uint8)).save(paths["mask"])
        files.append(paths)
    return files


def decoded(files: list[dict[str, str]]) -> OutlinedImages:
    """Every file once, as bytes in memory."""
    pixels = [np.asarray(Image.open(file["image"])).transpose(2, 0, 1) for file in files]
    inside = [np.asarray(Image.open(file["mask"])) for file in files]
    return OutlinedImages(
        torch.from_numpy(np.stack(pixels)),
        torch.from_numpy(np.stack(inside)),
        np.array([f"p{i // 8}" for i in range(len(files))]),
    )


def plain_batches(files: list[dict[str, str]], batch: int) -> Iterator[dict[str, torch.Tensor]]:
    """Batches without end, as MONAI's tutorials make them."""
    both = ("image", "mask")
    transforms = Compose(
        [
            LoadImaged(both, image_only=True),
            EnsureChannelFirstd(both),
            EnsureTyped(both, dtype=torch.float32),
            NormalizeIntensityd("image", channel_wise=True),
            RandAffined(
                both,
                prob=1.0,
                rotate_range=0.26,
                scale_range=0.1,
                translate_range=6,
                mode=("bilinear", "nearest"),
                padding_mode="zeros",
            ),
            RandShiftIntensityd("image", offsets=0.2, prob=1.0),
            RandAdjustContrastd("image", gamma=(0.8, 1.25), prob=1.0),
            RandGaussianNoised("image", prob=1.0, std=0.1),
        ]
    )
    loader = DataLoader(Dataset(files, transforms), batch_size=batch, shuffle=True, drop_last=True)
    while True:
        yield from loader


def plain_loop(files: list[dict[str, str]], n_steps: int, batch: int, device: str) -> None:
    """MONAI's loop in 32 bits."""
    network = new_network().to(device).train()
    optimiser = torch.optim.AdamW(network.parameters(), 3e-3)
    overlap = DiceCELoss(sigmoid=True, batch=True)
    batches = plain_batches(files, batch)
    for _ in range(n_steps):
        data = next(batches)
        loss = overlap(network(data["image"].to(device)), (data["mask"].to(device) > 0).float())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        loss.item()


def our_loop(
    images: OutlinedImages, n_steps: int, batch: int, device: str, precision: Precision
) -> None:
    """Ours, on images that lie in memory."""
    # At full size from the first step, as the plain loop does it.
    config = SegmentationTrainingConfig(
        n_steps=n_steps, batch=batch, precision=precision, coarse_share=0.0
    )
    train_segmentation(new_network(), images, config, device=device)


def new_network() -> nn.Module:
    """The U-Net that both train."""
    torch.manual_seed(0)
    return unet(2, 3, WIDTHS)


def seconds(act: Callable[[], object]) -> float:
    """Wall time of one call, with whatever the device still does."""
    start = time.perf_counter()
    act()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def training(files: list[dict[str, str]], arguments: argparse.Namespace) -> None:
    """Both loops in turns; ours with and without what decoding once costs."""
    images = decoded(files)
    n = arguments.steps * arguments.batch
    ours = partial(
        our_loop, images, arguments.steps, arguments.batch, arguments.device, arguments.precision
    )
    plain = partial(plain_loop, files, arguments.steps, arguments.batch, arguments.device)
    for warm in (ours, plain):
        warm()
    taken = [(seconds(ours), seconds(plain)) for _ in range(arguments.turns)]
    mine, theirs = (n / statistics.median(times) for times in zip(*taken, strict=True))
    once = seconds(lambda: decoded(files))
    print(f"training   ours {mine:8.1f} images/s  MONAI {theirs:8.1f}  ratio {mine / theirs:5.2f}")
    print(f"decoding   {len(files) / once:8.1f} images/s, once")
    if arguments.device == "cuda":
        card = torch.cuda.get_device_name()
        peak = next((value for name, value in PEAK_BF16.items() if name in card), None)
        work = 3 * operations(images) * mine
        share = "" if peak is None else f", {work / peak:.1%} of the bf16 peak of {card}"
        print(f"arithmetic {work / 1e12:8.2f} T operations/s{share}")


def operations(images: OutlinedImages) -> int:
    """Operations of one image on its way through the network, two a multiplication and addition."""
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        new_network()(images.pixels[:1].float())
    return counter.get_total_flops()


def embeddings(files: list[dict[str, str]], folder: Path, device: str) -> None:
    """A frozen ResNet-10 over all files, and the same again."""
    torch.manual_seed(0)
    backbone = group_normed(ResNetBackbone(10, 2, 3))

    def read(path: str) -> np.ndarray:
        return np.asarray(Image.open(path), dtype=np.float32).transpose(2, 0, 1) / 255

    def all_of_them() -> None:
        stored = [
            StoredImage(
                hashlib.sha256(Path(file["image"]).read_bytes()).hexdigest(),
                partial(read, file["image"]),
            )
            for file in files
        ]
        embed_images(backbone, stored, cache=folder / "cache", device=device)

    first, second = seconds(all_of_them), seconds(all_of_them)
    print(
        f"embeddings first {len(files) / first:8.1f} images/s  second {len(files) / second:8.1f}"
        f"  ratio {first / second:5.1f}"
    )


def main() -> None:
    """Reads the arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--precision", choices=("no", "bf16"), default="no")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = make_files(Path(folder), arguments.images, arguments.size)
        training(files, arguments)
        embeddings(files, Path(folder), arguments.device)


if __name__ == "__main__":
    main()
