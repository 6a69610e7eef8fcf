"""Drawings by plotly: numbers where the pointer is, series that can be hidden, nothing remote."""

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import WorkbenchError
from workbench.figures.drawing import Axis, Drawing, Entry, Label, Legend, Stroke, Theme
from workbench.figures.placing import LINE, SWATCH, placed_strokes, placed_texts
from workbench.figures.style import FONT_STACK, GREY, INK, PALE, RULE
from workbench.figures.traces import PIXELS, SYMBOLS, dashes, line_style, safe_text, traces

if TYPE_CHECKING:
    import plotly.graph_objects as go

# The grey of "both" has a contrast of 4.3 to white as to JupyterLab's dark ground (#111111).
INKS: dict[Theme, dict[str, str]] = {
    "both": {
        INK: "#757b82",
        GREY: "#757b82",
        RULE: "rgba(128,136,145,0.28)",
        PALE: "rgba(128,136,145,0.55)",
    },
    "light": {INK: INK, GREY: GREY, RULE: RULE, PALE: PALE},
    "dark": {INK: "#e6e9ed", GREY: "#a9b2bc", RULE: "#3a424b", PALE: "#59636e"},
}
CONFIG = {"displayModeBar": False, "responsive": False, "displaylogo": False, "showTips": False}
"""For ``figure.show(config=CONFIG)``: no toolbar, no tips; notebooks and saved pages have it."""


def draw_interactive(drawing: Drawing, *, theme: Theme = "both") -> "go.Figure":
    """The drawing as a plotly figure on transparent ground.

    Raises
    ------
    WorkbenchError
        plotly is not installed, or an unknown theme.
    """
    go = _plotly()
    if theme not in INKS:
        raise WorkbenchError(f"theme must be one of {list(INKS)}, got {theme!r}")
    inks = INKS[theme]
    figure = go.Figure(layout=_layout(drawing, inks))
    named = {entry.series: entry for entry in drawing.legend.entries} if drawing.legend else {}
    for number, panel in enumerate(drawing.panels, 1):
        axes = {"xaxis": f"x{number}", "yaxis": f"y{number}"}
        for mark in panel.marks:
            for trace in traces(mark, inks):
                trace |= axes | {"showlegend": False}
                if mark.series in named:
                    trace["legendgroup"] = safe_text(mark.series)
                figure.add_trace(trace)
    for entry in named.values():
        figure.add_trace(_legend_trace(entry, inks))
    return figure


def _plotly() -> Any:
    try:
        import plotly.graph_objects as go
    except ImportError as error:
        raise WorkbenchError(
            "an interactive figure needs plotly, which is not installed: "
            "pip install 'workbench[lab]', or use .static()"
        ) from error
    return go


def _layout(drawing: Drawing, inks: dict[str, str]) -> dict[str, Any]:
    layout: dict[str, Any] = {
        "template": "none",
        "width": round(drawing.width * PIXELS),
        "height": round(drawing.height * PIXELS),
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0, "pad": 0, "autoexpand": False},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT_STACK.replace("'", '"'), "size": 12, "color": inks[INK]},
        "hovermode": "closest",
        "dragmode": False,
        "hoverlabel": {
            "bgcolor": "#ffffff",
            "font": {"color": INK, "size": 12},
            "align": "left",
            "namelength": 0,
        },
        "bargap": 0,
        "barmode": "overlay",
        "annotations": [_annotation(t, drawing, inks) for t in placed_texts(drawing)],
        "shapes": [_shape(s, drawing, inks) for s in placed_strokes(drawing)],
        "showlegend": drawing.legend is not None,
    }
    for number, panel in enumerate(drawing.panels, 1):
        across = (panel.left, panel.left + panel.width)
        up = (panel.bottom, panel.bottom + panel.height)
        layout[f"xaxis{number}"] = _axis(
            panel.x, across, drawing.width, inks, "x" in panel.grid
        ) | {"anchor": f"y{number}"}
        layout[f"yaxis{number}"] = _axis(panel.y, up, drawing.height, inks, "y" in panel.grid) | {
            "anchor": f"x{number}"
        }
    if drawing.legend:
        layout["legend"] = _legend(drawing.legend, drawing)
    return layout


