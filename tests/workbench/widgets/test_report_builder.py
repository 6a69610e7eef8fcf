"""A report of chosen sections: the preview says what the page says, nothing is overwritten."""

import json
import re
from html import escape
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest

from workbench.errors import StudyError, WorkbenchError
from workbench.report.checklist import checklist
from workbench.report.page import render_page, section_html, sections_of
from workbench.report.paged import NoPangoError
from workbench.report.sections import OBLIGATORY
from workbench.widgets import ReportBuilder
from workbench.widgets.blocks import Picture, Row, Table, Words, walk
from workbench.widgets.report_preview import preview_blocks
from workbench.widgets.static_page import static_html, static_text


@pytest.fixture(scope="module")
def run(finished_study: tuple[Any, Path]) -> Path:
    """The folder of a finished run, to be left as it is."""
    return finished_study[1]


@pytest.fixture(scope="module")
def document(run: Path) -> dict[str, Any]:
    return json.loads((run / "report.json").read_text(encoding="utf-8"))


@pytest.fixture
def builder(run: Path, tmp_path: Path) -> ReportBuilder:
    return ReportBuilder(run, out=tmp_path / "reports")


def test_all_sections_give_the_report_of_the_run(builder: ReportBuilder, run: Path) -> None:
    page = builder.write()
    for name in ("report.html", "report.json"):
        assert (page.parent / name).read_bytes() == (run / name).read_bytes()
    assert [path.name for path in builder.written] == ["report.html", "report.json"]
    assert "Written to reports/report: report.html" in builder.text()


def test_a_page_without_what_it_owes_says_so(builder: ReportBuilder) -> None:
    builder.receive({"kind": "change", "field": "sections", "value": ["limits", "summary"]})
    assert builder.sections == ("summary", "limits")
    assert "Every report owes its reader Model comparison, Calibration" in builder.text()
    html = builder.write().read_text(encoding="utf-8")
    said = "Incomplete: this page leaves out Model comparison, Calibration at the horizons."
    assert said in html
    assert re.findall(r'<section id="([\w-]+)"', html) == ["summary", "limits"]
    ids = set(re.findall(r'\bid="([\w-]+)"', html))
    assert set(re.findall(r'href="#([\w-]+)"', html)) <= ids
    numbers = json.loads(builder.written[1].read_text(encoding="utf-8"))
    assert set(numbers["left_out"]) == set(builder.left_out) > OBLIGATORY - {"summary", "limits"}
    assert numbers["ladder"]
    assert render_page(numbers) == html


