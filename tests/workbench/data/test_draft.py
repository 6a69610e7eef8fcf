"""A drafted card is valid, and can be checked at once."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.data.check import check_card
from workbench.data.draft import draft_card, draft_folder
from workbench.data.front_matter import parse_card
from workbench.data.open_card import open_card
from workbench.errors import DataCardError


def test_a_draft_of_the_small_dataset_opens_and_checks(toy: Any) -> None:
    files = [toy.folder / "visits.csv", toy.folder / "genes.csv", toy.folder / "scans"]
    text = draft_card(files, "drafted")
    assert draft_folder(files) == toy.folder
    path = toy.folder / "drafted.md"
    path.write_text(text)
    card = open_card(path)
    assert card.folder == toy.folder
    spec = card.spec
    assert {name: file.key.column for name, file in spec.files.items()} == {
        "visits": "id",
        "genes": "id",
    }
    assert spec.columns["vital"].role == "post_outcome"
    assert spec.columns["age"].role == "feature"
    assert spec.columns["smoker"].role == "description"
    assert spec.outcomes["os"].event.event == 1
    assert spec.modalities["scans_images"].mask == "{folder}/{stem}_mask.png"
    assert spec.privacy.minimum_cell == 10
    errors = [p for p in check_card(card) if p.level == "error"]
    assert {p.where for p in errors} == set()
    assert text.count("CONFIRM") > 10


def test_suffixes_become_modalities_and_repeats_are_noticed(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    names = [f"G{i}_rnaseq" for i in range(60)] + [f"G{i}_mut" for i in range(60)]
    table = pd.DataFrame(generator.normal(size=(9, 120)), columns=names)
    table.insert(0, "slide_id", [f"s{i}" for i in range(9)])
    table.insert(0, "case_id", ["a", "a", *"bcdefgh"])
    table["survival_months"] = np.arange(1, 10) + 0.5
    table["censorship"] = [0, 1, 0, 1, 0, 1, 0, 1, 0]
    table.to_csv(tmp_path / "omics.csv", index=False)
    spec, _ = parse_card(draft_card([tmp_path / "omics.csv"], "x"), "x.md")
    assert spec.files["omics"].key.column == "case_id"
    assert spec.files["omics"].first_per == "patient_id"
    assert {n: m.columns for n, m in spec.modalities.items()} == {
        "omics_rnaseq": "(.+)_rnaseq",
        "omics_mut": "(.+)_mut",
    }
    assert spec.outcomes["os"].event.censored == 1
    assert spec.outcomes["os"].unit == "months"


def test_headers_and_levels_that_yaml_would_misread(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {
            "patient": list("abcdef"),
            "yes: no?": ["no", "yes"] * 3,
            "1st": ["2020-01-01", "null"] * 3,
            "Tumor Größe": [1.5, 2.5, 3.5, 4.5, 5.5, 6.5],
        }
    )
    table.to_csv(tmp_path / "a b.csv", index=False)
    spec, _ = parse_card(draft_card([tmp_path / "a b.csv"], "x"), "x.md")
    assert spec.columns["yes_no"].levels == ("no", "yes")
    assert spec.columns["x_1st"].levels == ("2020-01-01", "null")
    assert spec.columns["tumor_gr_e"].source == "Tumor Größe"
    assert spec.outcomes == {}


def test_free_text_is_left_out(tmp_path: Path) -> None:
    table = pd.DataFrame({"patient_id": range(30), "note": [f"secret {i}" for i in range(30)]})
    table.to_csv(tmp_path / "a.csv", index=False)
    assert "secret" not in draft_card([tmp_path / "a.csv"], "x")


def test_what_cannot_be_drafted(toy: Any, tmp_path: Path) -> None:
    with pytest.raises(DataCardError, match="is not a name"):
        draft_card([toy.folder / "visits.csv"], "2 words")
    with pytest.raises(DataCardError, match="no such file"):
        draft_card([toy.folder / "none.csv"], "x")
    with pytest.raises(DataCardError, match="no file"):
        draft_card([], "x")
    with pytest.raises(DataCardError, match="no table"):
        draft_card([toy.folder / "scans"], "x")
    (tmp_path / "nothing").mkdir()
    with pytest.raises(DataCardError, match="no PNG, JPEG or TIFF"):
        draft_card([toy.folder / "visits.csv", tmp_path / "nothing"], "x")
    (tmp_path / "bad.csv").write_bytes(b"")
    with pytest.raises(DataCardError, match="bad.csv: the file is empty"):
        draft_card([tmp_path / "bad.csv"], "x")


@pytest.mark.shared_data
@pytest.mark.parametrize(
    "names",
    [
        ["tcga_omics/gbmlgg.parquet"],
        ["survival/gbsg.csv"],
        ["hannover_cxr/data.csv", "hannover_cxr/images"],
        ["lgg_mri/data.csv", "lgg_mri/slices"],
        ["tcga_omics/clinical_endpoints.csv.gz"],
    ],
)
def test_real_files_give_a_card_that_the_schema_accepts(
    shared_data: Path, names: list[str]
) -> None:
    spec, _ = parse_card(draft_card([shared_data / name for name in names], "real"), "real.md")
    assert spec.name == "real"
    assert len(spec.files) + len([m for m in spec.modalities.values() if m.kind == "image"]) == len(
        names
    )
