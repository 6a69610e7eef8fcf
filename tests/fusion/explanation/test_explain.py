"""Explanations check themselves: honest ones pass, and planted nonsense does not."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from fusion.explanation.checks import failed
from fusion.explanation.explain import explain, explain_folds
from fusion.explanation.held_out_worth import score_statistic
from fusion.explanation.log_hazard import feature_terms
from fusion.explanation.randomised import randomised
from fusion.explanation.tabular_faithfulness import (
    agreement_check,
    removal_checks,
    removal_curves,
)
from fusion.explanation.tabular_stability import (
    noise_check,
    noisy,
    randomisation_check,
    refit_check,
)
from fusion.models import Null, RidgeCox
from fusion.nested import stratified_folds

JOINT = RidgeCox("concatenation", ("clinical",), ("rna",))


def names(checks) -> set[str]:
    return {check.name for check in checks}


def test_honest_explanations_pass_every_check(fitted, new_patients):
    found = explain(fitted, new_patients, seed=1, refits=(fitted,))
    assert len(found.checks) == 7
    assert failed(found.checks) == ()
    assert all(check.meaning for check in found.checks)


def test_the_same_seed_makes_the_same_checks(fitted_models, new_patients):
    first, second, other = (
        explain(fitted_models["stack"], new_patients, seed=seed).checks for seed in (1, 1, 2)
    )
    assert first == second
    assert first != other


def test_contributions_of_another_model_are_no_explanation_of_this_one(fitted, new_patients):
    nonsense = feature_terms(randomised(fitted, 3), new_patients).parts
    curves = removal_curves(fitted, new_patients, nonsense, seed=0)
    assert failed(removal_checks(curves))
    assert not agreement_check(fitted, new_patients, nonsense, seed=0).passed


def test_what_random_weights_show_as_well_is_not_what_the_model_learned(
    fitted_models, new_patients
):
    model = fitted_models["stack"]
    by_chance = [feature_terms(randomised(model, 5 + i), new_patients).parts for i in range(3)]
    size = [sum((part.values**2).sum() for part in each.values()) ** 0.5 for each in by_chance]
    shown = {
        name: replace(
            part, values=sum(e[name].values / s for e, s in zip(by_chance, size, strict=True))
        )
        for name, part in by_chance[0].items()
    }
    assert not randomisation_check(model, new_patients, shown, seed=5).passed


def test_an_unstable_explanation_fails(fitted_models, new_patients):
    model = fitted_models["stack"]
    terms = feature_terms(model, new_patients).parts
    draw = np.random.default_rng(0)
    unstable = {
        name: replace(part, values=draw.permuted(part.values, axis=2))
        for name, part in terms.items()
    }
    assert noise_check(model, new_patients, terms, seed=0).passed
    assert not noise_check(model, new_patients, unstable, seed=0).passed
    assert randomisation_check(model, new_patients, terms, seed=0).passed


def test_noise_moves_measurements_and_leaves_yes_and_no(new_patients):
    moved = noisy(new_patients, ("clinical", "mutations"), seed=0)
    before, after = (d.modalities["clinical"].values for d in (new_patients, moved))
    known = ~np.isnan(before)
    assert (before != after)[known][:1].all()
    assert_allclose(after[:, 1:], before[:, 1:])
    assert np.nanmax(np.abs(after[:, 0] - before[:, 0])) < 12 * 0.05 * 5
    assert_allclose(
        moved.modalities["mutations"].values, new_patients.modalities["mutations"].values
    )


def test_the_null_model_is_not_explained(simulate, new_patients):
    with pytest.raises(ValueError, match="nothing to explain"):
        explain(Null().fit(simulate()), new_patients)


def folds_of(dataset, seed):
    fold = stratified_folds(dataset.event, 3, seed)
    models = {f: JOINT.fit(dataset.take(fold != f), seed=seed) for f in range(3)}
    return models, {f: dataset.take(fold == f) for f in range(3)}


def test_every_patient_is_explained_by_the_model_that_never_saw_them(simulate):
    dataset = simulate(150, seed=4)
    models, parts = folds_of(dataset, 0)
    found = explain_folds(models, parts)
    assert sorted(found.whole.patient_id) == sorted(dataset.patient_id)
    assert failed(found.whole.checks) == ()
    assert len(found.whole.checks) == 8
    at = 0
    for fold, part in parts.items():
        rows = slice(at, at + part.n_patients)
        assert found.whole.total is not None
        assert_allclose(found.whole.total[0, rows], models[fold].risk_score(part), atol=1e-9)
        at += part.n_patients
    with pytest.raises(ValueError, match="same folds"):
        explain_folds(models, {0: parts[0]})


def test_models_of_shuffled_outcomes_are_not_believed(simulate):
    dataset = simulate(150, seed=4)
    order = np.random.default_rng(0).permutation(150)
    shuffled = replace(dataset, time=dataset.time[order], event=dataset.event[order])
    found = explain_folds(*folds_of(shuffled, 0))
    assert "score test of the held-out risk (standard errors)" in names(failed(found.whole.checks))
    assert not found.whole.checks[0].passed


def test_random_weights_are_not_believed(simulate):
    models, parts = folds_of(simulate(150, seed=4), 0)
    found = explain_folds({f: randomised(m, 10 + f) for f, m in models.items()}, parts)
    assert len(failed(found.whole.checks)) >= 1


def test_the_score_test_is_of_size_one_and_knows_no_scale(simulate):
    dataset = simulate(200, seed=2)
    draw = np.random.default_rng(3)
    fold = draw.integers(0, 3, 200)

    def statistic(risk):
        return score_statistic(dataset.time, dataset.event, risk, fold=fold)

    by_chance = [statistic(draw.normal(size=200)) for _ in range(300)]
    assert abs(np.mean(by_chance)) < 0.2
    assert np.std(by_chance) == pytest.approx(1.0, abs=0.15)
    age = np.nan_to_num(dataset.modalities["clinical"].values[:, 0], nan=60.0)
    assert statistic(age) > 4
    assert statistic(age) == pytest.approx(statistic(3 * age + fold * 100.0))
    assert np.isnan(statistic(np.zeros(200)))


def test_a_fold_whose_model_says_nothing_contributes_nothing(simulate):
    models, parts = folds_of(simulate(150, seed=4), 0)
    models[1] = Null().fit(parts[0])
    found = explain_folds(models, parts).whole
    rows = np.isin(found.patient_id, parts[1].patient_id)
    assert not found.modalities[:, rows].any()
    assert (np.abs(found.modalities[0, ~rows]).sum(axis=1) > 0).all()
    nobody = explain_folds({f: Null().fit(parts[0]) for f in parts}, parts).whole
    assert nobody.modality_names == ()
    (check,) = nobody.checks
    assert np.isnan(check.value)
    assert not check.passed


def test_embeddings_of_another_fold_are_not_compared(simulate):
    dataset = simulate(150, seed=4)
    model = JOINT.fit(dataset)
    terms = feature_terms(model, dataset).parts
    embedded = dataset.replace_modality(replace(dataset.modalities["rna"], kind="embedding"))
    draw = np.random.default_rng(0)
    other = replace(
        model,
        coefficients={
            **model.coefficients,
            "rna": draw.normal(size=len(model.coefficients["rna"])),
        },
    )
    assert refit_check(embedded, terms, (other,)).value == pytest.approx(1.0)
    assert refit_check(dataset, terms, (other,)).value < 0.9
    nothing = {"rna": terms["rna"]}
    assert not refit_check(embedded, nothing, (other,)).passed
