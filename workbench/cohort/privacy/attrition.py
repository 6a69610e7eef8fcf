"""The attrition without small losses, and without what gives them away."""

import numpy as np
import pandas as pd

from workbench.cohort.privacy.small_cells import SUPPRESSED, small
from workbench.cohort.privacy.suppression import suppress


def suppress_attrition(attrition: pd.DataFrame, minimum: int) -> pd.DataFrame:
    """The attrition as it may leave the room.

    Small losses are withheld with one more loss, so that they hide in each other, and with them
    the counts between. Where there is no other loss, the counts before it are withheld instead.

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
    removed, after = _withheld_losses(attrition["n_removed"].to_numpy(), minimum)
    shown.loc[removed, "n_removed"] = SUPPRESSED
    shown.loc[after, "n_after"] = SUPPRESSED
    # The count before a step is the count after the step before it.
    shown.loc[np.concatenate([after[:1], after[:-1]]), "n_before"] = SUPPRESSED
    unknown = small(attrition["n_unknown"].to_numpy(), minimum)
    shown.loc[unknown | removed, "n_unknown"] = SUPPRESSED
    if "n_regained" in attrition:
        regained = attrition["n_regained"].fillna(0).to_numpy(int)
        shown.loc[small(regained, minimum), "n_regained"] = SUPPRESSED
    events, others = attrition["events_after"], attrition["n_after"] - attrition["events_after"]
    events_removed = attrition["events_removed"]
    others_removed = attrition["n_removed"] - events_removed
    counts = np.concatenate([events, others, events_removed, others_removed])
    if removed.any() or small(counts, minimum).any():
        # Events and patients determine each other too often to be withheld one by one.
        shown[["events_removed", "events_after"]] = SUPPRESSED
    return shown


def _withheld_losses(losses: np.ndarray, minimum: int) -> tuple[np.ndarray, np.ndarray]:
    """Steps whose loss, and steps whose remaining count, are withheld."""
    removed = suppress(losses[:, None], minimum, row_totals=False)[:, 0]
    step = np.arange(len(losses))
    if not removed.any():
        return removed, removed
    if losses[removed].sum() < minimum:
        # All losses together are small: only the counts that follow the last may be shown.
        return removed, step < np.flatnonzero(removed)[-1]
    first, last = np.flatnonzero(removed)[[0, -1]]
    return removed, (step >= first) & (step < last)
