"""The stack takes what a modality proved to be worth, and no more."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from fusion.dataset import PatientDataset
from fusion.models import RidgeCox, Stack
from fusion.nested import NestedDesign

STACK = Stack("stack", "clinical", ("rna", "mutations"))
BASE = RidgeCox("clinical", ("clinical",))


def test_a_modality_that_carries_risk_is_weighted_and_noise_is_not(simulate):
    fitted = STACK.fit(simulate(400, gene_effect=1.2))
    weights = fitted.chosen["weights"]
    assert weights["rna"] > 0.3
    assert weights["mutations"] < 0.1


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_pure_noise_falls_back_towards_the_clinical_model(simulate, seed):
    """The additions may move a risk score by little; order stays the clinical model's."""
    dataset = simulate(300, seed=seed, gene_effect=0)
    design = NestedDesign(dataset)
    stack, clinical = design.fit(STACK).fitted, design.fit(BASE).fitted
    parts = stack.contributions(dataset)
    added = parts["clinical"] * 0 + sum(v for k, v in parts.items() if k != "clinical")
    assert added.std() < 0.25 * parts["clinical"].std()
    agreement = np.corrcoef(stack.risk_score(dataset), clinical.risk_score(dataset))[0, 1]
    assert agreement > 0.97


def few_events(dataset: PatientDataset, n_events: int) -> PatientDataset:
    """The same patients, of whom only the first events are observed."""
    last = np.sort(dataset.time[dataset.event])[n_events - 1]
    return replace(
        dataset, event=dataset.event & (dataset.time <= last), time=np.minimum(dataset.time, last)
    )


def test_with_few_events_noise_adds_next_to_nothing(simulate):
    """Twelve events; over several cohorts the additions vary less than the clinical part."""
    shares = []
    for seed in range(24):
        dataset = few_events(simulate(150, seed=seed, gene_effect=0, clinical_effect=1.2), 12)
        parts = STACK.fit(dataset).contributions(dataset)
        added = sum(v for k, v in parts.items() if k != "clinical")
        shares.append(np.std(added) / parts["clinical"].std())
    assert np.median(shares) < 0.1
    assert np.mean(shares) < 0.35


def test_a_modality_is_never_counted_backwards(simulate):
    for seed in range(6):
        weights = STACK.fit(simulate(90, seed=seed, gene_effect=0)).chosen["weights"]
        assert min(weights.values()) >= 0


def test_when_nothing_is_added_it_is_the_clinical_model(simulate):
    """Every addition dropped: same coefficients, same held-out likelihood."""
    for seed in range(20):
        dataset = simulate(120, seed=seed, gene_effect=0)
        design = NestedDesign(dataset)
        stack, clinical = design.fit(STACK), design.fit(BASE)
        if not any(stack.fitted.chosen["weights"].values()):
            break
    assert not any(stack.fitted.chosen["weights"].values())
    assert stack.fitted.chosen["penalty"] is None
    assert_allclose(stack.fitted.risk_score(dataset), clinical.fitted.risk_score(dataset))
    assert stack.held_out == pytest.approx(clinical.held_out)


def test_patients_without_a_modality_get_the_neutral_score(simulate):
    dataset = simulate(400, gene_effect=1.2)
    parts = STACK.fit(dataset).contributions(dataset)
    present = dataset.modalities["rna"].present
    assert not parts["rna"][~present].any()
    assert parts["rna"][present].all()
    assert abs(parts["rna"][present].mean()) < 0.2 * parts["rna"][present].std()
