"""A card names folders of DICOM series: planes for models, volumes to look at, facts as columns."""

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.cli import main
from workbench.data.check import check_card
from workbench.data.imaging import images_of_card, read_segmentation
from workbench.data.imaging.facts import image_facts
from workbench.data.modalities import read_modality
from workbench.data.store import read_patients
from workbench.errors import ImageError
from workbench.widgets.image_viewer import ImageViewer

FORMATS = Path(os.environ.get("WORKBENCH_DATA", "")) / "formats"
AT_START = {"days": 0, "basis": "measured at diagnosis"}


@pytest.fixture
def with_ct(toy: Any, write_planes: Any) -> Any:
    """Six of twelve patients have a CT; those of two scanners alternate, one lacks a plane."""
    for n in range(6):
        heights = [0, 2, 4, 6] if n != 5 else [0, 2, 6, 8]
        write_planes(
            heights,
            folder=_made(toy.folder / f"ct/P{n:02}"),
            series=f"1.2.3.{n}",
            Manufacturer=("Acme", "Emca")[n % 2],
            SliceThickness=(2, 3)[n % 2],
        )
    toy.spec["modalities"]["ct"] = {
        "kind": "image",
        "title": "CT",
        "pattern": "ct/P*",
        "key": {"regex": r"ct/(P\d+)"},
        "channels": ["CT"],
        "window": [0, 2000],
        "size": 16,
        "images_per_patient": 2,
        "spacing": "0.5 × 0.7 × 2 mm",
        "observed_at": dict(AT_START),
    }
    return toy


def _made(folder: Path) -> Path:
    folder.parent.mkdir(exist_ok=True)
    return folder


def test_planes_of_a_series_are_images_of_the_patient(with_ct: Any) -> None:
    card = with_ct.open()
    patients = read_patients(card)
    read = read_modality(card, "ct", patients.index.to_numpy(), patients)
    assert read.values.shape == (12, 2, 1, 16, 16)
    # The patient whose series lacks a plane counts as without.
    assert read.present.tolist() == [True] * 5 + [False] * 7
    volume = wb.read_image(card.folder / "ct/P00")
    hu = volume.values(volume.voxels)
    assert read.values[0].max() == pytest.approx((hu.max() + 1000) / 2000, abs=0.2)
    assert not np.array_equal(read.values[0, 0], read.values[0, 1])
    problems = [str(p) for p in check_card(card) if p.where == "modalities.ct"]
    assert len(problems) == 1
    assert "1 of 5 positions are missing" in problems[0]


def test_the_viewer_gets_the_volume_in_the_patient_s_axes(with_ct: Any) -> None:
    scene = images_of_card(with_ct.open(), "ct", patient_id=["P01"]).read(0)
    assert scene.volume.shape == (4, 3, 4)
    assert scene.volume.unit == "HU"
    assert scene.volume.known_orientation
    assert set(scene.planes) == {"axial", "coronal", "sagittal"}
    viewer = ImageViewer(images_of_card(with_ct.open(), "ct", patient_id=["P01"]))
    assert (viewer.window.centre, viewer.window.width) == (0, 2000)
    stored = scene.planes["axial"].cut(scene.volume.voxels, 2)
    assert np.array_equal(viewer.slice("axial"), scene.volume.values(stored))


@pytest.mark.shared_data
@pytest.mark.skipif(not FORMATS.is_dir(), reason="no shared data")
def test_a_segmentation_is_the_mask_of_its_series(toy: Any) -> None:
    source = FORMATS / "dicom_seg_dcmqi/data/segmentations/23x38x3"
    shutil.copytree(source / "image", toy.folder / "ct/P00")
    shutil.copy(source / "seg/label.seg", toy.folder / "ct/P00_seg")
    toy.spec["modalities"]["ct"] = {
        "kind": "image",
        "title": "CT",
        "pattern": "ct/P*",
        "exclude": "*_seg",
        "key": {"regex": r"ct/(P\d+)"},
        "mask": "{folder}/{stem}_seg",
        "channels": ["CT"],
        "window": [50, 400],
        "size": 16,
        "images_per_patient": 3,
        "spacing": "0.7 × 0.7 × 2.5 mm",
        "observed_at": dict(AT_START),
    }
    card = toy.open()
    patients = read_patients(card)
    read = read_modality(card, "ct", patients.index.to_numpy(), patients)
    assert read.present.sum() == 1
    assert read.masks is not None
    # Of the outer planes 4 pixels are outlined, which none of 16 × 16 shows.
    direct = read_segmentation(toy.folder / "ct/P00_seg").labels.voxels
    assert (direct > 0).sum(axis=(0, 1)).tolist() == [4, 314, 4]
    assert read.masks[0].sum(axis=(1, 2)).tolist() == [0, 56, 0]
    scene = images_of_card(card, "ct").read(0)
    assert scene.mask is not None
    assert scene.mask.names == ("Liver",)


def test_facts_of_the_scanner_become_characteristics(
    with_ct: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    card = with_ct.open()
    table = image_facts(card, "ct")
    assert table["manufacturer"].tolist() == ["Acme", "Emca"] * 3
    assert table["slice_thickness_mm"].tolist() == [2, 3] * 3
    assert (table["n_series"] == 1).all()
    assert (table["differs"] == "").all()
    assert "field_strength_t" not in table
    out = card.folder / "scanner.csv"
    command = ["images", "facts", str(with_ct.save()), "ct", "--out", str(out)]
    monkeypatch.setattr("sys.argv", ["workbench", *command])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert "6 patients" in capsys.readouterr().out
    with_ct.spec["files"]["scanner"] = {"path": "scanner.csv", "key": {"column": "patient_id"}}
    with_ct.spec["columns"]["manufacturer"] = {
        "file": "scanner",
        "meaning": "maker of the scanner",
        "type": "categorical",
        "levels": ["Acme", "Emca"],
        "role": "feature",
        "observed_at": dict(AT_START),
    }
    patients = read_patients(with_ct.open())
    assert patients["manufacturer"].value_counts().to_dict() == {"Acme": 3, "Emca": 3}
    assert pd.isna(patients.loc["P11", "manufacturer"])


def test_pictures_have_no_facts(with_ct: Any) -> None:
    with pytest.raises(ImageError, match="not DICOM"):
        image_facts(with_ct.open(), "scan")
    with pytest.raises(ImageError, match="no modality of images"):
        image_facts(with_ct.open(), "rna")
