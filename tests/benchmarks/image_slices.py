"""Slices of a 512³ volume and tiles of a slide, from disk to the bytes that are sent, in ms.

    python tests/benchmarks/image_slices.py
    python tests/benchmarks/image_slices.py --lab [--against CHECKOUT]

Volumes lie in memory maps that were just written, so disks do not count. Beside each time stands
that of the same cut by nibabel's own slicer, which reads the file anew. With ``--lab``, from a
hand's movement to the repainted plane in JupyterLab, see :mod:`tests.benchmarks.image_lab`.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import tifffile

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.image_lab import hands
from workbench.data.imaging import open_slide, planes_of, read_volume


def milliseconds(act: Callable[[int], object], places: list[int]) -> tuple[float, float]:
    """Median and longest over the places."""
    taken = []
    for place in places:
        start = time.perf_counter()
        act(place)
        taken.append(1e3 * (time.perf_counter() - start))
    return statistics.median(taken), max(taken)


def volumes(folder: Path, size: int) -> None:
    """Every plane of a CT-like volume."""
    rng = np.random.default_rng(0)
    voxels = rng.integers(-1000, 2000, (size, size, size), dtype=np.int16)
    path = folder / "a.nii"
    nibabel.Nifti1Image(voxels, np.diag([-1.0, -1.0, 1.0, 1.0])).to_filename(path)
    found, image = read_volume(path, unit="HU"), nibabel.load(path)
    places = rng.permutation(size)[:40].tolist()
    for name, plane in planes_of(found).items():
        ours, longest = milliseconds(
            lambda n, p=plane: np.ascontiguousarray(found.values(p.cut(found.voxels, n))).tobytes(),
            places,
        )
        at = {"axial": 2, "coronal": 1, "sagittal": 0}[name]
        peer, _ = milliseconds(
            lambda n, a=at: np.asarray(
                image.dataobj[tuple(n if i == a else slice(None) for i in range(3))]
            ).tobytes(),
            places[:5],
        )
        print(
            f"{size}³ {name:9s} median {ours:6.1f}  longest {longest:6.1f}"
            f"  nibabel {peer:7.1f}  ratio {peer / ours:5.1f}"
        )


def slides(folder: Path) -> None:
    """Tiles of a tiled JPEG slide."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(100, 255, (100, 100, 3)).astype(np.uint8)
    pixels = np.kron(coarse, np.ones((40, 40, 1), np.uint8))
    tifffile.imwrite(
        folder / "a.tif", pixels, tile=(256, 256), photometric="rgb", compression="jpeg"
    )
    slide = open_slide(folder / "a.tif")
    rows, columns = slide.grid(0)
    places = rng.permutation(rows * columns)[:100].tolist()
    ours, longest = milliseconds(lambda n: slide.tile(0, *divmod(n, columns)), places)
    print(f"slide tile, 256 px      median {ours:6.1f}  longest {longest:6.1f}")


def main() -> None:
    """Reads the arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--lab", action="store_true", help="measure in JupyterLab")
    parser.add_argument("--against", default="", help="another checkout, measured in the same run")
    arguments = parser.parse_args()
    if arguments.lab:
        hands(arguments.size, arguments.against)
        return
    with tempfile.TemporaryDirectory() as folder:
        volumes(Path(folder), arguments.size)
        slides(Path(folder))


if __name__ == "__main__":
    main()
