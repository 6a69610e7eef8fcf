"""Predictions to Evaluation: what each model is worth, overall and within the study's groups."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from fusion.predictions import Predictions
from workbench.errors import SurvivalError
from workbench.evaluation.alignment import (
    FEWEST_AT_RISK,
    Aligned,
    EvaluatedCohort,
    align,
)
from workbench.evaluation.at_horizons import at_horizon
from workbench.evaluation.compare import claim, modality_claim
from workbench.evaluation.intervals import CONFIDENCE, significant
from workbench.evaluation.ladder import (
    NULL,
    ladder_draws,
    ladder_notes,
    ladder_row,
    with_differences,
)
from workbench.evaluation.records import Evaluation
from workbench.evaluation.risk_groups import risk_groups
from workbench.evaluation.words import listed, merged, model_words, models_words

FEWEST_GRID_POINTS = 10
"""A Brier score integrated over fewer horizons is called coarse."""


def evaluate(
    cohort: EvaluatedCohort,
    predictions: Mapping[str, Predictions],
    *,
    horizons: Sequence[float],
    groups: Mapping[str, np.ndarray] | None = None,
    clinical: str = "clinical",
    markers: str | None = None,
    judged: str = "selected",
    modality_value: Mapping[str, tuple[str, str, str]] | None = None,
    calibrated: Collection[str] | None = None,
    n_bootstrap: int = 1000,
    seed: int = 0,
) -> Evaluation:
    """Judge out-of-fold predictions.

    Scores of different folds are never compared; of averaged repeats those of each are, within its
    own folds, and all pairs count. Survival probabilities are pooled over folds.
    Censoring is weighted by one Kaplan-Meier curve of all evaluated patients, stratified by the
    groups where these hold every patient exactly once. Intervals are percentiles of patient
    bootstraps within folds, the same for every model, given the fitted models and the censoring
    curve.

    Parameters
    ----------
    cohort
        Patients with ``time`` and ``event``.
    predictions
        Out-of-fold predictions of each model, among them "null" (the training folds'
        Kaplan-Meier), ``clinical`` and ``judged``, all for the cohort's patients and folds. Their
        horizons are a dense grid that holds the study's.
    horizons
        Times at which the study asks for survival, in the cohort's time unit, ascending.
    groups
        Bool mask of each group, (patient,) in the order of ``cohort.patients``. A modality is
        judged in the group of patients who have it.
    clinical
        Model that gains are measured over.
    markers
        Model of clinical variables and known markers, over which the judged model is claimed too.
    judged
        Model that claims are made of.
    modality_value
        Modality → (model with it, model without it, group of those who have it).
    calibrated
        Models whose calibration is judged; all, if not given.
    n_bootstrap, seed
        Number of bootstraps and seed of their generator.

    Raises
    ------
    SurvivalError
        A model is missing or predicts other patients, folds or horizons; or a concordance is
        undefined in a fold of the whole cohort.
    """
    _check_models(predictions, NULL, clinical, judged, *([markers] if markers else []))
    aligned = align(
        cohort,
        predictions,
        horizons=horizons,
        groups=groups or {},
        n_bootstrap=n_bootstrap,
        seed=seed,
    )
    draws = {
        group: with_differences(ladder_draws(aligned, group), clinical) for group in aligned.groups
    }
    calibrated = predictions.keys() if calibrated is None else calibrated
    places = [
        at_horizon(aligned, g, h, calibrated) for g in aligned.groups for h in aligned.horizons
    ]
    comparators = [name for name in (clinical, markers) if name and name != judged]
    return Evaluation(
        ladder=tuple(
            ladder_row(aligned, group, model, own)
            for group, models in draws.items()
            for model, own in models.items()
        ),
        at_horizons=tuple(row for place in places for row in place.rows),
        calibration_curves=tuple(curve for place in places for curve in place.curves),
        risk_groups=risk_groups(aligned, judged),
        claims=tuple(
            claim(aligned, group, draws[group], model=judged, over=over)
            for over in comparators
            for group in aligned.groups
        ),
        modality_value=tuple(
            modality_claim(aligned, group, draws[group], modality=name, model=model, over=without)
            for name, (model, without, group) in (modality_value or {}).items()
        ),
        notes=(
            *_notes(aligned),
            *merged(note for group in draws for note in ladder_notes(aligned, group, draws[group])),
            *merged(note for place in places for note in place.notes),
        ),
        settings=_settings(aligned, seed)
        | {"clinical": clinical, "markers": markers, "judged": judged},
    )


def _check_models(predictions: Mapping[str, Predictions], *asked: str) -> None:
    lacking = [name for name in dict.fromkeys(asked) if name not in predictions]
    if lacking:
        raise SurvivalError(
            f"predictions must hold {', '.join(dict.fromkeys(asked))}, got none named "
            f"{', '.join(lacking)}: cross-fit them too, or name another model"
        )


def _notes(aligned: Aligned) -> Iterator[str]:
    yield (
        f"Intervals are {CONFIDENCE * 100:.0f} % percentiles of {len(aligned.draws) - 1:,} "
        "bootstraps of patients within folds, the same for every model, given the fitted models"
        f"{' and the censoring curve' if aligned.terms.has_time else ''}."
    )
    if aligned.stratum_names and aligned.terms.has_time:
        yield f"The censoring curve is stratified by group: {listed(list(aligned.stratum_names))}."
    null = model_words(NULL, aligned.terms)
    yield (
        f"{null[:1].upper()}{null[1:]} gives all patients of a fold (and group) one risk: it ranks "
        "nobody and has no calibration slope or curve."
    )
    if not aligned.terms.has_time:
        yield (
            "The event is there or not, so what needs a time is left out: two sections of the "
            "report on how patients fared, and the size that such a sample needs."
        )
        return
    coarse = [
        model
        for model, each in aligned.predictions.items()
        if (each.horizons <= aligned.horizons[-1]).sum() < FEWEST_GRID_POINTS
    ]
    if coarse:
        yield (
            f"The integrated Brier score of {models_words(coarse)} is coarse: it integrates over "
            f"fewer than {FEWEST_GRID_POINTS} horizons."
        )


def _settings(aligned: Aligned, seed: int) -> dict[str, Any]:
    of_times = {
        "horizons": [significant(h) for h in aligned.horizons],
        "time_unit": aligned.time_unit,
        "fewest_at_risk": FEWEST_AT_RISK,
        "censoring_strata": list(aligned.stratum_names),
    }
    return {
        **(of_times if aligned.terms.has_time else {"partition": list(aligned.stratum_names)}),
        "n_patients": len(aligned.time),
        "n_events": int(aligned.event.sum()),
        "n_folds": len(np.unique(aligned.fold)),
        "n_bootstrap": len(aligned.draws) - 1,
        "seed": seed,
        "confidence": CONFIDENCE,
    }
