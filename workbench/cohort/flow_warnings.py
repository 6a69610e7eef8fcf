"""What a reader must know of who is left: too few of them, or the outcome came before."""

from dataclasses import replace

import numpy as np

from workbench.cohort.criteria import Happened, Window
from workbench.cohort.flow import Flow
from workbench.cohort.privacy import small
from workbench.cohort.record_definition import RecordDefinition

FEWEST = 10
"""Patients with the outcome, below which nothing that is estimated of them means much."""


def earlier_outcome(definition: RecordDefinition) -> Happened | None:
    """Whether the outcome came before the index date; None where that is no matter.

    It is none without an outcome, and where the definition says that it may come again.
    """
    landmark = definition.landmark
    if definition.outcome is None or (landmark is not None and landmark.earlier == "stay"):
        return None
    before = Window(None, -1)
    if definition.unit == "hours":
        before = Window(None, 0, "hours", end_included=False)
    return Happened(replace(definition.outcome, title=""), (before,))


def flow_warnings(
    definition: RecordDefinition, flow: Flow, earlier: np.ndarray, minimum: int
) -> tuple[str, ...]:
    """Few patients with the outcome, and patients who had it before; one sentence each.

    Parameters
    ----------
    definition
        Who is in.
    flow
        Who is left.
    earlier
        Whose outcome came before the index date, (record,) bool, of :func:`earlier_outcome`.
    minimum
        Size of the smallest group of which the number is told, or can be had by subtraction.
    """
    if definition.outcome is None:
        return ()
    kept, outcome, said = flow.kept, definition.outcome.words(), []
    if flow.n_patients(kept & flow.event) < FEWEST:
        said.append(
            f"fewer than {FEWEST} of the patients who are left have the outcome ({outcome}): too "
            "few to estimate anything of it"
        )
    n = flow.n_patients(kept & earlier)
    if n:
        few, rest_few = small(np.array([n, flow.n_patients(kept) - n]), minimum)
        whole = "all but a few" if rest_few else f"{n:,}"
        who = f"{'a few' if few else whole} patients"
        said.append(
            f"{who} had {outcome} before the index date already: where it comes only once, leave "
            "them out with event(…).before().never()"
        )
    return tuple(said)
