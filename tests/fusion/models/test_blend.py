"""A blend of models is worth what its parts are worth out of fold."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from fusion.models import Blend, RidgeCox
from fusion.models.second_level import fit_second_level
from fusion.nested import NestedDesign

CLINICAL = RidgeCox("clinical", ("clinical",))
GENES = RidgeCox("genes", (), ("rna",))


def test_the_risk_is_the_weighted_sum_of_its_parts(simulate):
    dataset = simulate(gene_effect=1.0)
    design = NestedDesign(dataset)
    fitted = design.fit(Blend("blend", (CLINICAL, GENES))).fitted
    assert fitted.parts
    assert all(weight > 0 for weight in fitted.weights)
    expected = sum(
        w * p.risk_score(dataset) for p, w in zip(fitted.parts, fitted.weights, strict=True)
    )
    assert_allclose(fitted.risk_score(dataset), expected, atol=1e-12)
    parts = sum(fitted.contributions(dataset).values())
    assert_allclose(parts, fitted.risk_score(dataset), atol=1e-9)


def test_both_parts_count_where_both_carry_risk(simulate):
    design = NestedDesign(simulate(400, gene_effect=1.2))
    blend = design.fit(Blend("blend", (CLINICAL, GENES)))
    assert set(blend.fitted.chosen["weights"]) == {"clinical", "genes"}
    assert blend.held_out > max(design.fit(CLINICAL).held_out, design.fit(GENES).held_out)


def test_a_score_that_predicts_the_wrong_way_round_is_dropped(simulate):
    design = NestedDesign(simulate())
    rng = np.random.default_rng(0)
    early = -torch.as_tensor(design.dataset.time.copy()).log()
    right, noise = early + torch.as_tensor(rng.normal(size=(2, len(early))))
    scores = torch.stack([right, -noise], dim=-1)
    nothing = scores[:, :0]
    level = fit_second_level(design, nothing, scores, scores.std(dim=0), light=0.1)
    assert level.weights[0] > 0
    assert level.weights[1] == 0


def test_without_any_use_the_risk_is_flat(simulate):
    design = NestedDesign(simulate())
    columns = torch.zeros((design.dataset.n_patients, 1), dtype=torch.float64)
    nothing = columns[:, :0]
    level = fit_second_level(design, nothing, columns, columns.std(dim=0), light=0.1)
    assert level.weights == (0.0,)
    assert level.penalty is None
    assert float(level.fold_scores.abs().max()) == pytest.approx(0)
