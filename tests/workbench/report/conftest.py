"""One example study, and its report, for all tests of the report."""

import json
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.report import ReportContent, write_report

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def example_content() -> Callable[..., ReportContent]:
    """``example_content`` of ``report_example.py``."""
    return runpy.run_path(str(HERE / "report_example.py"))["example_content"]


@pytest.fixture(scope="session")
def read_page() -> Callable[[str], Any]:
    """``PageReader`` of ``page_reader.py``."""
    return runpy.run_path(str(HERE / "page_reader.py"))["PageReader"]


@pytest.fixture(scope="session")
def content(
    example_content: Callable[..., ReportContent], tmp_path_factory: pytest.TempPathFactory
) -> ReportContent:
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
