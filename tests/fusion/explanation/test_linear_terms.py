"""Terms of linear models are SHAP values: by shap itself, and by their axioms."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from fusion.dataset import Modality, PatientDataset
from fusion.explanation.linear_terms import linear_terms
from fusion.models.linear import FittedLinear


@pytest.mark.parametrize("name", ["clinical", "concatenation", "stack"])
def test_terms_sum_to_the_risk_score(fitted_models, new_patients, name):
    model = fitted_models[name]
    terms = linear_terms(model, new_patients)
    parts = model.contributions(new_patients)
    assert list(terms) == list(parts)
    for modality, part in terms.items():
        assert_allclose(part.values[0].sum(axis=1), parts[modality], atol=1e-10)
        absent = ~new_patients.modalities[modality].present
        assert not part.values[0][absent].any()
        missing = np.isnan(new_patients.modalities[modality].values)
        assert not part.values[0][missing].any()


def test_agrees_with_shap_for_any_reference(fitted_models, new_patients, simulate, shap):
    """Of every feature of the stack: shap knows standardised features and their coefficients."""
    model, background = fitted_models["stack"], simulate(50, seed=3)
    found = linear_terms(model, new_patients, background)
    names = list(model.components)
    effects = np.concatenate([model.feature_effects()[name] for name in names])

    def standardised(dataset):
        return np.concatenate(
            [model.components[n].standardised(dataset.modalities[n]) for n in names], axis=1
        )

    explainer = shap.LinearExplainer(
        (effects, 0.0), shap.maskers.Independent(standardised(background), max_samples=50)
    )
    expected = explainer.shap_values(standardised(new_patients))
    ours = np.concatenate([found[name].values[0] for name in names], axis=1)
    assert_allclose(ours, expected, atol=1e-4)
    assert_allclose(
        ours.sum(axis=1),
        model.risk_score(new_patients) - model.risk_score(background).mean(),
        atol=1e-10,
    )


def test_agrees_with_shap_that_asks_the_model_itself(fitted_models, new_patients, simulate, shap):
    """Of raw clinical values: shap knows nothing but predictions."""
    model, background = fitted_models["clinical"], simulate(40, seed=3)
    assert isinstance(model, FittedLinear)
    some = new_patients.take(np.arange(5))

    def complete(dataset):
        return np.nan_to_num(dataset.modalities["clinical"].values, nan=55.0)

    def predict(values):
        n = len(values)
        names = some.modalities["clinical"].names
        clinical = Modality("clinical", "ehr", values, np.ones(n, bool), names)
        patient_id, ones = np.arange(n).astype(str), np.ones(n)
        return model.risk_score(
            PatientDataset(patient_id, ones, ones > 0, "days", {"clinical": clinical})
        )

    explainer = shap.KernelExplainer(predict, complete(background))
    expected = explainer.shap_values(complete(some), l1_reg=False, silent=True)

    def filled(dataset):
        clinical = replace(dataset.modalities["clinical"], values=complete(dataset))
        return dataset.replace_modality(clinical)

    found = linear_terms(model, filled(some), filled(background))["clinical"].values[0]
    assert_allclose(found, expected, atol=1e-4)
