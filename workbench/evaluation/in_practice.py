"""What the judged model would mean in practice: net benefit, groups and sites, and its failures.

Plain records of counts and curves over groups, ready for ``report.json``; nobody is named.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fusion.predictions import Predictions
from workbench.evaluation.alignment import FEWEST_AT_RISK, EvaluatedCohort, align
from workbench.evaluation.intervals import significant
from workbench.evaluation.risk_groups import thirds_within_folds
from workbench.evaluation.subgroups import subgroup_table
from workbench.survival import decision_curve
from workbench.survival.censoring import free_until
from workbench.survival.net_benefit import Band, DecisionCurve

N_THRESHOLDS = 40
HIGHEST = 0.95
"""Quantile of a model's predicted risks up to which thresholds are looked at: beyond, few act."""
Json = dict[str, Any]


def decision_curves(
    cohort: EvaluatedCohort,
    predictions: Mapping[str, Predictions],
    *,
    models: Sequence[str],
    horizons: Sequence[float],
    groups: Mapping[str, np.ndarray],
    n_bootstrap: int = 1000,
    seed: int = 0,
) -> list[Json]:
    """Net benefit of acting on each model, along the risks that they predict.

    Parameters
    ----------
    cohort
        Patients with ``time`` and ``event``.
    predictions
        Out-of-fold predictions by model.
    models
        Which of them are compared.
    horizons
        Times at which one asks for risk; one with fewer than 10 at risk, or without an event or a
        survivor, is left out.
    groups
        Bool masks, (patient,); where they hold every patient exactly once, the censoring curve is
        stratified by them.
    n_bootstrap, seed
        Number of bootstraps within folds and seed of their generator.

    Returns
    -------
    list
        One a horizon and model: ``model, horizon, n, n_events, thresholds, net_benefit, treat_all,
        interventions_avoided``, the last three as ``{"estimate", "lower", "upper"}`` of lists.
    """
    aligned = align(
        cohort,
        {name: predictions[name] for name in models},
        horizons=horizons,
        groups=groups,
        n_bootstrap=n_bootstrap,
        seed=seed,
    )
    found = []
    for horizon in aligned.horizons:
        happened = aligned.event & (aligned.time <= horizon)
        n_at_risk = int((aligned.time >= horizon).sum())
        free = free_until(aligned.time, aligned.event) > horizon
        if n_at_risk < FEWEST_AT_RISK or not happened.any() or not free.any():
            continue
        risks = {name: 1 - aligned.predictions[name].at(horizon) for name in models}
        highest = float(max(np.quantile(risk, HIGHEST) for risk in risks.values()))
        thresholds = np.linspace(0.01, min(0.99, max(highest, 0.02)), N_THRESHOLDS)
        for name, risk in risks.items():
            curve = decision_curve(
                aligned.time,
                aligned.event,
                np.clip(risk, 0, 1),
                horizon=float(horizon),
                thresholds=thresholds,
                censoring=aligned.censoring,
                stratum=aligned.stratum,
                draws=aligned.draws[1:],
            )
            found.append({"model": name, **_curve(curve)})
    return found


def _curve(curve: DecisionCurve) -> Json:
    return {
        "horizon": significant(curve.horizon),
        "n": curve.n_patients,
        "n_events": curve.n_events,
        "thresholds": [significant(t) for t in curve.thresholds],
        "net_benefit": _band(curve.net_benefit),
        "treat_all": _band(curve.treat_all),
        "interventions_avoided": _band(curve.interventions_avoided),
    }


def _band(band: Band) -> Json:
    return {
        name: [significant(v) if np.isfinite(v) else None for v in values]
        for name, values in band._asdict().items()
    }


def subgroup_tables(
    cohort: EvaluatedCohort,
    predictions: Predictions,
    *,
    null: Predictions,
    horizons: Sequence[float],
    groups: Mapping[str, np.ndarray],
    site: np.ndarray | None,
    n_bootstrap: int = 1000,
    seed: int = 0,
) -> list[Json]:
    """The judged model in every group, in those with and without a modality, and in every site.

    One entry a horizon: ``rows, sites, settings`` of
    :class:`workbench.evaluation.subgroups.SubgroupTable`. None where there is no group and no site.
    """
    if not groups and site is None:
        return []
    tables = [
        subgroup_table(
            cohort,
            predictions,
            horizon=horizon,
            groups=groups,
            site=site,
            null=null,
            n_bootstrap=n_bootstrap,
            seed=seed,
        )
        for horizon in horizons
    ]
    return [
        {"rows": list(each.rows), "sites": each.sites, "settings": each.settings} for each in tables
    ]


def failure_cases(
    cohort: EvaluatedCohort,
    predictions: Predictions,
    *,
    horizons: Sequence[float],
    groups: Mapping[str, np.ndarray],
) -> list[Json]:
    """How often the model was most wrong: events at low predicted risk, survivors at high.

    A patient is at low or high risk in the lowest or highest third of predicted risk in the fold.
    Only those whose state at the horizon is known are counted: no weight stands for another.

    Returns
    -------
    list
        One a horizon and group ("all" first): ``horizon, group, low, low_events, high,
        high_survivors``, each a number of patients.
    """
    aligned = align(
        cohort,
        {predictions.model: predictions},
        horizons=horizons,
        groups=groups,
        n_bootstrap=1,
        seed=0,
    )
    own = aligned.predictions[predictions.model]
    third = thirds_within_folds(own.risk_score, aligned.fold)
    found = []
    for horizon in aligned.horizons:
        happened = aligned.event & (aligned.time <= horizon)
        free = free_until(aligned.time, aligned.event) > horizon
        for group, member in aligned.groups.items():
            low, high = (member & (third == t) & (happened | free) for t in (0, 2))
            found.append(
                {
                    "horizon": significant(float(horizon)),
                    "group": group,
                    "low": int(low.sum()),
                    "low_events": int((low & happened).sum()),
                    "high": int(high.sum()),
                    "high_survivors": int((high & free).sum()),
                }
            )
    return found
