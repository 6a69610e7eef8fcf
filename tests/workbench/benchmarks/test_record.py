"""What a benchmark leaves behind: one file that says only what it measured, and whose it is."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from workbench.benchmarks.record import BenchmarkResult, BenchmarkRow, claim, table, write
from workbench.errors import StudyError, WorkbenchError

ROW = BenchmarkRow("brca", "stack", "harrell_c", 0.655, 0.63, 0.68, published=0.58)
RESULT = BenchmarkResult(
    "speed",
    (ROW, BenchmarkRow("brca", "peer", "seconds", 1234.5)),
    {"nested_cv_vs_sksurv": 12.0},
    ("Unequal inputs.",),
    {"seed": 0, "machine": {"threads": 2}},
)


def written(result: BenchmarkResult, out: Path) -> dict[str, object]:
    claim(result.name, "data", out)
    return json.loads(write(result, out).read_text(encoding="utf-8"))


def test_what_is_written_is_what_was_found_without_the_machine(tmp_path: Path) -> None:
    assert written(RESULT, tmp_path) == {
        "benchmark": "speed",
        "rows": [
            {
                "dataset": "brca",
                "model": "stack",
                "metric": "harrell_c",
                "estimate": 0.655,
                "lower": 0.63,
                "upper": 0.68,
                "published": 0.58,
            },
            {
                "dataset": "brca",
                "model": "peer",
                "metric": "seconds",
                "estimate": 1234.5,
                "lower": None,
                "upper": None,
                "published": None,
            },
        ],
        "ratios": {"nested_cv_vs_sksurv": 12.0},
        "notes": ["Unequal inputs."],
        "settings": {"seed": 0},
    }
    record = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert record["machine"] == {"threads": 2}
    assert record["state"] == "complete"
    assert {path.name for path in tmp_path.iterdir()} == {"benchmark.json", "run.json"}


def test_the_same_benchmark_may_write_again(tmp_path: Path) -> None:
    written(RESULT, tmp_path)
    again = replace(RESULT, notes=("Measured again.",))
    assert written(again, tmp_path)["notes"] == ["Measured again."]


@pytest.mark.parametrize(
    ("name", "data", "named"), [("glioma", "data", "benchmark"), ("speed", "other", "the data")]
)
def test_the_folder_of_another_is_refused(tmp_path: Path, name: str, data: str, named: str) -> None:
    written(RESULT, tmp_path)
    before = (tmp_path / "benchmark.json").read_bytes()
    with pytest.raises(StudyError, match=f"{named}.*choose another folder"):
        claim(name, data, tmp_path)
    with pytest.raises(StudyError, match="holds speed, not glioma"):
        write(replace(RESULT, name="glioma"), tmp_path)
    assert (tmp_path / "benchmark.json").read_bytes() == before


def test_a_folder_that_was_not_claimed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="claim it"):
        write(RESULT, tmp_path)
    assert list(tmp_path.iterdir()) == []


@given(
    bad=st.sampled_from([math.nan, math.inf, -math.inf]),
    place=st.sampled_from(["estimate", "lower", "upper", "published"]),
)
def test_no_number_is_nan_or_infinite(bad: float, place: str) -> None:
    with pytest.raises(WorkbenchError, match="brca, stack, harrell_c: 1 of 4 numbers"):
        replace(ROW, **{place: bad})
    with pytest.raises(WorkbenchError, match="a_ratio: 1 of 1"):
        replace(RESULT, ratios={"a_ratio": bad})


def test_half_an_interval_and_an_empty_table_are_refused() -> None:
    with pytest.raises(WorkbenchError, match="two ends"):
        BenchmarkRow("brca", "stack", "harrell_c", 0.6, lower=0.5)
    with pytest.raises(WorkbenchError, match="at least one row"):
        replace(RESULT, rows=())


def test_the_table_shows_ours_beside_the_published(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = replace(ROW, dataset="[red]\x1b[2J")
    Console(width=80).print(table(replace(RESULT, rows=(*RESULT.rows, hostile))))
    shown = capsys.readouterr().out
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert "brca stack harrell_c 0.655 (0.630 to 0.680) 0.580" in lines
    assert "brca peer seconds 1,234.5" in lines
    assert lines[-2:] == ["nested_cv_vs_sksurv: 12.0 times", "Unequal inputs."]
    assert "[red]" in shown
    assert "\x1b" not in shown
