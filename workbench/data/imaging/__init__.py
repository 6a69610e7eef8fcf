"""What a person looks at: volumes, pictures and slides, cut and tiled without loading them whole.

A :class:`Volume` turns its voxels to the patient's axes once, so that planes, letters and the
crosshair need no case distinctions; a :class:`Slide` reads only the tiles that are in sight.
Everything returns arrays: nothing here draws, and nothing knows of a widget.
"""

from workbench.data.imaging.acquisition import Acquisition
from workbench.data.imaging.dicom import (
    Series,
    find_series,
    read_segmentation,
    read_series,
    read_structures,
    save_parametric_map,
    save_segmentation,
)
from workbench.data.imaging.explained import ExplainedImages, explained_images
from workbench.data.imaging.layers import Attribution, Mask
from workbench.data.imaging.nifti import read_attribution, read_mask, read_volume, write_nifti
from workbench.data.imaging.of_card import ImagesOfCard, images_of_card
from workbench.data.imaging.planes import PLANES, Plane, planes_of
from workbench.data.imaging.readers import read_image
from workbench.data.imaging.registration import Registration, as_channels, register, resampled
from workbench.data.imaging.scene import OneScene, Scene, Scenes
from workbench.data.imaging.slide import Slide, open_slide
from workbench.data.imaging.volume import Volume, as_stored, picture, volume
from workbench.data.imaging.windows import CT_WINDOWS, Window, windows_of

__all__ = [
    "CT_WINDOWS",
    "PLANES",
    "Acquisition",
    "Attribution",
    "ExplainedImages",
    "ImagesOfCard",
    "Mask",
    "OneScene",
    "Plane",
    "Registration",
    "Scene",
    "Scenes",
    "Series",
    "Slide",
    "Volume",
    "Window",
    "as_channels",
    "as_stored",
    "explained_images",
    "find_series",
    "images_of_card",
    "open_slide",
    "picture",
    "planes_of",
    "read_attribution",
    "read_image",
    "read_mask",
    "read_segmentation",
    "read_series",
    "read_structures",
    "read_volume",
    "register",
    "resampled",
    "save_parametric_map",
    "save_segmentation",
    "volume",
    "windows_of",
    "write_nifti",
]
