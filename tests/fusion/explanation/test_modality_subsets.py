"""Subsets of modalities: what a model says without one is what it says of a patient without it."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from fusion.explanation.modality_subsets import (
    coalition_scores,
    coalition_survival,
    modality_names,
    with_only,
)
from fusion.models import Null
from fusion.shapley import members, shapley_values


def test_every_subset_is_the_model_of_patients_who_have_no_more(fitted, new_patients, horizons):
    names = modality_names(fitted)
    scores = coalition_scores(fitted, new_patients)
    survival = coalition_survival(fitted, new_patients, horizons)
    for coalition in range(1 << len(names)):
        only = with_only(new_patients, members(names, coalition))
        assert_allclose(scores[coalition], fitted.risk_score(only), atol=1e-5)
        expected = fitted.predict(only, horizons).survival
        assert_allclose(survival[coalition], expected, atol=1e-5)


def test_values_of_the_log_hazard_are_the_contributions(fitted, new_patients):
    values = shapley_values(coalition_scores(fitted, new_patients))
    for name, value in zip(modality_names(fitted), values, strict=True):
        assert_allclose(value, fitted.contributions(new_patients)[name], atol=1e-5)


def test_values_of_survival_agree_with_shap(fitted_models, new_patients, shap):
    """shap draws the same subsets itself; a modality that is out is one that nobody has."""
    model, one = fitted_models["fusion_net"], new_patients.take(np.array([3]))
    names, horizon = modality_names(model), np.array([500.0])
    values = shapley_values(coalition_survival(model, one, horizon))[:, 0, 0]

    def survival(inside):
        return np.array(
            [
                model.predict(
                    with_only(one, [n for n, there in zip(names, row, strict=True) if there]),
                    horizon,
                ).survival[0, 0]
                for row in inside
            ]
        )

    explainer = shap.KernelExplainer(survival, np.zeros((1, len(names))))
    expected = explainer.shap_values(np.ones((1, len(names))), l1_reg=False, silent=True)[0]
    assert_allclose(values, expected, atol=1e-4)


def test_the_null_model_has_nothing_to_explain(simulate, new_patients):
    null = Null().fit(simulate())
    with pytest.raises(ValueError, match="nothing to explain"):
        coalition_scores(null, new_patients)
    with pytest.raises(ValueError, match="nothing to explain"):
        modality_names(null)
