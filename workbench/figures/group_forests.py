"""One model in subgroups and sites, and its error rates by group, as forests."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from workbench.errors import SurvivalError
from workbench.figures.drawing import Axis, Drawing
from workbench.figures.forest import ForestPanel, ForestRow, Value, forest, value_of, value_words
from workbench.figures.ticks import number_axis
from workbench.figures.wording import fixed, percents, withheld

METRICS: dict[str, tuple[str, float | None]] = {
    "harrell_c": ("Harrell’s C", 0.5),
    "calibration_intercept": ("Calibration intercept", 0.0),
    "calibration_slope": ("Calibration slope", 1.0),
    "observed_expected": ("Observed / expected", 1.0),
    "brier": ("Brier score", None),
    "ipa": ("Index of prediction accuracy", 0.0),
}
"""Metrics of a subgroup table: what a person reads, and where a useless or perfect model lies."""
RATES = {
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "ppv": "Positive predictive value",
    "npv": "Negative predictive value",
    "false_positive_rate": "False-positive rate",
    "false_negative_rate": "False-negative rate",
}
KINDS = {"all": "", "group": "Subgroups", "site": "Sites"}
Counts = Mapping[str, Any]


def plot_subgroups(
    rows: Sequence[Mapping[str, Any]],
    *,
    metric: str = "harrell_c",
    sites: Mapping[str, Any] | None = None,
    title: str,
    titles: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
    minimum_cell: int | None = None,
    concordance: str = "Harrell’s C",
) -> Drawing:
    """A metric in each subgroup and site, and its difference from all other patients.

    Parameters
    ----------
    rows
        Of a subgroup table: ``kind`` ("all", "group" or "site"), ``group, n, n_events``, the metric
        and ``difference_<metric>`` as ``{estimate, lower, upper}`` or None, ``refused`` and
        ``difference_refused`` as None or the reason.
    metric
        One of METRICS.
    sites
        Random-effects summary of Harrell's C over sites: ``estimate, lower, upper,
        prediction_lower, prediction_upper, n_sites``; drawn as a diamond with the interval of a
        new site. None leaves it out.
    title
        The model, the patients and the horizon, in words.
    titles
        What a person reads for a group, by name.
    notes
        Lines under the title.
    minimum_cell
        Counts from 1 to below it are withheld; None shows all.
    concordance
        What it is called; ``"AUC"`` where the outcome has no time.

    Raises
    ------
    SurvivalError
        An unknown metric, or no rows.
    """
    if metric not in METRICS:
        raise SurvivalError(f"metric must be one of {list(METRICS)}, got {metric!r}")
    words, null = METRICS[metric]
    words = concordance if metric == "harrell_c" else words
    lines: list[ForestRow] = []
    for kind, name in KINDS.items():
        mine = [row for row in rows if row["kind"] == kind]
        if mine and name:
            lines.append(ForestRow(name, kind="heading"))
        lines += [_subgroup(row, metric, titles or {}, minimum_cell) for row in mine]
        if kind == "site" and sites is not None and metric == "harrell_c":
            lines += _site_summary(sites)
    values = [line.values[0] for line in lines if line.values and line.values[0]]
    differences = [line.values[1] for line in lines if len(line.values) > 1 and line.values[1]]
    return forest(
        lines,
        [
            ForestPanel(_axis(f"{words} (95 % CI)", values, null), words, null),
            ForestPanel(_axis("Difference from all others", differences, 0.0), "Difference", 0.0),
        ],
        title=title,
        label="Patients",
        before=("n", "Events"),
        notes=notes,
        description=f"{words} by subgroup and site. {title}.",
    )


def plot_fairness(
    rows: Sequence[Mapping[str, Any]],
    *,
    reference: str,
    title: str,
    rates: Sequence[str] = tuple(RATES),
    titles: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
    minimum_cell: int | None = None,
) -> Drawing:
    """Error rates of each group and their differences from the reference group.

    Parameters
    ----------
    rows
        Of a fairness table: ``group, n, n_events``, rates and ``difference_<rate>`` as ``{estimate,
        lower, upper}`` or None, ``refused`` and ``difference_refused`` as None or the reason.
    reference
        The group that others are compared with.
    title
        The model, the threshold and the horizon, in words.
    rates
        Which of RATES, in order.
    titles, notes, minimum_cell
        As of :func:`plot_subgroups`.

    Raises
    ------
    SurvivalError
        An unknown rate, or no rows.
    """
    unknown = [rate for rate in rates if rate not in RATES]
    if unknown or not rates:
        raise SurvivalError(f"rates must be of {list(RATES)}, got {unknown or 'none'}")
    names = titles or {}
    lines = []
    for rate in rates:
        lines.append(ForestRow(RATES[rate], kind="heading"))
        lines += [_rate(row, rate, names, reference, minimum_cell) for row in rows]
    differences = [line.values[1] for line in lines if len(line.values) > 1 and line.values[1]]
    low = min([0.0, *(v for each in differences for v in each[1:])])
    high = max([0.0, *(v for each in differences for v in each[1:])])
    span = max(high, -low, 0.05)
    return forest(
        lines,
        [
            ForestPanel(
                number_axis("Rate (95 % CI)", 0.0, 1.0, as_percent=True, n_ticks=5),
                "Rate",
            ),
            ForestPanel(_points_axis(names.get(reference, reference), span), "Difference", 0.0),
        ],
        title=title,
        label="Rate and group",
        before=("n", "Events"),
        notes=notes,
        description=f"Error rates by group. {title}.",
    )


def _subgroup(
    row: Counts, metric: str, titles: Mapping[str, str], minimum_cell: int | None
) -> ForestRow:
    values = (value_of(row[metric]), value_of(row[f"difference_{metric}"]))
    nothing = "" if row["kind"] == "all" else _refusal(row["difference_refused"])
    return ForestRow(
        "All patients" if row["kind"] == "all" else titles.get(row["group"], row["group"]),
        before=tuple(withheld_text(row[name], minimum_cell) for name in ("n", "n_events")),
        values=values,
        texts=(
            value_words(values[0], fixed(3)) or _refusal(row["refused"]),
            value_words(values[1], fixed(3, sign=True)) or nothing,
        ),
        indent=row["kind"] != "all",
    )


def _rate(
    row: Counts, rate: str, titles: Mapping[str, str], reference: str, minimum_cell: int | None
) -> ForestRow:
    values = (value_of(row[rate]), value_of(row[f"difference_{rate}"]))
    is_reference = row["group"] == reference
    beside = "reference" if is_reference else _refusal(row["difference_refused"])
    return ForestRow(
        titles.get(row["group"], row["group"]),
        before=tuple(withheld_text(row[name], minimum_cell) for name in ("n", "n_events")),
        values=values,
        texts=(
            value_words(values[0], percents(0)) or _refusal(row["refused"] or "nobody to count"),
            value_words(values[1], lambda v: fixed(0, sign=True)(100 * v)) or beside,
        ),
        kind="reference" if is_reference else "row",
        indent=True,
    )


def _site_summary(sites: Mapping[str, Any]) -> list[ForestRow]:
    """The diamond, and under it where a further site may be expected."""
    value: Value = (sites["estimate"], sites["lower"], sites["upper"])
    low, high = sites["prediction_lower"], sites["prediction_upper"]
    found = [
        ForestRow(
            f"All {sites['n_sites']} sites (random effects)",
            values=(value,),
            texts=(value_words(value, fixed(3)),),
            kind="summary",
        )
    ]
    if low is not None and high is not None and math.isfinite(low) and math.isfinite(high):
        found.append(
            ForestRow(
                "A new site (prediction interval)",
                values=((math.nan, low, high),),
                texts=(f"{low:.3f} to {high:.3f}",),
                kind="prediction",
                indent=True,
            )
        )
    return found


def _refusal(reason: str | None) -> str:
    return "" if reason is None else "not judged"


def withheld_text(count: int | str, minimum_cell: int | None) -> str:
    """A count as shown; a count that is withheld already stays as it is."""
    return count if isinstance(count, str) else withheld(count, minimum_cell)


def _axis(title: str, values: Sequence[Sequence[float]], null: float | None) -> Axis:
    ends = [v for value in values for v in value if math.isfinite(v)] + (
        [] if null is None else [null]
    )
    return number_axis(title, min(ends, default=0.0), max(ends, default=1.0), n_ticks=5)


def _points_axis(reference: str, span: float) -> Axis:
    """Differences of shares, written in percentage points."""
    title = f"Difference from {reference} (points)"
    axis = number_axis(title, -span, span, as_percent=True, n_ticks=5)
    return replace(axis, labels=tuple(label.removesuffix(" %") for label in axis.labels))
