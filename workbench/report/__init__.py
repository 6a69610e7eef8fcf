"""One study's report: ``report.html`` for people, ``report.json`` for machines, equal in numbers.

``content`` gathers the records, ``document`` turns them into the JSON, and ``write`` renders the
page from that JSON alone, one module of ``sections`` after another.
"""

from workbench.report.content import OtherSplit, ReportContent
from workbench.report.formats import FORMATS, Format, write_formats
from workbench.report.write import write_document, write_report

__all__ = [
    "FORMATS",
    "Format",
    "OtherSplit",
    "ReportContent",
    "write_document",
    "write_formats",
    "write_report",
]
