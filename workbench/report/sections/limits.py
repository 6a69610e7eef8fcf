"""How far the numbers hold."""

from workbench.report.format import prose
from workbench.report.sections.section import Context, Document, Section


def context(document: Document) -> Context:
    return {
        name: [prose(sentence) for sentence in document[name]]
        for name in ("limits", "warnings", "notes")
    }


SECTION = Section("limits", "Limits and warnings", context)
