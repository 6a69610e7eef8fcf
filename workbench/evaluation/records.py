"""What is known of the models once they are judged: one frozen, JSON-ready record."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

METRICS = (
    "harrell_c",
    "harrell_c_fold_mean",
    "uno_c",
    "ibs",
    "ipa",
    "delta_harrell_c",
    "delta_ipa",
)
"""Numbers of a row of the model comparison, in the order they are read."""
SEVERAL = (
    "ladder",
    "at_horizons",
    "calibration_curves",
    "claims",
    "modality_value",
    "notes",
)
"""Fields of an :class:`Evaluation` that hold any number of entries."""


@dataclass(frozen=True)
class Evaluation:
    """Every metric of every model, with its interval, overall and within the study's groups.

    A number is ``{"estimate": float, "lower": float, "upper": float}``, or None where it does
    not apply or is refused; ``notes`` then says why. Nothing here is NaN. No identifier is held,
    but the curves of ``risk_groups`` step at patients' times: coarsen them where the card is
    restricted.

    Of an outcome without a time ``harrell_c`` is the AUC within folds; ``uno_c``, ``ibs`` and
    ``risk_groups`` are empty; ``at_horizons`` has one entry, whose ``horizon`` stands for the state
    itself, and ``ici``; ``settings`` has no ``time_unit``.

    Parameters
    ----------
    ladder
        One row a model and group ("all" first): ``model, group, n, n_events, tau`` and METRICS.
        ``tau`` is the largest study horizon with at least 10 of the group at risk (None if none);
        ``uno_c``, ``ibs`` and ``ipa`` are taken there.
    at_horizons
        One row a model, group and study horizon: ``model, group, horizon, n, n_events,
        n_at_risk, auc, brier, ipa, calibration_intercept, calibration_slope, observed_expected,
        refused``. ``refused`` is None or the reason, and then the numbers are None.
    calibration_curves
        One entry a model, group and study horizon that is not refused: ``model, group, horizon,
        predicted, observed, lower, upper`` (equally long lists of risk in [0, 1], empty where no
        smooth curve can be fitted) and ``bins``, a list of ``{predicted, observed, lower, upper,
        n, n_events}`` where observed is 1 - Kaplan-Meier (None where follow-up ends before the
        horizon).
    risk_groups
        ``{model, labels, strata}``; ``strata`` has one entry a group ("all" first): ``{group, n,
        n_events, at_risk_times, curves}``, without a test.
        ``curves`` has one entry a label: ``{label, n, n_events, time, survival, lower, upper,
        censored, median, n_at_risk}``: steps from (0, 1); censoring times; ``median`` with None
        for "not reached"; ``n_at_risk`` just before each of ``at_risk_times``.
    claims
        One entry a group and comparator of the judged model: ``model, over, group, n, n_events,
        delta_harrell_c, delta_ipa, verdict, sentence``.
    modality_value
        One entry a modality, shaped as a claim and with ``modality``: the combined model against
        the same without it, in the patients who have it.
    notes
        What was refused or undefined and why, and what the intervals hold fixed.
    settings
        What the numbers depend on: horizons, seed, number of bootstraps, censoring curve, names.
    """

    ladder: tuple[dict[str, Any], ...]
    at_horizons: tuple[dict[str, Any], ...]
    calibration_curves: tuple[dict[str, Any], ...]
    risk_groups: dict[str, Any]
    claims: tuple[dict[str, Any], ...]
    modality_value: tuple[dict[str, Any], ...]
    notes: tuple[str, ...]
    settings: dict[str, Any]

    @property
    def table(self) -> pd.DataFrame:
        """The model comparison: a number as three columns, ``name, name_lower, name_upper``."""
        return pd.DataFrame([_flat_row(row) for row in self.ladder])

    def to_json(self) -> dict[str, Any]:
        """All of it as plain dictionaries, lists, strings and floats."""
        return {
            "ladder": list(self.ladder),
            "at_horizons": list(self.at_horizons),
            "calibration_curves": list(self.calibration_curves),
            "risk_groups": self.risk_groups,
            "claims": list(self.claims),
            "modality_value": list(self.modality_value),
            "notes": list(self.notes),
            "settings": self.settings,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Evaluation":
        """What :meth:`to_json` gave, also after it was written and read as JSON."""
        several = {name: tuple(content[name]) for name in SEVERAL}
        return cls(**several, risk_groups=content["risk_groups"], settings=content["settings"])


def _flat_row(row: Mapping[str, Any]) -> dict[str, Any]:
    flat = {name: value for name, value in row.items() if name not in METRICS}
    for name in METRICS:
        number = row[name] or {"estimate": None, "lower": None, "upper": None}
        flat[name] = number["estimate"]
        flat[f"{name}_lower"] = number["lower"]
        flat[f"{name}_upper"] = number["upper"]
    return flat
