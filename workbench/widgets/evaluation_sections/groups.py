"""Where a model holds: by predicted risk, in subgroups, at each site."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workbench.evaluation import SubgroupTable
from workbench.evaluation.risk_groups import NO_TEST
from workbench.figures import plot_subgroups, plot_survival_curves
from workbench.figures.group_forests import METRICS as FOREST_METRICS
from workbench.widgets import evaluation_tables as tables
from workbench.widgets.blocks import Block, Choice, Controls, Figure, Notice, Several
from workbench.widgets.evaluated_patients import group_columns, site_column, withheld_parts
from workbench.widgets.evaluation_state import EvaluationState
from workbench.widgets.shown_evaluation import ShownEvaluation, without_patients

if TYPE_CHECKING:
    from workbench.cohort.cohort import Cohort


def risk_group_blocks(shown: ShownEvaluation, *, selects: bool) -> tuple[Block, ...]:
    """Survival of patients at low, middle and high predicted risk."""
    unit = shown.time_unit or ""
    table = tables.risk_groups(shown.numbers["risk_groups"]["strata"][0], unit)
    patients, why_no_test = shown.patients, Notice(NO_TEST)
    if patients is None:
        return (why_no_test, table, *without_patients("curves"))
    found = patients.risk_groups(shown.judged)
    labels = patients.thirds(shown.judged).categories
    curves: dict[object, Any] = {
        f"{labels[code]} risk": curve
        for code, curve in zip(found.groups, found.curves, strict=True)
    }
    if min(int(curve.n_at_risk[0]) for curve in curves.values()) < shown.minimum:
        return (shown.withheld("patients in a third"), why_no_test, table)
    title = shown.model(shown.judged)
    drawing = plot_survival_curves(
        curves,
        time_unit=unit,
        title=f"Thirds of the risk that the {title[:1].lower()}{title[1:]} predicts, within folds",
        minimum_cell=patients.shown_minimum,
    )
    picks = {str(each): f"Select patients at {each}" for each in curves} if selects else {}
    return (Figure("thirds", drawing, picks), why_no_test, table)


def subgroup_blocks(
    state: EvaluationState, shown: ShownEvaluation, horizon: float
) -> tuple[Block, ...]:
    """The judged model in groups of patients and at each site, by one measure."""
    patients = shown.patients
    if patients is None:
        return without_patients("subgroups")
    cohort = patients.cohort
    site, columns = site_column(cohort), group_columns(cohort)
    options = {name: _title(cohort, name) for name in columns}
    options |= {site: f"{_title(cohort, site)} (site)"} if site else {}
    asked = state.by if state.by is not None else cohort.card.spec.study.get("groups", ())
    by = tuple(name for name in asked if name in options)
    controls = _controls(state, options, by, shown.terms.concordance)
    if not by:
        return (controls, Notice("Choose by what patients are told apart."))
    groups = tuple(name for name in by if name in columns)
    try:
        table = patients.subgroups(shown.judged, horizon, groups, site if site in by else "")
        rows = _withheld(table, cohort, groups, shown.minimum)
        drawing = plot_subgroups(
            rows,
            metric=state.metric,
            sites=table.sites,
            title=f"{shown.model(shown.judged)}{shown.at(horizon, ', events by ')}",
            concordance=shown.terms.concordance,
            minimum_cell=patients.shown_minimum,
        )
    except ValueError as error:
        return (controls, Notice(str(error), "problem"))
    numbers = tables.subgroups(
        rows, shown.minimum, "Every measure of each group", shown.terms.concordance
    )
    return (controls, Figure("subgroups", drawing), numbers)


def _controls(
    state: EvaluationState, options: Mapping[str, str], by: tuple[str, ...], concordance: str
) -> Controls:
    measures = {name: words for name, (words, _) in FOREST_METRICS.items()}
    measures["harrell_c"] = concordance
    return Controls(
        (Several("by", "By", options, by), Choice("metric", "Measure", measures, state.metric)),
        "subgroups",
    )


def _withheld(
    table: SubgroupTable, cohort: "Cohort", groups: tuple[str, ...], minimum: int
) -> list[dict[str, Any]]:
    parts = [list(cohort.group_masks([name])) for name in groups]
    parts.append([row["group"] for row in table.rows if row["kind"] == "site"])
    return withheld_parts(table.rows, parts, minimum)


def _title(cohort: "Cohort", name: str) -> str:
    spec = cohort.card.spec
    if name in spec.groups:
        return spec.groups[name].title
    return tables.label(spec.columns[name].meaning)
