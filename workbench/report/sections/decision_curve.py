"""Whether acting on the model does more good than acting on everybody or nobody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.figures import plot_decision_curves
from workbench.report.drawing import Drawing, draw
from workbench.report.format import in_years
from workbench.report.sections.section import Context, Document, Section
from workbench.report.table import Column, Table, cell, words
from workbench.report.words import has_time, model_titles, terms, titled

SHOWN = 6
"""Thresholds of the table; the figure shows all, and ``report.json`` holds them."""


@dataclass(frozen=True)
class _Band:
    estimate: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


@dataclass(frozen=True)
class _Curve:
    thresholds: np.ndarray
    n_patients: int
    n_events: int
    net_benefit: _Band
    treat_all: _Band
    interventions_avoided: _Band


def context(document: Document) -> Context:
    curves = document["decision_curves"]
    horizons = list(dict.fromkeys(curve["horizon"] for curve in curves))
    return {
        "figures": [
            _figure(document, i, horizon)
            for i, horizon in enumerate(horizons)
            if all(_known(c) for c in curves if c["horizon"] == horizon)
        ],
        "tables": [_table(document, horizon) for horizon in horizons],
    }


def _known(curve: Mapping[str, Any]) -> bool:
    return isinstance(curve["n"], int) and isinstance(curve["n_events"], int)


def _by(document: Document, horizon: float) -> str:
    """By when, behind what happens; "" where the outcome has no time."""
    if not has_time(document):
        return ""
    return f" by {in_years(horizon, document['outcome']['time_unit'])}"


def _figure(document: Document, i: int, horizon: float) -> Drawing:
    titles = model_titles(document)
    curves = {
        titled(titles, curve["model"]): _curve(curve)
        for curve in document["decision_curves"]
        if curve["horizon"] == horizon
    }
    by = _by(document, horizon)
    title, spoken = f"All patients, risk{by}", terms(document)
    flow = plot_decision_curves(curves, title=title, at_horizon=spoken.has_time)
    return draw(
        flow.static(),
        f"decision-curve-{i}",
        flow.description,
        f"Net benefit along thresholds of risk{by}, with 95 % intervals.",
    )


def _curve(curve: Mapping[str, Any]) -> _Curve:
    bands = [_band(curve[name]) for name in ("net_benefit", "treat_all", "interventions_avoided")]
    return _Curve(np.array(curve["thresholds"]), curve["n"], curve["n_events"], *bands)


def _band(band: Mapping[str, Sequence[float | None]]) -> _Band:
    return _Band(*(np.array(band[name], float) for name in ("estimate", "lower", "upper")))


def _table(document: Document, horizon: float) -> Table:
    """Net benefit of each model and of treating all, at a few thresholds."""
    titles = model_titles(document)
    places = [i for i, c in enumerate(document["decision_curves"]) if c["horizon"] == horizon]
    first = places[0]
    n = len(document["decision_curves"][first]["thresholds"])
    shown = np.unique(np.linspace(0, n - 1, SHOWN).round().astype(int)).tolist()

    def at(i: int, name: str, j: int) -> Any:
        return cell(document, "number", "decision_curves", i, name, "estimate", j)

    return Table(
        f"Net benefit (true positives a patient){_by(document, horizon)}",
        (
            Column("Threshold risk", numeric=False),
            *(
                Column(titled(titles, document["decision_curves"][i]["model"]))
                for i in places
            ),
            Column("Treat all"),
            Column("Treat none"),
        ),
        tuple(
            (
                cell(document, "number", "decision_curves", first, "thresholds", j),
                *(at(i, "net_benefit", j) for i in places),
                at(first, "treat_all", j),
                words("0"),
            )
            for j in shown
        ),
    )  # fmt: skip


SECTION = Section(
    "decision-curve",
    "Net benefit",
    context,
    there=lambda document: bool(document.get("decision_curves")),
)
