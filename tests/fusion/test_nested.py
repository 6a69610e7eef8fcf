"""Inner folds, and what is learned in each of them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import fusion.nested
from fusion.components import Components, fit_components
from fusion.cox_solver import fit_ridge_cox
from fusion.dataset import Modality, PatientDataset
from fusion.nested import N_INNER_FOLDS, NestedDesign, stratified_folds
from fusion.truncated_newton import linear_score


def moved_by_outcomes(dataset: PatientDataset) -> list[str]:
    """Leak detector: modalities whose columns depend on outcomes."""
    design = NestedDesign(dataset)
    other = NestedDesign(replace(dataset, event=~dataset.event, time=dataset.time[::-1].copy()))
    moved = []
    for name in dataset.modalities:
        before, after = (
            dict(zip(d.dataset.patient_id.tolist(), d.columns([name]), strict=True))
            for d in (design, other)
        )
        # Directions that hold next to no variance may turn by rounding alone.
        same = all(torch.allclose(before[p], after[p], atol=1e-7) for p in before)
        moved += [] if same else [name]
    return moved


def test_what_is_fitted_once_a_training_set_knows_no_outcome(simulate):
    assert moved_by_outcomes(simulate()) == []


def test_a_transformation_that_reads_outcomes_is_caught(simulate, monkeypatch):
    dataset = simulate()

    def reads_outcomes(modality: Modality) -> tuple[Components, np.ndarray]:
        # A design holds its patients by descending time: the later half are the early events.
        n_patients = len(modality.present)
        fitted = fit_components(modality, np.arange(n_patients) > n_patients / 2)
        return fitted, fitted.transform(modality)

    monkeypatch.setattr(fusion.nested, "fit_with_scores", reads_outcomes)
    assert moved_by_outcomes(dataset) == ["clinical", "rna", "mutations"]


def test_shared_directions_solve_ridge_on_the_genes_of_an_inner_fold(simulate):
    """Only the fold's weights tell who is in it: the solution is that of its own genes."""
    dataset = simulate(120)
    design = NestedDesign(dataset)
    rna = design.dataset.modalities["rna"]
    fitted = design.block("rna").components
    total = (fitted.standardised(rna)[rna.present] ** 2).sum() / (rna.present.sum() - 1)
    genes = torch.as_tensor(fitted.standardised(rna) / total**0.5)
    columns = design.columns(["rna"])
    for fit in range(1 + N_INNER_FOLDS):
        on_genes, on_directions = (
            linear_score(
                x, fit_ridge_cox(x, design.sets, design.weights[fit], x.new_ones(x.shape[1]))
            )
            for x in (genes, columns)
        )
        assert_allclose(on_directions, on_genes, atol=1e-8)


@given(
    events=st.lists(st.booleans(), min_size=10, max_size=80),
    n_folds=st.integers(2, 5),
    seed=st.integers(0, 1000),
)
@settings(deadline=None)
def test_folds_are_of_equal_size_and_equal_events(events, n_folds, seed):
    event = np.array(events)
    fold = stratified_folds(event, n_folds, seed)
    sizes = np.bincount(fold, minlength=n_folds)
    assert sizes.sum() == len(event)
    assert len(sizes) == n_folds
    assert np.ptp(sizes) <= 1
    assert np.ptp(np.bincount(fold[event], minlength=n_folds)) <= 1
    assert_array_equal(fold, stratified_folds(event, n_folds, seed))


def test_weights_leave_each_patient_out_of_exactly_one_inner_training_set(simulate):
    design = NestedDesign(simulate(), seed=5)
    assert design.weights.shape == (1 + N_INNER_FOLDS, 160)
    assert bool((design.weights[0] == 1).all())
    assert_array_equal(design.held_out_mask.sum(0), np.ones(160))
    assert_array_equal(design.held_out_mask.int().argmax(0), design.inner_fold)


def test_another_seed_draws_other_folds(simulate):
    dataset = simulate()
    first, again, other = (NestedDesign(dataset, seed).inner_fold for seed in (1, 1, 2))
    assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_out_of_fold_score_is_the_one_of_the_patients_own_fold(simulate):
    design = NestedDesign(simulate())
    scores = torch.arange(6.0, dtype=torch.float64)[:, None, None].expand(6, 1, 160)
    judged = design.judged(torch.zeros(6, 1, 2, dtype=torch.float64), scores)
    assert_array_equal(judged.out_of_fold[0], design.inner_fold + 1)


def test_too_few_events_are_refused(simulate):
    dataset = simulate(60)
    event = np.zeros(60, dtype=bool)
    event[:9] = True
    with pytest.raises(ValueError, match="at least 10 events, got 9 in 60 patients"):
        NestedDesign(replace(dataset, event=event))
