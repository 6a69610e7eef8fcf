"""``workbench segment``: folds by patient, masks and their agreement on disk, and going on."""

import json
from pathlib import Path

import nibabel
import nibabel.nifti1
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from workbench.cli import app
from workbench.data.modalities.outlined import at_own_size, read_outlined
from workbench.data.open_card import DataCard, open_card
from workbench.errors import DataCardError, StudyError
from workbench.printing import print_segmentation
from workbench.segmentation import SegmentationSettings, deal_folds, segment
from workbench.segmentation.settings import SegmentationResult, largest_part
from workbench.study_steps import Progress

CARD = """---
schema: 1
name: discs
title: "Discs"
version: "1"
licence: "made by a test"
citation: "none"
source: "none"
index_date: "none"
files:
  people: {{path: people.csv, key: {{column: id}}}}
population: [people]
columns:
  side: {{file: people, meaning: "Side", type: categorical, role: description,
          observed_at: {{days: 0}}}}
outcomes: {{}}
modalities:
  picture:
    kind: image
    title: "Pictures"
    pattern: "images/*.png"
    key: {{regex: "images/(\\\\w+)-\\\\d+\\\\.png"}}
    mask: "masks/{{stem}}.png"
    channels: [grey]
    size: 32
    spacing: "none"
    observed_at: {{days: 0}}
limits: ["made by a test"]
privacy: {{minimum_cell: 10, restricted: {restricted}, basis: "made by a test"}}
study: {{}}
---
# Discs
"""
SMALL = SegmentationSettings(size=32, n_steps=10, batch=8, k=2, tolerance=1.0)
PATIENTS = tuple("abcdef")


@pytest.fixture
def discs(tmp_path: Path) -> Path:
    """Six patients of three slices, 40 × 30 pixels, and a card for them."""
    folder = tmp_path / "discs"
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    rng = np.random.default_rng(0)
    row, column = np.mgrid[:40, :30]
    for patient in PATIENTS:
        for slice_ in range(3):
            centre = rng.uniform((12, 10), (28, 20))
            mask = np.hypot(row - centre[0], column - centre[1]) < 6
            grey = (60 + 120 * mask + rng.normal(0, 8, mask.shape)).clip(0, 255)
            Image.fromarray(grey.astype(np.uint8)).save(folder / f"images/{patient}-{slice_}.png")
            Image.fromarray(255 * mask.astype(np.uint8)).save(
                folder / f"masks/{patient}-{slice_}.png"
            )
    people = pd.DataFrame({"id": PATIENTS, "side": ["left", "right"] * 3})
    people.to_csv(folder / "people.csv", index=False)
    (tmp_path / "discs.md").write_text(CARD.format(restricted="false"))
    return tmp_path


def card_of(folder: Path) -> DataCard:
    return open_card(folder / "discs.md", folder)


def test_every_patient_is_outlined_by_the_network_that_did_not_see_them(discs, tmp_path):
    told: list[Progress] = []
    result = segment(card_of(discs), tmp_path / "run", SMALL, on_progress=told.append)
    table = result.agreement
    assert sorted(table["patient_id"]) == list(PATIENTS)
    assert table.groupby("fold").size().to_dict() == {0: 3, 1: 3}
    assert table["dice"].between(0, 1).all()
    assert table["drawn_volume"].gt(250).all()
    assert {step.step for step in told} == {"reading images", "fold 0", "fold 1"}
    lesions = pd.concat([pd.read_csv(tmp_path / "run" / f"lesions_{i}.csv") for i in range(2)])
    assert sorted(lesions["patient_id"]) == list(PATIENTS)
    by_patient = lesions.set_index("patient_id")
    volumes = by_patient.loc[table["patient_id"], "volume (YEKZ)"].fillna(0).to_numpy()
    # Counted in pixels of the common size, each as large as it stands for.
    assert volumes == pytest.approx(table["predicted_volume"].to_numpy(), rel=0.15)
    assert by_patient["grey: mean (Q4LE)"].dropna().between(40, 200).all()
    for patient, dice in zip(table["patient_id"], table["dice"], strict=True):
        image = nibabel.nifti1.load(tmp_path / "run" / "masks" / f"{patient}.nii")
        found = np.asarray(image.dataobj).transpose(2, 1, 0) > 0
        drawn = np.stack(
            [np.asarray(Image.open(discs / f"discs/masks/{patient}-{i}.png")) > 0 for i in range(3)]
        )
        assert found.shape == drawn.shape
        overlap = 2 * (found & drawn).sum() / (found.sum() + drawn.sum())
        assert overlap == pytest.approx(dice)
        assert nibabel.orientations.aff2axcodes(image.affine) == ("L", "P", "S")
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["state"] == "complete"
    assert not (tmp_path / "run" / "parts").exists()


