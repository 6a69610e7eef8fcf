"""What authors write survives, and does no harm."""

from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import StudyError
from workbench.report.author_text import (
    FILE,
    author_html,
    draft_author_text,
    read_author_text,
    with_author_text,
)
from workbench.report.page import sections_of
from workbench.report.sections import SECTIONS

WRITTEN = """---
title: "What images add"
authors: [A. Writer, B. Writer]
order: [limits, summary]
---

## Limits and warnings

We had *one* hospital.

- few events
- old scanners

## summary
C rose.
"""


def test_it_is_read_by_section(tmp_path: Path) -> None:
    assert read_author_text(tmp_path) == {}
    (tmp_path / FILE).write_text(WRITTEN, encoding="utf-8")
    said = read_author_text(tmp_path)
    assert said["title"] == "What images add"
    assert said["order"] == ["limits", "summary"]
    assert list(said["texts"]) == ["limits", "summary"]
    document = with_author_text({"author": "before", "n": 1}, tmp_path)
    html = author_html(document, "limits")
    assert "<em>one</em>" in html
    assert html.count("<li>") == 2
    assert author_html(document, "methods") == ""
    (tmp_path / FILE).unlink()
    assert with_author_text(document, tmp_path) == {"n": 1}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("before\n## summary\n", "text stands before the first"),
        ("## nonsense\nx", "line 1: 'nonsense' is no section"),
        ("## summary\nx\n\n## Summary\ny", "line 4: 'Summary' stands twice"),
        ("---\norder: [nonsense]\n---\n", "order names no section 'nonsense'"),
        ("---\ncolour: red\n---\n", "colour: Extra inputs"),
        ("---\ntitle: [\n---\n", "line 3: "),
        ("x" * 200_001, "200,001 letters"),
    ],
)
def test_what_is_not_as_expected_is_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / FILE).write_text(text, encoding="utf-8")
    with pytest.raises(StudyError, match=words):
        read_author_text(tmp_path)


def test_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StudyError, match="not UTF-8"):
        read_author_text(tmp_path)


def test_a_draft_is_read_back(tmp_path: Path, document: dict[str, object]) -> None:
    (tmp_path / FILE).write_text(draft_author_text(document), encoding="utf-8")
    assert read_author_text(tmp_path) == {"title": "", "authors": [], "order": [], "texts": {}}


def test_sections_stand_in_the_authors_order(document: dict[str, object]) -> None:
    asked = ["limits", "table-one"]
    found = [s.anchor for s in sections_of({**document, "author": {"order": asked}})]
    standard = [s.anchor for s in sections_of(document)]
    assert found == asked + [anchor for anchor in standard if anchor not in asked]
    assert len(standard) == len(SECTIONS)


class _Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


PIECES = st.sampled_from(
    ["<script>alert(1)</script>", "</script>", "</style>", "<img src=x onerror=a()>", "\u202e",
     "[a](javascript:b())", "![a](https://example.org/a.png)", "<https://example.org>", "=1+1",
     "[b]: https://example.org\n[b]", "<!--", "]]>", "\n\n", "\n    ", "`", "```\n", "|a|\n|-|\n",
     "# ", "> ", "N" * 500, "&lt;", "\x00", "$x$", "{{ 7*7 }}", "<svg onload=a()>"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=8).map("".join))
def test_whatever_is_written_stays_words(text: str) -> None:
    html = author_html({"author": {"texts": {"summary": text}}}, "summary")
    found = _Tags(html)
    allowed = "div p em strong ul ol li h4 pre code blockquote hr br table thead tbody tr th td"
    assert found.tags <= set(allowed.split())
    assert found.attributes <= {"class", "role", "aria-label", "start", "style"}
    assert not {"\u202e", "\x00"} & set(html)
