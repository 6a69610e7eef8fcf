"""Images a second from files to the arrays of a model: on every core, on one, and by a MONAI loop.

    python tests/benchmarks/image_decoding.py

Photographs of 600 × 450 pixels, made here as JPEG, become squares of 128. The loop is one process
that loads, pads and resizes by MONAI, image by image. Ratios count; all run in turns.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
from monai.transforms.compose import Compose
from monai.transforms.croppad.array import SpatialPad
from monai.transforms.intensity.array import ScaleIntensity
from monai.transforms.io.array import LoadImage
from monai.transforms.spatial.array import Resize
from monai.transforms.utility.array import EnsureChannelFirst
from PIL import Image
from scipy.ndimage import gaussian_filter

sys.path.insert(0, str(Path(__file__).parents[2]))

from workbench.data.card.modalities import ImageModality
from workbench.data.modalities.image import image_patients

HEIGHT, WIDTH, SIZE = 450, 600, 128


def make_files(folder: Path, n: int) -> list[Path]:
    """Smooth colours under grain, as a camera takes them."""
    random = np.random.default_rng(0)
    files = []
    for i in range(n):
        smooth = gaussian_filter(random.standard_normal((HEIGHT // 10, WIDTH // 10, 3)), (3, 3, 0))
        large = np.kron(smooth, np.ones((10, 10, 1))) * 300 + 128
        grain = random.normal(0, 6, large.shape)
        files.append(folder / f"{i:05}.jpg")
        Image.fromarray((large + grain).clip(0, 255).astype(np.uint8)).save(files[-1], quality=90)
    return files


def modality() -> ImageModality:
    """As a card describes such files."""
    return ImageModality.model_validate(
        {
            "kind": "image",
            "title": "Photographs",
            "pattern": "*.jpg",
            "key": {"regex": r"(\d+)\.jpg"},
            "channels": ["red", "green", "blue"],
            "size": SIZE,
            "spacing": "unknown",
            "observed_at": {"days": 0, "basis": "made up"},
        }
    )


def seconds(work: Callable[[], object]) -> float:
    """By the wall."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Reads the arguments, prints a line a way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=600)
    parser.add_argument("--turns", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "photographs"
        folder.mkdir()
        files = make_files(folder, arguments.images)
        loop = Compose(
            [
                LoadImage(image_only=True, reader="PILReader"),
                EnsureChannelFirst(channel_dim=-1),
                ScaleIntensity(minv=0.0, maxv=1.0),
                SpatialPad((WIDTH, WIDTH)),
                Resize((SIZE, SIZE), mode="area"),
            ]
        )

        def ours(cores: int) -> float:
            fresh = tempfile.mkdtemp(dir=name)
            environment = patch.dict(os.environ, {"WORKBENCH_CACHE": fresh})
            with environment, patch("os.cpu_count", lambda: cores):
                return seconds(decoded)

        def decoded() -> None:
            readable, _ = image_patients(SimpleNamespace(folder=folder), modality())
            if len(readable) != len(files):
                raise SystemExit(f"only {len(readable)} of {len(files)} files were read")

        taken: dict[str, list[float]] = {"every core": [], "one core": [], "MONAI loop": []}
        for _ in range(arguments.turns):
            taken["every core"].append(ours(os.cpu_count() or 1))
            taken["one core"].append(ours(1))
            taken["MONAI loop"].append(seconds(lambda: [loop(str(path)) for path in files]))
    first = statistics.median(taken["every core"])
    for way, times in taken.items():
        middle = statistics.median(times)
        print(f"{way:12}{len(files) / middle:8.0f} images/s  {middle / first:5.2f} times ours")


if __name__ == "__main__":
    main()