class StoppedError(Exception):
    """What a person who stops a run raises."""


def test_a_stopped_run_goes_on_and_another_is_refused(discs, tmp_path):
    card = card_of(discs)

    def stop(progress: Progress) -> None:
        if (progress.step, progress.done) == ("fold 1", 10):
            raise StoppedError

    with pytest.raises(StoppedError):
        segment(card, tmp_path / "run", SMALL, on_progress=stop)
    told: list[str] = []
    result = segment(
        card, tmp_path / "run", SMALL, fold=1, on_progress=lambda step: told.append(step.step)
    )
    # Every step was done, and only the outlining was not.
    assert set(told) == {"reading images"}
    assert result.agreement["fold"].unique().tolist() == [0, 1]
    with pytest.raises(StudyError, match="differs in n_steps .there 10, now 13."):
        segment(card, tmp_path / "run", SegmentationSettings(**{**vars(SMALL), "n_steps": 13}))


def test_names_of_a_restricted_dataset_leave_in_no_file(discs, tmp_path):
    (discs / "discs.md").write_text(CARD.format(restricted="true"))
    result = segment(card_of(discs), tmp_path / "run", SMALL, fold=0)
    names = set(result.agreement["patient_id"])
    assert len(names) == 3
    assert not names & set(PATIENTS)
    assert {path.stem for path in (tmp_path / "run/masks").iterdir()} == names


def test_the_command_prints_what_was_found(discs, tmp_path):
    outcome = CliRunner().invoke(
        app,
        ["segment", str(discs / "discs.md"), "--data-dir", str(discs), "--fold", "0",
         "--out", str(tmp_path / "run"), "--size", "32", "--steps", "3"],
    )  # fmt: skip
    assert outcome.exit_code == 0, outcome.output
    assert "fold 0: 3/3" in outcome.output
    assert "surface Dice" in outcome.output
    assert "1 of 5 folds are finished." in outcome.output


def test_what_is_undefined_in_everybody_is_a_dash(tmp_path, capsys):
    nobody = pd.DataFrame(
        {"fold": [0, 0], "dice": [0.0, 0.0], "hd95": [np.nan] * 2, "surface_dice": [0.0, 0.0]}
    )
    print_segmentation(SegmentationResult(nobody, tmp_path, n_folds=1, unreadable=0))
    row = next(line for line in capsys.readouterr().out.splitlines() if "all" in line)
    assert row.split() == ["all", "2", "0.000", "–", "0.000"]


def test_slices_of_all_sizes_and_kinds_come_back_at_their_own_size(discs):
    read = read_outlined(card_of(discs), "picture", 32)
    assert read.pixels.shape == (18, 1, 32, 32)
    assert read.pixels.dtype == np.uint8
    assert read.patient.tolist() == [p for p in PATIENTS for _ in range(3)]
    for small, drawn in zip(read.inside, read.drawn, strict=True):
        again = at_own_size(small / 255, drawn.shape)
        assert again.shape == (40, 30)
        # A disc of 12 pixels across: had it been cut hard at the common size, .88 would remain.
        assert 2 * (again & drawn).sum() / (again.sum() + drawn.sum()) > 0.93
    (discs / "discs/masks/a-0.png").write_bytes(b"damaged")
    fewer = read_outlined(card_of(discs), "picture", 32)
    assert (len(fewer.patient), fewer.unreadable) == (17, 1)


