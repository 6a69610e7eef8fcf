"""Every model in one group of patients, with what the study claims of them."""

from workbench.figures import plot_model_comparison
from workbench.report.format import prose
from workbench.report.words import metrics
from workbench.widgets import evaluation_tables as tables
from workbench.widgets.blocks import Block, Choice, Controls, Figure, Words
from workbench.widgets.shown_evaluation import ShownEvaluation


def comparison_blocks(shown: ShownEvaluation, group: str) -> tuple[Block, ...]:
    """Models side by side, what is claimed of them in words, and all their numbers."""
    titles = shown.groups
    rows = [
        row
        for row in shown.numbers["ladder"]
        if row["group"] == group and not row["model"].startswith("without_")
    ]
    counts = f"{rows[0]['n']} patients, {rows[0]['n_events']} events"
    blocks: list[Block] = [Controls((Choice("group", "Patients", titles, group),), "of")]
    ranked = [row for row in rows if row["model"] in shown.ranking]
    if any(row["harrell_c"] for row in ranked):
        drawing = plot_model_comparison(
            ranked,
            titles=shown.titles,
            clinical=shown.clinical,
            judged=shown.judged,
            title=f"{titles[group]} ({counts})",
            concordance=shown.terms.concordance,
        )
        blocks.append(Figure("comparison", drawing))
    claims = [c["sentence"] for c in shown.numbers["claims"] if c["group"] == group]
    blocks += [Words(prose(sentence)) for sentence in claims]
    blocks.append(
        tables.comparison(rows, shown.titles, f"{titles[group]}: {counts}", metrics(shown.document))
    )
    return tuple(blocks)
