"""Learned queries over tokens: weights by hand, and tokens that are left out."""

import pytest
import torch
from torch.testing import assert_close

from fusion.attention import TokenAttention


@pytest.fixture
def attention() -> TokenAttention:
    torch.manual_seed(0)
    return TokenAttention(6).double()


@pytest.fixture
def tokens() -> torch.Tensor:
    return torch.randn(3, 5, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@torch.no_grad()
def test_by_hand(attention, tokens):
    expected = []
    for patient in tokens:
        found = []
        for query in attention.queries:
            weight = (patient @ query / 6**0.5).exp()
            found.append((weight[:, None] * patient).sum(0) / weight.sum())
        expected.append(attention.output.weight @ torch.cat(found))
    assert_close(attention(tokens), torch.stack(expected))


@torch.no_grad()
def test_tokens_of_no_share_are_left_out(attention, tokens):
    share = torch.ones(3, 5, dtype=torch.float64)
    share[:, 3:] = 0
    assert_close(attention(tokens, share), attention(tokens[:, :3]))
    assert_close(attention(tokens, torch.ones_like(share)), attention(tokens))


@torch.no_grad()
def test_a_token_of_double_share_counts_as_two(attention, tokens):
    share = torch.tensor([[2.0, 1, 1, 1, 1]], dtype=torch.float64).expand(3, -1)
    twice = torch.cat([tokens[:, :1], tokens], dim=1)
    assert_close(attention(tokens, share), attention(twice))


def test_nothing_present_gives_zero_and_a_gradient_of_zero(attention, tokens):
    tokens.requires_grad_()
    result = attention(tokens, torch.zeros(3, 5, dtype=torch.float64))
    assert not result.any()
    result.sum().backward()
    assert not tokens.grad.any()
    assert not attention.queries.grad.any()
