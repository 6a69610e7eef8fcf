"""What a row of a group has in common, whatever is asked of the group."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from workbench.evaluation.alignment import FEWEST_AT_RISK, Aligned
from workbench.evaluation.intervals import significant
from workbench.evaluation.words import by_time

FEWEST_PATIENTS = 10
"""A group with fewer patients is refused."""


def refusal(aligned: Aligned, member: np.ndarray, horizon: float) -> str | None:
    """Why patients cannot be judged at a horizon; None where they can."""
    n_patients, n_at_risk = int(member.sum()), int((aligned.time[member] >= horizon).sum())
    if n_patients < FEWEST_PATIENTS:
        return f"{n_patients} patients; at least {FEWEST_PATIENTS} are needed"
    if n_at_risk < FEWEST_AT_RISK:
        at = by_time(horizon, aligned.time_unit, " at ")
        return f"{n_at_risk} at risk{at}; at least {FEWEST_AT_RISK} are needed"
    return None


def settings_of_times(aligned: Aligned, horizon: float) -> dict[str, Any]:
    """Settings of a table at a horizon: the horizon and how censoring was told apart.

    Where the outcome has no time, only the groups that hold every patient once.
    """
    groups = list(aligned.stratum_names)
    if aligned.time_unit is None:
        return {"partition": groups}
    return {
        "horizon": significant(horizon),
        "time_unit": aligned.time_unit,
        "censoring_strata": groups,
    }


def partition(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Groups that hold every patient once, by the settings of an evaluation or of a table."""
    return tuple(settings.get("censoring_strata") or settings.get("partition", ()))


def flat_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with each number as three entries, ``name, name_lower, name_upper``."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, Mapping):
            flat |= {
                name: value["estimate"],
                f"{name}_lower": value["lower"],
                f"{name}_upper": value["upper"],
            }
        else:
            flat[name] = value
    return flat


def with_limits(value: Mapping[str, float]) -> str:
    """A number and its limits to three decimals."""
    return f"{value['estimate']:.3f} ({value['lower']:.3f} to {value['upper']:.3f})"
