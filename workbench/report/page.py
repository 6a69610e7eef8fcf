"""From ``report.json`` to the page: templates, one style sheet and one small script, all inside."""

import base64
import hashlib
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from workbench.report.format import WRITERS
from workbench.report.sections import OBLIGATORY, SECTIONS
from workbench.report.sections.section import Section
from workbench.report.words import RESEARCH_USE, SIMULATED, short


def render_page(document: Mapping[str, Any]) -> str:
    """One self-contained HTML page; the same bytes for the same document.

    Parameters
    ----------
    document
        Of :func:`workbench.report.document.report_document`, or ``report.json`` read back. Sections
        whose anchors it names in ``left_out`` are not on the page; of those that every report
        owes its reader the page says so.
    """
    templates = _environment()
    style, script = (_source(name) for name in ("style.css", "script.js"))
    there = sections_of(document)
    left_out = set(document.get("left_out", ()))
    dead = re.compile(rf'<a href="#(?:{"|".join(map(re.escape, left_out)) or "$^"})">(.*?)</a>')
    parts = [
        (section, dead.sub(r"\1", section_html(document, section)))
        for section in there
        if section.anchor not in left_out
    ]
    return templates.get_template("page.html").render(
        document=document,
        sections=[(section, Markup(body)) for section, body in parts],
        style=Markup(style),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        simulated=SIMULATED,
        research_use=RESEARCH_USE,
        outcome=short(document["outcome"]["title"]),
        owed=[s.title for s in there if s.anchor in left_out & OBLIGATORY],
    )


def sections_of(document: Mapping[str, Any]) -> tuple[Section, ...]:
    """Sections in which the study has anything to say, in the order in which they are read."""
    return tuple(section for section in SECTIONS if section.there(document))


def section_html(document: Mapping[str, Any], section: Section) -> str:
    """One section as it stands in the page, without its heading."""
    template = _environment().get_template(f"{section.anchor}.html")
    return template.render(**section.context(document))


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


def _source(name: str) -> str:
    """Style or script as written; both are ours, and hold nothing that came from data."""
    return (files("workbench.report") / "templates" / name).read_text(encoding="utf-8").strip()
