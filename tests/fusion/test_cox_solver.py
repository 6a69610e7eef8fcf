"""Ridge Cox: R, the optimality conditions, and batches."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from fusion.components import fit_components
from fusion.cox_solver import _Problem, fit_ridge_cox
from fusion.dataset import Modality
from fusion.losses import RiskSets, cox_log_likelihood, efron_terms, risk_sets
from fusion.truncated_newton import linear_score

COLUMNS = ["x1", "x2", "x3", "x4"]
THETAS = {"1e-09": 1e-9, "0.1": 0.1, "3": 3.0, "50": 50.0}


@pytest.fixture
def ordered(cox_inputs):
    """Features, risk sets and the table, in the order of the risk sets."""
    sets = risk_sets(cox_inputs["time"].to_numpy(), cox_inputs["event"].to_numpy())
    table = cox_inputs.iloc[sets.order.numpy()]
    return torch.as_tensor(table[COLUMNS].to_numpy()), sets, table


def objective(
    coefficients: torch.Tensor,
    features: torch.Tensor,
    sets: RiskSets,
    weights: torch.Tensor,
    penalties: torch.Tensor,
) -> torch.Tensor:
    score = linear_score(features, coefficients)
    return cox_log_likelihood(score, sets, weights) - (penalties * coefficients**2).sum() / 2


@pytest.mark.parametrize("theta", THETAS)
def test_coefficients_equal_r(ordered, cox_reference, theta):
    features, sets, table = ordered
    penalties = torch.full((4,), THETAS[theta], dtype=torch.float64)
    fold = table["fold"].to_numpy()
    cases = {
        "one": np.ones(len(table)),
        "weight": table["weight"].to_numpy(),
        **{f"without_{f}": (fold != f).astype(float) for f in range(3)},
    }
    for name, weights in cases.items():
        fitted = fit_ridge_cox(features, sets, torch.as_tensor(weights), penalties)
        assert_allclose(fitted, cox_reference(f"coefficients:{name}:{theta}"), atol=1e-8)


@pytest.mark.parametrize("theta", THETAS)
def test_strata_equal_r(cox_inputs, cox_reference, theta):
    """A baseline hazard for each fold; patients of different strata are never compared."""
    strata = cox_inputs["fold"].to_numpy()
    sets = risk_sets(cox_inputs["time"].to_numpy(), cox_inputs["event"].to_numpy(), strata=strata)
    table = cox_inputs.iloc[sets.order.numpy()]
    features = torch.as_tensor(table[COLUMNS].to_numpy())
    penalties = torch.full((4,), THETAS[theta], dtype=torch.float64)
    for name, weights in {"one": np.ones(len(table)), "weight": table["weight"].to_numpy()}.items():
        fitted = fit_ridge_cox(features, sets, torch.as_tensor(weights), penalties)
        assert_allclose(fitted, cox_reference(f"strata:{name}:{theta}"), atol=1e-8)


def test_all_directions_solve_ridge_on_all_genes(cox_inputs):
    """The dual form: 300 genes, 60 patients, the same risk scores for seen and unseen."""
    rng = np.random.default_rng(4)
    table = cox_inputs.iloc[:60]
    genes = rng.normal(size=(60, 300)) * rng.uniform(0.1, 4, 300)
    modality = Modality("rna", "genomics", genes, np.ones(60, bool), tuple(map(str, range(300))))
    training = np.arange(60) < 45
    fitted = fit_components(modality, training)
    assert fitted.n_components == 44
    sets = risk_sets(table["time"].to_numpy(), table["event"].to_numpy())
    weights = torch.as_tensor(training.astype(float))[sets.order]
    total = (fitted.standardised(modality)[training] ** 2).sum() / 44
    scaled = torch.as_tensor(fitted.standardised(modality) / total**0.5)[sets.order]
    columns = torch.as_tensor(fitted.transform(modality))[sets.order]
    for penalty in (0.01, 1.0, 100.0):
        primal, dual = (
            linear_score(
                x, fit_ridge_cox(x, sets, weights, torch.full(x.shape[1:], penalty).double())
            )
            for x in (scaled, columns)
        )
        assert_allclose(dual, primal, atol=1e-8)
        assert float(dual.std()) > 1e-3


def test_infinite_features_are_refused(ordered):
    features, sets, _ = ordered
    spoiled = features.clone()
    spoiled[3, 1] = torch.inf
    ones = torch.ones(len(features), dtype=torch.float64)
    with pytest.raises(ValueError, match="finite features"):
        fit_ridge_cox(spoiled, sets, ones, torch.ones(4, dtype=torch.float64))


def test_a_vanishing_penalty_equals_no_penalty_in_r(ordered, cox_reference):
    features, sets, table = ordered
    weights = torch.as_tensor(table["weight"].to_numpy())
    penalties = torch.full((4,), 1e-9, dtype=torch.float64)
    fitted = fit_ridge_cox(features, sets, weights, penalties)
    assert_allclose(fitted, cox_reference("coefficients:weight:none"), atol=1e-8)


def test_a_batch_equals_one_by_one(ordered):
    """Five weightings by three penalties in one call, features shared."""
    features, sets, _ = ordered
    rng = np.random.default_rng(8)
    weights = torch.as_tensor(rng.integers(0, 3, (5, 1, len(features))).astype(float))
    penalties = torch.as_tensor(10.0 ** rng.uniform(-1, 3, (1, 3, 4)))
    together = fit_ridge_cox(features, sets, weights, penalties)
    assert together.shape == (5, 3, 4)
    for i in range(5):
        for j in range(3):
            alone = fit_ridge_cox(features, sets, weights[i, 0], penalties[0, j])
            assert_allclose(together[i, j], alone, atol=1e-9)


def test_features_may_differ_within_a_batch(ordered):
    features, sets, _ = ordered
    both = torch.stack([features, features.flip(-1)])
    ones = torch.ones(len(features), dtype=torch.float64)
    penalties = torch.ones(4, dtype=torch.float64)
    forward, backward = fit_ridge_cox(both, sets, ones, penalties)
    assert_allclose(forward, backward.flip(-1), atol=1e-9)


def test_derivatives_equal_autograd(ordered):
    features, sets, table = ordered
    weights = torch.as_tensor(table["weight"].to_numpy().copy())
    weights[::7] = 0.0
    penalties = torch.tensor([0.5, 1.0, 2.0, 4.0], dtype=torch.float64)
    at = torch.tensor([0.4, -0.7, 0.2, 0.1], dtype=torch.float64)
    given = (features, sets, weights, penalties)
    local = _Problem(*given, efron_terms(sets, weights)).around(at)
    negative_hessian = torch.stack([local.product(unit) for unit in torch.eye(4).double()])
    automatic = torch.autograd.functional.jacobian(lambda b: objective(b, *given), at)
    # The log-space likelihood has no second derivative in autograd: differences of the first.
    step = 1e-5
    columns = [
        torch.autograd.functional.jacobian(lambda b: objective(b, *given), at + step * unit)
        - torch.autograd.functional.jacobian(lambda b: objective(b, *given), at - step * unit)
        for unit in torch.eye(4, dtype=torch.float64)
    ]
    assert_allclose(local.gradient, automatic, atol=1e-9)
    assert_allclose(negative_hessian, -torch.stack(columns) / (2 * step), rtol=1e-6, atol=1e-6)


def test_solution_is_a_maximum(ordered):
    features, sets, _ = ordered
    weights = torch.ones(len(features), dtype=torch.float64)
    penalties = torch.full((4,), 0.3, dtype=torch.float64)
    given = (features, sets, weights, penalties)
    fitted = fit_ridge_cox(*given)
    gradient = torch.autograd.functional.jacobian(lambda b: objective(b, *given), fitted)
    assert_allclose(gradient, 0, atol=1e-7)


def test_permuting_patients_permutes_nothing_in_the_coefficients(cox_inputs):
    shuffled = cox_inputs.sample(frac=1, random_state=3)
    results = []
    for table in (cox_inputs, shuffled):
        sets = risk_sets(table["time"].to_numpy(), table["event"].to_numpy())
        order = sets.order.numpy()
        results.append(
            fit_ridge_cox(
                torch.as_tensor(table[COLUMNS].to_numpy()[order]),
                sets,
                torch.as_tensor(table["weight"].to_numpy()[order]),
                torch.ones(4, dtype=torch.float64),
            )
        )
    assert_allclose(results[0], results[1], atol=1e-9)


def test_equal_and_separating_columns_stay_finite(ordered):
    """Two equal columns share the effect; a column that orders all times perfectly stays finite."""
    features, sets, table = ordered
    time = torch.as_tensor(-table["time"].to_numpy())
    columns = torch.stack([features[:, 0], features[:, 0], time, torch.zeros_like(time)], dim=-1)
    weights = torch.ones(len(columns), dtype=torch.float64)
    penalties = torch.full((4,), 0.03, dtype=torch.float64)
    fitted = fit_ridge_cox(columns, sets, weights, penalties)
    assert bool(fitted.isfinite().all())
    assert_allclose(fitted[0], fitted[1], atol=1e-8)
    assert float(fitted[2]) > 1
    assert float(fitted[3]) == 0.0


def test_an_extreme_value_held_out_changes_no_fit(ordered):
    """A patient of weight 0 may hold any value: a wrong unit, a sentinel."""
    features, sets, _ = ordered
    weights = torch.ones(len(features), dtype=torch.float64)
    weights[40] = 0.0
    penalties = torch.ones(4, dtype=torch.float64)
    before = fit_ridge_cox(features, sets, weights, penalties)
    spoiled = features.clone()
    spoiled[40] = 1e7
    after = fit_ridge_cox(spoiled, sets, weights, penalties)
    assert_allclose(after, before, atol=1e-9)


def test_a_penalty_of_zero_is_refused(ordered):
    features, sets, _ = ordered
    ones = torch.ones(len(features), dtype=torch.float64)
    penalties = torch.tensor([1.0, 0.0, 1.0, 1.0], dtype=torch.float64)
    with pytest.raises(ValueError, match="must be positive"):
        fit_ridge_cox(features, sets, ones, penalties)
