"""The model comparison: one row a model and group."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from workbench.errors import SurvivalError
from workbench.evaluation.accuracy import brier_draws, integrated_brier_draws
from workbench.evaluation.alignment import FEWEST_AT_RISK, Aligned
from workbench.evaluation.compare import difference
from workbench.evaluation.discrimination import harrell_sums, uno_sums
from workbench.evaluation.intervals import MOST_UNDEFINED, number, ratio, significant
from workbench.evaluation.records import METRICS
from workbench.evaluation.words import Note, at_time, group_words, models_words

NULL = "null"
"""The model whose Brier score is the reference of IPA: the training folds' Kaplan-Meier or, without
times, their share of events."""

NULL_BY_GROUP = "null_by_group"
"""Kaplan-Meier within the study's groups. Like the null it ranks nobody within them."""

Draws = dict[str, np.ndarray | None]
"""Draws of each metric of one model in one group, (draw,); None where refused."""


def ladder_draws(aligned: Aligned, group: str) -> dict[str, Draws]:
    """Draws of every metric of every model in a group; NaN where undefined.

    Raises
    ------
    SurvivalError
        A fold of the whole cohort has no comparable pair.
    """
    harrell = harrell_sums(aligned, group)
    if group == "all":
        _check_every_fold(aligned, harrell.comparable[0])
    found: dict[str, Draws] = {
        model: dict.fromkeys(METRICS)
        | {
            "harrell_c": harrell.pooled(model),
            "harrell_c_fold_mean": harrell.fold_mean(model),
        }
        for model in aligned.predictions
    }
    tau = aligned.tau(group)
    if tau is None:
        return found
    null_brier = brier_draws(aligned, group, aligned.predictions[NULL], tau)
    for model, predictions in aligned.predictions.items():
        found[model]["ipa"] = ipa(brier_draws(aligned, group, predictions, tau), null_brier)
    if not aligned.terms.has_time:
        return found  # Uno's C is the same AUC, and there is no time to integrate over.
    uno = uno_sums(aligned, group, tau)
    for model, predictions in aligned.predictions.items():
        found[model]["uno_c"] = uno.pooled(model)
        found[model]["ibs"] = integrated_brier_draws(aligned, group, predictions, tau)
    return found


def with_differences(draws: dict[str, Draws], clinical: str) -> dict[str, Draws]:
    """The same with the paired differences over the clinical model, where they mean something."""
    return {
        model: own
        | {
            f"delta_{metric}": None
            if model in unjudged
            else difference(own, draws[clinical], metric)
            for metric, unjudged in (
                ("harrell_c", (NULL, NULL_BY_GROUP, clinical)),
                ("ipa", (NULL, clinical)),
            )
        }
        for model, own in draws.items()
    }


def ladder_row(aligned: Aligned, group: str, model: str, draws: Draws) -> dict[str, Any]:
    """One row of the model comparison, JSON-ready."""
    member = aligned.groups[group]
    tau = aligned.tau(group)
    return {
        "model": model,
        "group": group,
        "n": int(member.sum()),
        "n_events": int(aligned.event[member].sum()),
        "tau": None if tau is None or not aligned.terms.has_time else significant(tau),
        **{metric: number(draws[metric]) for metric in METRICS},
    }


def ladder_notes(aligned: Aligned, group: str, draws: dict[str, Draws]) -> Iterator[Note]:
    """What is refused or undefined in a group, and why."""
    place, tau, unit = group_words(group), aligned.tau(group), aligned.time_unit
    if unit is None and tau is None:
        yield place, f"fewer than {FEWEST_AT_RISK} patients; IPA is refused."
    elif unit is None:
        pass
    elif tau is None:
        yield (
            place,
            f"fewer than {FEWEST_AT_RISK} patients at risk at every horizon; Uno’s C, the "
            "integrated Brier score and IPA are refused.",
        )
    elif tau < aligned.horizons[-1]:
        last = aligned.horizons[-1]
        yield (
            place,
            "Uno’s C, the integrated Brier score and IPA are taken at "
            f"{at_time(tau, unit)}, since {aligned.n_at_risk(group, last)} patients are at risk "
            f"at {at_time(last, unit)}.",
        )
    for metric in METRICS:
        without = [
            model
            for model, own in draws.items()
            if own[metric] is not None and number(own[metric]) is None
        ]
        if without:
            folds = _undefined_folds(aligned, group) if metric == "harrell_c_fold_mean" else ""
            yield (
                place,
                f"{aligned.terms.metrics[metric]} of {models_words(without, aligned.terms)} is "
                f"undefined{folds} in the "
                f"cohort or in more than {MOST_UNDEFINED:.0%} of bootstraps.",
            )


def _undefined_folds(aligned: Aligned, group: str) -> str:
    comparable = harrell_sums(aligned, group).comparable[0]
    every = zip(aligned.folds, comparable, strict=True)
    folds = [fold.title for fold, total in every if total == 0]
    return f" (no comparable pair in folds {', '.join(folds)})" if folds else ""


def ipa(brier: np.ndarray, null_brier: np.ndarray) -> np.ndarray:
    """Index of prediction accuracy: the share of the null's Brier score that a model removes."""
    return 1 - ratio(brier, null_brier)


def _check_every_fold(aligned: Aligned, comparable: np.ndarray) -> None:
    for fold, total in zip(aligned.folds, comparable, strict=True):
        if total == 0:
            member = fold.member
            raise SurvivalError(
                f"concordance is undefined in fold {fold.title}: {member.sum()} patients with "
                f"{aligned.event[member].sum()} events form no comparable pair; use fewer or "
                "larger folds"
            )
