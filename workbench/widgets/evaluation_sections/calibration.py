"""Whether predicted risks come true at a horizon."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from workbench.figures import plot_calibration_curves
from workbench.survival import Calibration, CalibrationIntervals
from workbench.survival.inputs import Estimate
from workbench.widgets import evaluation_tables as tables
from workbench.widgets.blocks import Block, Controls, Figure, Notice, Several, Table
from workbench.widgets.evaluated_patients import EvaluatedPatients
from workbench.widgets.risk_selection import RiskSelection
from workbench.widgets.shown_evaluation import ShownEvaluation, without_patients

JUDGED = ("calibration_intercept", "calibration_slope", "observed_expected")


def calibration_blocks(
    shown: ShownEvaluation,
    models: Sequence[str],
    horizon: float,
    *,
    risk_name: str,
    chosen: RiskSelection | None,
) -> tuple[Block, ...]:
    """Predicted and observed risk, the judged model's patients by risk, and numbers by group.

    Parameters
    ----------
    shown
        The evaluation.
    models, horizon
        Which are drawn, and when.
    risk_name
        What the predicted risk is called in the selection.
    chosen
        Where a bin or a brushed range of risk leads; None where nothing is selected.
    """
    numbers = _numbers(shown, models, horizon)
    if shown.patients is None:
        return (numbers, *without_patients("calibration curves"))
    several = Several("models", "Models (up to three)", shown.ranking, tuple(models))
    controls = Controls((several,), "models")
    try:
        found = {
            name: _as_judged(shown, name, horizon, shown.patients.calibration(name, horizon))
            for name in models
        }
        figure = _curves(shown, shown.patients, found, horizon, risk_name=risk_name, chosen=chosen)
    except ValueError as error:
        return (controls, Notice(str(error), "problem"), numbers)
    blocks: list[Block] = [controls, figure]
    if shown.judged in found:
        blocks.append(_bins(shown, found[shown.judged], pickable=chosen is not None))
    return (*blocks, numbers)


def _numbers(shown: ShownEvaluation, models: Sequence[str], horizon: float) -> Table:
    rows = [
        row
        for row in shown.numbers["at_horizons"]
        if row["model"] in models and row["horizon"] == horizon
    ]
    return tables.calibration(rows, shown.titles, shown.groups, has_time=shown.terms.has_time)


def _as_judged(
    shown: ShownEvaluation, name: str, horizon: float, found: Calibration
) -> Calibration:
    """With the intervals of the study, which resample patients, as tables and report print them."""
    for row in shown.numbers["at_horizons"]:
        if (row["model"], row["group"], row["horizon"]) != (name, "all", horizon):
            continue
        judged = [row.get(number) for number in JUDGED]
        if all(each and each["lower"] is not None for each in judged):
            limits = [Estimate(n["estimate"], n["lower"], n["upper"]) for n in judged if n]
            return replace(found, intervals=CalibrationIntervals(*limits))
    return found


def _curves(
    shown: ShownEvaluation,
    patients: EvaluatedPatients,
    found: Mapping[str, Calibration],
    horizon: float,
    *,
    risk_name: str,
    chosen: RiskSelection | None,
) -> Block:
    drawing = plot_calibration_curves(
        {shown.model(name): each for name, each in found.items()},
        title=f"Predicted and observed risk{shown.at(horizon, ' at ')}",
        risks={shown.model(name): patients.risk(name, horizon) for name in found},
        minimum_cell=max(shown.minimum, 1),
        at_horizon=shown.terms.has_time,
    )
    if min(each.n_events for each in found.values()) < shown.minimum:
        return shown.too_few_events()
    if chosen is None:
        return Figure("calibration", drawing)
    return Figure("calibration", drawing, brush=0, brushed=chosen.brushed(risk_name))


def _bins(shown: ShownEvaluation, judged: Calibration, *, pickable: bool) -> Table:
    caption = f"{shown.model(shown.judged)}: patients by predicted risk"
    caption += " (choose a row to select its patients)" if pickable else ""
    return tables.bins(
        judged.bins,
        shown.minimum,
        caption,
        pickable=pickable,
        has_time=shown.terms.has_time,
    )
