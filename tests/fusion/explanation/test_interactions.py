"""Interactions: none in a sum, and the one that was planted in a risk."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from fusion.explanation.interactions import Variable, interactions, top_variables
from fusion.explanation.log_hazard import log_hazard_contributions

AGE = Variable("clinical", "age", ("age",))
GRADE = Variable("clinical", "grade", ("grade", "sex"))
GENE = Variable("rna", "gene 0", ("gene 0",))


def test_a_linear_log_hazard_has_none_and_shows_each_alone(fitted_models, new_patients):
    model = fitted_models["stack"]
    found = interactions(model, new_patients, (AGE, GRADE, GENE))
    assert found.target == "log_hazard"
    diagonal = np.einsum("pvv->pv", found.values).copy()
    off = found.values - np.einsum("pv,vw->pvw", diagonal, np.eye(3))
    assert_allclose(off, 0.0, atol=1e-9)
    terms = log_hazard_contributions(model, new_patients).features
    assert_allclose(diagonal[:, 0], terms["clinical"].values[0][:, 0], atol=1e-9)
    assert_allclose(diagonal[:, 1], terms["clinical"].values[0][:, 1:].sum(axis=1), atol=1e-9)
    assert_allclose(diagonal[:, 2], terms["rna"].values[0][:, 0], atol=1e-9)


def test_risk_bends_what_is_a_sum_so_strong_variables_interact(fitted_models, new_patients):
    model = fitted_models["stack"]
    found = interactions(model, new_patients, (AGE, GENE, GRADE), horizon=500.0)
    one, other, size = found.strongest()[0]
    assert {one, other} == {"age", "gene 0"}
    assert size > 0.001
    assert_allclose(found.values, found.values.transpose(0, 2, 1), atol=1e-12)


def test_top_variables_take_columns_of_one_variable_together(fitted_models, simulate):
    model = fitted_models["stack"]
    dataset = simulate(40, seed=3)
    attribution = log_hazard_contributions(model, dataset)
    top = top_variables(attribution, dataset, 2)
    assert top[0] == AGE
    assert len(top_variables(attribution, dataset, 99)) == sum(
        len(part.names) for part in attribution.features.values()
    )


def test_refuses_one_variable_or_the_same_twice(fitted_models, new_patients):
    with pytest.raises(ValueError, match="2 to 8"):
        interactions(fitted_models["stack"], new_patients, (AGE,))
    with pytest.raises(ValueError, match="twice"):
        interactions(fitted_models["stack"], new_patients, (AGE, AGE))
