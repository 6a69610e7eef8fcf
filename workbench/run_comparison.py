"""Two runs side by side: what changed in cohort, data, models and numbers."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.cohort.definition import Definition
from workbench.cohort.difference import compare_definitions, compare_members
from workbench.data.open_card import open_card
from workbench.errors import StudyError
from workbench.report.comparison_page import render_comparison
from workbench.report.number_differences import ABSENT
from workbench.report.read import read_document
from workbench.report.words import has_time, metrics
from workbench.study_settings import Study
from workbench.study_steps import choose

METRICS = ("harrell_c", "uno_c", "ibs", "ipa")
HASHES = {
    "data_hash": "Data (sha256)",
    "definition_hash": "Definition of the cohort (sha256)",
    "code_version": "Version of the code",
    "seed": "Seed",
}
Json = dict[str, Any]


@dataclass(frozen=True)
class RunComparison:
    """What changed from one run to another, JSON-ready.

    Parameters
    ----------
    cohort
        ``n_patients, n_events`` (each before and after), ``definition`` (changes in sentences) and
        ``members``: how many were kept, gained and lost, or why that is not known.
    data, model
        Rows ``what, before, after`` of what differs.
    numbers
        Rows ``model, group, metric, before, after, change`` of every model that both have; none
        where one outcome is a time and the other is not.
    has_time
        Whether both outcomes are times.
    """

    cohort: Json
    data: tuple[Json, ...]
    model: tuple[Json, ...]
    numbers: tuple[Json, ...]
    has_time: bool = True

    def to_json(self) -> Json:
        """All of it."""
        return {
            "cohort": self.cohort,
            "data": list(self.data),
            "model": list(self.model),
            "numbers": list(self.numbers),
            "has_time": self.has_time,
        }


def compare_runs(
    before: str | os.PathLike[str],
    after: str | os.PathLike[str],
    *,
    card: str | None = None,
    data_dir: str | os.PathLike[str] | None = None,
) -> RunComparison:
    """Compare two finished runs.

    Parameters
    ----------
    before, after
        Folders of the runs.
    card
        Card file of both, where it is not one that comes with the workbench.
    data_dir
        Folder that holds the dataset's folder: who was gained and lost is known only where the
        data are. Of a restricted dataset small counts are withheld, and what is told is remembered.

    Raises
    ------
    WorkbenchError
        If a folder holds no report.
    """
    one, other = (read_document(Path(folder)) for folder in (before, after))
    return RunComparison(
        cohort=_cohort(one, other, card, data_dir),
        data=tuple(_data(one, other)),
        model=tuple(_model(one, other)),
        numbers=tuple(_numbers(one, other)),
        has_time=has_time(one) and has_time(other),
    )


def write_comparison(comparison: RunComparison, out: str | os.PathLike[str]) -> Path:
    """Write ``comparison.json`` and ``comparison.html`` into a folder.

    Raises
    ------
    StudyError
        If one of them is there already.
    """
    folder = Path(out)
    targets = folder / "comparison.json", folder / "comparison.html"
    there = [target.name for target in targets if target.exists()]
    if there:
        raise StudyError(f"{folder} holds {' and '.join(there)} already: choose another folder")
    folder.mkdir(parents=True, exist_ok=True)
    content = comparison.to_json()
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    targets[0].write_text(text + "\n", encoding="utf-8")
    targets[1].write_text(render_comparison(content), encoding="utf-8")
    return targets[1]


def _cohort(
    one: Json, other: Json, card: str | None, data_dir: str | os.PathLike[str] | None
) -> Json:
    definitions = [Definition.from_json(json.dumps(d["definition"])) for d in (one, other)]
    changes = compare_definitions(*definitions)
    return {
        "n_patients": [one["n_patients"], other["n_patients"]],
        "n_events": [one["n_events"], other["n_events"]],
        "definition": changes.to_dict("records"),
        "members": _members(one, other, card, data_dir),
    }


def _members(
    one: Json, other: Json, card: str | None, data_dir: str | os.PathLike[str] | None
) -> Json:
    """How many were kept, gained and lost, as far as that may be told."""
    if one["dataset"]["name"] != other["dataset"]["name"]:
        return {"not_known": "the runs are of two datasets"}
    studies = [Study.of_report(document["study"], card) for document in (one, other)]
    opened = open_card(studies[0].card, data_dir)
    if opened.missing_files():
        return {"not_known": "the files of the dataset are not here"}
    if opened.data_hash() not in (one["data_hash"], other["data_hash"]):
        return {"not_known": "the files of the dataset are others than those of both runs"}
    cohorts = [choose(study, opened) for study in studies]
    moved = compare_members(cohorts[0].patients, cohorts[1].patients)
    minimum = opened.spec.privacy.minimum_cell
    told = (
        moved.released(cohorts[0].release_log, minimum, "a comparison of two runs")
        if opened.spec.privacy.restricted
        else moved.counts(minimum)
    )
    return {name: told[name] for name in ("kept", "gained", "lost")}


def _rows(pairs: Mapping[str, tuple[Any, Any]]) -> list[Json]:
    return [
        {"what": what, "before": before, "after": after}
        for what, (before, after) in pairs.items()
        if before != after
    ]


def _data(one: Json, other: Json) -> list[Json]:
    """Dataset, version and hashes that differ, and columns that came or went."""
    pairs: dict[str, tuple[Any, Any]] = {
        f"Dataset: {name}": (one["dataset"][name], other["dataset"][name])
        for name in ("title", "version", "licence", "index_date")
    }
    pairs |= {title: (one.get(name), other.get(name)) for name, title in HASHES.items()}
    columns = [sorted(document["columns"]) for document in (one, other)]
    pairs["Columns"] = (
        ", ".join(c for c in columns[0] if c not in columns[1]),
        ", ".join(c for c in columns[1] if c not in columns[0]),
    )
    return _rows(pairs)


def _model(one: Json, other: Json) -> list[Json]:
    """Entries of the study, of the saved model and of the environment that differ."""
    pairs: dict[str, tuple[Any, Any]] = {}
    for name in dict.fromkeys([*one["study"], *other["study"]]):
        pairs[f"Study: {name}"] = (
            one["study"].get(name, ABSENT),
            other["study"].get(name, ABSENT),
        )
    chosen = [", ".join(row["model"] for row in d["chosen"]) for d in (one, other)]
    pairs["Chosen in the folds"] = (chosen[0], chosen[1])
    saved = [(d.get("saved_model") or {}).get("sha256", ABSENT) for d in (one, other)]
    pairs["Saved model (sha256)"] = (saved[0], saved[1])
    pairs["Environment"] = (one.get("environment", ABSENT), other.get("environment", ABSENT))
    return _rows(pairs)


def _numbers(one: Json, other: Json) -> list[Json]:
    """Metrics of every model and group that both runs have, with their change."""
    if has_time(one) != has_time(other):
        return []
    compared = [name for name in METRICS if name in metrics(one)]
    rows = [{(r["model"], r["group"]): r for r in d["ladder"]} for d in (one, other)]
    return [
        {
            "model": model,
            "group": group,
            "metric": metric,
            "before": rows[0][model, group][metric],
            "after": rows[1][model, group][metric],
            "change": _change(rows[0][model, group][metric], rows[1][model, group][metric]),
        }
        for model, group in rows[0]
        if (model, group) in rows[1]
        for metric in compared
    ]


def _change(before: Mapping[str, float] | None, after: Mapping[str, float] | None) -> float | None:
    if before is None or after is None:
        return None
    return after["estimate"] - before["estimate"]
