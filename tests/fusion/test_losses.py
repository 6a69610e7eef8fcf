"""Partial likelihood: R, by hand, and what must not change it."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from fusion.losses import cox_log_likelihood, held_out_log_likelihood, risk_sets

PATIENTS = st.lists(
    st.tuples(st.integers(1, 6), st.booleans(), st.floats(-3, 3), st.sampled_from([0.0, 0.5, 2.0])),
    min_size=1,
    max_size=25,
)


def likelihood(time, event, risk_score, weights=None) -> float:
    """The package's likelihood of patients in any order."""
    time, event = np.asarray(time, dtype=float), np.asarray(event, dtype=bool)
    weights = np.ones(len(time)) if weights is None else np.asarray(weights, dtype=float)
    sets = risk_sets(time, event)
    order = sets.order.numpy()
    score = torch.as_tensor(np.asarray(risk_score, dtype=float)[order])
    return float(cox_log_likelihood(score, sets, torch.as_tensor(weights[order])))


def efron_by_definition(time, event, risk_score, weights) -> float:
    """Efron's formula as R's manual states it, one event at a time."""
    time, event, weights = np.asarray(time), np.asarray(event), np.asarray(weights)
    hazard = weights * np.exp(risk_score)
    total = 0.0
    for moment in np.unique(time):
        tied = (time == moment) & event & (weights > 0)
        for rank in range(tied.sum()):
            at_risk = hazard[time >= moment].sum() - rank / tied.sum() * hazard[tied].sum()
            total -= weights[tied].mean() * math.log(at_risk)
        total += (weights * np.asarray(risk_score))[tied].sum()
    return total


def test_equals_r_with_ties_weights_and_patients_left_out(cox_inputs, cox_reference):
    time, event, score = (cox_inputs[c].to_numpy() for c in ("time", "event", "risk_score"))
    weight, fold = cox_inputs["weight"].to_numpy(), cox_inputs["fold"].to_numpy()
    expected = cox_reference("likelihood")[1]
    assert_allclose(likelihood(time, event, score), expected, atol=1e-9)
    expected = cox_reference("likelihood:weighted")[1]
    assert_allclose(likelihood(time, event, score, weight), expected, atol=1e-9)
    for held_out in range(3):
        expected = cox_reference(f"likelihood:without_{held_out}")[1]
        assert_allclose(likelihood(time, event, score, fold != held_out), expected, atol=1e-9)


def test_efron_equals_breslow_without_ties(cox_inputs, cox_reference):
    time, event, score = (cox_inputs[c].to_numpy() for c in ("time_untied", "event", "risk_score"))
    efron = likelihood(time, event, score)
    assert_allclose(efron, cox_reference("likelihood:untied")[1], atol=1e-9)
    assert_allclose(efron, cox_reference("likelihood:untied_breslow")[1], atol=1e-9)


@given(PATIENTS)
@settings(deadline=None)
def test_equals_the_definition(patients):
    time, event, score, weights = map(np.array, zip(*patients, strict=True))
    expected = efron_by_definition(time, event, score, weights)
    assert_allclose(likelihood(time, event, score, weights), expected, atol=1e-9)


@given(PATIENTS, st.floats(-5, 5), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_order_of_patients_and_a_common_shift_change_nothing(patients, shift, random):
    before = likelihood(*zip(*patients, strict=True))
    random.shuffle(patients)
    time, event, score, weights = map(np.array, zip(*patients, strict=True))
    assert_allclose(likelihood(time, event, score + shift, weights), before, atol=1e-8)


def test_held_out_by_hand():
    sets = risk_sets(np.array([1.0, 2.0, 3.0]), np.array([True, True, True]))
    first, second, third = 0.5, -1.0, 2.0
    scores = torch.tensor([third, second, first], dtype=torch.float64)
    training = torch.tensor([1.0, 0.0, 1.0], dtype=torch.float64)
    everyone = (
        first
        - math.log(math.exp(first) + math.exp(second) + math.exp(third))
        + second
        - math.log(math.exp(second) + math.exp(third))
    )
    without = first - math.log(math.exp(first) + math.exp(third))
    held_out = float(held_out_log_likelihood(scores, sets, training))
    assert held_out == pytest.approx(everyone - without, abs=1e-12)
    nobody_out = held_out_log_likelihood(scores, sets, torch.ones_like(training))
    assert float(nobody_out) == 0.0


def test_autograd_gradient_is_right(cox_inputs):
    table = cox_inputs.iloc[:40]
    sets = risk_sets(table["time"].to_numpy(), table["event"].to_numpy())
    order = sets.order.numpy()
    weights = torch.as_tensor(table["weight"].to_numpy()[order])
    weights[[3, 11, 25]] = 0.0
    score = torch.as_tensor(table["risk_score"].to_numpy()[order]).requires_grad_()
    assert torch.autograd.gradcheck(lambda s: cox_log_likelihood(s, sets, weights), score)
    gradient = torch.autograd.grad(cox_log_likelihood(score, sets, weights), score)[0]
    assert not gradient[[3, 11, 25]].any()


def test_several_sets_of_weights_at_once_equal_one_by_one(cox_inputs):
    sets = risk_sets(cox_inputs["time"].to_numpy(), cox_inputs["event"].to_numpy())
    rng = np.random.default_rng(4)
    scores = torch.as_tensor(rng.normal(size=(3, 1, len(cox_inputs))))
    weights = torch.as_tensor(rng.integers(0, 3, (2, len(cox_inputs))).astype(float))
    together = cox_log_likelihood(scores, sets, weights)
    assert together.shape == (3, 2)
    for i in range(3):
        for j in range(2):
            alone = cox_log_likelihood(scores[i, 0], sets, weights[j])
            assert_allclose(float(together[i, j]), float(alone), rtol=1e-13)


@pytest.mark.parametrize("extreme", [1e5, -1e5])
def test_an_extreme_patient_spoils_no_one_elses_terms(extreme):
    """Hazards of the others underflow beside this one; the likelihood must not become NaN or ∞."""
    time, event = np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, True, True, False])
    score = np.array([0.0, extreme, 0.5, 0.0])
    expected = 0.5 - math.log(math.exp(0.5) + 1) + (-extreme if extreme > 0 else extreme)
    if extreme < 0:
        expected -= 2 * math.log(math.exp(0.5) + 1) - 0.0
        expected += math.log(math.exp(0.5) + 1) - math.log(math.exp(0.5) + 2)
    assert_allclose(likelihood(time, event, score), expected, rtol=1e-12)
    without = likelihood(time, event, score, [1, 0, 1, 1])
    assert_allclose(without, likelihood(time[[0, 2, 3]], event[[0, 2, 3]], score[[0, 2, 3]]))
    sets = risk_sets(time, event)
    single = torch.as_tensor(score[::-1].copy(), dtype=torch.float32).requires_grad_()
    weights = torch.tensor([1.0, 1.0, 0.0, 1.0])
    cox_log_likelihood(single, sets, weights).backward()
    assert single.grad is not None
    assert bool(single.grad.isfinite().all())
