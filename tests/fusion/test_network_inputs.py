"""Inputs of a network: batches, subsets, what identifies them, and what does not fit together."""

from dataclasses import replace

import pytest
import torch

from fusion.network_inputs import LazyFeatures, NetworkInputs

IMAGES = torch.arange(6 * 4.0).reshape(6, 1, 1, 2, 2)


@pytest.fixture
def inputs() -> NetworkInputs:
    present = torch.tensor([True, True, False, True, False, True])
    return NetworkInputs(
        {
            "clinical": torch.arange(12.0).reshape(6, 2),
            "mri": LazyFeatures(lambda positions: IMAGES[positions], 6, "files a"),
        },
        {"clinical": torch.ones(6, dtype=torch.bool), "mri": present},
        "clinical",
    )


def test_a_batch_is_the_patients_asked_for_in_their_order(inputs):
    features, present = inputs.batch(torch.tensor([4, 1]))
    assert features["clinical"].tolist() == [[8, 9], [2, 3]]
    assert torch.equal(features["mri"], IMAGES[[4, 1]])
    assert present["mri"].tolist() == [False, True]


def test_a_subset_of_a_subset_finds_the_same_patients(inputs):
    part = inputs.take(torch.tensor([5, 3, 0])).take(torch.tensor([2, 0]))
    assert part.n_patients == 2
    features, present = part.batch(torch.tensor([0, 1]))
    assert features["clinical"].tolist() == [[0, 1], [10, 11]]
    assert torch.equal(features["mri"], IMAGES[[0, 5]])
    assert present["mri"].tolist() == [True, True]


def test_the_fingerprint_changes_with_anything_the_network_may_see(inputs):
    lazy = replace(inputs.features["mri"], fingerprint="files b")
    absent = {**inputs.present, "mri": inputs.present["mri"].roll(1)}
    others = [
        replace(inputs, features={**inputs.features, "clinical": inputs.features["clinical"] + 1}),
        replace(
            inputs, features={**inputs.features, "clinical": inputs.features["clinical"].double()}
        ),
        replace(inputs, features={**inputs.features, "mri": lazy}),
        replace(inputs, present=absent),
        replace(inputs, clinical="mri"),
        inputs.take(torch.arange(5)),
        inputs.take(torch.tensor([0, 1, 2, 4, 3, 5])),
    ]
    found = {x.fingerprint() for x in [inputs, *others]}
    assert len(found) == 1 + len(others)
    assert inputs.to(torch.device("cpu")).fingerprint() == inputs.fingerprint()


def test_what_does_not_fit_together_is_refused(inputs):
    with pytest.raises(ValueError, match="clinical modality 'labs' is not among clinical, mri"):
        replace(inputs, clinical="labs")
    with pytest.raises(ValueError, match="pass both for the same modalities"):
        replace(inputs, present={"clinical": inputs.present["clinical"]})
    short = {**inputs.features, "clinical": torch.ones(5, 2)}
    with pytest.raises(ValueError, match="features of clinical: 5 rows for 6 patients"):
        replace(inputs, features=short)
    with pytest.raises(ValueError, match="mri: 5 rows for 6 patients"):
        replace(inputs, present={**inputs.present, "mri": torch.ones(5, dtype=torch.bool)})
