"""What maps of images say over a cohort, as plain records ready for ``report.json``."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fusion.explanation.attribution import Attribution
from fusion.explanation.lesion_agreement import LesionAgreement
from workbench.evaluation.intervals import significant

FEWEST_TYPICAL = 10
"""A typical patient is the mean of so many, or of the card's minimum cell."""
TYPICAL = ("lowest", "middle", "highest")
"""Typical patients by what their images add to the predicted risk."""
Json = dict[str, Any]


def summary(
    found: Attribution,
    modality: str,
    moved: np.ndarray,
    agreement: LesionAgreement | None,
    *,
    n_models: int,
    minimum: int,
) -> Json:
    """The method, what images add, whether heat lies in the lesion, and typical patients.

    Parameters
    ----------
    found
        Of the patients whose images are read.
    moved
        What their images add to the log hazard, (patient,).
    agreement
        Of the same patients; None without drawn lesions.
    n_models
        Judged models, one a fold, that read the images at all.
    minimum
        Fewest patients of whom something may be said.
    """
    each = max(minimum, FEWEST_TYPICAL)
    inside = np.full(len(moved), np.nan) if agreement is None else agreement.inside
    told = agreement is not None and agreement.n_patients >= max(minimum, 1)
    return {
        "modality": modality,
        "method": found.method,
        "n_patients": found.n_patients,
        "n_models": n_models,
        "mean_absolute": significant(float(np.abs(moved).mean())),
        "checks": found.checks,
        "lesion": _lesion(agreement) if agreement is not None and told else None,
        "typical": [
            {
                "name": name,
                "n_patients": len(rows),
                "contribution": significant(float(moved[rows].mean())),
                "inside": _mean(inside[rows], minimum) if told else None,
            }
            for name, rows in zip(TYPICAL, typical_rows(moved, each), strict=False)
        ],
    }


def typical_rows(moved: np.ndarray, each: int) -> Sequence[np.ndarray]:
    """Rows of the lowest, the middle and the highest contributions; none of too few patients."""
    order = moved.argsort(kind="stable")
    if len(order) < len(TYPICAL) * each:
        return ()
    middle = (len(order) - each) // 2
    return order[:each], order[middle : middle + each], order[::-1][:each]


def _lesion(found: LesionAgreement) -> Json:
    measures = [
        {
            "name": name,
            "own": _interval(each.own),
            "others": _interval(each.others),
            "difference": _interval(each.difference),
        }
        for name, each in found.measures.items()
    ]
    return {
        "n_patients": found.n_patients,
        "area": significant(found.area),
        "measures": measures,
    }


def _interval(values: tuple[float, float, float]) -> Json:
    return dict(zip(("estimate", "lower", "upper"), map(significant, values), strict=True))


def _mean(values: np.ndarray, minimum: int) -> float | None:
    """Of those who count; None of too few."""
    known = values[~np.isnan(values)]
    return significant(float(known.mean())) if len(known) >= max(minimum, 1) else None
