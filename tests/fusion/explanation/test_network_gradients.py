"""Integrated gradients of networks: complete, and of genes behind the components."""

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients
from numpy.testing import assert_allclose

from fusion.explanation.log_hazard import log_hazard_contributions
from fusion.explanation.network_gradients import integrated, network_terms
from fusion.models import FusionNet
from fusion.network import NetworkConfig
from fusion.training import TrainingConfig


def test_parts_sum_to_the_total_within_one_percent(fitted_models, new_patients):
    terms = network_terms(fitted_models["fusion_net"], new_patients)
    assert np.abs(terms.gap).max() < 0.01 * np.abs(terms.total).mean()
    assert terms.total.std() > 0.01
    few = integrated(fitted_models["fusion_net"], new_patients, 8)
    assert np.abs(few.gap).max() > np.abs(terms.gap).max()
    assert_allclose(few.total, terms.total)


def test_what_is_missing_or_absent_contributes_nothing(fitted_models, new_patients):
    terms = network_terms(fitted_models["fusion_net"], new_patients)
    for name, part in terms.features.items():
        modality = new_patients.modalities[name]
        gone = ~modality.present[:, None] | np.isnan(modality.values)
        assert gone.any()
        assert not part.values[0][gone].any()


def test_genes_are_as_captum_has_them_behind_the_projection(fitted_models, new_patients):
    """The projection is put inside the model, so that captum explains genes themselves."""
    model = fitted_models["fusion_net"]
    some = new_patients.take(np.arange(20))
    seen, present = model.seen(some)
    genes = model.components["rna"]
    loadings = torch.as_tensor(genes.loadings * model.gains["rna"])
    standardised = torch.as_tensor(genes.standardised(some.modalities["rna"]))

    def score(rna, clinical, mutations, *there):
        features = {"clinical": clinical, "rna": (rna @ loadings).float(), "mutations": mutations}
        return model.score(
            features, dict(zip(("clinical", "rna", "mutations"), there, strict=True))
        )

    inputs = (standardised, seen["clinical"], seen["mutations"])
    expected = IntegratedGradients(score).attribute(
        inputs,
        tuple(torch.zeros_like(i) for i in inputs),
        additional_forward_args=tuple(present[n] for n in ("clinical", "rna", "mutations")),
        n_steps=32,
    )
    found = integrated(model, some, 32).features
    assert_allclose(found["rna"].values[0], expected[0].numpy(), atol=1e-4)
    assert_allclose(found["clinical"].values[0], expected[1].numpy(), atol=1e-4)


@pytest.mark.slow
def test_networks_that_read_features_are_explained_by_feature(simulate, new_patients):
    config = NetworkConfig(ehr="tokens")
    net = FusionNet(
        "net", ("clinical", "rna"), 1, network=config, training=TrainingConfig(max_epochs=5)
    )
    model = net.fit(simulate(100), seed=1)
    found = log_hazard_contributions(model, new_patients)
    assert found.features["clinical"].names == new_patients.modalities["clinical"].names
    assert found.checks[0].passed
    assert found.features["clinical"].values.std() > 0
