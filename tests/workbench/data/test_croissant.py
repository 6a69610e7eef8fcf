"""A data card as Croissant: whole, valid, and without a value of a patient or a path."""

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.data.croissant import CONFORMS_TO, croissant
from workbench.data.fingerprint import sha256_of
from workbench.data.open_card import DataCard, list_cards, open_card
from workbench.errors import DataCardError

needs_mlcroissant = pytest.mark.skipif(
    importlib.util.find_spec("mlcroissant") is None,
    reason="mlcroissant is not here: pip install 'precision-workbench[croissant]'",
)


@pytest.fixture
def card(tmp_path: Path, small_files: Callable[[Path], Any]) -> DataCard:
    return open_card(small_files(tmp_path).card)


def test_every_declared_column_is_a_field_of_its_file(card: DataCard) -> None:
    described = croissant(card)
    assert described["conformsTo"] == CONFORMS_TO
    [visits] = described["recordSet"]
    fields = {field["name"]: field for field in visits["field"]}
    assert set(fields) == set(card.spec.columns)
    assert fields["age"]["dataType"] == "sc:Float"
    assert "Unit: years." in fields["age"]["description"]
    assert fields["sex"]["source"] == {
        "fileObject": {"@id": "visits"},
        "extract": {"column": "sex"},
    }


def test_files_have_their_hashes_and_images_their_pattern(card: DataCard) -> None:
    parts = {part["@id"]: part for part in croissant(card)["distribution"]}
    assert set(parts) == {"visits", "genes", "mri"}
    assert parts["visits"]["sha256"] == sha256_of([card.folder / "visits.csv"])[0]
    assert (parts["mri"]["includes"], parts["mri"]["encodingFormat"]) == (
        "scans/*.png",
        "image/png",
    )


def test_references_lead_somewhere(card: DataCard) -> None:
    """What an item names by its @id is there, once."""
    described = croissant(card)
    ids = [part["@id"] for part in described["distribution"]]
    ids += [record["@id"] for record in described["recordSet"]]
    ids += [field["@id"] for record in described["recordSet"] for field in record["field"]]
    assert len(ids) == len(set(ids))
    named = [
        field["source"]["fileObject"]["@id"]
        for record in described["recordSet"]
        for field in record["field"]
    ]
    assert set(named) <= set(ids)
    for part in described["distribution"]:
        assert part["encodingFormat"] != "application/octet-stream"
        if part["@type"] == "cr:FileObject":
            assert part["contentUrl"]
            assert len(part["sha256"]) == 64


def test_no_patient_and_no_path_of_the_machine_is_told(card: DataCard) -> None:
    text = json.dumps(croissant(card))
    assert str(card.folder) not in text
    assert "P000" not in text


def test_an_archive_holds_its_member(
    tmp_path: Path, small_files: Callable[[Path], Any]
) -> None:  # fmt: skip
    import zipfile

    study = small_files(tmp_path)
    with zipfile.ZipFile(tmp_path / "genes.zip", "w") as archive:
        archive.write(tmp_path / "genes.csv", "inner/genes.csv")
    study.spec["files"]["genes"] = {
        "path": "genes.zip", "member": "inner/genes.csv", "key": {"column": "id"},
    }  # fmt: skip
    parts = {p["@id"]: p for p in croissant(open_card(study.save().card))["distribution"]}
    assert parts["genes-archive"]["encodingFormat"] == "application/zip"
    assert parts["genes"]["containedIn"] == {"@id": "genes-archive"}
    assert parts["genes"]["contentUrl"] == "inner/genes.csv"


def test_without_the_files_there_is_nothing_to_describe(card: DataCard) -> None:
    (card.folder / "genes.csv").unlink()
    with pytest.raises(DataCardError, match=r"genes\.csv"):
        croissant(card)


def test_the_command_writes_it_once(
    card: DataCard, tmp_path: Path, call: Callable[..., tuple[int, str, str]]
) -> None:
    out = tmp_path / "card.json"
    assert call("data", "croissant", card.path, "--out", out)[0] == 0
    assert json.loads(out.read_text(encoding="utf-8")) == croissant(card)
    code, _, said = call("data", "croissant", card.path, "--out", out)
    assert (code, "exists already" in said) == (1, True)


@needs_mlcroissant
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["small", *(n for n in list_cards() if n != "tcga_omics")])
def test_the_reference_reader_finds_no_error(name: str, card: DataCard) -> None:
    import mlcroissant

    opened = card if name == "small" else open_card(name)
    if opened.missing_files():
        pytest.skip(f"the files of {name} are not here")
    described = json.loads(json.dumps(croissant(opened)))
    read = mlcroissant.Dataset(jsonld=described)
    assert not read.metadata.ctx.issues.errors
    assert len(read.metadata.record_sets) == len(described["recordSet"])
