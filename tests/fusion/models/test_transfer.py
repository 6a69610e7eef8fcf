"""A score that other cohorts teach: without the target's outcomes, worth something in it."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fusion.components import fit_components, fit_with_scores
from fusion.dataset import Modality, PatientDataset
from fusion.models.transfer import PENALTIES, transfer

N_GENES = 40


def cohort(seed: int, *, n: int = 150, genes: range = range(N_GENES), scale: float = 1.0):
    """Risk by gene 0 and 1 and by age; genes named g0 … in the given range."""
    rng = np.random.default_rng(seed)
    expression = rng.normal(size=(n, N_GENES))
    age = rng.normal(size=n)
    risk = 0.8 * expression[:, 0] - 0.8 * expression[:, 1] + 0.5 * age
    time = rng.exponential(np.exp(-risk)) * scale + 0.01
    everyone = np.ones(n, bool)
    return PatientDataset(
        np.array([f"{seed}-{i}" for i in range(n)]),
        time,
        rng.random(n) < 0.7,
        "months",
        {
            "clinical": Modality("clinical", "ehr", age[:, None], everyone, ("age",)),
            "rna": Modality(
                "rna",
                "genomics",
                expression[:, list(genes)],
                everyone,
                tuple(f"g{i}" for i in genes),
            ),
        },
    )


def scored(modality: Modality) -> np.ndarray:
    """The one column that a model of these patients sees, (patient, 1)."""
    return fit_with_scores(modality)[1]


def agreement(dataset: PatientDataset, score: np.ndarray) -> float:
    expression = dataset.modalities["rna"].values
    return float(np.corrcoef(expression[:, 0] - expression[:, 1], score)[0, 1])


def test_the_shared_genes_are_learned_whatever_the_clock_of_a_cohort():
    """Cohorts with follow-up a hundred times as long have their own baseline hazard."""
    target = cohort(0)
    others = {"a": cohort(1), "b": cohort(2, scale=100.0), "c": cohort(3, scale=0.01)}
    found = transfer(target, others, "rna", "others")
    assert agreement(target, scored(found.modality)[:, 0]) > 0.8
    assert found.cohorts == ("a", "b", "c")
    assert found.penalty in PENALTIES


def test_the_target_teaches_nothing():
    target = cohort(0)
    others = {"a": cohort(1), "b": cohort(2)}
    before = transfer(target, others, "rna", "others").modality.direction
    turned = replace(target, time=target.time[::-1].copy(), event=~target.event)
    assert_array_equal(transfer(turned, others, "rna", "others").modality.direction, before)


def test_held_out_patients_change_nothing_that_the_others_are_seen_by():
    """Ranks and scale are those of the training fold: the score is one of its patients alone."""
    target, others = cohort(0), {"a": cohort(1), "b": cohort(2)}
    rna = target.modalities["rna"]
    training = np.arange(150) < 100
    moved = replace(rna, values=np.where(training[:, None], rna.values, rna.values * 3 + 2))
    found = []
    for each in (target, target.replace_modality(moved)):
        modality = transfer(each, others, "rna", "others").modality
        found.append(fit_components(modality, training).transform(modality)[training])
    assert_array_equal(found[0], found[1])
    assert found[0].shape == (100, 1)
    assert_allclose((found[0] ** 2).sum() / 99, 1)


def test_a_direction_has_a_weight_for_each_feature():
    with pytest.raises(ValueError, match=r"one weight a feature \(40,\), got \(3,\)"):
        replace(cohort(0).modalities["rna"], direction=np.ones(3))


def test_genes_align_by_name_and_absent_ones_are_neutral():
    target = cohort(0, genes=range(20))
    shuffled = cohort(2)
    rna = shuffled.modalities["rna"]
    order = np.random.default_rng(0).permutation(N_GENES)
    turned = replace(rna, values=rna.values[:, order], names=tuple(rna.names[i] for i in order))
    others = {"a": cohort(1, genes=range(5, 40)), "b": cohort(2)}
    before = transfer(target, others, "rna", "others").modality.direction
    others["b"] = shuffled.replace_modality(turned)
    again = transfer(target, others, "rna", "others").modality.direction
    assert_allclose(again, before, atol=1e-7)


def test_patients_without_the_measurement_have_no_score():
    target = cohort(0)
    rna = target.modalities["rna"]
    present = np.arange(150) % 3 != 0
    target = target.replace_modality(
        replace(rna, present=present, values=np.where(present[:, None], rna.values, 0))
    )
    modality = transfer(target, {"a": cohort(1), "b": cohort(2)}, "rna", "others").modality
    assert_array_equal(modality.present, present)
    assert not scored(modality)[~present].any()
    assert scored(modality)[present].all()


def test_too_few_teachers_and_shared_patients_are_refused():
    with pytest.raises(ValueError, match="at least two other cohorts with rna, got 1"):
        transfer(cohort(0), {"a": cohort(1)}, "rna", "others")
    with pytest.raises(ValueError, match="150 patients of b stand in the target"):
        transfer(cohort(0), {"a": cohort(1), "b": cohort(0)}, "rna", "others")
    with pytest.raises(ValueError, match="150 patients of b stand in a too"):
        transfer(cohort(0), {"a": cohort(1), "b": cohort(1)}, "rna", "others")
