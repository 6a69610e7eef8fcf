"""Survival of groups as blocks of a page: curves and tests of patients chosen elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import pandas as pd

from workbench.figures import (
    plot_cumulative_incidence,
    plot_hazard_ratios,
    plot_standardised_curves,
    plot_survival_curves,
)
from workbench.figures.wording import p_number, signed_like, time_words, withheld
from workbench.survival import (
    AalenJohansen,
    GroupCurves,
    KaplanMeier,
    RestrictedMeanComparison,
    aalen_johansen,
    cox,
    design,
    g_computation,
    gray_test,
    kaplan_meier_by_group,
    kaplan_meier_overstatement,
    pairwise_log_rank,
    rmst_comparison,
)
from workbench.widgets.blocks import Block, Figure, Notice, Table, Words


@dataclass(frozen=True, eq=False)
class Compared:
    """Patients in groups, with their outcome.

    Parameters
    ----------
    time, event
        (patient,), in ``time_unit``.
    codes, labels
        Group of each patient, (patient,) int, and what each is called.
    time_unit
        Of all times.
    heading, origin
        What the figure is called, and what its time counts from.
    minimum
        Smallest count that may be shown; 0 shows all.
    picks
        Whether a group can be chosen.
    chosen
        The group that is; -1: none.
    """

    time: np.ndarray
    event: np.ndarray
    codes: np.ndarray
    labels: tuple[str, ...]
    time_unit: str
    heading: str
    origin: str
    minimum: int
    picks: bool
    chosen: int = -1

    @property
    def cell(self) -> int | None:
        """Smallest count that figures show; None shows all."""
        return self.minimum or None

    @property
    def small(self) -> tuple[str, ...]:
        """Groups with fewer patients than may be shown, those without any too."""
        counts = np.bincount(self.codes, minlength=len(self.labels))
        least = max(self.minimum, 1)
        return tuple(lb for lb, n in zip(self.labels, counts, strict=True) if n < least)


def survival_blocks(of: Compared, tau: float | None) -> list[Block]:
    """Kaplan-Meier curves, medians, the log-rank test, and the mean time lived within ``tau``."""
    found = kaplan_meier_by_group(of.time, of.event, of.codes)
    curves: dict[object, KaplanMeier] = dict(zip(of.labels, found.curves, strict=True))
    means = None
    blocks: list[Block] = []
    if tau is not None and len(curves) == 2:
        means = _named(rmst_comparison(of.time, of.event, of.codes, tau=tau), of.labels)
    drawing = plot_survival_curves(
        curves,
        time_unit=of.time_unit,
        title=of.heading,
        log_rank=found.log_rank,
        restricted_mean=means,
        origin=of.origin,
        minimum_cell=of.cell,
    )
    blocks += [Figure("curves", drawing, _picks(of)), _medians(of, found)]
    if found.refusal and len(curves) > 1:
        blocks.append(Notice(found.refusal))
    if means is not None:
        gap, (first, second) = means.difference, means.groups
        write = signed_like(gap.lower, gap.upper)
        blocks.append(
            Words(
                f"Within {tau:g} {of.time_unit} patients of “{second}” lived "
                f"{write(gap.estimate)} {of.time_unit} (95 % interval {write(gap.lower)} to "
                f"{write(gap.upper)}) compared with “{first}”, on average."
            )
        )
    if len(curves) > 2:
        blocks.append(_pairs(of))
    return blocks


def incidence_blocks(of: Compared, cause: np.ndarray, causes: Sequence[str]) -> list[Block]:
    """Which cause came first: cumulative incidence, Gray's test, and what 1 - KM would overstate.

    Parameters
    ----------
    of
        The groups.
    cause
        0 censored, 1, 2, ... as in ``causes``, (patient,) int.
    causes
        Names of causes 1, 2, ....
    """
    n_causes = len(causes)
    members = [of.codes == at for at in range(len(of.labels))]
    curves: dict[object, AalenJohansen] = {
        label: aalen_johansen(of.time[who], cause[who], n_causes=n_causes)
        for label, who in zip(of.labels, members, strict=True)
    }
    gray = {}
    if len(curves) > 1:
        gray = {
            name: gray_test(of.time, cause, of.codes, of=at + 1)
            for at, name in enumerate(causes)
            if (cause == at + 1).any()
        }
    drawing = plot_cumulative_incidence(
        curves,
        list(causes),
        time_unit=of.time_unit,
        title=of.heading,
        gray=gray,
        origin=of.origin,
        minimum_cell=of.cell,
    )
    horizon = float(f"{np.median(of.time):.2g}")
    said = kaplan_meier_overstatement(of.time, cause, horizons=[horizon]).sentences()
    return [
        Figure("incidence", drawing, _picks(of)),
        *(Notice(sentence) for sentence in said),
    ]


def adjusted_blocks(of: Compared, covariates: pd.DataFrame, group_title: str) -> list[Block]:
    """Curves as if every group had the same patients, and the Cox model behind them.

    Parameters
    ----------
    of
        The groups, two at least.
    covariates
        What is adjusted for, one row a patient, as people read its columns.
    group_title
        What the groups are called together.
    """
    complete = ~covariates.isna().any(axis=1).to_numpy()
    table = covariates[complete].copy()
    for name in table.columns:
        if isinstance(table[name].dtype, pd.CategoricalDtype):
            table[name] = table[name].cat.remove_unused_categories()
    group = pd.Categorical.from_codes(of.codes[complete], list(of.labels))
    table.insert(0, group_title, group)
    reference = {
        name: _first_level(table[name])
        for name in table.columns
        if not pd.api.types.is_numeric_dtype(table[name])
    }
    made = design(table, reference=reference)
    time, event = of.time[complete], of.event[complete]
    model = cox(time, event, made)
    horizons = np.quantile(time[event], np.linspace(0.02, 0.95, 40))
    horizons = np.unique(horizons[horizons > 0])
    predicted = {}
    for label in of.labels:
        as_if = table.assign(**{group_title: pd.Categorical([label] * len(table), list(of.labels))})
        rows = _same_design(as_if, reference, made.names)
        predicted[label] = model.predict_survival(rows, horizons)
    words = ", ".join(map(str, covariates.columns))
    n_left = int((~complete).sum())
    left = f"; {withheld(n_left, of.cell)} left out for a missing value" if n_left else ""
    notes = [
        f"Adjusted for {words} by a Cox model{left}. Not the effect of a treatment; how uncertain "
        "the differences are, the hazard ratios below say."
    ]
    curves = g_computation(predicted, horizons=horizons)
    drawing = plot_standardised_curves(
        curves,
        time_unit=of.time_unit,
        title=f"{of.heading}, as if the groups were alike",
        notes=notes,
        origin=of.origin,
    )
    forest = plot_hazard_ratios(
        model.table(),
        title=f"Hazard ratios, all together ({int(complete.sum()):,} patients)",
        minimum_cell=of.cell,
    )
    return [Figure("adjusted", drawing), Figure("hazard-ratios", forest)]


def _same_design(
    table: pd.DataFrame, reference: dict[str, str], names: tuple[str, ...]
) -> np.ndarray:
    """Columns of the fitted design for patients who are all in one group."""
    columns: list[np.ndarray] = []
    for name in table.columns:
        values = table[name]
        if name not in reference:
            columns.append(values.to_numpy(float))
            continue
        levels = map(str, values.cat.categories if hasattr(values, "cat") else sorted(set(values)))
        columns += [
            (values.astype(str) == level).to_numpy(float)
            for level in levels
            if level != reference[name]
        ]
    found = np.column_stack(columns)
    if found.shape[1] != len(names):
        raise ValueError(f"expected {len(names)} columns of the fitted model, got {found.shape[1]}")
    return found


def _first_level(values: pd.Series) -> str:
    if isinstance(values.dtype, pd.CategoricalDtype):
        return str(values.cat.categories[0])
    return min(map(str, values))


def _named(means: RestrictedMeanComparison, labels: tuple[str, ...]) -> RestrictedMeanComparison:
    return replace(means, groups=np.array([labels[int(code)] for code in means.groups], object))


def _picks(of: Compared) -> dict[str, str]:
    return {label: f"Select patients of {label}" for label in of.labels} if of.picks else {}


def _medians(of: Compared, found: GroupCurves) -> Table:
    rows = tuple(
        _median_row(label, curve, of) for label, curve in zip(of.labels, found.curves, strict=True)
    )
    head = ("Group", "Patients", "Events")
    if of.cell is None:
        head += (f"Median ({of.time_unit})", "95 % interval")
    picks = of.labels if of.picks else ()
    return Table("groups", "Groups", head, rows, picks, of.chosen)


def _median_row(label: str, curve: KaplanMeier, of: Compared) -> tuple[str, ...]:
    n_events = int(curve.n_events.sum())
    counts = (f"{curve.n_at_risk[0]:,}", withheld(n_events, of.cell))
    if of.cell is not None:
        # Exact medians are times of patients: the figure gives them at its coarse steps.
        return (label, *counts)
    median = curve.median
    lower, upper = (
        time_words(value) if np.isfinite(value) else "not reached"
        for value in (median.lower, median.upper)
    )
    return (label, *counts, time_words(median.estimate), f"{lower} to {upper}")


def _pairs(of: Compared) -> Table:
    rows = tuple(
        (
            f"{of.labels[cast(int, pair.first)]} and {of.labels[cast(int, pair.second)]}",
            f"{pair.test.statistic:.1f}" if pair.test else "–",
            p_number(pair.p_adjusted) if pair.p_adjusted is not None else pair.refusal,
        )
        for pair in pairwise_log_rank(of.time, of.event, of.codes)
    )
    caption = "Each two groups: log-rank test, p with Holm's correction"
    return Table("pairs", caption, ("Groups", "χ²", "p"), rows, folded=True)
