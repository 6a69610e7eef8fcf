"""Survival of the selected and of the others, as the page of linked bars draws it."""

from typing import Any

from workbench.cohort.crossfilter import Shown, ShownCurve
from workbench.cohort.crossfilter.ticks import round_edges
from workbench.figures.ticks import plain
from workbench.widgets.blocks import Part
from workbench.widgets.selection import Selection


def survival_part(selection: Selection, shown: Shown) -> Part:
    """Both curves, with the axis on which they are drawn."""
    outcome = selection.index.outcome
    end = float(outcome.ends[-1]) if outcome is not None else 0.0
    # Round as the times at which curves are shown, so that each tick has its number at risk.
    places = [0.0, *(round_edges(0.0, end, 5).tolist() if end > 0 else [])]
    ticks = [[at, plain(at)] for at in places]
    axis = {"unit": selection.time_unit, "end": end or 1.0, "ticks": ticks}
    return Part("survival", "survival", {**axis, **curves_json(shown)})


def curves_json(shown: Shown) -> dict[str, Any]:
    """The curves, and what is to be said where one is withheld."""
    curves = (shown.survival, shown.survival_rest)
    note = ""
    if shown.n_selected is None or shown.n_rest is None:
        note = "Withheld: the number of the selected or of the others is too small to be shown."
    elif shown.n_rest == 0:
        note = "Everyone is selected."
    elif shown.n_selected == 0:
        note = "Nobody is selected."
    exact = all(each is None or each.exact for each in curves)
    return {"curves": [_curve(each) for each in curves], "note": note, "exact": exact}


def _curve(curve: ShownCurve | None) -> dict[str, Any] | None:
    if curve is None:
        return None
    survival = [round(each, 5) for each in curve.survival]
    return {"time": list(curve.time), "survival": survival, "n_at_risk": list(curve.n_at_risk)}
