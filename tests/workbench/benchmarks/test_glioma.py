"""The glioma benchmark, with a small dataset in the place of glioma."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.benchmarks import glioma as glioma_module

Call = Callable[..., tuple[int, str, str]]


def test_rows_are_the_numbers_of_the_study(
    call: Call, small_study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_study.spec["study"].update(
        modalities=["clinical", "rna"], also_split=[{"kind": "site", "k": 2}]
    )
    small_study.save()
    monkeypatch.setattr(glioma_module, "CARD", str(small_study.card))
    out = tmp_path / "glioma"
    code, shown, err = call("benchmark", "glioma", "--out", out)
    assert (code, err) == (0, "")
    assert {p.name for p in out.iterdir()} == {"benchmark.json", "run.json", "study"}
    found = json.loads((out / "benchmark.json").read_text(encoding="utf-8"))
    report = json.loads((out / "study" / "report.json").read_text(encoding="utf-8"))
    rows = {(r["dataset"], r["model"], r["metric"]): r for r in found["rows"]}
    assert len(rows) == len(found["rows"])

    sites = "small, whole sites held out"
    assert {dataset for dataset, _, _ in rows} == {
        f"{split}{group}" for split in ("small", sites) for group in ("", ", f", ", m")
    } | {f"{split}, patients with rna" for split in ("small", sites)}
    for title, split in (("small", report), (sites, report["other_splits"][0])):
        judged = next(r for r in split["ladder"] if (r["model"], r["group"]) == ("selected", "all"))
        for metric in ("harrell_c_fold_mean", "harrell_c", "delta_harrell_c", "delta_ipa"):
            assert numbers(rows[title, "selected", metric]) == judged[metric]
        there = next(
            r
            for r in split["at_horizons"]
            if (r["model"], r["group"], r["horizon"]) == ("selected", "f", 1095.0)
        )
        for metric in ("calibration_slope", "ipa"):
            row = rows.get((f"{title}, f", "selected", f"{metric} at 1095 days"))
            assert (row and numbers(row)) == there[metric]
    within = {model for dataset, model, _ in rows if dataset.endswith((", f", ", m"))}
    assert within == {"clinical", "selected"}

    beside = {key: r["published"] for key, r in rows.items() if r["published"] is not None}
    assert beside == {
        ("small", model, "harrell_c_fold_mean"): 0.817
        for model in ("concatenation", "stack", "selected")
    }
    assert "unequal inputs" in found["notes"][0]
    assert "0.817" in shown


def numbers(row: dict[str, Any]) -> dict[str, float]:
    return {name: row[name] for name in ("estimate", "lower", "upper")}


def test_missing_data_is_one_line_and_nothing_is_written(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "nothing"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "nowhere"))
    code, out, err = call("benchmark", "glioma", "--out", tmp_path / "glioma")
    assert (code, out) == (1, "")
    assert "workbench data get tcga_glioma" in err
    assert len(err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
