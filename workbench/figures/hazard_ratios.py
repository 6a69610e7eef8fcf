"""Hazard ratios of a Cox regression as a forest."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from workbench.errors import SurvivalError
from workbench.figures.drawing import Drawing
from workbench.figures.forest import ForestPanel, ForestRow, forest
from workbench.figures.ticks import percent, ratio_axis
from workbench.figures.wording import p_number, withheld

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("term", "level", "n_rows", "n_events", "hazard_ratio", "lower", "upper", "p_value")


def plot_hazard_ratios(
    table: "pd.DataFrame",
    *,
    title: str,
    ratio: str = "Hazard ratio",
    confidence: float = 0.95,
    p_values: bool = False,
    counted: str = "Patients",
    notes: Sequence[str] = (),
    minimum_cell: int | None = None,
) -> Drawing:
    """One line a characteristic or level, reference levels at 1, on a log axis.

    Parameters
    ----------
    table
        As of ``CoxRegression.table()``: columns COLUMNS; a reference level has a ratio of 1 and NaN
        limits; a characteristic that is a number has an empty level.
    title
        The patients, the outcome and what was adjusted for, in words.
    ratio
        What the ratio is of, such as ``"Subdistribution hazard ratio"``.
    confidence
        Coverage of the table's limits, for the header.
    p_values
        Whether a column of p values stands at the right.
    counted
        What the rows of the regression are.
    notes
        Lines under the title.
    minimum_cell
        Counts from 1 to below it are withheld; None shows all.

    Raises
    ------
    SurvivalError
        A column is missing, or the table has no rows.
    """
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        raise SurvivalError(
            f"a table of hazard ratios needs {len(COLUMNS)} columns, got none named {missing}: "
            "pass what table() of the regression returned"
        )
    lines = table[list(COLUMNS)].to_dict("records")
    levels = {line["term"] for line in lines if line["level"]}
    rows, before = [], None
    for line in lines:
        if line["term"] in levels and line["term"] != before:
            rows.append(ForestRow(str(line["term"]), kind="heading"))
        before = line["term"]
        rows.append(_row(line, minimum_cell, line["term"] in levels))
    ends = [v for line in lines for v in (line["hazard_ratio"], line["lower"], line["upper"])]
    axis = ratio_axis(f"{ratio} (log scale)", ends)
    limits = f"{percent(confidence)} CI"
    return forest(
        rows,
        [ForestPanel(axis, f"{ratio if len(ratio) < 16 else 'Ratio'} ({limits})", 1.0)],
        title=title,
        label="Characteristic",
        before=(counted, "Events"),
        after=("p",) if p_values else (),
        notes=notes,
        description=f"{ratio}s with {limits}. {title}.",
    )


def _row(line: dict[Any, Any], minimum_cell: int | None, indent: bool) -> ForestRow:
    value = (float(line["hazard_ratio"]), float(line["lower"]), float(line["upper"]))
    reference = bool(line["level"]) and math.isnan(value[1]) and value[0] == 1.0
    words = (
        "1 (reference)"
        if reference
        else " ".join([_ratio(value[0]), f"({_ratio(value[1])} to {_ratio(value[2])})"])
    )
    return ForestRow(
        str(line["level"]) if indent else str(line["term"]),
        before=tuple(withheld(line[n], minimum_cell) for n in ("n_rows", "n_events")),
        values=(value,),
        texts=(words,),
        after=(p_number(float(line["p_value"])),),
        kind="reference" if reference else "row",
        indent=indent,
    )


def _ratio(value: float) -> str:
    """Two decimals, or the digits that a very small or large ratio needs."""
    return f"{value:.2f}" if 0.1 <= value < 100 else f"{value:.3g}"
