"""Table files of every format, and what is wrong with those that cannot be read."""

import gzip
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

from workbench.data.tables import read_arrow
from workbench.errors import DataCardError

TABLE = "id,age,code\n001,50,7\n002,,8\n"


def _rows(path: Path, **options: object) -> list[dict[str, object]]:
    return read_arrow(path, missing=("",), text=("id",), **options).to_pylist()


def _zip(path: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def _workbook(path: Path, sheets: dict[str, list[list[object]]]) -> None:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)


EXPECTED = [{"id": "001", "age": 50, "code": 7}, {"id": "002", "age": None, "code": 8}]


def test_csv_keeps_zeros_of_text_and_finds_missing_values(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(TABLE)
    assert _rows(path) == EXPECTED


def test_csv_with_byte_order_mark_crlf_and_quoted_newline(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b'\xef\xbb\xbfid,note\r\n1,"two\r\nlines"\r\n')
    assert _rows(path) == [{"id": "1", "note": "two\r\nlines"}]


def test_tsv_gzip_and_zip_hold_the_same_table(tmp_path: Path) -> None:
    tsv = tmp_path / "a.tsv"
    tsv.write_text(TABLE.replace(",", "\t"))
    zipped = tmp_path / "b.csv.zip"
    _zip(zipped, {"./b.csv.zip": TABLE.encode()})  # Misnamed: plain CSV inside.
    packed = tmp_path / "c.csv.gz"
    packed.write_bytes(gzip.compress(TABLE.encode()))
    for path in (tsv, zipped, packed):
        assert _rows(path) == EXPECTED


def test_parquet_with_an_index_and_categories_is_plain(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"grade": pd.Categorical(["a", "b"])}, index=pd.Index(["x", "y"], name="patient_id")
    )
    frame.to_parquet(tmp_path / "a.parquet")
    table = read_arrow(tmp_path / "a.parquet")
    assert table.to_pandas().to_dict("list") == {"grade": ["a", "b"], "patient_id": ["x", "y"]}


def test_a_sheet_is_read_once_and_then_from_the_cache(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    _workbook(path, {"one": [["id", "age"], ["x", 1], [None, None], ["y", 2.5]], "two": [["a"]]})
    expected = [{"id": "x", "age": 1.0}, {"id": "y", "age": 2.5}]
    assert _rows(path, sheet="one") == expected
    kept = list((tmp_path / "cache" / "tables").iterdir())
    assert len(kept) == 1
    copy = tmp_path / "copy.xlsx"
    copy.write_bytes(path.read_bytes())
    assert _rows(copy, sheet="one") == expected
    assert list((tmp_path / "cache" / "tables").iterdir()) == kept


def test_mixed_cells_of_a_sheet_are_text(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    _workbook(path, {"one": [["id", "value"], ["x", 3.0], ["y", "n/a"]]})
    assert [row["value"] for row in _rows(path)] == ["3", "n/a"]


def test_a_wide_table_is_whole(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(50, 3000)).round(6)
    frame = pd.DataFrame(values, columns=[f"g{i}" for i in range(3000)])
    frame.to_csv(tmp_path / "wide.csv", index=False)
    read = read_arrow(tmp_path / "wide.csv").to_pandas()
    pd.testing.assert_frame_equal(read, frame)


def _bad_zip(path: Path) -> None:
    _zip(path, {"a.csv": TABLE.encode() * 100})
    content = bytearray(path.read_bytes())
    content[60:90] = b"\xff" * 30
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "write", "message"),
    [
        ("a.csv", lambda p: p.write_bytes(b""), "empty"),
        ("a.csv", lambda p: p.write_bytes(b"id,n\n1,M\xfcller\n"), "not UTF-8 at line 2"),
        ("a.csv", lambda p: p.write_bytes("id,n\n1,a\n".encode("utf-16")), "UTF-16"),
        ("a.csv", lambda p: p.write_text('id,n\n1,a\n2,"b\n3,c\n'), "unbalanced quotes.* line 3"),
        ("a.csv", lambda p: p.write_text("id,n\n1,a,x\n2,b\n"), r"1 rows .*\(3 instead of 2\)"),
        ("a.csv", lambda p: p.write_text("id,n,n\n1,a,b\n"), "headers stand more than once"),
        ("a.csv", lambda p: p.write_text("id;n\n1;a\n"), "one column only.*';'"),
        ("a.csv", lambda p: p.write_text("id\tn\n1\ta\n"), "tab-separated"),
        ("a.dat", lambda p: p.write_text(TABLE), "tells no table format"),
        ("a.parquet", lambda p: p.write_bytes(b"PAR1 cut"), "not a Parquet file"),
        ("a.xlsx", lambda p: p.write_bytes(b"PK cut"), "not an XLSX file"),
        ("a.csv.gz", lambda p: p.write_bytes(gzip.compress(TABLE.encode())[:-9]), "cut short"),
        ("a.zip", _bad_zip, "damaged"),
        ("a.zip", lambda p: _zip(p, {}), "empty"),
        ("a.zip", lambda p: _zip(p, {"a.csv": b"a", "b.csv": b"b"}), "holds 2 files"),
    ],
)
def test_a_file_that_is_no_table(
    tmp_path: Path, name: str, write: Callable[[Path], object], message: str
) -> None:
    path = tmp_path / name
    write(path)
    with pytest.raises(DataCardError, match=message) as error:
        read_arrow(path)
    assert "ller" not in str(error.value)


def test_names_that_are_not_inside(tmp_path: Path) -> None:
    with pytest.raises(DataCardError, match="no such file"):
        read_arrow(tmp_path / "a.csv")
    _zip(tmp_path / "a.zip", {"one.csv": TABLE.encode()})
    with pytest.raises(DataCardError, match=r"no member 'ones.csv'; did you mean 'one.csv'"):
        read_arrow(tmp_path / "a.zip", member="ones.csv")
    _workbook(tmp_path / "a.xlsx", {"Patients": [["id"], ["x"]], "Notes": [["a"]]})
    with pytest.raises(DataCardError, match="no sheet is called 'Patient'; did you mean"):
        read_arrow(tmp_path / "a.xlsx", sheet="Patient")
    with pytest.raises(DataCardError, match="2 sheets: name one"):
        read_arrow(tmp_path / "a.xlsx")
    (tmp_path / "a.csv").write_text(TABLE)
    with pytest.raises(DataCardError, match="names a member, but this is not a zip"):
        read_arrow(tmp_path / "a.csv", member="a.csv")
    with pytest.raises(DataCardError, match="names a sheet, but this is a csv"):
        read_arrow(tmp_path / "a.csv", sheet="one")
