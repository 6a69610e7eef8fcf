"""PDF, Word and archive: the page's own numbers, whole, described, and of nobody's making."""

import csv
import io
import itertools
import json
import re
import sys
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import docx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFile
from pypdf import PdfReader

from workbench.errors import PrivacyError, StudyError
from workbench.report import write_formats
from workbench.report.author_text import FILE
from workbench.report.bundle import FORMULA, as_csv, guarded
from workbench.report.formats import as_formats
from workbench.report.outline import Grid, Picture, outline
from workbench.report.page import shown_sections
from workbench.report.paged import render_paged
from workbench.report.report_title import running_head
from workbench.report.sections import SECTIONS
from workbench.report.table import Cell, Column, Table
from workbench.run_folder import RunFolder
from workbench.run_formats import draft_text, rewrite_report

KEPT = ("summary", "table-one", "calibration", "limits")
HOSTILE = "<script>alert(1)</script></style> \u202e=HYPERLINK(1) {{ 7*7 }} \x00\x08 " + "N" * 10_000


def few(document: dict[str, Any], *anchors: str) -> dict[str, Any]:
    """The document with these sections alone."""
    left_out = [s.anchor for s in SECTIONS if s.anchor not in anchors]
    return {**document, "left_out": left_out}


@pytest.fixture(scope="module")
def some(document: dict[str, Any]) -> dict[str, Any]:
    return few(document, *KEPT)


