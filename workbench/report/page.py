"""From ``report.json`` to the page: templates, one style sheet and one small script, all inside."""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from workbench.report.author_text import author_html
from workbench.report.format import WRITERS
from workbench.report.report_title import report_title
from workbench.report.sections import OBLIGATORY, SECTIONS
from workbench.report.sections.section import Context, Section
from workbench.report.words import RESEARCH_USE, SIMULATED, short, terms


def render_page(document: Mapping[str, Any]) -> str:
    """One self-contained HTML page; the same bytes for the same document.

    Parameters
    ----------
    document
        Of :func:`workbench.report.document.report_document`, or ``report.json`` read back. Sections
        whose anchors it names in ``left_out`` are not on the page; of those that every report
        owes its reader the page says so.
    """
    script = source("script.js")
    return render(
        "page.html",
        document,
        shown_sections(document),
        style=Markup(source("style.css")),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


@dataclass(frozen=True)
class Shown:
    """A section as it stands in the report: its HTML, and the context that it was written from."""

    section: Section
    html: str
    context: Context


def shown_sections(document: Mapping[str, Any]) -> tuple[Shown, ...]:
    """The sections of the report, in the order in which they are read.

    A link to a section that is left out leads nowhere: it keeps its words, which a summary hides.
    """
    left_out = set(document.get("left_out", ()))
    dead = re.compile(rf'<a href="#(?:{"|".join(map(re.escape, left_out)) or "$^"})">(.*?)</a>')
    return tuple(
        Shown(section, dead.sub(r"<a>\1</a>", section_html(document, section, context)), context)
        for section in sections_of(document)
        if section.anchor not in left_out
        for context in [section.context(document)]
    )


def render(
    template: str, document: Mapping[str, Any], sections: Sequence[Shown], **own: Any
) -> str:
    """A page of sections by one of the templates, which gets ``own`` besides."""
    left_out = set(document.get("left_out", ()))
    author = document.get("author", {})
    return (
        _environment()
        .get_template(template)
        .render(
            document=document,
            sections=[(shown.section, Markup(shown.html)) for shown in sections],
            simulated=SIMULATED,
            research_use=RESEARCH_USE,
            outcome=short(document["outcome"]["title"]),
            title=report_title(document),
            authors=author.get("authors", []),
            owed=[s.title for s in sections_of(document) if s.anchor in left_out & OBLIGATORY],
            **own,
        )
    )


def sections_of(document: Mapping[str, Any]) -> tuple[Section, ...]:
    """Sections in which the study has anything to say, in the order in which they are read.

    Those that the authors put in an order come first, in that order.
    """
    order = document.get("author", {}).get("order", [])
    there = [section.spoken(document) for section in SECTIONS if section.there(document)]
    return tuple(
        sorted(there, key=lambda s: order.index(s.anchor) if s.anchor in order else len(order))
    )


def section_html(
    document: Mapping[str, Any], section: Section, context: Context | None = None
) -> str:
    """One section as it stands in the page, without its heading; ``context`` if it is known."""
    template = _environment().get_template(f"{section.anchor}.html")
    shown = section.context(document) if context is None else context
    return str(author_html(document, section.anchor)) + template.render(
        terms=terms(document), **shown
    )


def _environment() -> Environment:
    templates = Environment(
        loader=PackageLoader("workbench.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(WRITERS)
    return templates


def source(name: str) -> str:
    """Style or script as written; both are ours, and hold nothing that came from data."""
    return (files("workbench.report") / "templates" / name).read_text(encoding="utf-8").strip()
