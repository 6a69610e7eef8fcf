"""Losses: by hand, against estimators that they must reproduce, and what censoring may do."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from lifelines import AalenJohansenFitter, KaplanMeierFitter
from numpy.testing import assert_allclose
from torch.nn import functional

from fusion.outcome_losses import (
    censoring_curve,
    competing_risks_loss,
    discrete_hazard_loss,
    event_quantile_cuts,
    horizon_weights,
    intervals_survived,
    squared_error,
    weighted_binary_cross_entropy,
)
from fusion.tasks import HorizonRiskTask, TimeToEvent

OUTCOMES = st.lists(st.tuples(st.integers(1, 8), st.booleans()), min_size=2, max_size=40).map(
    lambda rows: (np.array([t for t, _ in rows], dtype=float), np.array([e for _, e in rows]))
)


def simulated(n: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Untied times, two causes, a third censored; whoever is followed longest is censored."""
    rng = np.random.default_rng(seed)
    time = np.sort(rng.exponential(10, n))
    cause = rng.choice([0, 1, 2], n, p=[0.35, 0.4, 0.25])
    cause[-1] = 0
    shuffled = rng.permutation(n)
    return time[shuffled], cause[shuffled] > 0, cause[shuffled]


def optimum(loss: Callable[[torch.Tensor], torch.Tensor], shape: tuple[int, ...]) -> np.ndarray:
    """Outputs, the same for every patient, that minimise a loss."""
    common = torch.zeros(shape, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS(
        [common], max_iter=500, tolerance_grad=1e-12, line_search_fn="strong_wolfe"
    )

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        value = loss(common)
        value.backward()
        return value

    optimiser.step(closure)
    return common.detach().numpy()


@pytest.mark.parametrize("n_intervals", [4, 44])
def test_without_features_discrete_hazards_are_kaplan_meier(n_intervals):
    """With a cut at every event on the data as they are, else on times moved to the grid."""
    time, event, _ = simulated()
    assert event.sum() == 44
    cuts = event_quantile_cuts(time, event, n_intervals)
    n_survived = intervals_survived(time, event, cuts)
    targets = torch.as_tensor(n_survived), torch.as_tensor(event)
    logits = optimum(
        lambda z: discrete_hazard_loss(z.expand(len(time), -1), *targets), (n_intervals,)
    )
    survival = np.exp(-np.logaddexp(0, logits).cumsum())
    if n_intervals < 44:
        grid = np.append(0.0, cuts)
        time = np.where(event, grid[np.minimum(n_survived + 1, n_intervals)], grid[n_survived])
    expected = KaplanMeierFitter().fit(time, event).survival_function_at_times(cuts)
    assert_allclose(survival, expected, atol=1e-6)


def test_without_features_competing_risks_are_aalen_johansen():
    time, event, cause = simulated()
    cuts = event_quantile_cuts(time, event, int(event.sum()))
    targets = torch.as_tensor(intervals_survived(time, event, cuts)), torch.as_tensor(cause)
    logits = optimum(
        lambda z: competing_risks_loss(z.expand(len(time), -1, -1), *targets), (2, len(cuts))
    )
    hazard = torch.as_tensor(np.pad(logits, ((1, 0), (0, 0)))).softmax(0).numpy()
    before = np.append(1.0, hazard[0].cumprod())[:-1]
    for number in (1, 2):
        fitter = AalenJohansenFitter(calculate_variance=False).fit(time, cause, number)
        table = fitter.cumulative_density_
        assert_allclose((before * hazard[number]).cumsum(), table.loc[cuts].iloc[:, 0], atol=1e-5)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2), st.integers(0, 2), st.lists(st.floats(-4, 4), min_size=6, max_size=6)
        ),
        min_size=1,
        max_size=8,
    )
)
@settings(deadline=None)
def test_competing_risks_by_definition(patients):
    """Product over the intervals a patient reached, three intervals and two causes."""
    total = 0.0
    for n_survived, cause, numbers in patients:
        logit = np.array(numbers).reshape(2, 3)
        everything = 1 + np.exp(logit).sum(0)
        likelihood = (1 / everything[:n_survived]).prod()
        if cause:
            likelihood *= math.exp(logit[cause - 1, n_survived]) / everything[n_survived]
        total -= math.log(likelihood)
    n_survived, cause, numbers = zip(*patients, strict=True)
    logits = torch.tensor(numbers, dtype=torch.float64).reshape(-1, 2, 3)
    loss = competing_risks_loss(logits, torch.tensor(n_survived), torch.tensor(cause))
    assert float(loss) == pytest.approx(total, abs=1e-9)


def test_discrete_hazards_by_hand():
    """Hazards .2, .5: one survives both; one has the event in the second; one in the first."""
    logits = torch.logit(torch.tensor([[0.2, 0.5]], dtype=torch.float64)).expand(3, -1)
    loss = discrete_hazard_loss(logits, torch.tensor([2, 1, 0]), torch.tensor([False, True, True]))
    assert float(loss) == pytest.approx(-math.log(0.8 * 0.5) - math.log(0.8 * 0.5) - math.log(0.2))
    unknown = discrete_hazard_loss(logits[:1], torch.tensor([0]), torch.tensor([False]))
    assert float(unknown) == 0.0


