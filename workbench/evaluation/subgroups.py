"""What one model is worth in each subgroup and site, and how that differs from everyone else."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from fusion.predictions import Predictions
from workbench.errors import SurvivalError
from workbench.evaluation.accuracy import brier_draws, calibration_draws
from workbench.evaluation.alignment import Aligned, EvaluatedCohort, align
from workbench.evaluation.discrimination import harrell_sums
from workbench.evaluation.group_rows import flat_row, refusal, settings_of_times, with_limits
from workbench.evaluation.intervals import interval, number, significant
from workbench.evaluation.ladder import ipa
from workbench.evaluation.random_effects import random_effects
from workbench.evaluation.words import by_time, model_words, terms_of

SUBGROUP_METRICS = (
    "harrell_c",
    "calibration_intercept",
    "calibration_slope",
    "observed_expected",
    "brier",
    "ipa",
)

MetricDraws = dict[str, np.ndarray | None]


@dataclass(frozen=True)
class SubgroupTable:
    """Each subgroup and site of one model at one horizon.

    Parameters
    ----------
    rows
        One a group or site: ``kind`` ("all", "group" or "site"), ``group, n, n_events, n_at_risk``
        (events by the horizon, at risk just before it), SUBGROUP_METRICS, ``difference_<metric>``
        from all other patients, ``refused`` and ``difference_refused``: None or the reason, and
        then the numbers are None. A number is ``{"estimate", "lower", "upper"}``.
    sites
        Summary of Harrell's C over the sites that are not refused, on the logit scale and written
        back: ``{n_sites, estimate, lower, upper, prediction_lower, prediction_upper, tau_squared,
        i_squared}``; None where fewer than two sites can be judged.
    settings
        ``model, horizon, time_unit, n_bootstrap, seed, censoring_strata``; ``partition`` in the
        place of all that is of times where the outcome has none.
    """

    rows: tuple[dict[str, Any], ...]
    sites: dict[str, Any] | None
    settings: dict[str, Any]

    @property
    def table(self) -> pd.DataFrame:
        """One row a group: a number as three columns, ``name, name_lower, name_upper``."""
        return pd.DataFrame([flat_row(row) for row in self.rows])

    @property
    def sentences(self) -> list[str]:
        """One a row, and one of the sites together."""
        found = [_sentence(row, self.settings) for row in self.rows]
        if self.sites is not None:
            terms = terms_of(self.settings.get("time_unit"))
            found.append(_site_sentence(self.sites, terms.concordance))
        return found


def subgroup_table(
    cohort: EvaluatedCohort,
    predictions: Predictions,
    *,
    horizon: float,
    groups: Mapping[str, np.ndarray] | None = None,
    site: np.ndarray | None = None,
    null: Predictions | None = None,
    n_bootstrap: int = 1000,
    seed: int = 0,
) -> SubgroupTable:
    """Discrimination, calibration and accuracy of one model in every group and site.

    Harrell's C compares patients within folds. Calibration and Brier score are weighted by the
    censoring curve of all patients, stratified by ``groups`` where these hold every patient exactly
    once. Intervals are percentiles of patient bootstraps within folds; a difference from the rest
    is that of the same bootstraps.

    Parameters
    ----------
    cohort
        Patients with ``time`` and ``event``.
    predictions
        Out-of-fold predictions of the model, with survival at ``horizon``.
    horizon
        Time, above 0.
    groups
        Bool mask of each group, (patient,) in the order of ``cohort.patients``; they may overlap.
    site
        Label of each patient's site, (patient,).
    null
        Predictions without predictors (the training folds' Kaplan-Meier), over which IPA is taken;
        without them IPA is None.
    n_bootstrap, seed
        Number of bootstraps and seed of their generator.

    Raises
    ------
    SurvivalError
        Neither groups nor sites, predictions of other patients, folds or horizons, masks or labels
        of another shape. A group with fewer than 10 patients, or 10 at risk, is not left out: its
        row says why it has no numbers.
    """
    if not groups and site is None:
        raise SurvivalError("a subgroup table needs groups or sites, got neither: pass one")
    models = {predictions.model: predictions} | ({} if null is None else {"null": null})
    aligned = align(
        cohort,
        models,
        horizons=[horizon],
        groups=groups or {},
        n_bootstrap=n_bootstrap,
        seed=seed,
    )
    places = {("group" if name != "all" else "all", name): m for name, m in aligned.groups.items()}
    places |= {("site", name): m for name, m in _site_masks(site, len(aligned.time)).items()}
    judge = _Judge(aligned, predictions.model, horizon)
    rows, c_by_site = [], {}
    for (kind, name), member in places.items():
        row, draws = judge.row(kind, name, member)
        rows.append(row)
        if kind == "site" and draws:
            c_by_site[name] = draws["harrell_c"]
    return SubgroupTable(
        rows=tuple(rows),
        sites=_summary(c_by_site),
        settings={
            "model": predictions.model,
            **settings_of_times(aligned, horizon),
            "n_bootstrap": n_bootstrap,
            "seed": seed,
        },
    )


@dataclass(frozen=True)
class _Judge:
    """One model at one horizon, asked of any set of patients."""

    aligned: Aligned
    model: str
    horizon: float
    _judged: dict[bytes, MetricDraws] = field(default_factory=dict, repr=False)

    def row(self, kind: str, name: str, member: np.ndarray) -> tuple[dict[str, Any], MetricDraws]:
        """The row of a group, and its draws (none where refused)."""
        aligned = self.aligned
        refused, rest_refused = (refusal(aligned, each, self.horizon) for each in (member, ~member))
        draws = {} if refused else self.draws(member)
        compared = {} if refused or rest_refused or kind == "all" else self.draws(~member)
        row = {
            "kind": kind,
            "group": name,
            "n": int(member.sum()),
            "n_events": int((aligned.event & (aligned.time <= self.horizon))[member].sum()),
            "n_at_risk": int((aligned.time[member] >= self.horizon).sum()),
            **{metric: number(draws.get(metric)) for metric in SUBGROUP_METRICS},
            **{
                f"difference_{metric}": number(_minus(draws.get(metric), compared.get(metric)))
                for metric in SUBGROUP_METRICS
            },
            "refused": refused,
            "difference_refused": None
            if kind == "all" or refused or not rest_refused
            else f"all others: {rest_refused}",
        }
        return row, draws

    def draws(self, member: np.ndarray) -> MetricDraws:
        """Draws of every metric, (draw,); None where it does not apply."""
        key = member.tobytes()  # One of two groups is all others of the other one.
        if key not in self._judged:
            self._judged[key] = self._draws(member)
        return self._judged[key]

    def _draws(self, member: np.ndarray) -> MetricDraws:
        group = "asked"
        aligned = replace(self.aligned, groups={group: member})
        own = aligned.predictions[self.model]
        calibrated = calibration_draws(aligned, group, own, self.horizon)
        brier = brier_draws(aligned, group, own, self.horizon)
        null = aligned.predictions.get("null")
        return {
            "harrell_c": harrell_sums(aligned, group).pooled(self.model),
            "calibration_intercept": calibrated.intercept,
            "calibration_slope": calibrated.slope,
            "observed_expected": calibrated.observed_expected,
            "brier": brier,
            "ipa": None
            if null is None
            else ipa(brier, brier_draws(aligned, group, null, self.horizon)),
        }


def _minus(own: np.ndarray | None, rest: np.ndarray | None) -> np.ndarray | None:
    return None if own is None or rest is None else own - rest


def _site_masks(site: np.ndarray | None, n_patients: int) -> dict[str, np.ndarray]:
    if site is None:
        return {}
    site = np.asarray(site)
    if site.shape != (n_patients,) or pd.isna(site).any():
        raise SurvivalError(
            f"site must be one label a patient ({n_patients}), got shape {site.shape} with "
            f"{int(pd.isna(site).sum())} missing: name the unknown site too"
        )
    labels = site.astype(str)
    return {str(label): labels == label for label in np.unique(labels)}


def _summary(c_by_site: Mapping[str, np.ndarray | None]) -> dict[str, Any] | None:
    """Random effects of logit C; a site whose C is undefined, 0 or 1 has no place there."""
    values, errors = [], []
    for draws in c_by_site.values():
        if draws is None or interval(draws) is None or not 0 < draws[0] < 1:
            continue
        inside = draws[1:][(draws[1:] > 0) & (draws[1:] < 1)]
        if len(inside) > 1 and inside.std() > 0:
            values.append(logit(draws[0]))
            errors.append(logit(inside).std(ddof=1))
    if len(values) < 2:
        return None
    found = random_effects(np.array(values), np.array(errors))
    scaled = ("estimate", "lower", "upper", "prediction_lower", "prediction_upper")
    return {
        "n_sites": found.n_sites,
        **{name: _written(float(expit(getattr(found, name)))) for name in scaled},
        "tau_squared": significant(found.tau_squared),
        "i_squared": significant(found.i_squared),
    }


def _written(value: float) -> float | None:
    return significant(value) if np.isfinite(value) else None


def _sentence(row: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    where = "Overall" if row["kind"] == "all" else f"In {row['group']}"
    by = by_time(settings.get("horizon", 0.0), settings.get("time_unit"))
    counts = f"{row['n']} patients, {row['n_events']} events{by}"
    if row["refused"]:
        return f"{where}, {model_words(settings['model'])} is not judged: {row['refused']}."
    return f"{where} ({counts}), {'; '.join(_clauses(row, settings.get('time_unit')))}."


def _clauses(row: Mapping[str, Any], time_unit: str | None) -> Iterator[str]:
    words = terms_of(time_unit).metrics
    for metric in SUBGROUP_METRICS:
        value, difference = row[metric], row[f"difference_{metric}"]
        if value is not None:
            rest = f", {with_limits(difference)} from all others" if difference else ""
            yield f"{words[metric]} {with_limits(value)}{rest}"


def _site_sentence(sites: Mapping[str, Any], concordance: str) -> str:
    further = ""
    if sites["prediction_lower"] is not None:
        further = (
            f"; in a further site it is expected between {sites['prediction_lower']:.3f} and "
            f"{sites['prediction_upper']:.3f}"
        )
    return f"Over {sites['n_sites']} sites, {concordance} is {with_limits(sites)}{further}."
