"""What each kind of data adds, and what its absence costs."""

from workbench.figures import plot_gains
from workbench.report.format import prose
from workbench.report.words import short_titles
from workbench.widgets import evaluation_tables as tables
from workbench.widgets.blocks import Block, Figure, Notice, Words
from workbench.widgets.shown_evaluation import ShownEvaluation


def missing_blocks(shown: ShownEvaluation) -> tuple[Block, ...]:
    """The combined model with each kind of data beside the same without it."""
    rows = shown.numbers["modality_value"]
    if not rows:
        return (Notice("The study compared no model with the same without a kind of data."),)
    titles = short_titles(shown.document)
    drawing = plot_gains(
        rows,
        labels=[str(titles.get(row["modality"], row["modality"])) for row in rows],
        title="The combined model with each kind of data, against the same without it",
        notes=["In the patients who have it. Right of the line: better with it."],
        minimum_cell=shown.minimum or None,
        concordance=shown.terms.concordance,
    )
    return (
        Figure("gains", drawing),
        *(Words(prose(row["sentence"])) for row in rows),
        tables.by_availability(shown.numbers["ladder"], shown.judged, shown.document),
    )