def test_gradients_are_right():
    logits = torch.randn(
        5, 2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
    ).requires_grad_()
    n_survived, cause = torch.tensor([0, 1, 2, 3, 1]), torch.tensor([1, 0, 2, 0, 1])
    assert torch.autograd.gradcheck(lambda z: competing_risks_loss(z, n_survived, cause), logits)


def test_intervals_survived_by_hand():
    """An event at a cut belongs to the interval that it ends; a censoring there survived it."""
    time = np.array([1.0, 2.0, 2.0, 3.0, 4.0, 9.0])
    event = np.array([True, True, False, False, True, False])
    assert intervals_survived(time, event, np.array([2.0, 4.0])).tolist() == [0, 0, 1, 1, 1, 2]


@given(OUTCOMES, st.integers(1, 5))
@settings(deadline=None)
def test_every_interval_ends_with_an_event_the_last_with_the_last(outcome, n_intervals):
    time, event = outcome
    assume(len(np.unique(time[event])) >= n_intervals)
    cuts = event_quantile_cuts(time, event, n_intervals)
    assert len(cuts) == n_intervals
    assert (np.diff(cuts) > 0).all()
    assert set(cuts) <= set(time[event])
    assert cuts[-1] == time[event].max()


def test_kaplan_meier_falls_by_the_same_amount_in_each_interval():
    time, event, _ = simulated(2000)
    cuts = event_quantile_cuts(time, event, 10)
    survival = KaplanMeierFitter().fit(time, event).survival_function_at_times(cuts).to_numpy()
    falls = -np.diff(np.append(1.0, survival))
    assert_allclose(falls, falls.mean(), rtol=0.05)


def test_too_many_intervals_are_refused():
    time, event = np.array([1.0, 1, 1, 1, 2]), np.ones(5, dtype=bool)
    with pytest.raises(ValueError, match="3 intervals need as many distinct event times"):
        event_quantile_cuts(time, event, 3)


def test_a_tie_that_spans_two_intervals_takes_one_and_leaves_the_next_event_to_the_other():
    time = np.array([1.0, 1, 1, 1, 1, 1, 2, 3])
    assert event_quantile_cuts(time, np.ones(8, dtype=bool), 3).tolist() == [1, 2, 3]


@given(OUTCOMES, st.floats(0.5, 8.5) | st.integers(1, 8).map(float))
@settings(deadline=None)
def test_weights_stand_for_everyone_and_reproduce_kaplan_meier(outcome, horizon):
    """Exact, ties included: weights add up to n, and weighted events to 1 − Kaplan–Meier."""
    time, event = outcome
    curve = censoring_curve(time, event)
    assume(curve.before(np.array([horizon]))[0] > 0)
    weight = horizon_weights(time, event, horizon, curve)
    assert (weight[~event & (time < horizon)] == 0).all()
    assert (weight[~event & (time == horizon)] > 0).all()
    survival = float(KaplanMeierFitter().fit(time, event).predict(horizon))
    case = event & (time <= horizon)
    assert_allclose(weight[case].sum() / len(time), 1 - survival, atol=1e-9)
    assert_allclose(weight.sum(), len(time), atol=1e-9)


def test_without_censoring_the_weighted_loss_is_the_plain_one():
    time = np.array([1.0, 2, 3, 4, 5])
    event = np.ones(5, dtype=bool)
    weight = horizon_weights(time, event, 3.0, censoring_curve(time, event))
    logit = torch.tensor([0.3, -1.0, 2.0, 0.0, -0.5], dtype=torch.float64)
    label = torch.as_tensor(time <= 3)
    loss = weighted_binary_cross_entropy(logit, label, torch.as_tensor(weight))
    plain = functional.binary_cross_entropy_with_logits(logit, label.double(), reduction="mean")
    assert float(loss) / 5 == pytest.approx(float(plain), abs=1e-12)


def test_a_horizon_that_nobody_reaches_under_observation_is_refused():
    time, event = np.array([1.0, 2, 3, 3]), np.array([True, False, False, False])
    curve = censoring_curve(time, event)
    with pytest.raises(ValueError, match=r"at the horizon 3.5, .* choose an earlier horizon"):
        horizon_weights(time, event, 3.5, curve)
    assert horizon_weights(time, event, 3.0, curve) == pytest.approx([1, 0, 1.5, 1.5])


def test_follow_up_that_ends_at_the_horizon_for_all_leaves_every_state_known():
    time, event = np.array([1.0, 4, 5, 5, 5]), np.array([True, True, True, False, False])
    fitted = HorizonRiskTask(5.0).fit(TimeToEvent(time, event))
    targets = fitted.targets(TimeToEvent(time, event))
    assert targets["label"].tolist() == event.tolist()
    assert targets["weight"].tolist() == [1] * 5


def test_squared_error_by_hand():
    assert float(squared_error(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 1.0]))) == 5.0
