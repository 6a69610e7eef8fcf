"""Ridge logistic regression, and models of an outcome without a time."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from fusion.baseline_odds import BaselineOdds, baseline_odds
from fusion.cross_fit import cross_fit
from fusion.dataset import PatientDataset
from fusion.explanation.over_time import contributions_over_time
from fusion.logistic_solver import binomial_log_likelihood, fit_ridge_logistic, intercept
from fusion.models import FusionNet, RidgeCox, ladder
from fusion.models.ridge_cox import PENALTIES, penalties
from fusion.nested import NestedDesign, stratified_folds
from fusion.saving import load_record, save_record

RUNGS = ("null", "clinical", "each", "concatenation", "stack", "selected")
ASKED = np.array([1.0])


def drawn(
    n: int = 200, p: int = 6, seed: int = 0
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Features, events and case weights of which some are 0."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, p)) * rng.uniform(0.3, 3, p)
    event = rng.random(n) < expit(features @ rng.normal(size=p) - 1)
    weights = rng.choice([0.0, 1.0, 2.0], n)
    return torch.as_tensor(features), torch.as_tensor(event), torch.as_tensor(weights)


@pytest.mark.parametrize("penalty", [0.1, 3.0, 100.0])
def test_it_equals_scikit_learn(penalty: float) -> None:
    features, event, weights = drawn()
    penalties = torch.full((6,), penalty, dtype=torch.float64)
    found = fit_ridge_logistic(features, event, weights, penalties)
    theirs = LogisticRegression(C=1 / penalty, tol=1e-12, max_iter=10_000, solver="newton-cg")
    theirs.fit(features.numpy(), event.numpy(), sample_weight=weights.numpy())
    assert_allclose(found.numpy(), theirs.coef_[0], atol=1e-6)
    score = features @ found
    assert float(intercept(score, event, weights)) == pytest.approx(theirs.intercept_[0], abs=1e-6)


def test_problems_of_a_batch_are_those_solved_alone() -> None:
    features, event, weights = drawn(80)
    inside = torch.ones(3, 80, dtype=torch.float64)
    inside[1, :20], inside[2] = 0, weights
    penalties = torch.tensor([[0.5], [20.0]], dtype=torch.float64).expand(-1, 6)
    together = fit_ridge_logistic(features, event, inside[:, None], penalties[None])
    for fold in range(3):
        for at in range(2):
            alone = fit_ridge_logistic(features, event, inside[fold], penalties[at])
            assert_allclose(together[fold, at].numpy(), alone.numpy(), atol=1e-9)


def test_separated_patients_keep_finite_coefficients() -> None:
    features = torch.linspace(-1, 1, 40, dtype=torch.float64)[:, None]
    event = features[:, 0] > 0
    ones = torch.ones(40, dtype=torch.float64)
    found = fit_ridge_logistic(features, event, ones, torch.full((1,), 1e-3, dtype=torch.float64))
    assert torch.isfinite(found).all()
    assert float(found[0]) > 5


@pytest.mark.parametrize("spread", [0.0, 1.0, 60.0])
def test_an_intercept_expects_as_many_events_as_there_were(spread: float) -> None:
    rng = np.random.default_rng(1)
    score = torch.as_tensor(spread * rng.normal(size=(4, 300)))
    event = torch.as_tensor(rng.random(300) < 0.04)
    found = intercept(score, event, torch.ones_like(score))
    expected = (score + found[:, None]).sigmoid().sum(-1)
    assert_allclose(expected.numpy(), float(event.sum()), atol=1e-6)


def test_an_intercept_needs_both_states() -> None:
    score = torch.zeros(5, dtype=torch.float64)
    with pytest.raises(ValueError, match="with the event and patients without"):
        intercept(score, torch.zeros(5, dtype=torch.bool), torch.ones_like(score))


def test_the_likelihood_is_that_of_the_formula() -> None:
    log_odds = torch.tensor([-2.0, 0.3, 800.0], dtype=torch.float64)
    event = torch.tensor([False, True, True])
    by_hand = np.log(1 - expit(-2.0)) + 2 * np.log(expit(0.3))
    weights = torch.tensor([1.0, 2.0, 1.0], dtype=torch.float64)
    assert float(binomial_log_likelihood(log_odds, event, weights)) == pytest.approx(by_hand)


def test_risk_and_its_slope_follow_from_the_odds() -> None:
    baseline = baseline_odds(np.array([True, False, False, False]), np.zeros(4))
    assert baseline.log_odds == pytest.approx(logit(0.25))
    at, step = np.array([0.4]), 1e-6
    before, after = (baseline.survival(at + d, ASKED)[0, 0] for d in (-step, step))
    slope = baseline.slope(baseline.survival(at, ASKED))[0, 0]
    assert slope == pytest.approx((after - before) / (2 * step), rel=1e-5)
    assert BaselineOdds(-np.inf).survival(at, ASKED)[0, 0] == 1


@pytest.fixture
def binary(simulate: Callable[..., PatientDataset]) -> PatientDataset:
    """Simulated patients of whom it is asked only whether the event came early."""
    timed = simulate(160, censored=1e-6)
    event = timed.time <= np.median(timed.time)
    return replace(timed, time=np.where(event, 1.0, 2.0), event=event, time_unit=None)


def _folds(dataset: PatientDataset) -> np.ndarray:
    return stratified_folds(dataset.event, 4, 0)


def _auc(event: np.ndarray, score: np.ndarray) -> float:
    pairs = score[event][:, None] - score[~event]
    return float(((pairs > 0) + 0.5 * (pairs == 0)).mean())


def test_weaker_ridges_are_tried_where_every_state_is_known(binary: PatientDataset) -> None:
    design, timed = NestedDesign(binary), NestedDesign(replace(binary, time_unit="days"))
    assert penalties(timed) == PENALTIES
    grid = penalties(design)
    assert grid[-len(PENALTIES) :] == PENALTIES
    assert list(grid) == sorted(set(grid))
    assert grid[0] < PENALTIES[0] / 50
    model = RidgeCox("rna", penalised=("rna",))
    path = design.path(model)
    assert path.held_out.shape[0] == len(grid)
    assert design.fit(model).fitted.chosen == {"penalty": grid[path.best]}


def test_every_rung_predicts_probabilities(binary: PatientDataset) -> None:
    models = ladder(RUNGS, clinical="clinical", added=["rna", "mutations"])
    fold = _folds(binary)
    predictions = cross_fit(models, binary, fold, ASKED)
    for held_out in range(4):
        rows = fold == held_out
        share = 1 - binary.event[~rows].mean()
        assert_allclose(predictions["null"].survival[rows, 0], share)
    risk = 1 - predictions["selected"].survival[:, 0]
    assert _auc(binary.event, risk) > 0.65
    null = ((binary.event - (1 - predictions["null"].survival[:, 0])) ** 2).mean()
    assert ((binary.event - risk) ** 2).mean() < null
    assert abs(risk.mean() - binary.event.mean()) < 0.05


def test_shuffled_outcomes_are_not_predicted(binary: PatientDataset) -> None:
    models = ladder(RUNGS, clinical="clinical", added=["rna", "mutations"])
    found = []
    for seed in range(4):
        event = np.random.default_rng(seed).permutation(binary.event)
        shuffled = replace(binary, event=event, time=np.where(event, 1.0, 2.0))
        predictions = cross_fit(models, shuffled, stratified_folds(event, 4, seed), ASKED)
        own = predictions["selected"]
        found += [_auc(event[own.fold == f], own.risk_score[own.fold == f]) for f in range(4)]
    assert abs(np.mean(found) - 0.5) < 0.06


def test_a_model_predicts_the_same_once_saved(binary: PatientDataset, tmp_path) -> None:
    fitted = RidgeCox("clinical", ("clinical",)).fit(binary)
    save_record({"risk": fitted}, tmp_path / "model")
    again = load_record(tmp_path / "model")["risk"]
    before, after = (each.predict(binary, ASKED) for each in (fitted, again))
    assert (before.survival == after.survival).all()


def test_the_clinical_model_is_that_of_the_solver(binary: PatientDataset) -> None:
    design = NestedDesign(binary)
    model = RidgeCox("clinical", ("clinical",)).fit_nested(design).fitted
    columns = design.columns(["clinical"])
    penalties = torch.full((columns.shape[1],), model.chosen["penalty"], dtype=torch.float64)
    ones = torch.ones(len(columns), dtype=torch.float64)
    event = torch.as_tensor(design.dataset.event.copy())
    alone = fit_ridge_logistic(columns, event, ones, penalties)
    assert_allclose(model.coefficients["clinical"], alone.numpy(), atol=1e-8)


def test_parts_of_the_risk_sum_to_it(binary: PatientDataset) -> None:
    fitted = RidgeCox("both", ("clinical",), ("rna",)).fit(binary)
    found = contributions_over_time(fitted, binary, ASKED, target="risk")
    shared = sum(part.values.sum(axis=2) for part in found.features.values())
    assert found.total is not None
    assert_allclose(found.modalities.sum(axis=2), found.total, atol=1e-10)
    assert_allclose(shared, found.total, atol=1e-10)


def test_a_network_of_times_says_that_it_needs_them(binary: PatientDataset) -> None:
    with pytest.raises(ValueError, match="this outcome has none"):
        FusionNet("fusion_net", ("clinical", "rna")).fit(binary)


def test_too_few_without_the_event_are_refused(binary: PatientDataset) -> None:
    few = binary.take(np.r_[np.flatnonzero(binary.event), np.flatnonzero(~binary.event)[:5]])
    with pytest.raises(ValueError, match="at least 10 patients without the event, got 5"):
        NestedDesign(few)
