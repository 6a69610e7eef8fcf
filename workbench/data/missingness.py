"""Whether it tells the outcome that a value was not recorded.

What is asked of some patients only, because a diagnosis was feared already, carries the diagnosis
into the data by its absence: a model then predicts the work-up, and fails where it is another. In
PAD-UFES-20, for instance, no patient with cancer lacks an answer, and most others do.
"""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from workbench.survival.concordance import harrell_c
from workbench.survival.logrank import log_rank

if TYPE_CHECKING:
    from workbench.data.card import Column

FEWEST = 10
"""Patients with and without a value, at least: fewer tell nothing."""

STRONGEST = 0.65
"""C that absence alone may reach, in either direction, before it is called telling."""

LARGEST_P = 1e-4
"""Of the log-rank test of patients without a value against those with one."""


def telling_absences(values: pd.DataFrame, time: np.ndarray, event: np.ndarray) -> dict[str, float]:
    """Columns of which it tells the outcome whether a patient has a value.

    Parameters
    ----------
    values
        One row a patient, one column a variable.
    time
        From index date to event or censoring, (patient,).
    event
        True if the event was observed, (patient,) bool.

    Returns
    -------
    dict
        Column → Harrell's C of absence alone, from 0.5 to 1, whichever way it points.
    """
    found = {}
    for name in values:
        absent = values[name].isna().to_numpy()
        if min(absent.sum(), (~absent).sum()) < FEWEST or not event.any():
            continue
        if log_rank(time, event, absent).p_value > LARGEST_P:
            continue
        concordance = harrell_c(time, event, absent.astype(float))
        if abs(concordance - 0.5) >= STRONGEST - 0.5:
            found[name] = max(concordance, 1 - concordance)
    return found


def told_by_absence(
    columns: "dict[str, Column]",
    values: pd.DataFrame,
    time: np.ndarray,
    event: np.ndarray,
    *,
    measure: str = "C",
) -> dict[tuple[str, ...], str]:
    """Columns → why they cannot be features, of those that the card gives no reason for.

    Columns that tell as much as each other, as do those of one questionnaire, share a sentence.

    Parameters
    ----------
    columns
        What the card says of each.
    values, time, event
        As in :func:`telling_absences`.
    measure
        What the concordance is called; ``AUC`` where the outcome has no time.
    """
    asked = [name for name in values if not columns[name].informative_missing]
    alike: dict[str, list[str]] = {}
    for name, concordance in telling_absences(values[asked], time, event).items():
        alike.setdefault(f"{measure} {concordance:.2f}", []).append(name)
    return {tuple(names): _refusal(names, reached) for reached, names in alike.items()}


def _refusal(names: list[str], reached: str) -> str:
    one = len(names) == 1
    named = names[0] if one else f"{', '.join(names[:-1])} and {names[-1]}"
    return (
        f"whether {named} {'was' if one else 'were'} recorded tells the outcome ({reached} from "
        "that alone): a model would learn who was asked, not who is ill; leave "
        f"{'it' if one else 'them'} out, or say in the card, under informative_missing, how "
        f"{'its' if one else 'their'} absence was known at the index date"
    )
