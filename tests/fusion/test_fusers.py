"""The gated fuser selects by presence."""

import pytest
import torch

from fusion.fusers import GatedFuser

NAMES = ("clinical", "rna")


@pytest.fixture
def fuser() -> GatedFuser:
    torch.manual_seed(0)
    return GatedFuser(NAMES, 4)


@torch.no_grad()
@pytest.mark.parametrize("garbage", [3.0, float("nan")])
def test_an_absent_embedding_reaches_neither_the_sum_nor_the_other_gates(fuser, garbage):
    """Through the gates a constant embedding would tell who lacks the modality."""
    embeddings = {name: torch.randn(5, 4) for name in NAMES}
    present = {name: torch.ones(5, dtype=torch.bool) for name in NAMES}
    present["rna"][2:] = False
    before = fuser(embeddings, present)
    embeddings["rna"][2:] = garbage
    assert torch.equal(fuser(embeddings, present), before)
    embeddings["rna"][:2] += 1
    changed = (fuser(embeddings, present) != before).any(dim=1)
    assert changed.tolist() == [True, True, False, False, False]


@torch.no_grad()
def test_the_sum_of_gated_embeddings_by_hand(fuser):
    embeddings = {name: torch.randn(3, 4) for name in NAMES}
    present = {name: torch.ones(3, dtype=torch.bool) for name in NAMES}
    both = torch.cat([embeddings["clinical"], embeddings["rna"]], dim=1)
    expected = sum(
        torch.sigmoid(fuser.gates[name](both)) * torch.tanh(fuser.values[name](embeddings[name]))
        for name in NAMES
    )
    assert torch.allclose(fuser(embeddings, present), expected)
    nobody = {name: torch.zeros(3, dtype=torch.bool) for name in NAMES}
    assert not fuser(embeddings, nobody).any()
