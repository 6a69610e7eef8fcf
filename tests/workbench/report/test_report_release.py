"""What was released of a restricted dataset limits what a report may say."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from workbench.errors import PrivacyError
from workbench.report import ReportContent, write_report
from workbench.report.document import report_document

Make = Callable[..., ReportContent]


def test_a_report_may_be_written_again_but_not_of_few_less(
    tmp_path: Path, example_content: Make
) -> None:
    content = example_content(tmp_path, minimum_cell=10)
    first = write_report(content, tmp_path / "first").read_bytes()
    assert write_report(content, tmp_path / "again").read_bytes() == first
    stays = content.cohort.patients["age"].rank(method="first").to_numpy() != 5
    few_less = content.cohort.losing("quality", "images pass quality control", stays)
    with pytest.raises(PrivacyError, match="by so few patients"):
        write_report(replace(content, cohort=few_less), tmp_path / "second")
    assert not list((tmp_path / "second").glob("report*"))


def test_a_group_that_gives_few_away_has_no_counts_in_the_report(
    tmp_path: Path, example_content: Make
) -> None:
    content = example_content(tmp_path, minimum_cell=10)
    cohort = content.cohort
    few_less = (cohort.patients["kind"] == "low").to_numpy()
    few_less[np.flatnonzero(few_less)[:3]] = False
    ids = cohort.patients.index.to_numpy(object)
    cohort.release_log.show(ids, {"low, but for three": few_less})
    write_report(content, tmp_path / "out")
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    counts = {row["group"]: row["n"] for row in report["ladder"]}
    assert counts["low"] == "withheld"
    assert counts["all"] == cohort.n_patients
    said = " ".join(report["warnings"])
    assert "Counts of low are withheld: This selection differs from “low, but for three”" in said
    assert "Table one by kind is withheld" in said
    assert report["table_one"]["columns"] == ["variable", "statistic", "level", "all", "missing"]
    assert "kind" not in [table["by"] for table in report["availability"]]


def test_a_restricted_report_names_no_patients_time_as_a_median(
    tmp_path: Path, example_content: Make
) -> None:
    content = example_content(tmp_path, minimum_cell=10)
    shown = report_document(content)["follow_up"]
    exact = report_document(open_to_all(content))["follow_up"]
    ticks = content.evaluation.risk_groups["strata"][0]["at_risk_times"]
    step = ticks[1] / 4
    for name, median in exact.items():
        for limit, time in median.items():
            assert (content.cohort.patients["time"] == time).any() or time is None
            coarse = shown[name][limit]
            assert coarse is None or (coarse % step == 0 and 0 <= coarse - time < step)
    assert shown["median_time_to_event"]["estimate"] > 0


def test_the_command_line_prints_no_count_that_the_report_withholds(
    call: Any, tmp_path: Path, example_content: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = example_content(tmp_path, minimum_cell=10)
    planted = [
        row | ({"n_events": 4} if row["group"] == "high" else {})
        for row in content.evaluation.ladder
    ]
    evaluation = replace(content.evaluation, ladder=tuple(planted))
    content = replace(content, evaluation=evaluation)
    path = write_report(content, tmp_path / "out")
    found = SimpleNamespace(evaluation=evaluation, cohort=content.cohort, report=path)
    monkeypatch.setattr("workbench.study.run", lambda *_, **__: found)
    code, shown, _ = call("run", "simulated_glioma", "--out", tmp_path / "out")
    assert code == 0
    counts = {
        line.split(":")[0]: line.split(" events")[0].split()[-1]
        for line in shown.splitlines()
        if "95 % intervals" in line
    }
    assert counts["high"] == counts["low"] == "withheld"
    assert int(counts["All patients"]) == content.cohort.patients["event"].sum()


def open_to_all(content: ReportContent) -> ReportContent:
    """The same, as if the card protected nobody."""
    privacy = content.card.spec.privacy.model_copy(update={"restricted": False, "minimum_cell": 0})
    spec = content.card.spec.model_copy(update={"privacy": privacy})
    card = replace(content.card, spec=spec)
    return replace(content, card=card, cohort=replace(content.cohort, card=card))
