"""Heads: shapes, a plausible first prediction, and a way back for the gradient."""

import numpy as np
import pytest
import torch

from fusion.heads import BinaryHead, CompetingRisksHead, CoxHead, DiscreteHazardHead, RegressionHead

HEADS = [
    (CoxHead(8), ()),
    (DiscreteHazardHead(8, 5), (5,)),
    (CompetingRisksHead(8, 2, 5), (2, 5)),
    (BinaryHead(8), ()),
    (RegressionHead(8), ()),
]


@pytest.mark.parametrize(("head", "shape"), HEADS)
def test_every_head_has_its_shape_and_lets_the_gradient_through(head, shape):
    fused = torch.randn(6, 8, generator=torch.Generator().manual_seed(0)).requires_grad_()
    outputs = head(fused)
    assert outputs.shape == (6, *shape)
    outputs.sum().backward()
    assert fused.grad is not None
    assert bool(fused.grad.all())
    assert all(bool(p.grad.any()) for p in head.parameters())


def test_coxs_head_has_no_bias():
    assert not CoxHead(8)(torch.zeros(3, 8)).any()


@pytest.mark.parametrize("n_intervals", [1, 4, 20])
def test_hazards_start_at_one_over_one_more_than_the_intervals(n_intervals):
    nothing = torch.zeros(3, 8)
    hazard = DiscreteHazardHead(8, n_intervals)(nothing).sigmoid().detach().numpy()
    np.testing.assert_allclose(hazard, 1 / (n_intervals + 1), rtol=1e-6)
    logits = CompetingRisksHead(8, 3, n_intervals)(nothing)
    with_survival = torch.cat([torch.zeros(3, 1, n_intervals), logits], dim=1)
    causes = with_survival.softmax(1)[:, 1:].detach().numpy()
    np.testing.assert_allclose(causes, 1 / (3 * (n_intervals + 1)), rtol=1e-6)


@pytest.mark.parametrize("head", [head for head, _ in HEADS[1:]])
def test_first_predictions_are_about_the_same_for_everyone(head):
    fused = torch.randn(200, 8, generator=torch.Generator().manual_seed(0))
    assert float(head(fused).detach().std(0).max()) < 0.1
