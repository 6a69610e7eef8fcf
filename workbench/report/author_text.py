"""What the authors write into a report: kept in a file beside it, and so never overwritten.

``author.md`` is Markdown. Under ``## <section>`` stands what is said at the head of that section;
front matter may hold ``authors``, ``title`` and ``order``, the anchors of sections in the order in
which they are to be read.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markupsafe import Markup
from pydantic import BaseModel, ConfigDict, ValidationError

from workbench.data.strict_yaml import NotYamlError, read_yaml
from workbench.errors import StudyError
from workbench.figures.style import printable
from workbench.report.sections import SECTIONS

FILE = "author.md"
LARGEST = 200_000
"""Letters that an author may write."""

_FRONT = re.compile(r"\A---\n(.*?)^---\n", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^## +(.+?) *$", re.MULTILINE)


class _Front(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    title: str = ""
    authors: list[str] = []
    order: list[str] = []


def read_author_text(folder: Path) -> dict[str, Any]:
    """The authors' words in a folder, as ``report.json`` holds them: empty if there are none.

    Returns
    -------
    dict
        ``title``, ``authors``, ``order`` and ``texts`` (anchor → Markdown), or nothing.

    Raises
    ------
    StudyError
        The file is too long or no UTF-8, its front matter is not as expected, or a heading names
        no section; the message gives the line.
    """
    path = folder / FILE
    if not path.exists():
        return {}
    try:
        text = path.read_text(encoding="utf-8-sig").replace("\r\n", "\n")
    except (UnicodeDecodeError, OSError) as error:
        raise StudyError(f"{FILE} is not UTF-8 text: save it as such") from error
    if len(text) > LARGEST:
        raise StudyError(f"{FILE}: {len(text):,} letters, at most {LARGEST:,} are read")
    front = _FRONT.match(text)
    said = _front_matter(front[1] if front else "")
    texts = _texts(text[front.end() :] if front else text, text)
    anchors = {section.anchor for section in SECTIONS}
    unknown = [anchor for anchor in said.order if anchor not in anchors]
    if unknown:
        raise StudyError(f"{FILE}: order names no section {printable(unknown[0])!r}; {_known()}")
    return {**said.model_dump(), "texts": texts}


def with_author_text(document: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The document with what the authors wrote in a folder, in place of what they wrote before."""
    author = read_author_text(folder)
    return {name: v for name, v in document.items() if name != "author"} | (
        {"author": author} if author else {}
    )


def author_html(document: Mapping[str, Any], anchor: str) -> Markup:
    """What the authors say at the head of a section, or nothing.

    Markup of their own is text; links and images stay as they are written, so nothing is asked of
    the network.
    """
    text = document.get("author", {}).get("texts", {}).get(anchor, "")
    if not text:
        return Markup("")
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    reader.disable(["image", "link", "autolink", "reference", "html_block", "html_inline"])
    body = reader.render("\n".join(map(printable, text.split("\n"))))
    body = re.sub(r"<(/?)h[1-6]>", r"<\1h4>", body)
    return Markup(f'<div class="author" role="note" aria-label="By the authors">\n{body}</div>\n')


def draft_author_text(document: Mapping[str, Any]) -> str:
    """A file to begin with: a heading for each section that the report has."""
    there = [section for section in SECTIONS if section.there(document)]
    heads = "\n\n".join(f"## {section.title}" for section in there)
    return f"---\ntitle: ''\nauthors: []\norder: []\n---\n\n{heads}\n"


def _front_matter(text: str) -> _Front:
    try:
        _, values = read_yaml(text)
        return _Front.model_validate(values or {})
    except NotYamlError as error:
        raise StudyError(f"{FILE}, line {(error.line or 0) + 1}: {error.problem}") from None
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"])) or "front matter"
        raise StudyError(f"{FILE}: {place}: {error.errors()[0]['msg']}") from None


def _texts(body: str, whole: str) -> dict[str, str]:
    parts = _HEADING.split(body)
    if parts[0].strip():
        raise StudyError(f"{FILE}: text stands before the first `## section`; {_known()}")
    named = {s.title.casefold(): s.anchor for s in SECTIONS} | {
        s.anchor: s.anchor for s in SECTIONS
    }
    texts: dict[str, str] = {}
    for heading, text in zip(parts[1::2], parts[2::2], strict=True):
        anchor = named.get(heading.casefold())
        if anchor is None or anchor in texts:
            line = whole[: whole.index(f"## {heading}")].count("\n") + 1 if heading in whole else 0
            what = "stands twice" if anchor else "is no section"
            raise StudyError(f"{FILE}, line {line}: {printable(heading)[:60]!r} {what}; {_known()}")
        if text.strip():
            texts[anchor] = text.strip()
    return texts


def _known() -> str:
    return f"sections are {', '.join(section.anchor for section in SECTIONS)}"