def _axis(
    axis: Axis, place: tuple[float, float], whole: float, inks: dict[str, str], grid: bool
) -> dict[str, Any]:
    limits = np.log10(axis.limits).tolist() if axis.log else list(axis.limits)
    return {
        "domain": [place[0] / whole, place[1] / whole],
        "type": "log" if axis.log else "linear",
        "range": limits,
        "tickmode": "array",
        "tickvals": list(axis.ticks),
        "ticktext": [safe_text(label) for label in axis.labels],
        "tickangle": 0,
        "tickfont": {"size": 12, "color": inks[INK]},
        "ticks": "outside" if axis.shown else "",
        "ticklen": 4,
        "tickcolor": inks[GREY],
        "showticklabels": axis.shown,
        "showline": axis.shown,
        "linecolor": inks[GREY],
        "linewidth": 1,
        "showgrid": grid,
        "gridcolor": inks[RULE],
        "zeroline": False,
        "fixedrange": True,
        "automargin": False,
    }


def _legend(legend: Legend, drawing: Drawing) -> dict[str, Any]:
    return {
        "orientation": "h" if legend.columns > 1 else "v",
        "x": legend.left / drawing.width,
        "y": legend.top / drawing.height,
        "xanchor": "left",
        "yanchor": "top",
        "entrywidthmode": "pixels",
        "entrywidth": round((legend.column_width - SWATCH - 0.2) * PIXELS),
        "itemwidth": 30,
        "font": {"size": 12},
        "bgcolor": "rgba(0,0,0,0)",
        "borderwidth": 0,
        "tracegroupgap": 0,
        "maxheight": round(LINE * PIXELS * (len(legend.entries) + 1)),
    }


def _legend_trace(entry: Entry, inks: dict[str, str]) -> dict[str, Any]:
    """A trace without points, so that every entry looks like its series in every figure."""
    color = inks.get(entry.color, entry.color)
    look = (
        {"mode": "lines", "line": {"color": color, "width": 2, "dash": dashes(entry.dash, 2)}}
        if entry.symbol is None
        else {
            "mode": "markers",
            "marker": {"color": color, "symbol": SYMBOLS[entry.symbol], "size": 8},
        }
    )
    return {
        "type": "scatter",
        "x": [None],
        "y": [None],
        "name": safe_text(entry.text),
        "legendgroup": safe_text(entry.series),
        "showlegend": True,
        "hoverinfo": "skip",
        **look,
    }


def _annotation(label: Label, drawing: Drawing, inks: dict[str, str]) -> dict[str, Any]:
    text = safe_text(label.text)
    return {
        "x": label.x / drawing.width,
        "y": label.y / drawing.height,
        "xref": "paper",
        "yref": "paper",
        "text": f"<b>{text}</b>" if label.bold else text,
        "xanchor": "center" if label.upright else label.align,
        "yanchor": "middle",
        "align": label.align,
        "textangle": -90 if label.upright else 0,
        "showarrow": False,
        "font": {"size": label.size * PIXELS / 72, "color": inks.get(label.color, label.color)},
    }


def _shape(stroke: Stroke, drawing: Drawing, inks: dict[str, str]) -> dict[str, Any]:
    (x0, y0), (x1, y1) = stroke.start, stroke.end
    return {
        "type": "line",
        "xref": "paper",
        "yref": "paper",
        "x0": x0 / drawing.width,
        "x1": x1 / drawing.width,
        "y0": y0 / drawing.height,
        "y1": y1 / drawing.height,
        "line": line_style(stroke.color, stroke.width, stroke.dash, inks),
    }