@pytest.fixture(scope="module")
def folder(some: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("formats")
    assert set(write_formats(some, out).values()) == {"made"}
    return out


@pytest.fixture(scope="module")
def pdf(folder: Path) -> PdfReader:
    return PdfReader(folder / "report.pdf")


def test_the_pdf_is_tagged_bookmarked_and_numbered(pdf: PdfReader) -> None:
    root: Any = pdf.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en"
    assert b"pdfuaid" in root["/Metadata"].get_data()
    titles = [s.title for s in SECTIONS if s.anchor in KEPT]
    [top] = [entry for entry in pdf.outline if not isinstance(entry, list)]
    assert "predict overall survival" in str(top["/Title"])
    [below] = [entry for entry in pdf.outline if isinstance(entry, list)]
    assert [e["/Title"] for e in below if not isinstance(e, list)] == titles
    for number, page in enumerate(pdf.pages, 1):
        text = " ".join(page.extract_text().split())
        assert f"Page {number} of {len(pdf.pages)}" in text
        assert "Research use only" in text
    assert len(pdf.pages) > 3


def test_the_head_of_a_page_is_one_line_that_says_simulated(document: dict[str, Any]) -> None:
    long = {"title": "Overall survival " * 20, "sections": {}, "statements": {}}
    for author, simulated in itertools.product(({}, long), (True, False)):
        shown = {**few(document, "limits"), "author": author, "simulated": simulated}
        html = render_paged(shown, shown_sections(shown))
        [head] = re.findall('<p class="running">(.*?)</p>', html)
        assert head.endswith(" · Simulated data") is simulated
        assert (len(head) == 90) is bool(author)


def test_the_pdf_shows_the_numbers_and_names_nobody(
    pdf: PdfReader, some: dict[str, Any], content: Any
) -> None:
    text = "".join("".join(page.extract_text().split()) for page in pdf.pages)
    grids = [p for s in shown_sections(some) for p in outline(s.html) if isinstance(p, Grid)]
    cells = {"".join(cell.split()) for g in grids for row in g.rows for cell in row}
    assert len(cells) > 100
    assert sorted(cell for cell in cells if cell not in text) == []
    assert not {"/Author", "/CreationDate", "/ModDate"} & set(pdf.metadata or {})
    assert not any(patient in text for patient in content.cohort.patients.index)


def test_no_heading_is_orphaned(pdf: PdfReader) -> None:
    """Below the last heading of each page stands something of its section."""
    titles = {s.title for s in SECTIONS}
    for page in pdf.pages[1:]:
        lines = [line.strip() for line in page.extract_text().split("\n") if line.strip()]
        body = [line for line in lines if "Research use" not in line and "Page " not in line]
        assert body[-1] not in titles


def test_a_wide_table_lies_on_its_side(some: dict[str, Any]) -> None:
    upright = render_paged(some, [])
    assert "wide scroll" not in upright
    head = "".join(f'<th scope="col">{i}</th>' for i in range(12))
    [first, *_] = shown_sections(few(some, "limits"))
    table = f'<div class="scroll" role="region"><table><tr>{head}</tr></table></div>'
    narrow = (
        '<div class="scroll" role="region"><table><tr><th scope="col">1</th></tr></table></div>'
    )
    turned = render_paged(some, [type(first)(first.section, narrow + table, {})])
    assert '<div class="wide scroll" role="region">' in turned
    # Neither a heading nor a note stays behind on a page of its own.
    alone = render_paged(some, [type(first)(first.section, table, {})])
    assert '<section class="wide" id="limits">' in alone
    assert "wide scroll" not in alone


def test_the_word_document_says_what_the_page_says(folder: Path, some: dict[str, Any]) -> None:
    file = docx.Document(str(folder / "report.docx"))
    heads = [p.text for p in file.paragraphs if p.style is not None and p.style.name == "Heading 1"]
    shown = shown_sections(some)
    assert heads == [each.section.title for each in shown]
    parts = [part for each in shown for part in outline(each.html)]
    grids = [part for part in parts if isinstance(part, Grid)]
    tables = [[[c.text for c in row.cells] for row in t.rows] for t in file.tables]
    for grid in grids:
        assert [list(grid.head), *map(list, grid.rows)] in tables
    assert len(file.inline_shapes) == sum(isinstance(part, Picture) for part in parts) > 2
    rows = [row for table in file.tables for row in table.rows]
    beside = [row for row in rows if all(c._tc.xpath(".//wp:inline") for c in row.cells)]
    assert {len(row.cells) for row in beside} == {2}, "narrow pictures stand two in a line"
    assert file.sections[0].header.paragraphs[0].text == running_head(some)
    said = [p.text for p in file.paragraphs]
    assert any(text.startswith("Patients: ") for text in said)
    assert not [text for text in said if text.endswith(("What each modality adds", "1 warning"))]
    captions = [p.text for p in file.paragraphs if p.text.startswith("Table ")]
    assert [c.split(". ", 1)[1] for c in captions] == [grid.caption for grid in grids]
    written = file.core_properties
    assert (written.author, written.last_modified_by, written.comments) == ("", "", "")
    with zipfile.ZipFile(folder / "report.docx") as archive:
        assert not [name for name in archive.namelist() if "thumbnail" in name]
        assert b"dcterms" not in archive.read("docProps/core.xml").split(b">", 2)[2]


def test_the_archive_holds_figures_and_the_numbers_themselves(
    folder: Path, some: dict[str, Any]
) -> None:
    with zipfile.ZipFile(folder / "report.zip") as archive:
        names = archive.namelist()
        assert json.loads(archive.read("report.json")) == some
        table = archive.read("tables/calibration-1.csv").decode("utf-8-sig")
        drawn = [name for name in names if name.endswith(".svg")]
        for name in drawn:
            assert ElementTree.fromstring(archive.read(name)).tag.endswith("}svg")
            with Image.open(io.BytesIO(archive.read(name.replace(".svg", ".png")))) as image:
                assert image.width > 500
                assert not {"Software", "exif"} & set(image.info)
    assert len(drawn) > 2
    rows = list(csv.DictReader(io.StringIO(table)))
    auc = [r["auc"] for r in some["at_horizons"] if r["auc"]]
    assert [float(rows[0][f"AUC{end}"]) for end in ("", ", lower", ", upper")] in [
        [value["estimate"], value["lower"], value["upper"]] for value in auc
    ]


def test_the_same_document_gives_the_same_bytes(document: dict[str, Any], tmp_path: Path) -> None:
    short = few(document, "limits")
    for name in ("a", "b"):
        write_formats(short, tmp_path / name)
    for name in ("report.pdf", "report.docx", "report.zip"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    write_formats(short, tmp_path / "a", ["docx"])


def test_what_a_co_author_wrote_is_kept(document: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "report.docx").write_bytes(b"edited")
    short = few(document, "limits")
    with pytest.raises(StudyError, match="report.docx is there already and differs"):
        write_formats(short, tmp_path, ["docx", "zip"])
    assert [p.name for p in tmp_path.iterdir()] == ["report.docx"]
    assert (tmp_path / "report.docx").read_bytes() == b"edited"
    write_formats(short, tmp_path, ["docx"], replace=["report.docx"])
    assert (tmp_path / "report.docx").read_bytes()[:2] == b"PK"


def test_without_pango_the_rest_is_written_and_it_is_said(
    document: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "weasyprint.py").write_text("raise OSError('cannot load library')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "weasyprint", raising=False)
    run = RunFolder.claim(tmp_path / "run", {})
    text = json.dumps(few(document, "limits"))
    (run.path / "report.json").write_text(text, encoding="utf-8")
    said = rewrite_report(run, ["pdf", "zip"])
    assert said["report.zip"] == "made"
    assert "Pango is missing. Install it with `apt install libpango" in said["report.pdf"]
    assert run.record()["formats"] == said
    there = {path.name for path in run.path.iterdir()}
    assert there == {"report.html", "report.json", "report.zip", "run.json"}


def test_after_a_pdf_a_cut_picture_is_still_a_cut_picture(
    document: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "weasyprint"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", False)
    write_formats(few(document, "limits"), tmp_path, ["pdf"])
    assert "weasyprint.images" in sys.modules
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


def test_a_report_is_written_again_with_the_authors_words(
    document: dict[str, Any], tmp_path: Path
) -> None:
    run = RunFolder.claim(tmp_path / "run", {})
    (run.path / "report.json").write_text(json.dumps(few(document, "limits")), encoding="utf-8")
    draft = draft_text(run)
    with pytest.raises(FileExistsError):
        draft_text(run)
    draft.write_text(f"## limits\nWe *know* of P0042 {HOSTILE}", encoding="utf-8")
    rewrite_report(run, ["docx"])
    html = (run.path / "report.html").read_text(encoding="utf-8")
    assert "We <em>know</em> of P0042" in html
    assert html.count("<script") == 1
    again = html
    rewrite_report(run, ["docx"])
    assert (run.path / "report.html").read_text(encoding="utf-8") == again
    words = [p.text for p in docx.Document(str(run.path / "report.docx")).paragraphs]
    assert any(text.startswith("We know of P0042") for text in words)
    with pytest.raises(PrivacyError, match=r"report.json, line \d+: the identifier of a patient"):
        write_formats(
            json.loads((run.path / "report.json").read_text(encoding="utf-8")),
            tmp_path / "other",
            ["zip"],
            patients=["P0042"],
        )
    assert not (tmp_path / "other").exists()
    assert FILE in {path.name for path in run.path.iterdir()}


def test_hostile_words_do_no_harm_in_any_format(document: dict[str, Any], tmp_path: Path) -> None:
    words = {
        **few(document, "limits", "table-one"),
        "dataset": {**document["dataset"], "title": HOSTILE},
        "outcome": {**document["outcome"], "title": HOSTILE},
        "limits": [HOSTILE, "=1+1"],
        "warnings": [HOSTILE],
        "columns": {n: {**c, "label": "=1+1" + HOSTILE} for n, c in document["columns"].items()},
        "author": {"title": HOSTILE, "authors": [HOSTILE], "texts": {"limits": HOSTILE}},
    }
    assert set(write_formats(words, tmp_path).values()) == {"made"}
    reader = PdfReader(tmp_path / "report.pdf")
    root: Any = reader.trailer["/Root"]
    assert not {"/OpenAction", "/AA", "/AcroForm"} & set(root)
    assert "/JavaScript" not in root.get("/Names", {})
    assert "{{ 7*7 }}" in "".join(page.extract_text() for page in reader.pages)
    assert len(reader.pages) < 20
    file = docx.Document(str(tmp_path / "report.docx"))
    assert max(len(p.text) for p in file.paragraphs) < 15_000
    assert any("alert(1)" in p.text for p in file.paragraphs)
    with zipfile.ZipFile(tmp_path / "report.zip") as archive:
        for name in archive.namelist():
            if name.endswith(".csv"):
                rows = csv.reader(io.StringIO(archive.read(name).decode("utf-8-sig")))
                starts = [cell for row in rows for cell in row if cell.startswith(FORMULA)]
                assert not [cell for cell in starts if not _is_number(cell)]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


@given(st.text() | st.sampled_from(FORMULA).flatmap(lambda f: st.text().map(lambda t: f + t)))
def test_no_text_is_a_formula(text: str) -> None:
    table = Table("c", (Column(text),), ((Cell(text),),))
    rows = list(csv.reader(io.StringIO(as_csv({}, table).removeprefix("\ufeff"))))
    for [cell] in (row or [""] for row in rows):
        assert not cell.lstrip().startswith(FORMULA)
        assert "\n" not in cell
    assert guarded(-0.5) == "-0.5"


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(StudyError, match="'odt' is no format of a report: choose of pdf, docx"):
        as_formats(["pdf", "odt"])
