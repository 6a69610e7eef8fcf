"""Cohort and predictions side by side: checked once, trusted afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import pandas as pd

from fusion.predictions import Predictions
from workbench.errors import SurvivalError
from workbench.evaluation.intervals import bootstrap_weights, with_observed
from workbench.evaluation.words import Terms, terms_of
from workbench.survival.censoring import CensoringCurve, censoring_curve
from workbench.survival.inputs import check_horizons, check_outcome

FEWEST_AT_RISK = 10
"""A horizon with fewer patients at risk is refused."""


class EvaluatedCohort(Protocol):
    """What judging needs of a cohort; ``workbench.cohort.Cohort`` has it.

    ``patients`` is indexed by patient_id and has the columns ``time`` (float) and ``event`` (bool).
    """

    @property
    def patients(self) -> pd.DataFrame: ...

    @property
    def time_unit(self) -> str | None: ...


class Fold(NamedTuple):
    """Patients whose risk scores are compared: one model predicted them all.

    Parameters
    ----------
    title
        Its number; with that of its repeat where there are several.
    repeat
        Position of its scores in ``Predictions.rankings``.
    member
        (patient,) bool.
    """

    title: str
    repeat: int
    member: np.ndarray


@dataclass(frozen=True)
class Aligned:
    """Patients, groups and predictions in one order.

    Parameters
    ----------
    time, event, fold
        (patient,); of averaged repeats the folds of the first.
    censoring, stratum
        The one censoring curve, and each patient's stratum in it, (patient,) int.
    stratum_names
        Groups that are the strata; empty where the curve is not stratified.
    groups
        "all" first, then the study's groups, each (patient,) bool.
    horizons
        The study's horizons, (horizon,).
    predictions
        Each with its patients in the cohort's order.
    draws
        Bootstrap counts under a first row of ones, (draw, patient).
    time_unit
        Unit of times and horizons; None where the outcome is there or not, without a time.
    """

    time: np.ndarray
    event: np.ndarray
    fold: np.ndarray
    censoring: CensoringCurve
    stratum: np.ndarray
    stratum_names: tuple[str, ...]
    groups: dict[str, np.ndarray]
    horizons: np.ndarray
    predictions: dict[str, Predictions]
    draws: np.ndarray
    time_unit: str | None

    @property
    def terms(self) -> Terms:
        """How all of this is spoken of."""
        return terms_of(self.time_unit)

    @property
    def folds(self) -> list[Fold]:
        """Those of every repeat."""
        rankings = next(iter(self.predictions.values())).rankings
        return [
            Fold(
                f"{label}" if len(rankings) == 1 else f"{label} of repeat {repeat + 1}",
                repeat,
                ranking.fold == label,
            )
            for repeat, ranking in enumerate(rankings)
            for label in np.unique(ranking.fold)
        ]

    def n_at_risk(self, group: str, horizon: float) -> int:
        """Patients of a group at risk just before a horizon."""
        return int((self.time[self.groups[group]] >= horizon).sum())

    def tau(self, group: str) -> float | None:
        """Largest study horizon with enough of the group at risk."""
        reached = [h for h in self.horizons if self.n_at_risk(group, h) >= FEWEST_AT_RISK]
        return float(reached[-1]) if reached else None


def align(
    cohort: EvaluatedCohort,
    predictions: Mapping[str, Predictions],
    *,
    horizons: Sequence[float],
    groups: Mapping[str, np.ndarray],
    n_bootstrap: int,
    seed: int,
) -> Aligned:
    """Check what came and put it in the cohort's order.

    Raises
    ------
    SurvivalError
        Predictions of other patients, folds that differ between models, a horizon nobody
        predicted at, a group mask of another shape.
    """
    patients = cohort.patients
    time, event = check_outcome(patients["time"].to_numpy(), patients["event"].to_numpy())
    in_order = {
        name: _in_order(name, each, patients.index.to_numpy()) for name, each in predictions.items()
    }
    fold = _common_fold(in_order)
    study_horizons = check_horizons(list(horizons))
    for name, each in in_order.items():
        _check_horizons_predicted(name, each, study_horizons)
    masks = {"all": np.ones(len(time), dtype=bool)} | {
        name: _check_mask(name, mask, len(time)) for name, mask in groups.items()
    }
    stratum, stratum_names = _strata({name: masks[name] for name in groups}, len(time))
    return Aligned(
        time=time,
        event=event,
        fold=fold,
        censoring=censoring_curve(time, event, stratum=stratum),
        stratum=stratum,
        stratum_names=stratum_names,
        groups=masks,
        horizons=study_horizons,
        predictions=in_order,
        draws=with_observed(bootstrap_weights(fold, n_bootstrap, seed)),
        time_unit=cohort.time_unit,
    )


def _in_order(name: str, predictions: Predictions, patient_id: np.ndarray) -> Predictions:
    predicted = pd.Index(predictions.patient_id)
    n_repeated = int(predicted.duplicated().sum())
    if n_repeated:
        raise SurvivalError(
            f"{name} must predict once for each patient, got {n_repeated} repeats: average them"
        )
    position = predicted.get_indexer(pd.Index(patient_id))
    n_lacking = int((position < 0).sum())
    if n_lacking or predictions.n_patients != len(patient_id):
        raise SurvivalError(
            f"{name} must predict for each of the {len(patient_id)} patients of the cohort once, "
            f"got {predictions.n_patients} predictions and {n_lacking} patients without one: "
            "cross-fit it on this cohort"
        )
    return predictions.take(position)


def _common_fold(predictions: Mapping[str, Predictions]) -> np.ndarray:
    first_name, first = next(iter(predictions.items()))
    for name, each in predictions.items():
        if len(each.repeats) != len(first.repeats):
            raise SurvivalError(
                f"every model must be the average of the same repeats, got {len(each.repeats)} in "
                f"{name} and {len(first.repeats)} in {first_name}: cross-fit them together"
            )
        pairs = zip(each.rankings, first.rankings, strict=True)
        n_differ = int(np.any([mine.fold != other.fold for mine, other in pairs], axis=0).sum())
        if n_differ:
            raise SurvivalError(
                f"every model must have the same folds, got {n_differ} patients who stand in "
                f"another fold in {name} than in {first_name}: cross-fit them on one split"
            )
    return first.fold


def _check_horizons_predicted(name: str, predictions: Predictions, horizons: np.ndarray) -> None:
    lacking = [h for h in horizons if not np.isclose(predictions.horizons, h).any()]
    if lacking:
        raise SurvivalError(
            f"{name} must predict survival at every study horizon, got none at "
            f"{', '.join(f'{h:g}' for h in lacking)}: add them to its horizons"
        )


def _check_mask(name: str, mask: np.ndarray, n_patients: int) -> np.ndarray:
    mask = np.asarray(mask)
    if name == "all":
        raise SurvivalError('"all" is the whole cohort: give the group another name')
    if mask.dtype != np.bool_ or mask.shape != (n_patients,):
        raise SurvivalError(
            f"group {name} must be one boolean a patient ({n_patients}), got {mask.dtype} of shape "
            f"{mask.shape}: pass a mask in the order of cohort.patients"
        )
    return mask


def _strata(
    groups: Mapping[str, np.ndarray], n_patients: int
) -> tuple[np.ndarray, tuple[str, ...]]:
    """The first groups, in their order, that hold every patient exactly once; else one stratum."""
    stratum = np.full(n_patients, -1)
    names = []
    for name, mask in groups.items():
        if mask.any() and (stratum[mask] == -1).all():
            stratum[mask] = len(names)
            names.append(name)
    if len(names) < 2 or (stratum == -1).any():
        return np.zeros(n_patients, dtype=np.int64), ()
    return stratum, tuple(names)
