"""Typical patients and those the model got wrong, as means over enough patients to be shown."""

from dataclasses import dataclass

import numpy as np

from fusion.explanation.attribution import Attribution
from fusion.outcome_losses import free_until


@dataclass(frozen=True)
class Profile:
    """Mean contributions of some patients.

    Parameters
    ----------
    name
        Who they are, in words.
    n_patients
        How many.
    rows
        Their rows of the attribution; never shown.
    modalities
        Mean contribution of each modality, in the order of the attribution.
    total
        Mean of what was explained.
    """

    name: str
    n_patients: int
    rows: np.ndarray
    modalities: tuple[float, ...]
    total: float


def prototypes(attribution: Attribution, *, minimum: int, position: int = 0) -> tuple[Profile, ...]:
    """For each third of predicted risk, the ``minimum`` patients nearest to its centre.

    Nearest in contributions, by their median, each modality on its own spread. A single patient
    is never a prototype: what is typical must be shared by as many as may be counted. There is
    none where thirds are smaller.
    """
    parts = attribution.modalities[position]
    total = parts.sum(axis=1)
    count = max(minimum, 1)
    found = []
    thirds = np.array_split(total.argsort(kind="stable"), 3)
    words = ("lowest", "middle", "highest")
    for word, third in zip(words, thirds, strict=True):
        if len(third) < count:
            continue
        own = parts[third]
        spread = np.maximum(own.std(axis=0), 1e-12)
        distance = np.abs((own - np.median(own, axis=0)) / spread).sum(axis=1)
        nearest = third[distance.argsort(kind="stable")[:count]]
        found.append(
            _profile(f"typical of the {word} third of {_unit(attribution)}", parts, nearest)
        )
    return tuple(found)


def failures(
    attribution: Attribution,
    time: np.ndarray,
    event: np.ndarray,
    *,
    horizon: float,
    minimum: int,
    position: int = 0,
) -> tuple[tuple[Profile, ...], tuple[str, ...]]:
    """Patients of the lowest third with an event by a horizon, and of the highest without.

    Parameters
    ----------
    time, event
        (patient,) each, in the order of the attribution.
    horizon
        In the unit of ``time``. Who was censored before it is in neither group.
    minimum
        A group with fewer patients is withheld.

    Returns
    -------
    failures, withheld
        Mean contributions of each group, and names of those withheld.

    Raises
    ------
    ValueError
        If the outcome is of another number of patients.
    """
    parts = attribution.modalities[position]
    if time.shape != (len(parts),) or event.shape != (len(parts),):
        raise ValueError(
            f"time and event must have shape ({len(parts)},), got {time.shape} and {event.shape}"
        )
    # Of survival, low is what is high of risk.
    risk = parts.sum(axis=1) * (-1.0 if attribution.target == "survival" else 1.0)
    thirds = np.array_split(risk.argsort(kind="stable"), 3)
    early, free = event & (time <= horizon), free_until(time, event) > horizon
    by = "" if attribution.target == "log_odds" else " by the horizon"
    groups = {
        f"lowest predicted third, event{by}": thirds[0][early[thirds[0]]],
        f"highest predicted third, no event{by}": thirds[2][free[thirds[2]]],
    }
    shown = {name: rows for name, rows in groups.items() if len(rows) >= max(minimum, 1)}
    withheld = tuple(name for name in groups if name not in shown)
    return tuple(_profile(name, parts, rows) for name, rows in shown.items()), withheld


def _profile(name: str, parts: np.ndarray, rows: np.ndarray) -> Profile:
    means = parts[rows].mean(axis=0)
    return Profile(name, len(rows), rows, tuple(means.tolist()), float(means.sum()))


def _unit(attribution: Attribution) -> str:
    return "survival" if attribution.target == "survival" else "risk"
