"""Ridge Cox finds what carries risk, and its parts are what they say."""

import numpy as np
import torch
from numpy.testing import assert_allclose

from fusion.baseline_hazard import breslow
from fusion.cox_solver import fit_ridge_cox
from fusion.losses import cox_log_likelihood
from fusion.models.linear import FittedLinear
from fusion.models.ridge_cox import LIGHT_PENALTIES, PENALTIES, RidgeCox
from fusion.nested import NestedDesign, credit


def test_clinical_coefficients_maximise_the_lightly_penalised_likelihood(simulate):
    design = NestedDesign(simulate())
    model = RidgeCox("clinical", ("clinical",))
    fitted = design.fit(model).fitted
    assert isinstance(fitted, FittedLinear)
    columns = design.columns(["clinical"])
    penalty = LIGHT_PENALTIES[int(design.path(model).held_out.sum(-1).argmax())]
    assert fitted.chosen == {"penalty": penalty}
    coefficients = torch.as_tensor(fitted.coefficients["clinical"]).requires_grad_()
    ones = torch.ones(len(columns), dtype=torch.float64)
    likelihood = cox_log_likelihood(columns @ coefficients, design.sets, ones)
    (likelihood - penalty / 2 * (coefficients**2).sum()).backward()
    assert_allclose(coefficients.grad, 0, atol=1e-7)


def test_the_penalty_is_the_one_of_highest_held_out_likelihood(simulate):
    design = NestedDesign(simulate())
    model = RidgeCox("rna", (), ("rna",))
    path, fit = design.path(model), design.fit(model)
    best = int(path.held_out.sum(-1).argmax())
    assert fit.fitted.chosen == {"penalty": PENALTIES[best]}
    # What the model earns does not count its own choice, so it earns no more than the best.
    assert fit.held_out <= float(path.held_out.sum(-1).max())


def test_a_light_modality_keeps_its_own_penalty_beside_others(simulate):
    """Genes do not loosen or tighten the clinical variables: those keep what suits them alone."""
    design = NestedDesign(simulate())
    alone, both = RidgeCox("clinical", ("clinical",)), RidgeCox("both", ("clinical",), ("rna",))
    best = design.path(alone).best
    path = design.path(both)
    columns = design.columns(["clinical", "rna"])
    n_clinical = design.columns(["clinical"]).shape[1]
    penalties = torch.full((columns.shape[1],), PENALTIES[3], dtype=torch.float64)
    penalties[:n_clinical] = LIGHT_PENALTIES[best]
    expected = fit_ridge_cox(columns, design.sets, design.weights, penalties)
    assert_allclose(path.coefficients[:, 3], expected, atol=1e-8)


def test_credit_leaves_each_fold_out_of_the_choice():
    """Six candidates of pure luck: the best by chance looks good, its credit does not."""
    generator = torch.Generator().manual_seed(0)
    looks, earns = [], []
    for _ in range(500):
        held_out = torch.randn((6, 5), generator=generator, dtype=torch.float64)
        looks.append(float(held_out.sum(-1).max()))
        earns.append(float(credit(held_out).sum()))
    assert np.mean(looks) > 2
    assert abs(np.mean(earns)) < 0.5


def test_the_baseline_comes_from_out_of_fold_scores(simulate):
    """In-sample scores are too spread, and would give a baseline that is too low."""
    design = NestedDesign(simulate())
    model = RidgeCox("rna", (), ("rna",))
    fit = design.fit(model)
    score = np.empty(design.dataset.n_patients)
    for k, scores in enumerate(fit.fold_scores.numpy()):
        score[design.inner_fold == k] = scores[design.inner_fold == k]
    expected = breslow(design.dataset.time, design.dataset.event, score)
    assert_allclose(fit.fitted.baseline.cumulative, expected.cumulative)
    in_sample = fit.fitted.risk_score(design.dataset)
    other = breslow(design.dataset.time, design.dataset.event, in_sample)
    assert not np.allclose(other.cumulative, expected.cumulative, rtol=1e-3)


def test_the_gene_that_carries_risk_has_the_largest_effect(simulate):
    fitted = RidgeCox("rna", (), ("rna",)).fit(simulate(400, gene_effect=1.2))
    assert isinstance(fitted, FittedLinear)
    effects = fitted.feature_effects()["rna"]
    assert int(np.abs(effects).argmax()) == 0
    assert effects[0] > 0


def test_noise_is_penalised_away(simulate):
    """Without any signal the chosen penalty leaves next to nothing of the risk score."""
    dataset = simulate(300, seed=7, gene_effect=0)
    signal = RidgeCox("rna", (), ("rna",)).fit(simulate(300, seed=7, gene_effect=1.2))
    noise = RidgeCox("rna", (), ("rna",)).fit(dataset)
    assert noise.risk_score(dataset).std() < 0.2 * signal.risk_score(dataset).std()


def test_effects_of_features_explain_the_score(simulate):
    dataset = simulate()
    fitted = RidgeCox("both", ("clinical",), ("rna",)).fit(dataset)
    assert isinstance(fitted, FittedLinear)
    effects = fitted.feature_effects()
    total = sum(
        fitted.components[name].standardised(dataset.modalities[name]) @ effects[name]
        for name in ("clinical", "rna")
    )
    assert_allclose(total, fitted.risk_score(dataset), atol=1e-12)


def test_survival_is_calibrated_in_the_large_on_new_patients(simulate):
    """Mean predicted survival of fresh patients is near the share of them who live that long."""
    fitted = RidgeCox("clinical", ("clinical",)).fit(simulate(600, seed=1))
    fresh = simulate(4000, seed=2, censored=0.001)
    horizons = np.array([200.0, 800.0])
    predicted = fitted.predict(fresh, horizons).survival.mean(axis=0)
    lived = (fresh.time[:, None] > horizons).mean(axis=0)
    assert_allclose(predicted, lived, atol=0.06)
