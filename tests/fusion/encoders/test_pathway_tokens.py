"""Genes to pathway tokens: each token sees its own genes and no other."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import selu
from torch.testing import assert_close

from fusion.encoders.pathways import OTHER_GENES, PathwayEncoder, PathwayTokens

PATHWAYS = {"hypoxia": (0, 4, 2), "cell cycle": (2, 5)}
N_GENES = 8


@pytest.fixture
def tokens() -> PathwayTokens:
    torch.manual_seed(0)
    return PathwayTokens(PATHWAYS, N_GENES, 4, 0.7).double()


@pytest.fixture
def genes() -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(6, N_GENES, generator=generator, dtype=torch.float64)


@torch.no_grad()
def test_by_hand(tokens, genes):
    tokens.bias += torch.randn(2, 4)
    assert tokens.names == ("hypoxia", "cell cycle", OTHER_GENES)
    expected = [
        selu(genes[:, [0, 4, 2]] @ tokens.weight[0] + tokens.bias[0]),
        selu(genes[:, [2, 5]] @ tokens.weight[1, :2] + tokens.bias[1]),
        selu(tokens.other_genes(genes[:, [1, 3, 6, 7]])),
    ]
    assert_close(tokens(genes), torch.stack(expected, dim=1))


@settings(deadline=None, max_examples=40)
@given(st.data())
@torch.no_grad()
def test_a_gene_moves_the_tokens_of_its_pathways_and_no_other(data):
    positions = st.lists(st.integers(0, N_GENES - 1), min_size=1, unique=True)
    sets = data.draw(st.lists(positions, min_size=1, max_size=5))
    gene = data.draw(st.integers(0, N_GENES - 1))
    torch.manual_seed(data.draw(st.integers(0, 99)))
    tokens = PathwayTokens({str(i): s for i, s in enumerate(sets)}, N_GENES, 4, 0.7)
    genes = torch.randn(3, N_GENES)
    before = tokens(genes)
    genes[:, gene] += 1
    moved = (tokens(genes) != before).any(dim=(0, 2)).tolist()
    member = [gene in s for s in sets]
    if len(tokens.names) > len(sets):
        member.append(not any(member))
    assert moved == member


def test_without_other_genes_there_is_no_token_for_them():
    tokens = PathwayTokens({"a": (0, 1), "b": (1, 2)}, 3, 4, 0.7)
    assert tokens.names == ("a", "b")
    assert tokens(torch.ones(2, 3)).shape == (2, 2, 4)


@torch.no_grad()
def test_a_missing_value_is_the_mean(tokens, genes):
    at_mean = genes.clone()
    genes[:3, 4] = torch.nan
    at_mean[:3, 4] = 0
    assert torch.equal(tokens(genes), tokens(at_mean))


def test_padding_weighs_nothing_and_never_learns(tokens, genes):
    """A pathway of two genes beside one of three has a weight too many."""
    assert not tokens.weight[1, 2].any()
    (tokens(genes) ** 2).sum().backward()
    assert not tokens.weight.grad[1, 2].any()
    assert tokens.weight.grad[0].any(dim=1).all()
    assert tokens.weight.grad[1, :2].any(dim=1).all()


@torch.no_grad()
def test_tokens_of_small_and_large_pathways_have_mean_0_and_variance_1():
    torch.manual_seed(0)
    tokens = PathwayTokens({"small": range(3), "large": range(200)}, 300, 256, 0.7)
    by_token = tokens(torch.randn(500, 300)).transpose(0, 1).flatten(1)
    assert_close(by_token.mean(dim=1), torch.zeros(3), atol=0.1, rtol=0)
    assert_close(by_token.var(dim=1), torch.ones(3), atol=0.15, rtol=0)


@torch.no_grad()
def test_the_dropout_mask_of_a_patient_holds_for_all_tokens(tokens, genes):
    kept = torch.ones(6, 4, dtype=torch.float64)
    kept[0, 1] = 0
    dropped = tokens(genes, kept)
    alone = tokens(genes, torch.ones_like(kept))
    changed = (dropped != alone).nonzero().tolist()
    assert changed == [[0, token, 1] for token in range(3)]
    assert len(dropped[0, :, 1].unique()) == 1


@torch.no_grad()
def test_the_embedding_sees_every_token(tokens, genes):
    torch.manual_seed(2)
    encoder = PathwayEncoder(tokens, 4).double()
    before = encoder(genes)
    assert before.shape == (6, 4)
    for gene in range(N_GENES):
        changed = genes.clone()
        changed[:, gene] += 1
        assert (encoder(changed) != before).any(dim=1).all()


@pytest.mark.parametrize("pathways", [{}, {"a": (0,), "b": ()}])
def test_no_pathway_and_an_empty_one_are_refused(pathways):
    with pytest.raises(ValueError, match="pathways with at least one gene.*use components"):
        PathwayTokens(pathways, 3, 4, 0.7)
