"""What moved the predictions, as ``report.json`` holds it: none of it where a check failed."""

import dataclasses
import math
from collections.abc import Collection, Mapping
from typing import Any

from fusion.explanation.checks import Check, failed, failed_first
from workbench.report.content import ReportContent

Json = dict[str, Any]

BY_MODALITY = (
    *("modality_importance", "features", "genes", "gene_sets"),
    *("dependence", "points", "group_differences"),
)


def contributions(content: ReportContent, minimum: int, refused: Collection[str] = ()) -> Json:
    """Checks, the spread of each modality over those who have it, and what lies within.

    Nothing but the checks where one failed, unless it was asked for.

    Parameters
    ----------
    minimum
        Fewest patients that a modality must have to be told of.
    refused
        Groups of which earlier releases forbid to tell.
    """
    attribution, patients = content.attribution, content.cohort.patients
    present = {
        name: patients[f"has_{name}"].reindex(attribution.patient_id).to_numpy(bool)
        for name in attribution.modality_names
        if f"has_{name}" in patients
    }
    n_failed = len(failed(attribution.checks))
    sound = n_failed == 0 or content.failed_contributions == "shown"
    spreads = [dataclasses.asdict(s) for s in attribution.spread(present)] if sound else []
    small = [s["modality"] for s in spreads if s["n_patients"] < max(minimum, 1)]
    return {
        "method": attribution.method,
        "target": attribution.target,
        "reference": attribution.reference,
        "modalities": [s for s in spreads if s["modality"] not in small],
        "withheld": small,
        "checks": [_check(check) for check in failed_first(attribution.checks)],
        "n_failed": n_failed,
        "explained": _within(content.explanation, small, refused) if sound else {},
        "images": [_images(row, content) for row in content.explanation.get("images", ())],
    }


def _images(row: Json, content: ReportContent) -> Json:
    """Maps over the cohort: where a check failed, the checks and what they say of the lesion."""
    n_failed = len(failed(row["checks"]))
    sound = n_failed == 0 or content.failed_contributions == "shown"
    return {
        **row,
        "checks": [_check(check) for check in failed_first(row["checks"])],
        "n_failed": n_failed,
        "mean_absolute": row["mean_absolute"] if sound else None,
        "typical": row["typical"] if sound else [],
    }


def _within(found: Mapping[str, Any], small: Collection[str], refused: Collection[str]) -> Json:
    """Without modalities that too few have, and without groups that may not be told of."""
    if not found:
        return {}
    kept = {name: part for name, part in found.items() if name != "images"}
    for name in BY_MODALITY:
        kept[name] = _of_others(found[name], small)
    kept["group_differences"] = [
        row for row in kept["group_differences"] if row["group"] not in refused
    ]
    kept["within"] = [
        {**group, "features": _of_others(group["features"], small)}
        for group in found["within"]
        if group["group"] not in refused
    ]
    kept["profiles"] = [
        {**row, "modalities": _of_others(row["modalities"], small)} for row in found["profiles"]
    ]
    return kept


def _of_others(rows: list[Json], small: Collection[str]) -> list[Json]:
    return [row for row in rows if row["modality"] not in small]


def _check(check: Check) -> Json:
    """A check; what could not be measured has no value."""
    return {**dataclasses.asdict(check), "value": None if math.isnan(check.value) else check.value}
