"""How numbers are written for a reader."""

import pytest

from workbench.report import format as writing

ESTIMATE = {"estimate": -0.0214, "lower": -0.05, "upper": 0.0}


@pytest.mark.parametrize(
    ("written_as", "value", "expected"),
    [
        ("count", 1011, "1,011"),
        ("count", "<10", "<10"),
        ("count", None, "–"),
        ("number", -0.5, "−0.500"),
        ("number", -0.0003, "0.000"),
        (
            "difference",
            {"estimate": 0.0, "lower": -0.0004, "upper": 0.0006},
            "0.000 (0.000 to +0.001)",
        ),
        ("compact", -1629.21, "−1,629.2"),
        ("estimate", {"estimate": 0.8421, "lower": 0.8, "upper": 0.88}, "0.842 (0.800 to 0.880)"),
        ("estimate", None, "–"),
        ("difference", ESTIMATE, "−0.021 (−0.050 to 0.000)"),
        ("times", {"estimate": 505.0, "lower": 365.5, "upper": None}, "505 (365.5 to not reached)"),
        ("times", {"estimate": None, "lower": 3.0, "upper": None}, "not reached"),
        ("time", 1095.0, "1,095"),
        ("setting", {"rna": 31.6, "on": True, "grid": [1, 2]}, "rna: 31.6; on: yes; grid: 1, 2"),
        ("availability", {"n_available": 105, "percent": 21.9}, "105 (21.9 %)"),
        ("availability", {"n_available": "suppressed", "percent": "suppressed"}, "suppressed"),
        ("prose", "changed by -0.02 (-0.1 to 0.1)", "changed by −0.02 (−0.1 to 0.1)"),
        ("text", "a\u202eb", "a b"),
    ],
)
def test_writers(written_as: str, value: object, expected: str) -> None:
    assert writing.WRITERS[written_as](value) == expected


def test_lists_in_sentences() -> None:
    assert writing.listed(["a"]) == "a"
    assert writing.listed(["a", "b", "c"]) == "a, b and c"
    assert writing.listed(["a", "b, two", "c"]) == "a; b, two; and c"
    assert writing.listed(["365", "1,095"]) == "365 and 1,095"


def test_a_time_in_years() -> None:
    assert writing.in_years(1104, "days") == "1,104 days (3.0 years)"
    assert writing.in_years(3, "years") == "3 years"
