"""Rows that could not be read are listed, counted, and left out only with consent."""

import numpy as np
import pytest

from workbench.data.bad_rows import LISTED, BadRow, BadRows
from workbench.errors import RecordsError


def test_without_any_there_is_nothing_to_say() -> None:
    assert BadRows().settle(skip_bad=False) == ()
    assert BadRows().settle(skip_bad=True) == ()


def test_a_row_says_where_it_stands_and_why_on_one_line() -> None:
    assert str(BadRow("a.csv", 3, "no code")) == "a.csv, row 3: no code"
    assert str(BadRow("b.json", "entry[2].id", "no id")) == "b.json, entry[2].id: no id"
    assert (
        str(BadRow("a\n\x1b.csv", 3, "no code"))
        == "a \N{REPLACEMENT CHARACTER}.csv, row 3: no code"
    )


def test_the_first_are_listed_and_all_are_counted_by_reason() -> None:
    bad = BadRows()
    bad.add("a.csv", 2, "no code")
    bad.add_all("b.csv", np.arange(1, 101).tolist(), "no patient")
    with pytest.raises(RecordsError) as refused:
        bad.settle(skip_bad=False)
    lines = str(refused.value).splitlines()
    assert lines[0] == "101 rows cannot be read:"
    assert lines[1:3] == ["  a.csv, row 2: no code", "  b.csv, row 1: no patient"]
    assert lines[LISTED + 1 :] == [
        "  … and 81 more",
        "100 × no patient",
        "1 × no code",
        "correct the source, or pass skip_bad=True to read the others without these",
    ]


def test_consent_turns_them_into_one_sentence_a_reason_without_file_names() -> None:
    bad = BadRows()
    bad.add_all("Jane_Doe.json", [1, 2], "no patient")
    bad.add("Jane_Doe.json", 3, "no code")
    assert bad.settle(skip_bad=True) == (
        "2 rows were left out: no patient",
        "1 row was left out: no code",
    )
