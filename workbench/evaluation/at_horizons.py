"""Each model at each study horizon: discrimination, accuracy, calibration."""

from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np

from workbench.evaluation.accuracy import (
    SmoothedDraws,
    brier_draws,
    calibration_draws,
    smoothed_draws,
)
from workbench.evaluation.alignment import FEWEST_AT_RISK, Aligned
from workbench.evaluation.discrimination import auc_sums
from workbench.evaluation.intervals import distance_interval, interval, number, significant
from workbench.evaluation.ladder import NULL, NULL_BY_GROUP, ipa
from workbench.evaluation.words import Note, Terms, by_time, group_words, models_words
from workbench.survival.calibration_bins import RiskBin, risk_bins

HORIZON_METRICS = (
    "auc",
    "brier",
    "ipa",
    "calibration_intercept",
    "calibration_slope",
    "observed_expected",
)


class AtHorizon(NamedTuple):
    """Rows and calibration curves of one group at one horizon, one a model, JSON-ready."""

    rows: list[dict[str, Any]]
    curves: list[dict[str, Any]]
    notes: list[Note]


def at_horizon(
    aligned: Aligned, group: str, horizon: float, calibrated_models: Collection[str]
) -> AtHorizon:
    """Every model in a group at a horizon; refused where too few are at risk."""
    member = aligned.groups[group]
    n_at_risk = aligned.n_at_risk(group, horizon)
    at, terms = by_time(horizon, aligned.time_unit, " at "), aligned.terms
    further = () if terms.has_time else ("ici",)
    place = {
        "group": group,
        "horizon": significant(horizon),
        "n": int(member.sum()),
        "n_events": int((aligned.event & (aligned.time <= horizon))[member].sum()),
        "n_at_risk": n_at_risk,
    }
    if n_at_risk < FEWEST_AT_RISK:
        who = f"{n_at_risk} at risk{at}" if terms.has_time else f"{n_at_risk} patients"
        reason = f"{who}; at least {FEWEST_AT_RISK} are needed"
        refused = dict.fromkeys((*HORIZON_METRICS, *further)) | {"refused": reason}
        rows = [{"model": model, **place, **refused} for model in aligned.predictions]
        return AtHorizon(rows, [], [(group_words(group), f"{reason}.")])

    auc = auc_sums(aligned, group, horizon)
    null_brier = brier_draws(aligned, group, aligned.predictions[NULL], horizon)
    rows, curves, straight = [], [], []
    for model, predictions in aligned.predictions.items():
        brier = brier_draws(aligned, group, predictions, horizon)
        numbers = dict.fromkeys((*HORIZON_METRICS, *further)) | {
            "auc": number(auc.pooled(model)),
            "brier": number(brier),
            "ipa": number(ipa(brier, null_brier)),
        }
        rows.append({"model": model, **place, **numbers, "refused": None})
        if model not in calibrated_models:
            continue
        calibrated = calibration_draws(aligned, group, predictions, horizon)
        smoothed = smoothed_draws(aligned, group, predictions, horizon)
        if smoothed is not None and smoothed.is_straight:
            straight.append(model)
        rows[-1] |= {
            "calibration_intercept": number(calibrated.intercept),
            "calibration_slope": number(calibrated.slope),
            "observed_expected": number(calibrated.observed_expected),
        }
        bins = risk_bins(
            aligned.time[member],
            aligned.event[member],
            predictions.at(horizon)[member],
            horizon=horizon,
        )
        if smoothed is not None and smoothed.ici is not None:
            rows[-1]["ici"] = number(smoothed.ici, of=distance_interval)
        curves.append(
            {"model": model, "group": group, "horizon": significant(horizon)}
            | _curve(smoothed)
            | {"bins": [_bin(each) for each in bins]}
        )
    judged = [row for row in rows if row["model"] in calibrated_models]
    place = f"{group_words(group)}{at}"
    notes = _notes(judged, curves, straight, terms)
    return AtHorizon(rows, curves, [(place, text) for text in notes])


def _curve(smoothed: SmoothedDraws | None) -> dict[str, list[float]]:
    columns = ("predicted", "observed", "lower", "upper")
    if smoothed is None:
        return {name: [] for name in columns}
    points = [interval(draws) for draws in smoothed.observed.T]
    rows = [
        (predicted, point.estimate, point.lower, point.upper)
        for predicted, point in zip(smoothed.predicted, points, strict=True)
        if point is not None
    ]
    return {
        name: [significant(row[position]) for row in rows] for position, name in enumerate(columns)
    }


def _bin(each: RiskBin) -> dict[str, float | int | None]:
    limits = {
        name: significant(value) if np.isfinite(value) else None
        for name, value in (
            ("predicted", each.predicted),
            ("observed", each.observed),
            ("lower", each.lower),
            ("upper", each.upper),
        )
    }
    return limits | {"n": each.n_patients, "n_events": each.n_events}


def _notes(
    rows: list[dict[str, Any]], curves: list[dict[str, Any]], straight: list[str], terms: Terms
) -> list[str]:
    """What is undefined. That the null has neither slope nor curve is said once, elsewhere."""
    ranked = [row for row in rows if row["model"] not in (NULL, NULL_BY_GROUP)]
    notes = []
    for metric in HORIZON_METRICS:
        without = [row["model"] for row in ranked if row[metric] is None]
        if without:
            notes.append(f"{terms.metrics[metric]} of {models_words(without, terms)} is undefined.")
    named = {row["model"] for row in ranked}
    without = [c["model"] for c in curves if not c["predicted"] and c["model"] in named]
    if without:
        notes.append(f"no smooth calibration curve of {models_words(without, terms)}.")
    if straight:
        notes.append(
            f"too few patients bend the calibration curve of {models_words(straight, terms)}: a "
            f"straight line on the {'cloglog' if terms.has_time else 'logit'} scale is drawn."
        )
    return notes
