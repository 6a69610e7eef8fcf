"""Files in, one array a patient out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image
from PIL import ImageFile as PillowFile

from workbench.data import image_files
from workbench.data.image_files import find_images, fit_square, read_image
from workbench.data.modalities import available_patients, read_modality
from workbench.data.open_card import open_card
from workbench.data.store import read_patients, read_table
from workbench.errors import DataCardError


def _read(card: Any, name: str) -> Any:
    patients = read_patients(card)
    return read_modality(card, name, patients.index.to_numpy(), patients)


def test_clinical_variables_as_numbers(toy: Any) -> None:
    toy.edit("visits.csv", lambda t: t.assign(grade=["", *t["grade"].iloc[1:]]))
    clinical = _read(toy.open(), "clinical")
    assert clinical.names == ("age", "grade=mid", "grade=high", "smoker")
    assert clinical.groups == {"grade": ("grade=mid", "grade=high")}
    assert np.isnan(clinical.values[0]).tolist() == [False, True, True, False]
    assert clinical.values[1:4, 1:3].tolist() == [[1, 0], [0, 1], [0, 0]]
    assert clinical.values[:2, 3].tolist() == [1, 0]
    assert clinical.present.all()


def test_a_patient_with_nothing_observed_lacks_the_modality(toy: Any) -> None:
    empty = {"age": "", "grade": "", "smoker": ""}
    toy.edit("visits.csv", lambda t: pd.concat([t.head(1).assign(**empty), t.iloc[1:]]))
    card = toy.open()
    assert available_patients(card, "clinical") == {f"P{i:02}" for i in range(1, 12)}
    clinical = _read(card, "clinical")
    assert not clinical.present[0]
    assert (clinical.values[0] == 0).all()


def test_what_the_cohort_set_missing_stays_missing(toy: Any) -> None:
    card = toy.open()
    patients = read_patients(card)
    patients.loc["P03", "age"] = np.nan
    clinical = read_modality(card, "clinical", np.array(["P03", "P01"]), patients)
    assert np.isnan(clinical.values[:, 0]).tolist() == [True, False]


def test_a_matrix_is_aligned_with_the_patients(toy: Any) -> None:
    card = toy.open()
    patients = read_patients(card)
    order = np.array(["P09", "P02", "P00"])
    rna = read_modality(card, "rna", order, patients)
    assert rna.names == ("A", "B", "C")
    assert rna.groups == {"one": ("A", "B")}
    assert rna.present.tolist() == [False, True, True]
    expected = read_table(card, "genes").loc[["P02", "P00"], ["g_A", "g_B", "g_C"]]
    np.testing.assert_array_equal(rna.values[1:], expected)
    assert available_patients(card, "rna") == {f"P{i:02}" for i in range(8)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.update(columns="x_(.+)"), "no column of files.genes matches"),
        (lambda s: s.update(columns="(g)_.+"), "2 features share a name"),
        (lambda s: s.update(pathways={"p": ["X"]}), "none of the 1 genes of p"),
    ],
)
def test_a_matrix_that_does_not_fit(
    toy: Any, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    change(toy.spec["modalities"]["rna"])
    with pytest.raises(DataCardError, match=message):
        _read(toy.open(), "rna")


@pytest.mark.parametrize("value", ["high", "inf"])
def test_a_gene_that_is_no_number(toy: Any, value: str) -> None:
    toy.edit("genes.csv", lambda t: t.assign(g_B=[value, *t["g_B"].iloc[1:]]))
    with pytest.raises(DataCardError, match="modalities.rna: 1 features .* such as B"):
        _read(toy.open(), "rna")


def test_images_are_in_natural_order_with_their_masks(toy: Any) -> None:
    card = toy.open()
    found = find_images(card, card.spec.modalities["scan"])
    assert [i.path for i in found[:2]] == ["scans/P00_9.png", "scans/P00_10.png"]
    assert found[0].mask == "scans/P00_9_mask.png"
    scan = _read(card, "scan")
    assert scan.values.shape == (12, 2, 3, 16, 16)
    assert scan.values.dtype == np.float32
    assert scan.present.tolist() == [True] * 6 + [False] * 6
    assert scan.values[:6].min() >= 0
    assert scan.values[:6].max() <= 1
    assert (scan.values[6:] == 0).all()
    assert scan.masks[:6].any(axis=(2, 3)).all()
    assert not scan.masks[6:].any()


def test_resizing_averages_area_and_keeps_proportions() -> None:
    plane = np.arange(16, dtype=np.float32).reshape(4, 4)
    assert fit_square(plane, 2).tolist() == [[2.5, 4.5], [10.5, 12.5]]
    wide = np.ones((2, 4), dtype=np.float32)
    assert fit_square(wide, 4).tolist() == [[0] * 4, [1] * 4, [1] * 4, [0] * 4]
    assert set(np.unique(fit_square(plane > 7, 3, nearest=True))) == {0, 1}


def test_prepared_images_are_kept_until_a_file_changes(toy: Any, tmp_path: Path) -> None:
    card = toy.open()
    first = _read(card, "scan")
    folder = tmp_path / "cache" / "images"
    assert len(list(folder.iterdir())) == 1
    np.testing.assert_array_equal(_read(card, "scan").values, first.values)
    assert len(list(folder.iterdir())) == 1
    Image.fromarray(np.zeros((20, 24, 3), dtype=np.uint8)).save(card.folder / "scans/P00_9.png")
    assert (_read(card, "scan").values[0, 0] == 0).all()
    assert len(list(folder.iterdir())) == 2


def test_a_patient_with_too_few_readable_images_lacks_the_modality(toy: Any) -> None:
    image = toy.folder / "scans" / "P02_10.png"
    image.write_bytes(image.read_bytes()[:200])
    (toy.folder / "scans" / "P03_9.png").unlink()
    card = toy.open()
    assert available_patients(card, "scan") == {"P00", "P01", "P04", "P05"}
    assert _read(card, "scan").present.sum() == 4


def test_a_missing_mask_is_refused_rather_than_read_as_healthy(toy: Any) -> None:
    (toy.folder / "scans" / "P02_10_mask.png").unlink()
    card = toy.open()
    assert len(available_patients(card, "scan")) == 6
    with pytest.raises(DataCardError, match="1 of 6 patients lack a readable mask"):
        _read(card, "scan")
    patients = read_patients(card)
    others = read_modality(card, "scan", np.array(["P00", "P09"]), patients)
    assert others.present.tolist() == [True, False]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_integers_are_scaled_by_their_type(tmp_path: Path, dtype: type) -> None:
    pixels = np.full((4, 4), np.iinfo(dtype).max, dtype=dtype)
    pixels[0] = 0
    Image.fromarray(pixels).save(tmp_path / "a.png")
    read = read_image(tmp_path / "a.png", 1)
    assert read.shape == (1, 4, 4)
    assert (read.min(), read.max()) == (0, 1)


def test_tiff_with_sixteen_bit_colour(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 65536, (5, 6, 3), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb")
    read = read_image(tmp_path / "a.tif", 3)
    np.testing.assert_allclose(read, np.moveaxis(pixels / 65535, 2, 0), rtol=1e-6)


def _truncated(path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _far_values(path: Path) -> None:
    tifffile.imwrite(path, np.full((8, 8, 3), 9, dtype=np.float32), photometric="rgb")


def _pages(path: Path) -> None:
    tifffile.imwrite(path, np.zeros((4, 8, 8), dtype=np.uint8), photometric="minisblack")


@pytest.mark.parametrize(
    ("name", "write", "message"),
    [
        ("a.png", _truncated, "truncated or damaged"),
        ("a.jpg", _truncated, "truncated or damaged"),
        ("a.tif", _truncated, "truncated or damaged"),
        ("a.png", lambda p: p.write_bytes(b""), "cannot be read"),
        ("a.png", lambda p: p.write_text("not an image"), "cannot be read"),
        ("a.png", lambda p: Image.new("L", (8, 8)).save(p), "1 channels, expected 3"),
        ("a.png", lambda p: Image.new("RGBA", (8, 8)).save(p), "4 channels, expected 3"),
        ("a.png", lambda p: Image.new("P", (8, 8)).save(p), "a P image"),
        ("a.tif", _pages, "4 pages, expected one"),
        ("a.tif", _far_values, "outside 0 to 1"),
    ],
)
def test_images_that_cannot_be_used(
    tmp_path: Path,
    name: str,
    write: Callable[[Path], object],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # As other libraries tell Pillow, for the whole process: what is missing of a file is grey.
    monkeypatch.setattr(PillowFile, "LOAD_TRUNCATED_IMAGES", True)
    write(tmp_path / name)
    with pytest.raises(DataCardError, match=message):
        read_image(tmp_path / name, 3)


def test_an_image_bomb_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("1", (30_000, 30_000)).save(tmp_path / "bomb.png")  # 110 kB on disk.
    with pytest.raises(DataCardError, match="pixels: refused"):
        read_image(tmp_path / "bomb.png", 1)
    monkeypatch.setattr(image_files, "LARGEST_PIXELS", 63)
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    with pytest.raises(DataCardError, match="more than 63 pixels"):
        read_image(tmp_path / "a.png", 1)


def test_an_unknown_modality_suggests_the_nearest(toy: Any) -> None:
    with pytest.raises(DataCardError, match="no modality is called 'scans'.*did you mean 'scan'"):
        available_patients(toy.open(), "scans")


@pytest.mark.shared_data
def test_tcga_glioma_modalities(shared_data: Path) -> None:
    card = open_card("tcga_glioma", data_dir=shared_data)
    patients = read_patients(card)
    ids = patients.index.to_numpy()
    shapes = {"clinical": (574, 5), "rna": (574, 1544), "mutations": (574, 16)}
    shapes |= {"copy_number": (574, 30), "mri": (574, 2, 3, 64, 64)}
    present = {}
    for name, shape in shapes.items():
        modality = read_modality(card, name, ids, patients)
        assert modality.values.shape == shape
        present[name] = modality.present
        assert set(ids[modality.present]) == available_patients(card, name)
    assert present["rna"].sum() == 569
    assert present["mri"].sum() == 110
    assert (present["rna"] & present["mri"]).sum() == 105
    assert (patients["type"][present["mri"]] == "LGG").all()
    masks = read_modality(card, "mri", ids, patients).masks
    assert masks[present["mri"]].any(axis=(2, 3)).all()
