"""Images whose owner a table names, and patients with fewer images than the card takes."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.data.check import check_card
from workbench.data.image_files import by_patient, find_images
from workbench.data.modalities import available_patients, read_modality
from workbench.data.open_card import DataCard
from workbench.data.store import population, read_patients
from workbench.errors import DataCardError


@pytest.fixture
def owned(toy: Any) -> Any:
    """The scans of the toy, named in a table that says whose they are; P05's are not in it."""
    names = [f"{p}_{n}" for p in ("P00", "P01", "P02", "P03", "P04") for n in (9, 10)]
    owners = [f"P{11 - i // 2:02}" for i in range(len(names))]
    pd.DataFrame({"who": owners, "scan": names}).to_csv(toy.folder / "scans.csv", index=False)
    toy.spec["files"]["scans"] = {"path": "scans.csv", "key": {"column": "who"}}
    scan = toy.spec["modalities"]["scan"]
    scan["key"] = {"regex": r"scans/(P\d+_\d+)\.png"}
    scan["owners"] = {"file": "scans", "column": "scan"}
    return toy


def _read(card: DataCard) -> Any:
    ids = population(card).to_numpy(dtype=str)
    return read_modality(card, "scan", ids, read_patients(card))


def test_the_table_says_whose_an_image_is(owned: Any) -> None:
    card = owned.open()
    found = by_patient(find_images(card, card.spec.modalities["scan"]))
    assert sorted(found) == ["P07", "P08", "P09", "P10", "P11"]
    assert [image.path for image in found["P11"]] == ["scans/P00_9.png", "scans/P00_10.png"]
    scan = _read(card)
    assert scan.present.tolist() == [False] * 7 + [True] * 5
    assert [p for p in check_card(card) if p.where.startswith("modalities.scan")] == []


def test_another_owner_is_another_prepared_file(owned: Any) -> None:
    before = _read(owned.open()).values
    owned.edit("scans.csv", lambda t: t.assign(who=t["who"].to_numpy()[::-1]))
    after = _read(owned.open()).values
    np.testing.assert_array_equal(before[7], after[11])
    assert (before[7] != before[11]).any()


def test_only_the_first_row_owns_where_the_file_keeps_the_first(owned: Any) -> None:
    owned.spec["files"]["scans"]["first_per"] = "patient_id"
    owned.spec["modalities"]["scan"]["images_per_patient"] = 1
    card = owned.open()
    found = by_patient(find_images(card, card.spec.modalities["scan"]))
    assert [image.path for image in found["P11"]] == ["scans/P00_9.png"]


def test_names_of_images_keep_their_zeros(owned: Any) -> None:
    for path in owned.folder.glob("scans/*.png"):
        path.rename(path.with_name(path.name.replace("P", "0")))
    owned.edit("scans.csv", lambda t: t.assign(scan=t["scan"].str[1:3]))
    owned.edit("scans.csv", lambda t: t.drop_duplicates("scan"))
    scan = owned.spec["modalities"]["scan"]
    scan["key"] = {"regex": r"scans/0(\d+)_9\.png"}
    scan["images_per_patient"] = 1
    card = owned.open()
    owners = {i.patient_id for i in find_images(card, card.spec.modalities["scan"])}
    assert {"P11", "P10"} <= owners


def test_an_image_of_two_patients_is_refused(owned: Any) -> None:
    owned.edit("scans.csv", lambda t: t.assign(scan=["P00_9", *t["scan"].iloc[:-1]]))
    card = owned.open()
    with pytest.raises(DataCardError, match="1 rows name an image of another row in 'scan'"):
        find_images(card, card.spec.modalities["scan"])


def test_owners_in_no_file_are_refused(owned: Any) -> None:
    owned.spec["modalities"]["scan"]["owners"]["file"] = "skans"
    with pytest.raises(DataCardError, match=r"no file is called 'skans'; did you mean 'scans'"):
        owned.open()


def test_few_images_are_filled_up_with_blank_ones(toy: Any) -> None:
    (toy.folder / "scans" / "P02_9.png").unlink()
    assert "P02" not in available_patients(toy.open(), "scan")
    toy.spec["modalities"]["scan"]["fewest_images"] = 1
    card = toy.open()
    assert "P02" in available_patients(card, "scan")
    scan = _read(card)
    assert scan.present[:6].all()
    assert scan.values[2, 0].any()
    assert not scan.values[2, 1].any()
    assert scan.masks is not None
    assert not scan.masks[2, 1].any()


def test_more_images_than_are_taken_cannot_be_needed(toy: Any) -> None:
    toy.spec["modalities"]["scan"]["fewest_images"] = 3
    with pytest.raises(DataCardError, match="fewest_images is 3, more than images_per_patient, 2"):
        toy.open()
