"""From ``report.json`` to the page: templates, one style sheet and one small script, all inside."""

import base64
import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from workbench.report.format import WRITERS
from workbench.report.sections import SECTIONS
from workbench.report.words import RESEARCH_USE, SIMULATED, short


def render_page(document: Mapping[str, Any]) -> str:
    """One self-contained HTML page; the same bytes for the same document.

    Parameters
    ----------
    document
        Of :func:`workbench.report.document.report_document`, or ``report.json`` read back.
    """
    templates = _environment()
    style, script = (_source(name) for name in ("style.css", "script.js"))
    parts = [
        (section, templates.get_template(f"{section.anchor}.html").render(**context))
        for section in SECTIONS
        if (context := section.context(document)) is not None
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


def _source(name: str) -> str:
    """Style or script as written; both are ours, and hold nothing that came from data."""
    return (files("workbench.report") / "templates" / name).read_text(encoding="utf-8").strip()
