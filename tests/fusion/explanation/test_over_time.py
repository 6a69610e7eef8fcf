"""Contributions over time: additive at each horizon, and an early-only effect is found early."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from fusion.dataset import Modality, PatientDataset
from fusion.explanation.linear_terms import linear_terms
from fusion.explanation.over_time import contributions_over_time
from fusion.models.task_net import TaskNet
from fusion.network_training import NetworkTrainingConfig
from fusion.tasks import DiscreteHazardTask, TimeToEvent

EARLY = 300.0


def test_parts_sum_to_what_survival_changes(fitted, new_patients, horizons):
    found = contributions_over_time(fitted, new_patients, horizons)
    whole = fitted.predict(new_patients, horizons).survival.T
    nobody_known = fitted.baseline.survival(np.zeros(1), horizons)[0]
    assert found.total is not None
    if found.features:
        # Networks have a score of nothing that is not 0; linear terms start from it.
        assert_allclose(found.total, whole - nobody_known[:, None], atol=1e-6)
    assert_allclose(found.modalities.sum(axis=2), found.total, atol=1e-9)
    assert found.checks[0].passed


def test_risk_is_the_opposite_of_survival(fitted_models, new_patients, horizons):
    model = fitted_models["stack"]
    survival = contributions_over_time(model, new_patients, horizons)
    risk = contributions_over_time(model, new_patients, horizons, target="risk")
    assert_allclose(risk.modalities, -survival.modalities, atol=1e-12)
    for name, part in risk.features.items():
        assert_allclose(part.values, -survival.features[name].values, atol=1e-12)


def test_a_lone_modality_shares_its_change_in_proportion_to_its_terms(
    fitted_models, new_patients, horizons
):
    """With one modality the Aumann–Shapley share is the change times the share of the sum."""
    model = fitted_models["clinical"]
    found = contributions_over_time(model, new_patients, horizons)
    terms = linear_terms(model, new_patients)["clinical"].values[0]
    score = terms.sum(axis=1)
    far = np.abs(score) > 0.1
    share = terms[far] / score[far, None]
    expected = found.of("clinical")[:, far, None] * share
    assert_allclose(found.features["clinical"].values[:, far], expected, atol=1e-9)


def test_a_part_of_about_nothing_is_shared_without_dividing_by_it(fitted_models, new_patients):
    """Terms that cancel still each have their own effect."""
    model = fitted_models["concatenation"]
    clinical = new_patients.modalities["clinical"]
    components = model.components["clinical"]
    effect = components.loadings @ model.coefficients["clinical"]
    values = np.tile(components.center, (new_patients.n_patients, 1))
    step = np.array([1.0, -effect[0] / effect[1], 0.0])
    values = values + step * components.scale
    cancelled = new_patients.replace_modality(replace(clinical, values=values))
    found = contributions_over_time(model, cancelled, np.array([500.0]))
    assert_allclose(found.of("clinical"), 0.0, atol=1e-9)
    shares = found.features["clinical"].values[0]
    assert (np.abs(shares[:, 0]) > 1e-3).all()
    assert_allclose(shares[:, 0], -shares[:, 1], atol=1e-8)


@pytest.fixture(scope="module")
def crossing() -> PatientDataset:
    """Two modalities of one number: one matters early alone, the other always."""
    draw = np.random.default_rng(5)
    n = 900
    early, always = draw.normal(size=(2, n))
    # A constant hazard in each of two periods, by inversion of the cumulative hazard.
    first = np.exp(1.0 * early + 0.7 * always) / 600.0
    later = np.exp(0.7 * always) / 600.0
    hazard = draw.exponential(size=n)
    time = np.where(
        hazard < first * EARLY, hazard / first, EARLY + (hazard - first * EARLY) / later
    )
    end = draw.uniform(600.0, 1800.0, n)
    ones = np.ones(n, dtype=bool)
    return PatientDataset(
        patient_id=np.arange(n).astype(str),
        time=np.minimum(time, end) + 1e-6,
        event=time <= end,
        time_unit="days",
        modalities={
            "clinical": Modality("clinical", "ehr", always[:, None], ones, ("always",)),
            "marker": Modality("marker", "ehr", early[:, None], ones, ("early",)),
        },
    )


def test_an_early_only_effect_is_early_only(crossing):
    net = TaskNet(
        "hazards",
        ("clinical", "marker"),
        DiscreteHazardTask(6),
        training=NetworkTrainingConfig(max_steps=150, learning_rate=5e-3, micro_batch=900),
    )
    outcome = TimeToEvent(crossing.time, crossing.event)
    model = net.fit(crossing, outcome, seed=3, progress=False)
    horizons = np.array([150.0, 300.0, 600.0, 900.0])
    found = contributions_over_time(model, crossing, horizons, target="risk")
    assert found.checks[0].passed
    early, always = (
        np.abs(found.of("marker")).mean(axis=1),
        np.abs(found.of("clinical")).mean(axis=1),
    )
    share = early / (early + always)
    assert share[0] > 0.5
    assert (np.diff(share) < 0).all()
    # What happens after the early period alone: change of risk between later horizons.
    late = found.modalities[3] - found.modalities[1]
    slope = [
        np.polyfit(crossing.modalities[n].values[:, 0], late[:, at], 1)[0]
        for at, n in enumerate(found.modality_names)
    ]
    assert slope[1] < 0.25 * slope[0]
