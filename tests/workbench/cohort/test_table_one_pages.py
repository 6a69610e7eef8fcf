"""Table one as a page, a document and a file."""

import builtins
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import docx
import numpy as np
import pandas as pd
import pytest

from workbench.cohort.table_one import TableOne, describe
from workbench.errors import CohortError

HOSTILE = '<script>alert(1)</script> & "more"'


@pytest.fixture
def table() -> TableOne:
    """A table with a hostile level, dates, missing values and suppressed cells."""
    rng = np.random.default_rng(4)
    n = 300
    frame = pd.DataFrame(
        {
            "arm": rng.choice(["a", "b", "c"], n),
            "sex": rng.choice(["f", "m"], n),
            "age": rng.normal(60, 9, n),
            "ward": rng.choice([HOSTILE, "=1+1", "north"], n),
            "smoker": rng.random(n) < 0.4,
            "rare": rng.random(n) < 0.02,
            "seen": pd.Timestamp("2020-02-29") + pd.to_timedelta(rng.integers(0, 99, n), "D"),
        }
    )
    frame.loc[:40, "age"] = np.nan
    return describe(frame, by=["arm", "sex"], titles={"age": "Age"}, units={"age": "years"})


class Reader(HTMLParser):
    """Tags with their attributes, texts of cells, and how many columns each row covers."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(data.strip())


def test_the_page_is_whole_and_says_what_each_head_is_of(table: TableOne) -> None:
    page = table.to_html()
    reader = Reader()
    reader.feed(page)
    tags = [tag for tag, _ in reader.tags]
    assert "script" not in tags
    assert HOSTILE in reader.texts
    assert tags.count("caption") == 1
    heads = [attributes for tag, attributes in reader.tags if tag == "th"]
    assert {head.get("scope") for head in heads} == {"col", "colgroup", "row", "rowgroup"}
    assert not {"src", "href", "onclick", "onload"} & {name for _, a in reader.tags for name in a}
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page
    assert page == table.to_html()


def test_every_row_of_the_page_is_as_wide_as_its_heads(table: TableOne) -> None:
    body = table.to_html().split("<tbody>")[1:]
    rows = [row for part in body for row in part.split("<tr>")[1:]]
    n_columns = {row.count("<td") for row in rows}
    assert n_columns == {len(table.groups) + 1}
    first, second = table.to_html().split("<thead>")[1].split("</thead>")[0].split("<tr>")[1:]
    assert first.count('colspan="2"') == 3
    assert second.count("<th") == len(table.groups) - 1


def test_what_is_withheld_is_in_no_rendering(table: TableOne, tmp_path: Path) -> None:
    hidden = next(row for row in table["rare"].rows if row.level == "True")
    assert all(cell.suppressed for cell in hidden.cells[1:])
    frame = table.frame(missing="by group")
    rare = frame[(frame["variable"] == "rare") & (frame["level"] == "True")]
    titles = [group.title for group in table.groups[1:]]
    assert set(rare[titles].to_numpy().ravel()) == {"suppressed"}
    assert "suppressed" in table.to_html()
    table.to_csv(tmp_path / "one.csv")
    assert "suppressed" in (tmp_path / "one.csv").read_text(encoding="utf-8")


def test_missing_values_are_told_by_group_where_asked(table: TableOne) -> None:
    rows = table.frame(missing="by group")
    told = rows[(rows["variable"] == "Age, years") & (rows["level"] == "missing")]
    assert told["all"].tolist() == ["41 (13.7)"]
    without = table.frame()
    assert len(rows) == len(without) + 1


def test_a_spreadsheet_runs_nothing(table: TableOne, tmp_path: Path) -> None:
    table.to_csv(tmp_path / "one.csv")
    read = pd.read_csv(tmp_path / "one.csv", dtype=str, keep_default_na=False, encoding="utf-8-sig")
    assert "'=1+1" in set(read["level"])
    assert read.columns[:4].tolist() == ["variable", "statistic", "level", "all"]


def test_the_document_holds_the_table(table: TableOne, tmp_path: Path) -> None:
    path = tmp_path / "one.docx"
    table.to_docx(path)
    document = docx.Document(str(path))
    (written,) = document.tables
    texts = [[cell.text for cell in row.cells] for row in written.rows]
    assert texts[0][0] == texts[1][0] == "Variable"
    assert texts[0][2:4] == ["a", "a"]
    assert texts[1][2].startswith("f\nn = ")
    (age,) = (row for row in texts if row[0] == "Age (years), mean (SD)")
    shown = table.frame().set_index("variable").loc["Age, years"]
    assert age[1] == shown["all"]
    assert any(row[0] == HOSTILE for row in texts)
    repeated = [row for row in written.rows if row._tr.xpath("./w:trPr/w:tblHeader")]
    assert len(repeated) == 2
    assert any("Percentages" in paragraph.text for paragraph in document.paragraphs)
    assert document.sections[0].page_width > document.sections[0].page_height


def test_without_the_extra_a_document_says_what_to_install(
    table: TableOne, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without_docx(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.split(".")[0] == "docx":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_docx)
    with pytest.raises(CohortError, match=r"pip install precision-workbench\[docx\]"):
        table.to_docx(tmp_path / "one.docx")
