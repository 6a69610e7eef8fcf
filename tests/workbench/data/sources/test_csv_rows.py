"""Each line of a text file is read as a row, or listed; wherever blocks end."""

import csv
import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.data.sources import csv_rows
from workbench.data.sources.csv_rows import csv_blocks, csv_header
from workbench.errors import RecordsError

VALUE = st.text(st.sampled_from('ab1,"\n é;\t'), max_size=6)
SLOW = [HealthCheck.function_scoped_fixture]
LINE = st.sampled_from(
    [b"1,2,3", b'4,"5,5",6', b"7,8", b"9,9,9,9", b"a,caf\xe9,b", b'1,"open,3', b'1,st"ray,3',
     b"1,\0,3", b"", b'7,"",9']
)  # fmt: skip


def read(path, columns=("a", "b", "c")) -> tuple[list[dict], list[int], dict[str, list[int]]]:
    rows, numbers, bad = [], [], {}
    for block in csv_blocks(path, columns):
        rows += block.rows.to_pylist()
        numbers += block.numbers.tolist()
        for reason, lines in block.bad.items():
            bad.setdefault(reason, []).extend(lines.tolist())
    return rows, numbers, bad


@pytest.mark.parametrize("block", [16, 64, 1 << 24])
@settings(deadline=None, max_examples=30, suppress_health_check=SLOW)
@given(
    written=st.lists(st.tuples(VALUE, VALUE, VALUE), max_size=12),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_what_csv_can_say_comes_back(tmp_path, monkeypatch, block, written, end) -> None:
    """Quotes, separators, line breaks in values: none is a bad row, and none is changed."""
    monkeypatch.setattr(csv_rows, "_BLOCK", block)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=end)
    writer.writerows([("a", "b", "c"), *written])
    (tmp_path / "t.csv").write_bytes(text.getvalue().encode())
    rows, numbers, bad = read(tmp_path / "t.csv")
    assert bad == {}
    assert rows == [dict(zip("abc", (v or None for v in row), strict=True)) for row in written]
    starts = [
        2 + sum(sum(v.count("\n") for v in row) + 1 for row in written[:i])
        for i in range(len(written))
    ]
    assert numbers == starts


@pytest.mark.parametrize("block", [16, 1 << 24])
@settings(deadline=None, max_examples=50, suppress_health_check=SLOW)
@given(lines=st.lists(LINE, max_size=15), last=st.booleans())
def test_every_line_is_a_row_or_listed(tmp_path, monkeypatch, block, lines, last) -> None:
    monkeypatch.setattr(csv_rows, "_BLOCK", block)
    content = b"\n".join([b"a,b,c", *lines]) + (b"\n" if last else b"")
    (tmp_path / "t.csv").write_bytes(content)
    _, numbers, bad = read(tmp_path / "t.csv")
    listed = sorted(line for lines in bad.values() for line in lines)
    filled = [i for i, line in enumerate(lines, 2) if line]
    good = [i for i, line in enumerate(lines, 2) if line in (b"1,2,3", b'4,"5,5",6', b'7,"",9')]
    assert len(set(listed)) == len(listed)
    assert not set(listed) & set(numbers)
    assert sorted({*listed, *numbers}) == filled
    assert numbers == good


def test_an_open_quote_swallows_nothing(tmp_path) -> None:
    (tmp_path / "t.csv").write_bytes(b'a,b,c\n1,2,3\n4,"5,6\n7,8,9\n1,"x,y\n')
    rows, numbers, bad = read(tmp_path / "t.csv")
    assert numbers == [2, 4]
    assert [row["a"] for row in rows] == ["1", "7"]
    assert bad == {"a quotation mark that is not closed": [3, 5]}


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_separator_is_found_and_columns_chosen(tmp_path, delimiter) -> None:
    (tmp_path / "t.txt").write_text(f"a{delimiter}b{delimiter}c\n1{delimiter}{delimiter}NULL\n")
    assert csv_header(tmp_path / "t.txt") == (["a", "b", "c"], delimiter)
    rows, _, _ = read(tmp_path / "t.txt", ("c", "a"))
    assert rows == [{"c": None, "a": "1"}]


def test_byte_order_mark_is_no_part_of_a_name(tmp_path) -> None:
    (tmp_path / "t.csv").write_bytes(b"\xef\xbb\xbfa,b\n1,2\n")
    assert read(tmp_path / "t.csv", ("a",))[0] == [{"a": "1"}]


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "is empty"), (b"\n\n", "is empty"), (b"a\0b\n", "is no text"),
     (b"a,\xe9\n", "not UTF-8"), (b'a,"b\n', "unbalanced quotes")],
)  # fmt: skip
def test_a_header_that_is_none(tmp_path, content, message) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(RecordsError, match=f"^t.csv: .*{message}"):
        csv_header(tmp_path / "t.csv")
