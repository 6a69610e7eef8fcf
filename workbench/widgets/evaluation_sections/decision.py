"""What a model is to be used for, and whether acting on it is better than acting on all or none."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from workbench.figures import plot_decision_curves
from workbench.figures.wording import capitalised
from workbench.widgets import evaluation_tables as tables
from workbench.widgets.blocks import (
    Block,
    Button,
    Choice,
    Controls,
    Figure,
    Notice,
    Number,
    Slider,
    TextEntry,
)
from workbench.widgets.evaluated_patients import EvaluatedPatients
from workbench.widgets.evaluation_state import EvaluationState
from workbench.widgets.risk_selection import RiskSelection
from workbench.widgets.shown_evaluation import ShownEvaluation, without_patients


def asked_controls(
    state: EvaluationState, shown: ShownEvaluation, chosen: RiskSelection | None
) -> Controls:
    """The decision, its horizon if there is one, and the risks at which one would act."""
    horizons = {"": "not chosen yet"} | {f"{h:g}": shown.at(h) for h in shown.horizons}
    timed = shown.terms.has_time
    let_go = chosen is not None and chosen.clause is not None
    return Controls(
        (
            TextEntry(
                "decision",
                "The decision",
                state.decision,
                suggestions=("acting on a risk of death within 2 years",) if timed else (),
                hint="What would be done for a patient at high risk",
            ),
            *(
                [
                    Choice(
                        "horizon",
                        "Horizon",
                        horizons,
                        "" if state.horizon is None else f"{state.horizon:g}",
                    )
                ]
                if timed
                else []
            ),
            Number("lowest", "Act from a risk of", state.lowest, 0, 99, "%", optional=True),
            Number("highest", "to", state.highest, 0, 99, "%", optional=True),
            *([Button("release", "Let the chosen patients go")] if let_go else []),
        ),
        name="asked",
    )


def lacking_notice(state: EvaluationState, shown: ShownEvaluation) -> tuple[Notice, ...]:
    """What must be said before decision curves are shown."""
    lacking = state.lacking(has_time=shown.terms.has_time)
    if not lacking:
        return ()
    return (
        Notice(
            f"Say {' and '.join(filter(None, [', '.join(lacking[:-1]), lacking[-1]]))} first: "
            "whether a model is useful depends on what is done with it. Decision curves are "
            "hidden until then.",
            name="lacking",
        ),
    )


def decision_blocks(
    state: EvaluationState,
    shown: ShownEvaluation,
    models: Sequence[str],
    *,
    risk_name: str,
    chosen: RiskSelection | None,
) -> tuple[Block, ...]:
    """Net benefit over the range of thresholds, and what follows at one of them.

    Parameters
    ----------
    state
        Says the decision, the horizon and the thresholds; nothing is drawn until it does.
    shown
        The evaluation.
    models
        Which are drawn.
    risk_name
        What the predicted risk is called in the selection.
    chosen
        Where a brushed range of risk leads; None where nothing is selected.
    """
    timed, thresholds = shown.terms.has_time, state.thresholds
    horizon = state.horizon if timed else shown.horizons[0]
    if state.lacking(has_time=timed) or horizon is None or thresholds is None:
        asked = "decision, horizon and range" if timed else "decision and range"
        return (Notice(f"Hidden until {asked} are said above."),)
    patients = shown.patients
    if patients is None:
        return without_patients("decision curves")
    try:
        curves = {name: patients.decision(name, horizon, thresholds) for name in models}
        drawing = plot_decision_curves(
            {shown.model(name): each for name, each in curves.items()},
            title=f"{capitalised(state.decision)}{shown.at(horizon, ', at ')}",
            at_horizon=timed,
        )
    except ValueError as error:
        return (Notice(str(error), "problem"),)
    if min(each.n_events for each in curves.values()) < shown.minimum:
        return (shown.too_few_events(),)
    figure = Figure("decision", drawing)
    if chosen is not None:
        figure = Figure("decision", drawing, brush=0, brushed=chosen.brushed(risk_name))
    controls = _threshold_controls(state, thresholds, selects=chosen is not None)
    return (figure, controls, _at_threshold(state, shown, patients, models, horizon))


def _threshold_controls(
    state: EvaluationState, thresholds: np.ndarray, *, selects: bool
) -> Controls:
    low, high = 100 * thresholds[0], 100 * thresholds[-1]
    step = 1.0 if high - low >= 10 else 0.1
    at = round(100 * state.acts_at, 1)
    controls: list[Any] = [Slider("threshold", "Threshold", float(low), float(high), step, at, "%")]
    if selects:
        controls += [
            Button("above", "Select patients at or above it"),
            Button("below", "Select patients below it"),
        ]
    return Controls(tuple(controls), "threshold")


def _at_threshold(
    state: EvaluationState,
    shown: ShownEvaluation,
    patients: EvaluatedPatients,
    models: Sequence[str],
    horizon: float,
) -> Block:
    at = 100 * state.acts_at
    curves = {
        shown.model(name): patients.decision(name, horizon, np.array([at / 100])) for name in models
    }
    return tables.at_threshold(curves, shown.minimum, f"At a threshold of {at:g} %")
