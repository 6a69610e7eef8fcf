"""Whether an explanation passed its own checks, and whether the model that it explains is right."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from workbench.evaluation import Evaluation
from workbench.report.format import scientific
from workbench.report.words import model_titles
from workbench.widgets import evaluation_tables
from workbench.widgets.blocks import Block, Notice, Table, Words
from workbench.widgets.shown_attribution import ShownAttribution
from workbench.widgets.shown_evaluation import withheld_evaluation

if TYPE_CHECKING:
    from fusion.explanation.attribution import Check


def check_blocks(shown: ShownAttribution) -> tuple[Block, ...]:
    """The method, and each of its checks with what it measured."""
    found = shown.found
    method = Words(
        f"Method: {found.method}. Contributions are parts of the {shown.unit}, and start from "
        f"{found.reference}."
    )
    if not found.checks:
        return (method, Notice("This explanation was not checked: do not rely on it.", "warning"))
    table = _checks(found.checks)
    n_failed = sum(not check.passed for check in found.checks)
    if not n_failed:
        return (method, table)
    words = f"{n_failed} of {len(found.checks)} checks failed: do not rely on what follows."
    return (method, Notice(words, "warning"), table)


def _checks(checks: "Sequence[Check]") -> Table:
    rows = (
        (c.name, scientific(c.value), scientific(c.threshold), "yes" if c.passed else "no")
        for c in checks
    )
    return Table("checks", "", ("Check", "Value", "Threshold", "Passed"), tuple(rows))


def calibration_blocks(shown: ShownAttribution, evaluation: Evaluation | None) -> tuple[Block, ...]:
    """Calibration of the judged model by group and horizon."""
    if evaluation is None:
        return (
            Notice("Pass the evaluation: why a model says something matters once it is right."),
        )
    settings = evaluation.settings
    numbers = withheld_evaluation(evaluation, shown.cohort)
    spec = {} if shown.cohort is None else shown.cohort.card.spec.modalities
    kinds = [{"name": name, "title": each.title} for name, each in spec.items()]
    document = {"evaluation_settings": settings, "modalities": kinds}
    rows = [row for row in numbers["at_horizons"] if row["model"] == settings["judged"]]
    unit = settings.get("time_unit")
    titles = model_titles(document)
    return (evaluation_tables.calibration_over_time(rows, titles, unit, document),)
