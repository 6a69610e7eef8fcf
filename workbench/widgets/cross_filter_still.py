"""The linked bars where no script runs: a figure a column, and their numbers as rows."""

from collections.abc import Sequence

from workbench.cohort.crossfilter import Dimension, LevelBins, PatternBins, RangeBins, Shown
from workbench.cohort.crossfilter.picture import Count, ShownView
from workbench.figures import plot_bars, plot_histogram, plot_modalities
from workbench.figures.selected_curves import plot_selected_survival
from workbench.figures.style import tally
from workbench.widgets.blocks import Figure


def count_words(shown: Shown) -> str:
    """How many are selected, in words.

    >>> count_words(Shown({}, 1200, 312, 888, None, None, True))
    '312 of 1,200 patients selected'
    """
    n_patients = "a withheld number of" if shown.n_patients is None else tally(shown.n_patients)
    if shown.n_selected is None:
        return f"A withheld number of {n_patients} patients selected"
    said = f"{tally(shown.n_selected)} of {n_patients} patients selected"
    return f"{said}; {rounding_words(shown)}" if shown.rounded_to > 1 else said


def rounding_words(shown: Shown) -> str:
    """What a reader must know of the counts of a restricted dataset."""
    return f"counts of the selected are rounded to multiples of {shown.rounded_to}"


def count_rows(title: str, view: ShownView, chosen: Sequence[bool] | None) -> list[tuple[str, ...]]:
    """Column, value, selected and all of each bar that somebody is in.

    Parameters
    ----------
    title
        Of the column.
    view
        Its counts.
    chosen
        Bins that the column's own clause holds for; None: it has none.
    """
    rows = []
    for at, (label, total, selected) in enumerate(
        zip(view.labels, view.total, view.selected, strict=True)
    ):
        if total != 0:
            outside = chosen is not None and not chosen[at]
            counted = "not chosen" if outside else _number(selected)
            rows.append((title, label, counted, _number(total)))
    return rows


def still_figures(
    shown: Shown, columns: Sequence[tuple[Dimension, str]], time_unit: str, chosen: bool
) -> tuple[Figure, ...]:
    """Bars of each column, and the curves where there is an outcome.

    Parameters
    ----------
    shown
        The counts.
    columns
        Dimension and title of each.
    time_unit
        Of the outcome.
    chosen
        Whether anything is asked: else nobody is told from the others.
    """
    figures = [
        Figure(f"bars-{at}-{_slug(dimension.name)}", _bars(dimension, title, shown, chosen))
        for at, (dimension, title) in enumerate(columns, start=1)
    ]
    if shown.survival is not None or shown.survival_rest is not None:
        curves = plot_selected_survival(shown.survival, shown.survival_rest, time_unit=time_unit)
        figures.append(Figure("survival", curves))
    return tuple(figures)


def _bars(dimension: Dimension, title: str, shown: Shown, chosen: bool):
    view = shown.views[dimension.name]
    match dimension.bins:
        case RangeBins() as bins:
            return plot_histogram(view, bins, name=title, chosen=chosen)
        case PatternBins(modalities, patterns, n_other):
            n = len(patterns) + (n_other > 0)
            selected = view.selected[:n] if chosen else None
            return plot_modalities(
                modalities,
                patterns,
                view.total[:n],
                n_other=n_other,
                selected=selected,
                title=title,
            )
        case LevelBins():
            return plot_bars(view, name=title, chosen=chosen)


def _number(count: Count) -> str:
    return "withheld" if count is None else tally(count)


def _slug(name: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in name)