def test_a_page_without_what_it_need_not_hold_is_not_incomplete(
    builder: ReportBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.report.page.section_html", lambda *given: "")
    builder.change(sections=sorted(OBLIGATORY))
    assert "owes" not in builder.text()
    html = builder.write().read_text(encoding="utf-8")
    assert "Incomplete" not in html


def test_the_preview_says_what_the_page_says(document: dict[str, Any]) -> None:
    for section in sections_of(document):
        if section.anchor in ("model-comparison", "calibration", "risk-groups"):
            continue  # The same kinds of blocks as below, slower to draw.
        html = section_html(document, section)
        shown = re.sub(r"[•\s:]+", "", static_text("", preview_blocks(html)))
        bare = re.sub(r"<svg\b.*?</svg>", "", html, flags=re.DOTALL)
        if section.anchor == "summary":  # Its links lead about the page, which a preview has not.
            bare = re.sub(r"<a\b.*?</a>", "", bare)
        for text in re.findall(r">([^<>]*[\w][^<>]*)<", bare):
            plain = text.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")
            plain = plain.replace("&#34;", '"').replace("&#39;", "'")
            assert re.sub(r"[•\s:]+", "", plain) in shown


def test_hostile_words_stay_words() -> None:
    hostile = "<script>alert(1)</script> </svg> <img src=x onerror=alert(2)>"
    html = (
        f'<p>{escape(hostile)}</p><svg role="img" aria-label="{escape(hostile)}"><text>a</text>'
        f"</svg><table><caption>c</caption><tr><th>{escape(hostile)}</th></tr></table>"
    )
    words, picture, table = found = preview_blocks(html)
    assert isinstance(words, Words)
    assert isinstance(picture, Picture)
    assert isinstance(table, Table)
    assert words.text == table.head[0] == picture.description == hostile
    assert "<script" not in static_html("", found)
    assert "<img src=x" not in static_html("", found)


def test_pictures_stand_alone_and_side_by_side(builder: ReportBuilder) -> None:
    builder.change(preview="calibration")
    pictures = [b for b in walk(builder._blocks) if isinstance(b, Picture)]
    assert len(pictures) > 1
    for each in pictures:
        assert fromstring(each.svg).tag == "{http://www.w3.org/2000/svg}svg"
        assert "Calibration of the selected model" in each.description
    rows = [b for b in walk(builder._blocks) if isinstance(b, Row)]
    assert sum(isinstance(b, Picture) for b in rows[-1].blocks) == len(pictures)


def test_the_checklist_follows_the_choice(builder: ReportBuilder, document: dict[str, Any]) -> None:
    assert {row[2] for row in builder.tables["checklist"].rows} == {"yes", "the study has none"}
    builder.change(sections=["summary"])
    found = {row[0]: row[2] for row in builder.tables["checklist"].rows}
    assert found["What the judged model adds, as a claim"] == "yes"
    assert found["Calibration"] == "left out"
    assert found["Variables that an expert would ask for"] == "the study has none"
    assert document["inventory"] == []
    checks = {**document["contributions"], "checks": []}
    before, after = checklist(document), checklist({**document, "contributions": checks})
    changed = [b.what for a, b in zip(before, after, strict=True) if a != b]
    assert changed == ["Explanation, with the method's own checks"]
    builder.receive(
        {"kind": "pick", "name": "checklist", "pick": "Variables that an expert would ask for"}
    )
    assert "nothing to show there" in json.dumps(builder.view)
    builder.receive({"kind": "pick", "name": "checklist", "pick": "Limits and warnings"})
    assert builder.state.preview == "limits"


def test_nothing_is_overwritten(builder: ReportBuilder, tmp_path: Path) -> None:
    builder.change(sections=["summary"])
    page = builder.write()
    before = page.read_bytes()
    builder.receive({"kind": "change", "field": "sections", "value": ["limits"]})
    builder.receive({"kind": "do", "verb": "write"})
    assert "report is there already: choose another name" in json.dumps(builder.view)
    assert page.read_bytes() == before
    builder.receive({"kind": "change", "field": "name", "value": "short"})
    builder.receive({"kind": "do", "verb": "write"})
    assert (tmp_path / "reports" / "short" / "report.html").is_file()


def test_further_formats_hold_the_same_sections(builder: ReportBuilder) -> None:
    builder.change(sections=["limits"], formats=["docx", "zip"])
    builder.receive({"kind": "do", "verb": "write"})
    names = [path.name for path in builder.written]
    assert names == ["report.html", "report.json", "report.docx", "report.zip"]
    assert all(path.stat().st_size for path in builder.written)
    assert "report.docx (" in builder.text()
    assert builder.not_made == {}


def test_what_the_machine_cannot_make_is_said(
    builder: ReportBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacking(*given: object) -> bytes:
        raise NoPangoError("install Pango")

    monkeypatch.setattr("workbench.report.formats.render_pdf", lacking)
    builder.change(sections=["limits"], formats=["pdf"])
    page = builder.write()
    assert page.is_file()
    assert builder.not_made == {"report.pdf": "install Pango"}
    assert "report.pdf was not made: install Pango" in builder.text()


@pytest.mark.parametrize("name", ["", "..", "a/b", "../out", " x", "-x"])
def test_a_name_stays_in_its_folder(builder: ReportBuilder, name: str) -> None:
    builder.change(name=name)
    with pytest.raises(StudyError, match="no name of a folder"):
        builder.write()
    assert not builder.out.exists()


def test_a_state_is_replayed_and_a_bad_one_refused(builder: ReportBuilder, run: Path) -> None:
    state = {
        "sections": ["summary", "limits"],
        "preview": "limits",
        "name": "short",
        "formats": ["docx"],
    }
    builder.change(**state)
    assert builder.state.model_dump(mode="json") == state
    again = ReportBuilder(run, json.loads(json.dumps(state)))
    assert again.view == builder.view
    before = builder.view
    for bad in (
        {"sections": ["nonsense"]},
        {"preview": "nonsense"},
        {"name": 3},
        {"formats": ["exe"]},
    ):
        with pytest.raises(WorkbenchError):
            builder.change(**bad)
    assert builder.view == before
    builder.receive({"kind": "change", "field": "sections", "value": []})
    assert "Choose at least one section" in builder.text()
    with pytest.raises(StudyError, match="no section is chosen"):
        builder.write()


def test_no_patient_and_no_script_is_in_the_picture(builder: ReportBuilder) -> None:
    for text in (json.dumps(builder.get_state(), default=str), builder.static_html()):
        assert not re.search(r"\bP\d{3}\b", text)
    assert "<script" not in builder.static_html()
    assert "onerror" not in re.sub(r"&lt;.*?&gt;", "", builder.static_html())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "holds no report.json"),
        ("{", "is not JSON"),
        ("[]", "expected schema 1"),
        ('{"schema": 2}', "expected schema 1"),
        ('{"schema": 1}', "lacks at_horizons"),
    ],
)
def test_a_folder_without_a_report_is_refused(
    tmp_path: Path, text: str | None, message: str
) -> None:
    if text is not None:
        (tmp_path / "report.json").write_text(text, encoding="utf-8")
    with pytest.raises(StudyError, match=message):
        ReportBuilder(tmp_path)
