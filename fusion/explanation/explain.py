"""A fitted model and patients in, contributions of every feature out, with every check."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fusion.dataset import PatientDataset
from fusion.explanation.attribution import (
    Attribution,
    FeatureAttribution,
    Target,
    score_target,
)
from fusion.explanation.checks import Check, failed_first
from fusion.explanation.held_out_worth import held_out_check
from fusion.explanation.log_hazard import log_hazard_contributions, reads_modalities
from fusion.explanation.tabular_faithfulness import (
    agreement_check,
    removal_checks,
    removal_curves,
)
from fusion.explanation.tabular_stability import noise_check, randomisation_check, refit_check
from fusion.models.protocol import FittedRisk

N_CHECKED = 60
"""Patients on whom the checks that ask the model again are made."""


def explain(
    model: FittedRisk,
    dataset: PatientDataset,
    *,
    seed: int = 0,
    refits: Sequence[FittedRisk] = (),
    checked: int = N_CHECKED,
) -> Attribution:
    """Contributions to the log hazard by modality and feature, failed checks first.

    Parameters
    ----------
    model
        Fitted; not on the patients, if what is said of them shall hold for new ones.
    dataset
        Patients to explain, with images already encoded.
    seed
        Draws the patients that are checked, noise, random orders and random weights.
    refits
        The same model from other folds or seeds: adds the check of stability over them.
    checked
        How many patients the checks ask the model about again, at most.
    """
    attribution = log_hazard_contributions(model, dataset)
    draw = np.random.default_rng(seed)
    rows = np.sort(draw.permutation(dataset.n_patients)[:checked])
    some = dataset.take(rows)
    terms = {name: _rows(part, rows) for name, part in attribution.features.items()}
    checks: tuple[Check, ...] = (
        *attribution.checks,
        *removal_checks(removal_curves(model, some, terms, seed=seed)),
        agreement_check(model, some, terms, seed=seed),
        noise_check(model, some, terms, seed=seed),
        randomisation_check(model, some, terms, seed=seed),
        *([refit_check(some, terms, refits)] if refits else []),
    )
    return replace(attribution, checks=failed_first(checks))


@dataclass(frozen=True)
class ExplainedFolds:
    """What the model of each fold said of the patients it was not fitted on.

    Parameters
    ----------
    whole
        All patients, each explained by the model of their fold.
    by_fold
        Each fold on its own: what importance over folds is computed from.
    """

    whole: Attribution
    by_fold: Mapping[int, Attribution]


def explain_folds(
    models: Mapping[int, FittedRisk],
    datasets: Mapping[int, PatientDataset],
    *,
    seed: int = 0,
) -> ExplainedFolds:
    """Explain every patient by the model that never saw them.

    A check over all folds has the value of its worst fold, and two are added: whether the models
    of the other folds agree, and whether the risk ranks patients that it was not fitted on. In a
    fold whose model reads nothing of its patients, nothing contributes.

    Parameters
    ----------
    models
        Of each fold, fitted without its patients.
    datasets
        The patients of each fold, images encoded as that fold's model takes them.

    Raises
    ------
    ValueError
        If models and datasets are of other folds.
    """
    if set(models) != set(datasets) or not models:
        raise ValueError(
            f"models are of the folds {sorted(models)}, patients of {sorted(datasets)}: pass both "
            "for the same folds"
        )
    folds = sorted(models)
    checked = max(N_CHECKED // len(folds), 20)
    said = {fold: reads_modalities(models[fold]) for fold in folds}
    by_fold = {
        fold: explain(
            models[fold],
            datasets[fold],
            seed=seed,
            refits=tuple(models[other] for other in folds if other != fold and said[other]),
            checked=checked,
        )
        if said[fold]
        else nothing_said(datasets[fold], score_target(datasets[fold]), np.array([]))
        for fold in folds
    }
    whole = joined([by_fold[fold] for fold in folds])
    patients = [datasets[fold] for fold in folds]
    worth = held_out_check(
        np.concatenate([d.time for d in patients]),
        np.concatenate([d.event for d in patients]),
        np.concatenate([models[fold].risk_score(datasets[fold]) for fold in folds]),
        fold=np.repeat(folds, [d.n_patients for d in patients]),
    )
    return ExplainedFolds(replace(whole, checks=failed_first((worth, *whole.checks))), by_fold)


def nothing_said(dataset: PatientDataset, target: Target, horizons: np.ndarray) -> Attribution:
    """Contributions to what a model says that says the same of everybody: there are none."""
    rows = max(len(horizons), 1), dataset.n_patients
    return Attribution(
        method="a model that says the same of everybody",
        target=target,
        horizons=horizons,
        reference="the average training patient with the same kinds of data",
        patient_id=dataset.patient_id,
        modality_names=(),
        modalities=np.zeros((*rows, 0)),
        total=np.zeros(rows),
    )


def joined(parts: Sequence[Attribution]) -> Attribution:
    """One attribution of disjoint patients; a modality that a part does not use moves nothing."""
    first = parts[0]
    names = tuple(dict.fromkeys(name for part in parts for name in part.modality_names))
    shapes = {name: part for each in parts for name, part in each.features.items()}
    totals = [part.total for part in parts]
    return replace(
        first,
        method=all_methods(parts),
        patient_id=np.concatenate([part.patient_id for part in parts]),
        modality_names=names,
        modalities=np.concatenate([_modalities(part, names) for part in parts], axis=1),
        total=None
        if any(total is None for total in totals)
        else np.concatenate([total for total in totals if total is not None], axis=1),
        features={
            name: replace(
                shape,
                values=np.concatenate([_features(part, name, shape) for part in parts], axis=1),
            )
            for name, shape in shapes.items()
        },
        checks=worst_of([part.checks for part in parts]),
    )


def all_methods(parts: Sequence[Attribution]) -> str:
    """Every method that the parts name, each once."""
    return "; ".join(dict.fromkeys(m for part in parts for m in part.method.split("; ")))


def worst_of(of_parts: Sequence[Sequence[Check]]) -> tuple[Check, ...]:
    """Of each check the part in which it is furthest on the wrong side of its threshold."""
    by_name: dict[str, list[Check]] = {}
    for checks in of_parts:
        for check in checks:
            by_name.setdefault(check.name, []).append(check)
    return failed_first(max(same, key=_excess) for same in by_name.values())


def _excess(check: Check) -> float:
    """How far a check is beyond its threshold, in the direction that fails; NaN is furthest."""
    if np.isnan(check.value):
        return float("inf")
    beyond = check.value - check.threshold
    wants_less = check.passed == (beyond <= 0)
    return beyond if wants_less else -beyond


def _modalities(part: Attribution, names: Sequence[str]) -> np.ndarray:
    values = np.zeros((*part.modalities.shape[:2], len(names)))
    for at, name in enumerate(names):
        if name in part.modality_names:
            values[:, :, at] = part.of(name)
    return values


def _features(part: Attribution, name: str, shape: FeatureAttribution) -> np.ndarray:
    if name in part.features:
        return part.features[name].values
    return np.zeros((*part.modalities.shape[:2], len(shape.names)))


def _rows(part: FeatureAttribution, rows: np.ndarray) -> FeatureAttribution:
    return replace(part, values=part.values[:, rows])
