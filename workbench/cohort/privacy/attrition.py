"""The attrition without small losses, and without what gives them away."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from workbench.cohort.privacy.release_log import ReleaseLog
from workbench.cohort.privacy.small_cells import SUPPRESSED, small
from workbench.cohort.privacy.suppression import suppress
from workbench.errors import PrivacyError

if TYPE_CHECKING:
    from workbench.cohort.flow import Flow

ASKED = {
    "n_after": "",
    "events_after": ": events",
    "n_unknown": ": lost with a value missing",
    "n_regained": ": without this rule",
}
"""What the release log calls the patients whom a column counts, after the words of the step."""


def suppress_attrition(attrition: pd.DataFrame, minimum: int) -> pd.DataFrame:
    """The attrition as it may leave the room.

    Small losses are withheld with one more loss, so that they hide in each other, and with them
    the counts between. Where there is no other loss, the counts before it are withheld instead.
    Of those who were lost, who is unknown and who would come back is withheld where they, or the
    others, are few. From the step on that leaves fewer patients than the minimum, every count is.

    Parameters
    ----------
    attrition
        As :class:`~workbench.cohort.cohort.Cohort` has it.
    minimum
        Smallest count that may be shown; with 0 or 1 the table comes back as it is.
    """
    if minimum <= 1:
        return attrition
    shown = attrition.astype(object)
    removed, after = withheld_losses(attrition["n_removed"].to_numpy(), minimum)
    shown.loc[removed, "n_removed"] = SUPPRESSED
    shown.loc[after, "n_after"] = SUPPRESSED
    # The count before a step is the count after the step before it.
    shown.loc[np.concatenate([after[:1], after[:-1]]), "n_before"] = SUPPRESSED
    # Who comes back without the last rule are those whom it removed, as are the unknown; and the
    # rest of the removed is had by subtraction.
    late = small(attrition["n_after"].to_numpy(), minimum).cumsum() > 0
    for name in attrition.columns.intersection(["n_unknown", "n_regained"]):
        n, asked = attrition[name].fillna(0).to_numpy(int), attrition[name].notna().to_numpy()
        rest = np.abs(attrition["n_removed"].to_numpy() - n)
        few = small(n, minimum) | small(rest, minimum)
        shown.loc[asked & (few | removed | late), name] = SUPPRESSED
    events, others = attrition["events_after"], attrition["n_after"] - attrition["events_after"]
    events_removed = attrition["events_removed"]
    others_removed = attrition["n_removed"] - events_removed
    counts = np.concatenate([events, others, events_removed, others_removed])
    shown.loc[late, [name for name in shown if name.endswith(("_removed", "_after"))]] = SUPPRESSED
    shown.loc[np.append(False, late[:-1]), "n_before"] = SUPPRESSED
    if late.any() or removed.any() or small(counts, minimum).any():
        # Events and patients determine each other too often to be withheld one by one.
        shown[["events_removed", "events_after"]] = SUPPRESSED
    return shown


def release_attrition(
    attrition: pd.DataFrame,
    flow: "Flow",
    patient_ids: np.ndarray,
    *,
    log: ReleaseLog,
    words: str,
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """:func:`suppress_attrition`, and without counts that earlier releases forbid.

    Each count of patients, or of events, that would be shown is asked for, the last first, and
    after those of a step whom it lost with a value missing; then the patients whom all rules but
    one would leave, whose number is the last count and ``n_regained`` together.

    Parameters
    ----------
    attrition
        Exact, as ``flow.table()`` has it.
    flow
        The steps.
    patient_ids
        (patient,) str, by row in ``flow.patient``.
    log
        Of the dataset.
    words
        What the patients of the last row are called.

    Returns
    -------
    DataFrame
        What may be shown.
    tuple of str
        Why counts are withheld that are not small, one sentence each.

    Raises
    ------
    PrivacyError
        If the patients who are left after the last step may not be shown.
    """
    shown = suppress_attrition(attrition, log.minimum)
    if log.minimum <= 1:
        return shown, ()
    parts, cells = {}, {}
    for row, column, who in _counted(flow, len(patient_ids)):
        last = row == len(shown) - 1
        where = words if last else f"{words}; step {row}, “{shown['sentence'][row]}”"
        name = f"{where}{ASKED[column]}"
        if name == words or not isinstance(shown.loc[row, column], str):
            parts[name], cells[name] = who, (row, column)
    answers = log.show(patient_ids, parts, required=[words])
    if not answers[words].allowed:
        raise PrivacyError(answers[words].sentence)
    refused = {name: answer for name, answer in answers.items() if not answer.allowed}
    for name in refused:
        row, column = cells[name]
        if column == "events_after":
            # As suppress_attrition does: events give each other away.
            shown[["events_removed", "events_after"]] = SUPPRESSED
            continue
        shown.loc[row, column] = SUPPRESSED
        if column == "n_after":
            shown.loc[[row + 1] if row else [0, 1], "n_before"] = SUPPRESSED
    # A loss beside a count that is shown would give the one that is not; between two that are not,
    # the loss of an earlier release may be nearly of the same patients.
    hidden = shown["n_after"].to_numpy() == SUPPRESSED
    shown.loc[np.append(False, hidden[1:] | hidden[:-1]), ["n_removed", "n_unknown"]] = SUPPRESSED
    why = dict.fromkeys(answer.sentence for answer in refused.values())
    return shown, tuple(f"A count of the attrition is withheld: {each}" for each in why)


def _counted(flow: "Flow", n_ids: int) -> Iterator[tuple[int, str, np.ndarray]]:
    """Row, column and patients of each count, (patient,) bool, the last row first.

    The population is left out where its patients are not all known, as in a database. Who would
    come back without a rule is, with those who are left, a cohort of its own: that of all other
    rules, and is asked for as such.
    """

    def whose(records: np.ndarray) -> np.ndarray:
        who = np.zeros(n_ids, bool)
        who[flow.patient[records]] = True
        return who

    kept, masks, lacking = np.ones(len(flow.patient), bool), [], {}
    n_failed = np.zeros(len(flow.patient), np.int16)
    if flow.entry:
        masks.append(kept)
    for step in flow.steps:
        if (without := kept & step.unknown).any():
            lacking[len(masks) + 1] = without
        kept = kept & step.holds
        n_failed += ~step.holds
        masks.append(kept)
    for row, mask in reversed(list(enumerate(masks, 1))):
        left = whose(mask)
        yield row, "n_after", left
        yield row, "events_after", whose(mask & flow.event)
        if row in lacking and (unknown := whose(lacking[row]) & ~left).any():
            yield row, "n_unknown", unknown
    if n_ids == flow.n_population:
        yield 0, "n_after", np.ones(n_ids, bool)
    left, failed_once = whose(kept), np.flatnonzero(n_failed == 1)
    first = len(masks) - len(flow.steps) + len(flow.before) + 1
    for row, rule in enumerate(flow.rules, first):
        yield row, "n_regained", left | whose(failed_once[~rule.holds[failed_once]])


def withheld_losses(losses: np.ndarray, minimum: int) -> tuple[np.ndarray, np.ndarray]:
    """Steps whose loss, and steps whose remaining count, are withheld.

    Parameters
    ----------
    losses
        (step,) int; the first step loses nobody.
    minimum
        Smallest count that may be shown.

    Returns
    -------
    removed, after
        (step,) bool each.
    """
    removed = suppress(losses[:, None], minimum, row_totals=False)[:, 0]
    step = np.arange(len(losses))
    if not removed.any():
        return removed, removed
    if losses[removed].sum() < minimum:
        # All losses together are small: only the counts that follow the last may be shown.
        return removed, step < np.flatnonzero(removed)[-1]
    first, last = np.flatnonzero(removed)[[0, -1]]
    return removed, (step >= first) & (step < last)
