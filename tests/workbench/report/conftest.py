"""One example study, and its report, for all tests of the report."""

import json
from pathlib import Path
from typing import Any

import pytest
from report_example import example_content

from workbench.report import ReportContent, write_report


@pytest.fixture(scope="session")
def content(tmp_path_factory: pytest.TempPathFactory) -> ReportContent:
    return example_content(tmp_path_factory.mktemp("example"))


@pytest.fixture(scope="session")
def report(content: ReportContent, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(content, tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="session")
def html(report: Path) -> str:
    return report.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def document(report: Path) -> dict[str, Any]:
    return json.loads((report.parent / "report.json").read_text(encoding="utf-8"))
