"""Small DICOM files whose truth is known."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

SHAPE = (3, 4)
"""Rows and columns."""


def plane(
    pixels: np.ndarray,
    position: Sequence[float] = (0.0, 0.0, 0.0),
    *,
    number: int = 1,
    series: str = "1.2.826.0.1.3680043.8.498.7",
    **elements: Any,
) -> Dataset:
    """One CT plane of 0.5 × 0.7 mm pixels in the axes of DICOM, with whatever else is asked for."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = CTImageStorage
    dataset = Dataset()
    dataset.file_meta = meta
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID = f"{series}.{number}"
    dataset.StudyInstanceUID = "1.2.826.0.1.3680043.8.498.1"
    dataset.SeriesInstanceUID = series
    dataset.FrameOfReferenceUID = "1.2.826.0.1.3680043.8.498.2"
    dataset.Modality = "CT"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.InstanceNumber = number
    dataset.ImagePositionPatient = list(position)
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.PixelSpacing = [0.5, 0.7]
    dataset.SliceThickness = 2
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit = 15
    dataset.PixelRepresentation = 1
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
    dataset.PixelData = pixels.astype("<i2").tobytes()
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


Write = Callable[..., np.ndarray]


@pytest.fixture
def write_planes(tmp_path: Path) -> Write:
    """A function that writes planes at heights and returns their pixels, (plane, row, column)."""

    def write(
        heights: Sequence[float],
        *,
        folder: Path = tmp_path,
        shift: float = 0.0,
        numbers: Sequence[int] | None = None,
        **elements: Any,
    ) -> np.ndarray:
        folder.mkdir(exist_ok=True)
        rng = np.random.default_rng(0)
        pixels = rng.integers(0, 2000, (len(heights), *SHAPE)).astype(np.int16)
        for k, height in enumerate(heights):
            number = k + 1 if numbers is None else numbers[k]
            made = plane(pixels[k], (-5, shift * height - 7, height), number=number, **elements)
            made.save_as(folder / f"{number:03}.dcm", enforce_file_format=True)
        return pixels

    return write


@pytest.fixture
def make_plane() -> Callable[..., Dataset]:
    """The function that makes one plane."""
    return plane
