"""Survival of patients whom the judged model calls low, middle and high risk."""

from typing import Any

import numpy as np

from workbench.evaluation.alignment import FEWEST_AT_RISK, Aligned
from workbench.evaluation.intervals import significant
from workbench.survival.kaplan_meier import KaplanMeier, kaplan_meier

LABELS = ("low", "middle", "high")
MOST_TICKS = 7
NO_TEST = (
    "No p-value is given: whoever is held out trains the models that score the others, so a "
    "log-rank test of such groups finds differences too often where there are none (Simon et al., "
    "Brief Bioinform 2011;12:203-214)."
)
"""Why thirds of cross-validated risk are not tested, in a reader's words."""


def risk_groups(aligned: Aligned, model: str) -> dict[str, Any]:
    """Kaplan-Meier curves by thirds of risk score, overall and within each group.

    No strata where the outcome has no time.

    Thirds are formed within folds (and within the group), since scores of different folds are not
    comparable; equal scores always stand in the same third. Averaged repeats are sorted by the
    average score, within the first repeat's folds. Thirds describe and are not tested: a log-rank
    test takes groups as given, and here the outcomes of some made the groups of others.

    References
    ----------
    Simon, R. et al. (2011). Using cross-validation to evaluate predictive accuracy of survival risk
    classifiers based on high-dimensional data. Briefings in Bioinformatics 12.
    """
    if aligned.time_unit is None:
        return {"model": model, "labels": list(LABELS), "strata": []}
    risk_score = aligned.predictions[model].risk_score
    last = np.sort(aligned.time)[-min(FEWEST_AT_RISK, len(aligned.time))]
    ticks = at_risk_times(float(last), aligned.time_unit)
    return {
        "model": model,
        "labels": list(LABELS),
        "strata": [
            _stratum(aligned, group, risk_score, ticks)
            for group in aligned.groups
            if aligned.groups[group].any()
        ],
    }


def thirds_within_folds(risk_score: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """0, 1 or 2 for the lowest, middle and highest third of each fold, (patient,).

    Examples
    --------
    >>> fold = np.array([0, 0, 0, 1, 1, 1])
    >>> thirds_within_folds(np.array([1.0, 2, 3, 30, 20, 10]), fold).tolist()
    [0, 1, 2, 2, 1, 0]
    """
    third = np.empty(len(fold), dtype=np.int64)
    for label in np.unique(fold):
        member = fold == label
        cuts = np.quantile(risk_score[member], [1 / 3, 2 / 3])
        third[member] = (risk_score[member, None] > cuts).sum(1)
    return third


def at_risk_times(last: float, time_unit: str) -> np.ndarray:
    """Round times from 0 to ``last`` for axis ticks and the risk table: whole years if possible.

    Examples
    --------
    >>> at_risk_times(1900.0, "days").tolist(), at_risk_times(7.5, "years").tolist()
    ([0.0, 365.0, 730.0, 1095.0, 1460.0, 1825.0], [0.0, 2.0, 4.0, 6.0])
    """
    year = {"days": 365.0, "weeks": 52.0, "months": 12.0}.get(time_unit, 1.0)
    unit = year if last >= 2 * year else 10.0 ** np.floor(np.log10(max(last, 1e-12) / 2))
    steps = unit * np.outer(10.0 ** np.arange(8), [1, 2, 5]).ravel()
    step = steps[last / steps < MOST_TICKS][0]
    return np.arange(0.0, last + step * 1e-9, step)


def _stratum(
    aligned: Aligned, group: str, risk_score: np.ndarray, ticks: np.ndarray
) -> dict[str, Any]:
    member = aligned.groups[group]
    time, event = aligned.time[member], aligned.event[member]
    third = thirds_within_folds(risk_score[member], aligned.fold[member])
    curves = [
        _curve(label, time[third == code], event[third == code], ticks)
        for code, label in enumerate(LABELS)
        if (third == code).any()
    ]
    return {
        "group": group,
        "n": int(member.sum()),
        "n_events": int(event.sum()),
        "at_risk_times": [significant(t) for t in ticks],
        "curves": curves,
    }


def _curve(label: str, time: np.ndarray, event: np.ndarray, ticks: np.ndarray) -> dict[str, Any]:
    curve = kaplan_meier(time, event)
    return {
        "label": label,
        "n": len(time),
        "n_events": int(event.sum()),
        **_steps(curve),
        "censored": curve.time[curve.n_censored > 0].tolist(),
        "median": {
            name: significant(value) if np.isfinite(value) else None
            for name, value in curve.median._asdict().items()
        },
        "n_at_risk": curve.at_risk_at(ticks).tolist(),
    }


def _steps(curve: KaplanMeier) -> dict[str, list[float | None]]:
    """The curve from (0, 1) at its event times and at the end of follow-up."""
    kept = curve.n_events > 0
    kept[-1] = True
    return {
        "time": [0.0, *curve.time[kept].tolist()],
        "survival": [1.0, *_defined(curve.survival[kept])],
        "lower": [1.0, *_defined(curve.lower[kept])],
        "upper": [1.0, *_defined(curve.upper[kept])],
    }


def _defined(values: np.ndarray) -> list[float | None]:
    return [significant(v) if np.isfinite(v) else None for v in values]
