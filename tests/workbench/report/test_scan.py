"""What must not leave with a report is found, and its place is named without itself."""

import base64
import io
import zipfile

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from workbench.errors import PrivacyError
from workbench.report.scan import Known, findings, refuse_private

DOCUMENT = {"dataset": {"version": "2024-05-01", "citation": "Nobody, 3 May 2019"}}
PATIENTS = ["TCGA-02-0047", "P0007", "MRN/17 b", "12", "20000431"]
KNOWN = Known.of(DOCUMENT, PATIENTS)


def image(kind: str, *, exif: bool = False, note: str = "") -> bytes:
    buffer = io.BytesIO()
    picture, more = Image.new("RGB", (4, 4)), {}
    if exif:
        tags = Image.Exif()
        tags[0x013B] = "A Doctor"
        more["exif"] = tags
    if note:
        more["pnginfo"] = info = PngInfo()
        info.add_text("Author", note)
    picture.save(buffer, format=kind, **more)
    return buffer.getvalue()


def packed(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("planted", "what"),
    [
        ("of P0007 alone", "the identifier of a patient"),
        ("slides/P0007.svs", "the identifier of a patient"),
        ("TCGA-02-0047-01A-01", "the identifier of a patient"),
        ("aliquot_TCGA-02-0047.csv", "the identifier of a patient"),
        ("see MRN/17 b", "the identifier of a patient"),
        ("number 20000431", "the identifier of a patient"),
        ("seen on 2011-03-04", "a date"),
        ("seen on 2011-03-04T10:00", "a date"),
        ("seen on 04/03/2011", "a date"),
        ("seen on 4.3.2011", "a date"),
        ("StudyDate 20110304", "a date"),
        ("on 4 March 2011", "a date"),
        ("on Mar 4, 2011", "a date"),
        ("Doe^John", "a person's name as DICOM writes it"),
        ("(0010,0010)", "a DICOM tag of a person"),
        ("PatientName: J D", "a DICOM tag of a person"),
        ("Patient's Birth Date = x", "a DICOM tag of a person"),
        ("1.2.840.113619.2.55.3.604688119", "a DICOM identifier"),
        ("MRN 123456", "a record number"),
        ("123-45-6789", "a social security number"),
    ],
)
def test_what_is_planted_is_found_where_it_stands(planted: str, what: str) -> None:
    text = f"<p>first</p>\n<p>{planted}</p>\n".encode()
    for name, content, place in (
        ("report.html", text, "report.html, line 2"),
        ("report.zip", packed({"tables/a.csv": text}), "report.zip, tables/a.csv, line 2"),
        ("report.docx", packed({"word/document.xml": text}), "word/document.xml, line 2"),
    ):
        found = list(findings(name, content, KNOWN))
        assert what in {each.what for each in found}
        assert all(each.place.endswith(place) for each in found)
    with pytest.raises(PrivacyError) as refused:
        refuse_private({"report.html": text}, KNOWN)
    assert planted not in str(refused.value)
    assert "report.html, line 2: " in str(refused.value)


@pytest.mark.parametrize(
    "harmless",
    [
        "12 patients of 569; +0.030 (+0.016 to +0.045)",
        "version 2024-05-01; Nobody, 3 May 2019",
        "P00071 and xP0007",
        "doi:10.1093/nar/gkv1507, 1,095 days",
        "0.1.0+source.484933ef89e5 20110304abc",
        '{"estimate": 0.20110304, "lower": -1.2}',
        "x^2 and 10.5281/zenodo.1234567",
    ],
)
def test_what_is_nobodys_passes(harmless: str) -> None:
    refuse_private({"report.json": harmless.encode()}, KNOWN)


def test_pictures_are_opened() -> None:
    clean = image("png")
    page = '<img src="data:image/png;base64,{}">'
    refuse_private({"a.png": clean, "b.html": page.format(as_text(clean)).encode()}, KNOWN)
    taken = image("jpeg", exif=True)
    noted = image("png", note="A Doctor")
    assert [f.what for f in findings("a.jpg", taken, KNOWN)] == ["EXIF data"]
    assert [f.what for f in findings("a.png", noted, KNOWN)] == ["text beside the picture"]
    [inside] = findings("report.html", page.format(as_text(taken)).encode(), KNOWN)
    assert (inside.place, inside.what) == ("report.html, image 1.png", "EXIF data")
    drawn = as_text(b"<svg><text>P0007</text></svg>").replace("\n", "")
    svg = f'<img src="data:image/svg+xml;base64,{drawn}">'.encode()
    assert [f.what for f in findings("report.html", svg, KNOWN)] == ["the identifier of a patient"]
    [bad] = findings("a.png", b"none", KNOWN)
    assert bad.what == "an image that cannot be read"
    dicom = bytes(128) + b"DICM" + bytes(9)
    assert [f.what for f in findings("x.bin", dicom, KNOWN)] == ["a DICOM file"]


def as_text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def test_metadata_is_read() -> None:
    core = b"<cp><dc:creator>A Doctor</dc:creator><cp:lastModifiedBy></cp:lastModifiedBy></cp>"
    [found] = findings("report.docx", packed({"docProps/core.xml": core}), KNOWN)
    assert found.what == "a person's name as creator"
    [written] = findings("report.pdf", b"%PDF-1.7 <</Author (A Doctor)>>", KNOWN)
    assert written.what == "an author or a date in the metadata"
    assert not list(findings("report.pdf", b"%PDF-1.7 <</Author ()>>", KNOWN))


def test_many_places_are_counted() -> None:
    text = "\n".join(["P0007"] * 9).encode()
    with pytest.raises(PrivacyError, match=r"line 5: .*; and 4 more places"):
        refuse_private({"report.html": text}, KNOWN)
