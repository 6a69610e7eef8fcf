"""Repeats of cross-validation: their spread, and what they say together."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from fusion.predictions import Predictions, Ranking
from workbench.errors import SurvivalError
from workbench.evaluation import evaluate
from workbench.evaluation.alignment import Aligned, align
from workbench.evaluation.discrimination import auc_sums, harrell_sums, uno_sums
from workbench.evaluation.repeats import harrell_c_by_repeat, spread_sentence
from workbench.survival import dynamic_auc, harrell_c, uno_c

PATIENTS = pd.DataFrame(
    {"time": [1.0, 2.0, 3.0, 4.0], "event": [True, True, True, False]}, index=list("abcd")
)


def predicted(order: str, risk_score: list[float], fold: list[int]) -> Predictions:
    score = np.array(risk_score)
    survival = np.zeros((4, 0))
    return Predictions("m", np.array(list(order)), np.array(fold), score, np.array([]), survival)


def test_each_repeat_is_judged_within_its_own_folds_and_by_patient() -> None:
    right = predicted("abcd", [4, 3, 2, 1], [0, 0, 0, 0])
    backwards = predicted("dcba", [4, 3, 2, 1], [0, 0, 0, 0])
    # Wrong only between folds, which nobody compares.
    halves = predicted("abcd", [2, 1, 4, 3], [0, 0, 1, 1])
    null = predicted("abcd", [0, 0, 0, 0], [0, 0, 0, 0])
    repeats = [{"null": null, "m": each} for each in (right, backwards, halves)]
    assert harrell_c_by_repeat(PATIENTS, repeats) == {"m": [1.0, 0.0, 1.0]}


def test_the_sentence_names_mean_spread_and_range() -> None:
    assert "was 0.650 on average (SD 0.071; 0.600 to 0.700)" in spread_sentence("rna", [0.6, 0.7])


def repeated(cohort, *, n_repeats: int = 3) -> dict[str, Predictions]:
    """The ladder, dealt several times; the models of each fold and repeat are off by a constant."""
    draw = np.random.default_rng(3)
    folds = [cohort.fold, *(draw.permutation(cohort.fold) for _ in range(n_repeats - 1))]
    found = {}
    for name, each in cohort.ladder().items():
        rankings = tuple(
            Ranking(fold, each.risk_score + draw.normal(0, 1, 4)[fold] * (name != "null"))
            for fold in folds
        )
        score = np.mean([ranking.risk_score for ranking in rankings], axis=0)
        found[name] = replace(each, risk_score=score, repeats=rankings)
    return found


def aligned_to(cohort, predictions: dict[str, Predictions]) -> Aligned:
    return align(cohort, predictions, horizons=[5.0], groups={}, n_bootstrap=20, seed=0)


def test_the_pairs_within_the_folds_of_all_repeats_are_judged(cohort) -> None:
    """As if the repeats were so many strata; averaged scores say something else."""
    predictions = repeated(cohort)
    aligned = aligned_to(cohort, predictions)
    rankings = predictions["clinical"].rankings
    time, event = np.tile(aligned.time, 3), np.tile(aligned.event, 3)
    score = np.concatenate([ranking.risk_score for ranking in rankings])
    fold = np.concatenate([ranking.fold + 4 * at for at, ranking in enumerate(rankings)])
    found = {
        harrell_c: harrell_sums(aligned, "all"),
        uno_c: uno_sums(aligned, "all", 5.0),
        dynamic_auc: auc_sums(aligned, "all", 5.0),
    }
    for index, sums in found.items():
        more = {harrell_c: {}, uno_c: {"tau": 5.0}, dynamic_auc: {"horizons": np.array([5.0])}}[
            index
        ]
        expected = index(time, event, score, fold=fold, **more)
        assert sums.comparable.shape == (21, 12)
        assert_allclose(sums.pooled("clinical")[0], expected, rtol=1e-9)
    averaged = predictions["clinical"].risk_score
    other = harrell_c(aligned.time, aligned.event, averaged, fold=aligned.fold)
    assert abs(other - found[harrell_c].pooled("clinical")[0]) > 0.01


def test_every_repeat_meets_the_same_bootstrap(cohort) -> None:
    """A patient drawn twice counts twice in each repeat."""
    predictions = repeated(cohort)
    aligned = aligned_to(cohort, predictions)
    drawn = np.repeat(np.arange(400), aligned.draws[7].astype(int))
    concordant = comparable = 0.0
    for ranking in predictions["selected"].rankings:
        for label in range(4):
            mine = drawn[ranking.fold[drawn] == label]
            time, event, score = (
                each[mine] for each in (aligned.time, aligned.event, ranking.risk_score)
            )
            pairs = (time[:, None] < time) & event[:, None]
            concordant += (score[:, None] > score)[pairs].sum()
            comparable += pairs.sum()
    found = harrell_sums(aligned, "all").pooled("selected")[7]
    assert_allclose(found, concordant / comparable, rtol=1e-9)


def test_the_evaluation_is_that_of_the_pairs_and_of_the_averaged_probabilities(cohort) -> None:
    shifted = evaluate(cohort, repeated(cohort), horizons=[5.0], n_bootstrap=20)
    plain = {}
    for name, each in repeated(cohort).items():
        score = cohort.ladder()[name].risk_score
        rankings = tuple(replace(ranking, risk_score=score) for ranking in each.repeats)
        plain[name] = replace(each, risk_score=score, repeats=rankings)
    # The constants stand between folds alone, where nobody is compared.
    whole = evaluate(cohort, plain, horizons=[5.0], n_bootstrap=20)
    assert shifted.ladder == whole.ladder
    once = evaluate(cohort, cohort.ladder(), horizons=[5.0], n_bootstrap=20)
    assert [row["ipa"] for row in once.ladder] == [row["ipa"] for row in whole.ladder]


def test_models_of_other_repeats_are_refused(cohort) -> None:
    predictions = repeated(cohort)
    once = {**predictions, "clinical": replace(predictions["clinical"], repeats=())}
    with pytest.raises(SurvivalError, match="average of the same repeats, got 0 in clinical and 3"):
        aligned_to(cohort, once)
    first, second, third = predictions["clinical"].repeats
    other = (first, second, replace(third, fold=third.fold[::-1]))
    with pytest.raises(SurvivalError, match="patients who stand in another fold in clinical"):
        aligned_to(
            cohort, {**predictions, "clinical": replace(predictions["clinical"], repeats=other)}
        )


def test_a_fold_of_a_later_repeat_without_pairs_is_named(cohort) -> None:
    predictions = repeated(cohort, n_repeats=2)
    alone = {
        name: replace(
            each,
            repeats=(
                each.repeats[0],
                replace(each.repeats[1], fold=np.where(np.arange(400) == 0, 9, 1)),
            ),
        )
        for name, each in predictions.items()
    }
    with pytest.raises(SurvivalError, match="undefined in fold 9 of repeat 2: 1 patients"):
        evaluate(cohort, alone, horizons=[5.0], n_bootstrap=2)