def test_chances_become_smooth_outlines_where_a_mask_has_steps():
    row, column = np.mgrid[:24, :24]
    distance = np.hypot(row - 11.5, column - 11.5)
    row, column = np.mgrid[:96, :96]
    wanted = np.hypot(row - 47.5, column - 47.5) < 28

    def dice(found: np.ndarray) -> float:
        return 2 * (found & wanted).sum() / (found.sum() + wanted.sum())

    smooth = at_own_size(1 / (1 + np.exp(distance - 7)), (96, 96))
    assert dice(smooth) > 0.985
    assert dice(smooth) > dice(np.kron(distance < 7, np.ones((4, 4))) > 0)


def test_of_a_patient_with_one_lesion_the_largest_part_counts(discs, tmp_path):
    mask = np.zeros((4, 8, 8), dtype=bool)
    assert not largest_part(mask).any()
    mask[0, :2, :2] = mask[1, 2, 2] = True  # Connected across a corner: 5 places.
    assert largest_part(mask).sum() == 5
    mask[3, 5:7, 5:7] = True
    assert np.array_equal(largest_part(mask), mask & (np.arange(4) < 2)[:, None, None])
    text = (discs / "discs.md").read_text()
    (discs / "discs.md").write_text(
        text.replace("    size: 32\n", "    size: 32\n    lesions: one\n    symmetric: true\n")
    )
    segment(card_of(discs), tmp_path / "run", SMALL, fold=0)
    for path in (tmp_path / "run/masks").iterdir():
        found = np.asarray(nibabel.nifti1.load(path).dataobj) > 0
        assert np.array_equal(largest_part(found), found)


def test_what_stands_in_for_absent_channels_is_a_channel(discs):
    text = (discs / "discs.md").read_text()
    (discs / "discs.md").write_text(text.replace("    size: 32\n", "    stand_in: red\n"))
    with pytest.raises(DataCardError, match="stand_in must be one of the channels .grey., got red"):
        card_of(discs)


def test_folds_are_even_and_depend_on_the_seed_alone():
    patient = np.repeat([f"p{i}" for i in range(11)], 3)
    folds = deal_folds(patient, 5, 0)
    assert sorted(np.bincount(list(folds.values()))) == [2, 2, 2, 2, 3]
    assert folds == deal_folds(np.unique(patient), 5, 0)
    assert folds != deal_folds(patient, 5, 1)
    with pytest.raises(StudyError, match="12 folds need as many patients, got 11"):
        deal_folds(patient, 12, 0)


def test_what_cannot_be_learned_is_refused(discs, tmp_path):
    card = card_of(discs)
    with pytest.raises(StudyError, match="multiple of 16, got 40"):
        segment(card, tmp_path / "run", SegmentationSettings(size=40))
    with pytest.raises(StudyError, match="reach must be 0 or more slices, got -1"):
        segment(card, tmp_path / "run", SegmentationSettings(reach=-1))
    with pytest.raises(StudyError, match="got 5 folds and fold 5"):
        segment(card, tmp_path / "run", SegmentationSettings(), fold=5)
    with pytest.raises(DataCardError, match="side has no outlines to learn from"):
        segment(card, tmp_path / "run", SegmentationSettings(modality="side"))
    text = (discs / "discs.md").read_text()
    (discs / "discs.md").write_text(text.replace('    mask: "masks/{stem}.png"\n', ""))
    with pytest.raises(StudyError, match="has 0 modalities of images with masks: none can be"):
        segment(card_of(discs), tmp_path / "other", SMALL)
