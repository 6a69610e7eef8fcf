"""DICOM as scanners, archives and colleagues leave it: files, series, geometry, regions.

Files → frames, each with its place → series, sorted by place → one :class:`Volume`. Whatever a file
claims is checked against what it holds before memory is asked for.
"""

from workbench.data.imaging.dicom.derived import save_parametric_map, save_segmentation
from workbench.data.imaging.dicom.files import DicomFile, is_dicom, open_dicom
from workbench.data.imaging.dicom.read_series import read_series
from workbench.data.imaging.dicom.segmentation import read_segmentation
from workbench.data.imaging.dicom.series import Series, find_series
from workbench.data.imaging.dicom.structures import read_structures

__all__ = [
    "DicomFile",
    "Series",
    "find_series",
    "is_dicom",
    "open_dicom",
    "read_segmentation",
    "read_series",
    "read_structures",
    "save_parametric_map",
    "save_segmentation",
]
