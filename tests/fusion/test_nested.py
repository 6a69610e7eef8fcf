"""Inner folds, and what is learned in each of them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

import fusion.nested
from fusion.components import Components, fit_components
from fusion.dataset import Modality, PatientDataset
from fusion.nested import N_INNER_FOLDS, NestedDesign, stratified_folds


def moved_by_held_out_features(dataset: PatientDataset) -> list[str]:
    """Leak detector: modalities in which one inner fold's features move its inner transformation.

    The features of inner fold 0 are replaced; row 1 of a block, fitted without that fold, must not
    change for anyone else.
    """
    design = NestedDesign(dataset)
    held_out = design.inner_fold == 0
    moved = []
    for name, modality in design.dataset.modalities.items():
        values = modality.values.copy()
        values[held_out & modality.present] = 13 - 3 * values[held_out & modality.present]
        other = NestedDesign(design.dataset.replace_modality(replace(modality, values=values)))
        assert_array_equal(other.inner_fold, design.inner_fold)
        before, after = design.block(name).scores[1], other.block(name).scores[1]
        same = before.shape == after.shape and torch.equal(before[~held_out], after[~held_out])
        moved += [] if same else [name]
    return moved


def test_inner_transformations_see_nothing_of_the_fold_they_leave_out(simulate):
    assert moved_by_held_out_features(simulate()) == []


def test_a_scaler_fitted_outside_the_inner_fold_is_caught(simulate, monkeypatch):
    def outside_the_fold(modality: Modality, training: np.ndarray) -> Components:
        return fit_components(modality, np.ones_like(training))

    monkeypatch.setattr(fusion.nested, "fit_components", outside_the_fold)
    assert moved_by_held_out_features(simulate()) == ["clinical", "rna", "mutations"]


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
