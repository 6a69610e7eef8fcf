"""Who has which modality."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from workbench.cohort.privacy.small_cells import SUPPRESSED, small
from workbench.cohort.privacy.suppression import suppress_blocks
from workbench.cohort.table_one.asking import require_cohort_tables
from workbench.cohort.table_one.earlier import Between, Earlier
from workbench.cohort.table_one.grouping import ALL
from workbench.cohort.table_one.of_cohort import division_of

if TYPE_CHECKING:
    from workbench.cohort.cohort import Cohort


def availability(cohort: "Cohort", *, by: str | None = None) -> pd.DataFrame:
    """Count who has each modality.

    Parameters
    ----------
    cohort
        Its patients.
    by
        As table one has it; ``event`` shows availability by outcome.

    Returns
    -------
    DataFrame
        One row a modality and level of ``by`` ("all" first): ``modality``, ``level``,
        ``n_patients``, ``n_available``, ``percent``, ``n_events``, ``n_events_available``. Counts
        that the card's privacy withholds read "suppressed".

    Raises
    ------
    PrivacyError
        If together with what was shown before, the table would give a small group away.
    """
    divisions = [] if by is None else [division_of(cohort, by)]
    earlier = require_cohort_tables(cohort, divisions)
    groups, minimum = _masks(cohort, by), cohort.card.spec.privacy.minimum_cell
    tiny, event = _tiny(groups, minimum), cohort.patients["event"].to_numpy()
    rows = []
    for name, has in cohort.available.items():
        # Patients and events with and without the modality: what is shown, and its complements.
        cells = [has & event, has & ~event, ~has & event, ~has & ~event]
        counts = np.array([[int((c & m).sum()) for m in groups.values()] for c in cells])
        hidden = small(counts, minimum).any(axis=0) | np.array(list(tiny.values()))
        for column, each, _ in _apart(earlier, name, list(groups)):
            if small(each, minimum).any():
                # Everyone's are the sum of the levels'.
                hidden[column if column else slice(None)] = True
        hidden = _with_complement(counts.sum(axis=0), hidden)
        for (level, member), hide in zip(groups.items(), hidden, strict=True):
            n, n_available = int(member.sum()), int((member & has).sum())
            shown = {
                "n_patients": n,
                "n_available": n_available,
                "percent": round(100 * n_available / n, 1),
                "n_events": int((member & event).sum()),
                "n_events_available": int((member & has & event).sum()),
            }
            row = dict.fromkeys(shown, SUPPRESSED) if hide else shown
            rows.append({"modality": name, "level": level, **row})
    return pd.DataFrame(rows)


def _apart(earlier: Earlier, modality: str, titles: Sequence[str]) -> list[Between]:
    """Differences by modality and event, (4,) patients each."""
    if not earlier.apart.differences:
        return []
    everyone = earlier.everyone
    code = 2 * everyone[f"has_{modality}"].to_numpy(np.int64) + everyone["event"].to_numpy(np.int64)
    return earlier.counts(code, 4, titles)


def shown_groups(cohort: "Cohort", by: str) -> dict[str, np.ndarray]:
    """The groups whose size a table by ``by`` shows: title → (patient,) bool."""
    groups = _masks(cohort, by)
    tiny = _tiny(groups, cohort.card.spec.privacy.minimum_cell)
    return {title: mask for title, mask in groups.items() if title != ALL and not tiny[title]}


def _masks(cohort: "Cohort", by: str | None) -> dict[str, np.ndarray]:
    """All patients, and those of each level that occurs; (patient,) bool each."""
    groups = {ALL: np.ones(cohort.n_patients, bool)}
    if by is None:
        return groups
    division = division_of(cohort, by)
    return groups | {title: division.codes == k for k, title in enumerate(division.titles)}


def _with_complement(sizes: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """If one level alone is hidden, hide the next smallest: the first column is their total."""
    hidden = hidden.copy()
    if hidden[1:].sum() == 1 and not hidden[0] and not hidden[1:].all():
        candidates = np.flatnonzero(~hidden[1:]) + 1
        hidden[candidates[np.argmin(sizes[candidates])]] = True
    return hidden


def _tiny(groups: dict[str, np.ndarray], minimum: int) -> dict[str, bool]:
    """Groups whose size is withheld, and with it all they contain."""
    sizes = np.array([member.sum() for member in groups.values()])
    _, hidden = suppress_blocks(sizes[None], [slice(1, len(sizes))], minimum)
    return dict(zip(groups, hidden.tolist(), strict=True))
