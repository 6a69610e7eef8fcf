"""Identifiers planted wherever DICOM has room for them leave none behind; UIDs still agree."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    MultiFrameTrueColorSecondaryCaptureImageStorage,
    SecondaryCaptureImageStorage,
    VLWholeSlideMicroscopyImageStorage,
)

import workbench as wb
from workbench.cli import main
from workbench.data.deidentify import DateShift
from workbench.data.deidentify_dicom import deidentify_images
from workbench.data.deidentify_dicom.clean import new_uid
from workbench.data.deidentify_dicom.folder import TWICE
from workbench.data.deidentify_dicom.profile import Action, action_of
from workbench.data.deidentify_dicom.risks import (
    BURNED_IN,
    DOCUMENT,
    FACE,
    FACE_UNKNOWN,
    LABEL,
    risks_of,
)
from workbench.data.imaging import Mask, read_segmentation, save_segmentation
from workbench.data.secret_key import SecretKey
from workbench.errors import ImageError

SHIFT = DateShift(SecretKey(b"k" * 32))
FORMATS = Path(os.environ.get("WORKBENCH_DATA", "")) / "formats"
PLANTED = ("Quisling", "Hortensia", "MRN77661234", "19410305", "ACC-555123", "Zebedee", "Ostfriesl")
"""Names and numbers; none of them is a word that DICOM itself uses."""
FACES = (
    *("WHOLEBODY", "EYE", "NOSE", "TMJ", "MASTOID", "ZYGOMA", "PAROTID", "TONGUE", "OPTICCANAL"),
    *("HYPOPHYSE", "SELLA", "SCALP", "LIP", "MOUTH", "HEADNECK", "IAC", "THYROID", "CSPINE"),
    *("LARYNX", "SPINE", "SOFT TISSUE", "CHEST_X", "OTHER"),
)


def _image(number: int = 1, **elements: Any) -> Dataset:
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.SOPClassUID, made.SOPInstanceUID = CTImageStorage, f"1.2.3.4.5.{number}"
    made.StudyInstanceUID, made.SeriesInstanceUID = "1.2.3.4", "1.2.3.4.5"
    made.FrameOfReferenceUID = "1.2.3.9"
    made.PatientName, made.PatientID = "Quisling^Hortensia", "MRN77661234"
    made.PatientBirthDate, made.PatientSex = "19410305", "F"
    made.StudyDate, made.StudyTime, made.AcquisitionDateTime = (
        "20200131",
        "101112",
        "20200131101112.5",
    )
    made.AccessionNumber = "ACC-555123"
    made.Modality, made.BodyPartExamined, made.BurnedInAnnotation = "CT", "CHEST", "NO"
    made.Manufacturer, made.SliceThickness = "Acme", 2
    made.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    made.ImagePositionPatient = [0, 0, 2 * number]
    made.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    made.PixelSpacing = [1, 1]
    made.Rows = made.Columns = 8
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 16, 16, 15, 0
    made.PixelData = np.arange(64, dtype=np.uint16).tobytes()
    for keyword, value in elements.items():
        setattr(made, keyword, value)
    return made


def _planted() -> Dataset:
    """One image with identifiers in standard, private, nested, overlay and free-text elements."""
    made = _image(
        ReferringPhysicianName="Zebedee^Md",
        InstitutionName="Ostfriesl Hospital",
        StudyDescription="CT of Hortensia Quisling",
        ImageComments="seen by Zebedee",
        OperatorsName="Zebedee",
        ProtocolName="Quisling protocol",
        # Elements that the profile leaves alone.
        ConvolutionKernel="B30 QUISLING",
        ContentLabel="HORTENSIA",
        SoftwareVersions=["1.0", "for MRN77661234"],
        DeviceSerialNumber="SN-Ostfriesl",
    )
    private = made.private_block(0x0099, "ACME HEADER", create=True)
    private.add_new(1, "LO", "Quisling")
    private.add_new(2, "OB", b"xxHortensiaxx")
    nested, deep = Dataset(), Dataset()
    deep.PersonName = "Zebedee"
    deep.TextValue = "MRN77661234"
    deep.private_block(0x0099, "ACME HEADER", create=True).add_new(1, "SH", "Quisling")
    nested.ReferencedSOPClassUID, nested.ReferencedSOPInstanceUID = CTImageStorage, "1.2.3.4.5.2"
    nested.ContentSequence = [deep]
    nested.PurposeOfReferenceCodeSequence = [Dataset()]
    nested.PurposeOfReferenceCodeSequence[0].CodeMeaning = "for Quisling"
    made.SourceImageSequence = [nested]
    made.OtherPatientIDsSequence = [Dataset()]
    made.OtherPatientIDsSequence[0].PatientID = "MRN77661234"
    made.add_new(0x00189FF0, "LO", "Zebedee, of no element of the standard")
    made.add_new(0x60000010, "US", 8)
    made.add_new(0x60000011, "US", 8)
    made.add_new(0x60003000, "OW", b"Quisling")
    made.add_new(0x60004000, "LT", "Hortensia")
    made.add_new(0x60000022, "LO", "Quisling overlay")
    made.file_meta.SourceApplicationEntityTitle = "OSTFRIESL"
    made.preamble = b"Quisling".ljust(128, b"\0")
    return made


def _write(made: Dataset, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    made.save_as(path, enforce_file_format=True)


def _everything(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in folder.rglob("*"):
        yield path.relative_to(folder).as_posix(), path.read_bytes() if path.is_file() else b""


def test_planted_identifiers_leave_none_behind(tmp_path: Path) -> None:
    _write(_planted(), tmp_path / "in" / "QUISLING_HORTENSIA" / "MRN77661234_19410305.dcm")
    done = deidentify_images(tmp_path / "in", tmp_path / "out", SHIFT)
    assert (done.n_written, done.withheld) == (1, {})
    for name, content in _everything(tmp_path / "out"):
        for planted in PLANTED:
            assert planted.lower() not in name.lower()
            assert planted.lower().encode() not in content.lower(), planted
    assert not set(PLANTED) & set(done.audit.astype(str).to_numpy().ravel())
    (path,) = (tmp_path / "out").rglob("*.dcm")
    made = dcmread(path)
    assert not any(element.tag.is_private for element in made.iterall())
    assert made.PatientIdentityRemoved == "YES"
    assert made.PatientName == made.PatientID
    assert made.BodyPartExamined == "CHEST"
    assert made.Manufacturer == "Acme"
    assert made.PixelData == _planted().PixelData
    removed = done.audit.set_index("keyword")["action"]
    assert removed["ConvolutionKernel"] == "removed: it held an identifier"
    assert removed["PatientID"] == "replaced by the pseudonym"
    assert pd.read_csv(tmp_path / "out/audit.csv").equals(done.audit)


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    made = Dataset()
    made.CodeValue, made.CodingSchemeDesignator, made.CodeMeaning = value, scheme, meaning
    return made


def test_no_true_date_is_left_beside_a_moved_one(tmp_path: Path) -> None:
    made = _image(
        AcquisitionProtocolName="Leber Kontrolle 12.03.2019, Station 4B",
        ContentDescription="scan of the second visit",
        ContentLabel="SCAN_20190312",
        ConvolutionKernel="B30f",
        SoftwareVersions=["syngo 4.1", "built 12-MAR-19"],
        RescaleType="HU",
        PatientBirthDateInAlternativeCalendar="Heisei 3",
    )
    made.ProcedureCodeSequence = [_code("20190312", "99LOCAL", "control of 12 Mar 2019")]
    made.AnatomicRegionSequence = [_code("20101002", "SCT", "Chest")]
    _write(made, tmp_path / "in/a")
    done = deidentify_images(tmp_path / "in", tmp_path / "out", SHIFT)
    (path,) = done.folder.rglob("*.dcm")
    left = dcmread(path)
    for text in (b"Leber", b"second visit", b"20190312", b"12-MAR-19", b"12 Mar", b"Heisei"):
        assert text not in path.read_bytes()
    assert (left.ConvolutionKernel, left.RescaleType) == ("B30f", "HU")
    assert left.AnatomicRegionSequence[0].CodeMeaning == "Chest"
    assert left.AnatomicRegionSequence[0].CodeValue == "20101002"
    actions = done.audit.set_index("keyword")["action"]
    assert actions["AcquisitionProtocolName"] == "emptied"
    assert actions["ContentLabel"] == "removed: it held a date"
    assert actions["SoftwareVersions"] == "removed: it held a date"


def test_dates_move_alike_and_intervals_stay(tmp_path: Path) -> None:
    _write(_image(1), tmp_path / "in/a")
    _write(_image(2, StudyDate="20200214"), tmp_path / "in/b")
    deidentify_images(tmp_path / "in", tmp_path / "out", SHIFT)
    made = [dcmread(path) for path in sorted((tmp_path / "out").rglob("*.dcm"))]
    dates = sorted(pd.to_datetime([d.StudyDate for d in made]))
    assert dates[1] - dates[0] == pd.Timedelta(days=14)
    days = int(SHIFT.days(["MRN77661234"])[0])
    assert dates[0] == pd.Timestamp("2020-01-31") + pd.Timedelta(days=days)
    assert {d.AcquisitionDateTime[8:] for d in made} == {"101112.5"}
    assert not any(d.PatientBirthDate for d in made)


def test_a_volume_is_the_same_afterwards(tmp_path: Path) -> None:
    for number in (3, 1, 2):
        _write(_image(number), tmp_path / f"in/{number}")
    done = deidentify_images(tmp_path / "in", tmp_path / "out", SHIFT)
    before, after = wb.read_image(tmp_path / "in"), wb.read_image(done.folder)
    assert np.array_equal(before.voxels, after.voxels)
    assert after.affine == pytest.approx(before.affine)
    assert after.acquisition == before.acquisition


@pytest.mark.parametrize(
    ("elements", "reason", "accept"),
    [
        ({"BurnedInAnnotation": "YES"}, BURNED_IN, "burned_in"),
        ({"SOPClassUID": SecondaryCaptureImageStorage}, BURNED_IN, "burned_in"),
        (
            {"SOPClassUID": MultiFrameTrueColorSecondaryCaptureImageStorage},
            BURNED_IN,
            "burned_in",
        ),
        ({"Modality": "US"}, BURNED_IN, "burned_in"),
        ({"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]}, BURNED_IN, "burned_in"),
        ({"BodyPartExamined": "HEAD"}, FACE, "faces"),
        ({"BodyPartExamined": "", "SeriesDescription": "t1 Brain"}, FACE, "faces"),
        ({"BodyPartExamined": ""}, FACE_UNKNOWN, "faces"),
        ({"BodyPartExamined": "SPINE"}, FACE_UNKNOWN, "faces"),
        ({"Modality": "PT", "StudyDescription": "PET Ganzkoerper"}, FACE, "faces"),
    ],
)
def test_risks_are_withheld_unless_they_are_accepted(
    tmp_path: Path, elements: dict[str, Any], reason: str, accept: str
) -> None:
    _write(_image(1, **elements), tmp_path / "in/a")
    _write(_image(2), tmp_path / "in/b")
    done = deidentify_images(tmp_path / "in", tmp_path / "out", SHIFT)
    assert done.reasons == {reason: 1}
    assert done.n_written == 1
    again = deidentify_images(tmp_path / "in", tmp_path / "all", SHIFT, accept=[accept])
    assert (again.n_written, again.reasons) == (2, {})


def _slide(number: int, kind: str, **elements: Any) -> Dataset:
    return _image(
        number,
        SOPClassUID=VLWholeSlideMicroscopyImageStorage,
        Modality="SM",
        ImageType=["ORIGINAL", "PRIMARY", kind, "NONE"],
        **elements,
    )


def test_tissue_leaves_and_photographs_of_the_label_never_do(tmp_path: Path) -> None:
    _write(_slide(1, "VOLUME", SpecimenLabelInImage="NO"), tmp_path / "in/tissue")
    _write(_slide(2, "LABEL", BurnedInAnnotation="YES"), tmp_path / "in/label")
    _write(_slide(3, "OVERVIEW", SpecimenLabelInImage="NO"), tmp_path / "in/glass")
    _write(_slide(4, "VOLUME", SpecimenLabelInImage="YES"), tmp_path / "in/said")
    for n, accept in enumerate(((), ("burned_in", "faces"))):
        done = deidentify_images(tmp_path / "in", tmp_path / f"out{n}", SHIFT, accept=accept)
        assert (done.n_written, done.reasons) == (1, {LABEL: 3})
        (path,) = done.folder.rglob("*.dcm")
        assert dcmread(path).ImageType[2] == "VOLUME"
    with pytest.raises(ImageError, match="nothing else can be accepted"):
        deidentify_images(tmp_path / "in", tmp_path / "out", SHIFT, accept=["labels"])


def test_an_overlay_in_unused_bits_of_the_pixels_is_writing(tmp_path: Path) -> None:
    made = _image(1)
    made.add_new(0x60000102, "US", 12)
    _write(made, tmp_path / "in/a")
    done = deidentify_images(tmp_path / "in", tmp_path / "out", SHIFT)
    assert done.reasons == {BURNED_IN: 1}


def test_thumbnails_are_removed() -> None:
    assert action_of(0x00880200, "SQ") is Action.REMOVE


@pytest.mark.parametrize("modality", ["MR", "CT", "PT"])
@pytest.mark.parametrize(
    "part",
    FACES,
)
def test_parts_of_the_body_that_may_show_a_face_are_a_risk(part: str, modality: str) -> None:
    found = risks_of(_image(1, BodyPartExamined=part, Modality=modality))
    assert set(found) <= {FACE, FACE_UNKNOWN}
    assert found


@pytest.mark.parametrize(
    "elements",
    [
        {"BodyPartExamined": "CHEST_ABDOMEN"},
        {"BodyPartExamined": "RIGHT UPPER ARM"},
        {"Modality": "MR", "BodyPartExamined": "THORACIC SPINE"},
        {"SeriesDescription": "cardiac, linear, one year"},
        {
            "BodyPartExamined": "",
            "StudyDescription": "CT thorax",
            "RecognizableVisualFeatures": "NO",
        },
        {"Modality": "CR", "BodyPartExamined": "SKULL"},
    ],
)
def test_what_shows_no_face_is_written(tmp_path: Path, elements: dict[str, Any]) -> None:
    _write(_image(1, **elements), tmp_path / "in/a")
    done = deidentify_images(tmp_path / "in", tmp_path / "out", SHIFT)
    assert (done.n_written, done.reasons) == (1, {})


def test_documents_and_other_files_are_not_written(tmp_path: Path) -> None:
    report = _image(1, Modality="SR")
    del report.PixelData
    _write(report, tmp_path / "in/report")
    _write(_image(2), tmp_path / "in/image")
    _write(_image(2), tmp_path / "in/image again")
    (tmp_path / "in/list of Quisling.txt").write_text("Hortensia Quisling")
    done = deidentify_images(tmp_path / "in", tmp_path / "out", SHIFT)
    assert done.reasons == {DOCUMENT: 1, "not DICOM": 1, TWICE: 1}
    written = [path.suffix for path in done.folder.rglob("*") if path.is_file()]
    assert sorted(written) == [".csv", ".dcm"]


def test_places_that_would_mix_originals_and_copies_are_refused(tmp_path: Path) -> None:
    _write(_image(1), tmp_path / "in/a")
    with pytest.raises(ImageError, match="in the folder of the originals"):
        deidentify_images(tmp_path / "in", tmp_path / "in/out", SHIFT)
    with pytest.raises(ImageError, match="not empty"):
        deidentify_images(tmp_path / "in", tmp_path / "in/..", SHIFT)
    (tmp_path / "nothing").mkdir()
    with pytest.raises(ImageError, match="no DICOM file"):
        deidentify_images(tmp_path / "nothing", tmp_path / "out", SHIFT)


def test_the_command_makes_a_key_and_says_what_it_withheld(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _write(_image(1), tmp_path / "in/a")
    _write(_image(2, BodyPartExamined="SKULL"), tmp_path / "in/b")
    folders = [str(tmp_path / name) for name in ("in", "out")]
    command = ["images", "deidentify", *folders, "--key", str(tmp_path / "key")]
    monkeypatch.setattr("sys.argv", ["workbench", *command])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert said.startswith("1 file in ")
    assert FACE in said
    assert (tmp_path / "key").stat().st_mode & 0o077 == 0
    assert len(list((tmp_path / "out").rglob("*.dcm"))) == 1


def test_another_key_gives_other_uids_and_the_same_key_the_same() -> None:
    other = SecretKey(b"o" * 32)
    assert new_uid("1.2.3", SHIFT.key) == new_uid("1.2.3", SHIFT.key)
    assert new_uid("1.2.3", SHIFT.key) != new_uid("1.2.3", other)
    assert new_uid("1.2.3", SHIFT.key) != new_uid("1.2.4", SHIFT.key)
    assert new_uid(CTImageStorage, SHIFT.key) == CTImageStorage
    assert len(new_uid("1.2.3", SHIFT.key)) <= 64


def test_every_listed_element_of_the_profile_is_done_something_to() -> None:
    from dicomanonymizer.dicom_anonymization_databases import dicomfields_2026c as edition
    from pydicom.datadict import dictionary_VR

    listed = [t for t in edition.ALL_TAGS if len(t) == 2]
    assert len(listed) > 550
    kept = []
    for group, element in listed:
        tag = group << 16 | element
        try:
            vr = dictionary_VR(tag)
        except KeyError:
            continue
        if action_of(tag, vr) is Action.KEEP:
            kept.append(vr)
    # Times of day are kept: a shift is by whole days.
    assert set(kept) == {"TM"}


def test_a_segmentation_of_ours_leaves_without_what_people_called_its_regions(
    tmp_path: Path,
) -> None:
    pytest.importorskip("highdicom", reason="highdicom is in the extra 'pacs'")
    for number in (1, 2):
        _write(_image(number, StudyID="", ReferringPhysicianName=""), tmp_path / f"in/{number}")
    image = wb.read_image(tmp_path / "in")
    voxels = np.zeros(image.shape, np.uint8)
    voxels[1, 2, 0], voxels[3, 4, 1] = 1, 2
    labels = replace(image, voxels=voxels, slope=1.0, intercept=0.0, unit="", window=None)
    mask = Mask(labels, ("GTV 2019-03-12 Miller", "node of Hortensia"))
    source = [tmp_path / "in/1", tmp_path / "in/2"]
    save_segmentation(mask, source, tmp_path / "in/mask.dcm")
    done = deidentify_images(tmp_path / "in", tmp_path / "out", SHIFT)
    assert (done.n_written, done.withheld) == (3, {})
    (path,) = (p for p in done.folder.rglob("*.dcm") if dcmread(p).Modality == "SEG")
    assert b"Miller" not in path.read_bytes()
    back = read_segmentation(path)
    assert back.names == ("segment 1", "segment 2")
    assert np.bincount(back.labels.voxels.ravel()).tolist()[1:] == [1, 1]
    actions = done.audit.set_index("keyword")["action"]
    assert actions["SegmentLabel"] == "replaced by the number of the segment"


@pytest.mark.shared_data
@pytest.mark.skipif(not FORMATS.is_dir(), reason="no shared data")
def test_a_segmentation_still_finds_its_series(tmp_path: Path) -> None:
    folder = FORMATS / "dicom_seg_dcmqi/data/segmentations/23x38x3"
    for n, path in enumerate([*sorted((folder / "image").iterdir()), folder / "seg/label.seg"]):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / f"in/{n}").write_bytes(path.read_bytes())
    done = deidentify_images(tmp_path / "in", tmp_path / "out", SHIFT, accept=["faces"])
    assert (done.n_written, done.reasons) == (4, {})
    made = [dcmread(path) for path in done.folder.rglob("*.dcm")]
    (segmentation,) = [d for d in made if d.Modality == "SEG"]
    images = {d.SOPInstanceUID: d for d in made if d.Modality == "CT"}
    (series,) = segmentation.ReferencedSeriesSequence
    assert {series.SeriesInstanceUID} == {d.SeriesInstanceUID for d in images.values()}
    assert {r.ReferencedSOPInstanceUID for r in series.ReferencedInstanceSequence} <= set(images)
    assert {d.FrameOfReferenceUID for d in images.values()} == {segmentation.FrameOfReferenceUID}
    assert {d.StudyInstanceUID for d in made} == {segmentation.StudyInstanceUID}
