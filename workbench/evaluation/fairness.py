"""How often acting at one risk threshold is right or wrong in each group."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fusion.predictions import Predictions
from workbench.errors import SurvivalError
from workbench.evaluation.alignment import Aligned, EvaluatedCohort, align
from workbench.evaluation.group_rows import flat_row, refusal, settings_of_times, with_limits
from workbench.evaluation.intervals import number, ratio, significant
from workbench.evaluation.words import by_time
from workbench.survival.brier import observed_weights

RATES = {
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "ppv": "positive predictive value",
    "npv": "negative predictive value",
    "false_positive_rate": "false-positive rate",
    "false_negative_rate": "false-negative rate",
}
"""Rates in the order they are read, and their words."""


@dataclass(frozen=True)
class FairnessTable:
    """Error rates of one model at one threshold and horizon, by group.

    Parameters
    ----------
    rows
        One a group: ``group, n, n_events, n_at_risk, n_high`` (at or above the threshold), RATES,
        ``difference_<rate>`` from the reference group, ``refused`` and ``difference_refused``: None
        or the reason, and then the numbers are None. A number is ``{"estimate", "lower",
        "upper"}``, None too where nobody could be counted (no predicted positive has no PPV).
    settings
        ``model, threshold, horizon, time_unit, reference, n_bootstrap, seed, censoring_strata``, as
        of a subgroup table.
    """

    rows: tuple[dict[str, Any], ...]
    settings: dict[str, Any]

    @property
    def table(self) -> pd.DataFrame:
        """One row a group: a number as three columns, ``name, name_lower, name_upper``."""
        return pd.DataFrame([flat_row(row) for row in self.rows])

    @property
    def sentences(self) -> list[str]:
        """One a group."""
        return [_sentence(row, self.settings) for row in self.rows]


def fairness_table(
    cohort: EvaluatedCohort,
    predictions: Predictions,
    *,
    threshold: float,
    horizon: float,
    groups: Mapping[str, np.ndarray],
    reference: str,
    n_bootstrap: int = 1000,
    seed: int = 0,
) -> FairnessTable:
    r"""Sensitivity, specificity, predictive values and error rates by group.

    .. math:: \text{sensitivity} = \frac{\sum_i w_i y_i 1(r_i \ge p)}{\sum_i w_i y_i}, \qquad
        \text{PPV} = \frac{\sum_i w_i y_i 1(r_i \ge p)}{\sum_i w_i 1(r_i \ge p)}

    and so on, with y the state at the horizon (1 = event) and w its inverse probability of
    censoring weight. The censoring curve is that of all patients, stratified by the groups where
    these hold every patient exactly once. Intervals are percentiles of patient bootstraps within
    folds, the same for each group, so that a difference is paired.

    Parameters
    ----------
    cohort
        Patients with ``time`` and ``event``.
    predictions
        Out-of-fold predictions of the model, with survival at ``horizon``.
    threshold
        Predicted risk from which one would act, in (0, 1); a patient at it is high.
    horizon
        Time, above 0.
    groups
        Bool mask of each group, (patient,) in the order of ``cohort.patients``.
    reference
        Group that the others are compared with.
    n_bootstrap, seed
        Number of bootstraps and seed of their generator.

    Raises
    ------
    SurvivalError
        A threshold outside (0, 1), a reference that is no group, predictions of other patients,
        folds or horizons. A group with fewer than 10 patients, or 10 at risk, is not left out: its
        row says why it has no numbers.

    References
    ----------
    Uno, Cai, Tian and Wei, J Am Stat Assoc 2007;102:527-537 (weighting). Hardt, Price and Srebro,
    NeurIPS 2016 (equal error rates). Rates depend on how risk is spread in a group, not only on the
    model: read them beside the calibration of ``subgroup_table``.
    """
    if not 0 < threshold < 1:
        raise SurvivalError(f"threshold must lie in (0, 1), got {threshold:g}: pass a risk")
    if reference not in groups:
        raise SurvivalError(
            f"reference must be one of the {len(groups)} groups, got another: pass its name"
        )
    aligned = align(
        cohort,
        {predictions.model: predictions},
        horizons=[horizon],
        groups=groups,
        n_bootstrap=n_bootstrap,
        seed=seed,
    )
    # Not 1 - survival: of a survival of .9 that is a little below .1.
    high = aligned.predictions[predictions.model].at(horizon) <= 1 - threshold
    refused = {group: refusal(aligned, aligned.groups[group], horizon) for group in groups}
    draws = {
        group: {} if refused[group] else _rates(aligned, aligned.groups[group], high, horizon)
        for group in groups
    }
    return FairnessTable(
        rows=tuple(
            _row(aligned, group, high, horizon, draws, refused, reference) for group in groups
        ),
        settings={
            "model": predictions.model,
            "threshold": significant(threshold),
            **settings_of_times(aligned, horizon),
            "reference": reference,
            "n_bootstrap": n_bootstrap,
            "seed": seed,
        },
    )


def _row(
    aligned: Aligned,
    group: str,
    high: np.ndarray,
    horizon: float,
    draws: Mapping[str, Mapping[str, np.ndarray]],
    refused: Mapping[str, str | None],
    reference: str,
) -> dict[str, Any]:
    member, own, other = aligned.groups[group], draws[group], draws[reference]
    compared = group != reference and own and other
    return {
        "group": group,
        "n": int(member.sum()),
        "n_events": int((aligned.event & (aligned.time <= horizon))[member].sum()),
        "n_at_risk": aligned.n_at_risk(group, horizon),
        "n_high": int(high[member].sum()),
        **{rate: number(own.get(rate)) for rate in RATES},
        **{
            f"difference_{rate}": number(own[rate] - other[rate]) if compared else None
            for rate in RATES
        },
        "refused": refused[group],
        "difference_refused": f"{reference}: {refused[reference]}"
        if group != reference and own and refused[reference]
        else None,
    }


def _rates(
    aligned: Aligned, member: np.ndarray, high: np.ndarray, horizon: float
) -> dict[str, np.ndarray]:
    """Draws of each rate in a group, (draw,); NaN where nobody could be counted."""
    time, event, high = aligned.time[member], aligned.event[member], high[member]
    weight = observed_weights(
        time,
        event,
        horizons=np.array([horizon]),
        censoring=aligned.censoring,
        stratum=aligned.stratum[member],
    )[:, 0]
    happened = event & (time <= horizon)
    cells = (happened & high, happened & ~high, ~happened & high, ~happened & ~high)
    sums = aligned.draws[:, member] @ np.column_stack([weight * cell for cell in cells])
    true_high, false_low, false_high, true_low = sums.T
    events, free = true_high + false_low, false_high + true_low
    return {
        "sensitivity": ratio(true_high, events),
        "specificity": ratio(true_low, free),
        "ppv": ratio(true_high, true_high + false_high),
        "npv": ratio(true_low, true_low + false_low),
        "false_positive_rate": ratio(false_high, free),
        "false_negative_rate": ratio(false_low, events),
    }


def _sentence(row: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    by = by_time(settings.get("horizon", 0.0), settings.get("time_unit"))
    if row["refused"]:
        return f"In {row['group']}, error rates are not judged: {row['refused']}."
    counts = f"{row['n']} patients, {row['n_events']} events{by}"
    acting = f"at a threshold of {settings['threshold']:g}, {row['n_high']} are at high risk"
    return f"In {row['group']} ({counts}), {acting}: {'; '.join(_clauses(row, settings))}."


def _clauses(row: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[str]:
    for rate, words in RATES.items():
        value, difference = row[rate], row[f"difference_{rate}"]
        if value is not None:
            over = f", {with_limits(difference)} from {settings['reference']}" if difference else ""
            yield f"{words} {with_limits(value)}{over}"
