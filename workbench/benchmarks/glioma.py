"""Glioma on its published folds and on whole hospitals, beside models published for its patients.

A concordance over all gliomas is mostly the difference between two tumour types: read the rows
within groups.
"""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from workbench.benchmarks.record import BenchmarkResult, BenchmarkRow, claim
from workbench.data.open_card import open_card
from workbench.study import Study, run
from workbench.study_steps import OnProgress

CARD = "tcga_glioma"
MODELS = ("clinical", "clinical_markers", "concatenation", "stack", "fusion_net", "selected")
IN_GROUPS = ("clinical", "clinical_markers", "selected")
"""Models whose numbers are shown within groups too."""

CONCORDANCE = ("harrell_c_fold_mean", "harrell_c", "delta_harrell_c", "delta_ipa")
AT_HORIZON = ("calibration_slope", "ipa")
HORIZON = 1095.0
"""Days: three years."""

PUBLISHED = {"MCAT": 0.817, "attention MIL with omics": 0.816, "genomic SNN": 0.598}
"""Fold-mean C on the same patients and folds, row GBMLGG of Chen et al., ICCV 2021."""

BESIDE: dict[str, float] = dict.fromkeys(
    ("concatenation", "stack", "fusion_net", "selected"), PUBLISHED["MCAT"]
)
"""The best published model stands beside ours of all modalities."""

Report = Mapping[str, Any]


def glioma(
    data_dir: str | os.PathLike[str] | None, out: Path, on_progress: OnProgress
) -> BenchmarkResult:
    """The default study of the glioma card, kept in ``out/study``, and its numbers as rows.

    Parameters
    ----------
    data_dir
        Folder that holds the card's folder.
    out
        Folder of the benchmark; an interrupted study goes on there.
    on_progress
        Called as the work goes on.

    Raises
    ------
    WorkbenchError
        If the data is not here, or the folder holds something else.
    """
    card = open_card(CARD, data_dir)
    folder = claim("glioma", card.data_hash(), out)
    study = Study.of_card(card)
    result = run(study, folder.path / "study", data_dir=data_dir, on_progress=on_progress)
    report = json.loads(result.report.with_suffix(".json").read_text(encoding="utf-8"))
    return BenchmarkResult(
        "glioma",
        tuple(report_rows(report)),
        {},
        tuple(_notes(report)),
        {"study": report["study"], "published": PUBLISHED},
    )


def report_rows(report: Report) -> Iterator[BenchmarkRow]:
    """Rows of a study's ``report.json``: its own folds, then its other ways to split.

    Parameters
    ----------
    report
        ``study``, ``ladder``, ``at_horizons`` and ``other_splits``, as the report holds them.
        A number that is refused there has no row.
    """
    name = report["study"]["card"]
    yield from _split_rows(name, report, BESIDE)
    for split in report["other_splits"]:
        yield from _split_rows(f"{name}, {split['title']}", split, {})


def _split_rows(
    title: str, split: Report, published: Mapping[str, float]
) -> Iterator[BenchmarkRow]:
    horizon = {
        (row["model"], row["group"]): row
        for row in split["at_horizons"]
        if row["horizon"] == HORIZON
    }
    for row in split["ladder"]:
        model, group = row["model"], row["group"]
        everyone = group == "all"
        if model not in (MODELS if everyone else IN_GROUPS):
            continue
        numbers = {name: row[name] for name in CONCORDANCE}
        at_horizon = horizon[model, group]
        numbers |= {f"{name} at {HORIZON:g} days": at_horizon[name] for name in AT_HORIZON}
        for metric, number in numbers.items():
            if number is None:
                continue
            beside = published.get(model) if everyone and metric == "harrell_c_fold_mean" else None
            dataset = title if everyone else f"{title}, {group}"
            yield BenchmarkRow(dataset, model, metric, **number, published=beside)


def _notes(report: Report) -> Iterator[str]:
    listed = ", ".join(f"{model} {c:.3f}" for model, c in PUBLISHED.items())
    yield (
        f"Published fold-mean C on the same patients and folds, unequal inputs: {listed}. They saw "
        "other omics, MCAT and attention MIL slides too, and none saw grade or tumour type; the "
        "table shows MCAT."
    )
    yield "delta: over the clinical Cox model, paired, on the same patients."
    yield from (claim["sentence"] for claim in report["claims"] if claim["group"] == "all")
    yield from report["notes"]
