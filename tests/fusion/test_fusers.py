"""Every fuser selects by presence; what each computes, by hand."""

import pytest
import torch
from torch import nn
from torch.nn.functional import gelu
from torch.testing import assert_close

from fusion.fusers import (
    MAX_PRODUCT,
    ConcatenationFuser,
    CrossAttentionFuser,
    GatedFuser,
    TensorFuser,
    select_present,
)

NAMES = ("clinical", "rna", "mri")
FUSERS = (ConcatenationFuser, GatedFuser, TensorFuser, CrossAttentionFuser)


@pytest.fixture(params=FUSERS)
def fuser(request) -> nn.Module:
    torch.manual_seed(0)
    return request.param(NAMES, 4)


@pytest.fixture
def embeddings() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return {name: torch.randn(5, 4, generator=generator) for name in NAMES}


@pytest.fixture
def present() -> dict[str, torch.Tensor]:
    """The last three of five patients lack RNA."""
    everyone = {name: torch.ones(5, dtype=torch.bool) for name in NAMES}
    return {**everyone, "rna": torch.arange(5) < 2}


@pytest.mark.parametrize("garbage", [3.0, float("inf"), float("nan")])
def test_an_absent_embedding_reaches_neither_output_nor_gradient(
    fuser, embeddings, present, garbage
):
    """Through a gate or a product, a constant would tell who lacks the modality."""
    results = []
    for fill in (0.0, garbage):
        rna = torch.where(present["rna"][:, None], embeddings["rna"], fill).requires_grad_()
        fuser.zero_grad()
        fused = fuser({**embeddings, "rna": rna}, present)
        (fused**2).sum().backward()
        results.append((fused, rna.grad, *(p.grad.clone() for p in fuser.parameters())))
    for zeros, spoiled in zip(*results, strict=True):
        assert torch.equal(zeros, spoiled)
    to_rna = results[0][1]
    assert to_rna[:2].any(dim=1).all()
    assert not to_rna[2:].any()


@torch.no_grad()
def test_a_present_embedding_counts(fuser, embeddings, present):
    before = fuser(embeddings, present)
    for name in NAMES:
        after = fuser({**embeddings, name: embeddings[name] + 1}, present)
        assert torch.equal((after != before).any(dim=1), present[name])


def test_with_nothing_present_result_and_gradient_are_zero(fuser, embeddings):
    nobody = {name: torch.zeros(5, dtype=torch.bool) for name in NAMES}
    fused = fuser(embeddings, nobody)
    assert fused.shape == (5, 4)
    assert not fused.any()
    fused.sum().backward()
    assert all(p.grad is None or not p.grad.any() for p in fuser.parameters())


def test_selection_keeps_any_shape():
    images = torch.full((2, 1, 3, 4, 4), float("nan"))
    images[0] = 1
    selected = select_present(images, torch.tensor([True, False]))
    assert torch.equal(selected[0], images[0])
    assert not selected[1].any()


@torch.no_grad()
def test_concatenation_by_hand(embeddings, present):
    fuser = ConcatenationFuser(NAMES, 4)
    rows = [
        torch.cat([embeddings[n][i] if present[n][i] else torch.zeros(4) for n in NAMES])
        for i in range(5)
    ]
    assert_close(fuser(embeddings, present), gelu(torch.stack(rows) @ fuser.layer.weight.T))


@torch.no_grad()
def test_the_sum_of_gated_embeddings_by_hand(embeddings):
    fuser = GatedFuser(NAMES, 4)
    present = {name: torch.ones(5, dtype=torch.bool) for name in NAMES}
    everything = torch.cat(list(embeddings.values()), dim=1)
    expected = sum(
        torch.sigmoid(fuser.gates[name](everything))
        * torch.tanh(fuser.values[name](embeddings[name]))
        for name in NAMES
    )
    assert_close(fuser(embeddings, present), expected)


@torch.no_grad()
def test_the_tensor_product_by_hand(embeddings, present):
    """The first entry, 1 · 1 · 1, is left out; an absent modality is [1, 0, …]."""
    fuser = TensorFuser(NAMES, 4)
    products = []
    for i in range(5):
        product = torch.ones(1)
        for name in NAMES:
            units = torch.tanh(fuser.projections[name](embeddings[name][i]))
            product = torch.kron(product, torch.cat([torch.ones(1), units * present[name][i]]))
        products.append(product[1:])
    assert_close(fuser(embeddings, present), fuser.layer(torch.stack(products)))


@torch.no_grad()
def test_an_absent_modality_leaves_the_products_of_the_others(embeddings):
    """Without RNA, the fuser of three is a fuser of two with the same weights."""
    three, two = TensorFuser(NAMES, 4), TensorFuser(("clinical", "mri"), 4)
    width = three.projections["rna"].out_features
    two.projections = nn.ModuleDict({n: three.projections[n] for n in ("clinical", "mri")})
    # (embed, clinical·rna·mri) → those of the constant of RNA
    whole = torch.cat([torch.zeros(4, 1), three.layer.weight], dim=1)
    without = whole.unflatten(1, [width + 1] * 3)[:, :, 0].flatten(1)
    two.layer.weight = nn.Parameter(without[:, 1:])
    everyone = torch.ones(5, dtype=torch.bool)
    present = {"clinical": everyone, "rna": ~everyone, "mri": everyone}
    pair = {name: embeddings[name] for name in ("clinical", "mri")}
    assert_close(three(embeddings, present), two(pair, {n: present[n] for n in pair}))


@pytest.mark.parametrize(
    ("n_modalities", "width"), [(1, 16), (2, 16), (3, 15), (4, 7), (5, 4), (6, 3)]
)
def test_the_product_stays_small(n_modalities, width):
    fuser = TensorFuser([f"modality {i}" for i in range(n_modalities)], 8)
    assert fuser.projections["modality 0"].out_features == width
    assert fuser.layer.in_features == (width + 1) ** n_modalities - 1 < MAX_PRODUCT


def test_too_many_modalities_for_a_product_are_refused():
    names = [f"modality {i}" for i in range(7)]
    with pytest.raises(ValueError, match="keep 2 units of each of 7 modalities.*at least 3.*gated"):
        TensorFuser(names, 8)


@torch.no_grad()
def test_attention_takes_tokens_and_no_modality_outweighs_another_by_their_number(embeddings):
    """The same token once or fifty times is the same information."""
    fuser = CrossAttentionFuser(NAMES, 4)
    present = {name: torch.ones(5, dtype=torch.bool) for name in NAMES}
    once = fuser(embeddings, present)
    fifty = {**embeddings, "rna": embeddings["rna"][:, None].expand(-1, 50, -1)}
    assert_close(fuser(fifty, present), once)
    another = fifty["rna"].clone()
    another[:, 7] += 1
    assert (fuser({**fifty, "rna": another}, present) != once).any(dim=1).all()


@torch.no_grad()
def test_attention_tells_modalities_apart(embeddings, present):
    fuser = CrossAttentionFuser(NAMES, 4)
    swapped = {**embeddings, "clinical": embeddings["mri"], "mri": embeddings["clinical"]}
    assert not torch.allclose(fuser(embeddings, present), fuser(swapped, present))
