"""Models side by side, and what one adds to another, as forests."""

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.errors import SurvivalError
from workbench.figures.drawing import Drawing
from workbench.figures.forest import ForestPanel, ForestRow, forest, value_of, value_words
from workbench.figures.group_forests import withheld_text
from workbench.figures.ticks import number_axis
from workbench.figures.wording import fixed

Row = Mapping[str, Any]


def plot_model_comparison(
    rows: Sequence[Row],
    *,
    titles: Mapping[str, str],
    clinical: str,
    judged: str,
    title: str,
    notes: Sequence[str] = (),
    concordance: str = "Harrell’s C",
) -> Drawing:
    """Harrell's C of each model of one group, and its change over the clinical model.

    Parameters
    ----------
    rows
        Of the model comparison: ``model, harrell_c, delta_harrell_c``; a number is ``{estimate,
        lower, upper}`` or None, and a model without a C ranks nobody and is left out.
    titles
        What a person reads for a model, by name.
    clinical
        The model that others are measured against.
    judged
        The only model that is judged: it stands last, under a heading of its own.
    title
        The patients and the outcome, in words.
    notes
        Lines under the title.
    concordance
        What it is called; ``"AUC"`` where the outcome has no time.

    Raises
    ------
    SurvivalError
        No model ranks anybody.
    """
    ranked = [row for row in rows if row["harrell_c"] is not None]
    if not ranked:
        raise SurvivalError("a model comparison needs a model with a C, got none: add one")
    last = [row for row in ranked if row["model"] == judged]
    others = [row for row in ranked if row["model"] != judged]
    lines = [ForestRow("Described", kind="heading")] if others and last else []
    lines += [_model(row, titles, clinical) for row in others]
    lines += [ForestRow("Judged", kind="heading")] if last else []
    lines += [_model(row, titles, clinical) for row in last]
    return forest(
        lines,
        [
            _panel(f"{concordance} (95 % CI)", lines, 0, 0.5),
            _panel("Change over clinical", lines, 1),
        ],
        title=title,
        label="Model",
        notes=notes,
        description=f"{concordance} by model. {title}.",
    )


def plot_gains(
    rows: Sequence[Row],
    *,
    labels: Sequence[str],
    title: str,
    notes: Sequence[str] = (),
    minimum_cell: int | None = None,
    concordance: str = "Harrell’s C",
) -> Drawing:
    """What a model or a modality adds: change in Harrell's C and in IPA, one line a claim.

    Parameters
    ----------
    rows
        ``n, n_events, delta_harrell_c, delta_ipa``; a number is ``{estimate, lower, upper}`` or
        None.
    labels
        What a person reads for each, in the same order.
    title
        What is compared with what.
    notes
        Lines under the title.
    minimum_cell
        Counts from 1 to below it are withheld; None shows all.
    concordance
        As of :func:`plot_model_comparison`.

    Raises
    ------
    SurvivalError
        No rows, or another number of labels.
    """
    if len(rows) != len(labels):
        raise SurvivalError(f"{len(rows)} rows need as many labels, got {len(labels)}")
    sign = fixed(3, sign=True)
    lines = []
    for row, label in zip(rows, labels, strict=True):
        values = (value_of(row["delta_harrell_c"]), value_of(row["delta_ipa"]))
        texts = tuple(value_words(value, sign) or "not estimable" for value in values)
        counts = tuple(withheld_text(row[name], minimum_cell) for name in ("n", "n_events"))
        lines.append(ForestRow(label, counts, values, texts))
    return forest(
        lines,
        [_panel(f"Change in {concordance}", lines, 0, 0.0), _panel("Change in IPA", lines, 1)],
        title=title,
        label="With, against without",
        before=("n", "Events"),
        notes=notes,
        description=f"Change in {concordance} and in IPA. {title}.",
    )


def _model(row: Row, titles: Mapping[str, str], clinical: str) -> ForestRow:
    reference = row["model"] == clinical
    values = (value_of(row["harrell_c"]), value_of(row["delta_harrell_c"]))
    beside = "reference" if reference else value_words(values[1], fixed(3, sign=True))
    return ForestRow(
        titles.get(row["model"], row["model"]),
        values=values,
        texts=(value_words(values[0], fixed(3)), beside),
        kind="reference" if reference else "row",
        indent=True,
    )


def _panel(
    words: str, lines: Sequence[ForestRow], position: int, null: float | None = 0.0
) -> ForestPanel:
    found = [line.values[position] for line in lines if len(line.values) > position]
    ends = [v for value in found if value is not None for v in value] + [null or 0.0]
    return ForestPanel(number_axis(words, min(ends), max(ends), n_ticks=4), words, null)
