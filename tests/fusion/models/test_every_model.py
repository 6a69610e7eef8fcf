"""What holds for each rung of the model comparison."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fusion.dataset import Modality, PatientDataset
from fusion.models import RUNGS, FusionNet, Null, RidgeCox, RiskModel, Selected, Stack, ladder
from fusion.models.null import FittedNull
from fusion.models.protocol import FittedRisk
from fusion.nested import NestedDesign
from fusion.training import TrainingConfig

HORIZONS = np.array([100.0, 400.0, 1200.0])
QUICK = TrainingConfig(max_epochs=24)
NET = FusionNet("fusion_net", ("clinical", "rna", "mutations"), n_seeds=2, training=QUICK)
STACK = Stack("stack", "clinical", ("rna", "mutations"))
BASE = RidgeCox("clinical", ("clinical",))
MODELS: dict[str, RiskModel] = {
    "null": Null(),
    "null_by_group": Null("null_by_group", stratified=True),
    "clinical": BASE,
    "rna": RidgeCox("rna", (), ("rna",)),
    "concatenation": RidgeCox("concatenation", ("clinical",), ("rna", "mutations")),
    "stack": STACK,
    "fusion_net": NET,
    "selected": Selected("selected", (BASE, STACK, NET)),
}


@pytest.fixture(scope="module")
def dataset(simulate) -> PatientDataset:
    return simulate()


@pytest.fixture(scope="module")
def design(dataset) -> NestedDesign:
    return NestedDesign(dataset, seed=2)


@pytest.fixture(scope="module", params=MODELS)
def fitted(request, design) -> FittedRisk:
    return design.fit(MODELS[request.param]).fitted


def without(dataset: PatientDataset, *names: str) -> PatientDataset:
    """The same patients, lacking some modalities."""
    for name in names:
        modality = dataset.modalities[name]
        empty = replace(
            modality,
            values=np.zeros_like(modality.values),
            present=np.zeros_like(modality.present),
        )
        dataset = dataset.replace_modality(empty)
    return dataset


def test_predicts_for_any_subset_of_modalities(fitted, dataset):
    lacking = [
        (),
        ("rna",),
        ("mutations",),
        ("clinical",),
        ("rna", "mutations"),
        ("clinical", "mutations"),
        ("clinical", "rna"),
    ]
    for names in lacking:
        prediction = fitted.predict(without(dataset, *names), HORIZONS)
        assert prediction.patient_id.tolist() == dataset.patient_id.tolist()
        assert set(prediction.fold.tolist()) == {-1}
        assert (np.diff(prediction.survival, axis=1) <= 0).all()
        for name in names:
            assert not prediction.contributions.get(name, np.zeros(1)).any()


def test_an_absent_modality_is_neutral_for_each_patient_alone(fitted, dataset):
    """Whether others have it changes nothing for a patient who does not."""
    alone = fitted.predict(without(dataset, "rna"), HORIZONS)
    lacks = ~dataset.modalities["rna"].present
    together = fitted.predict(dataset, HORIZONS)
    assert_allclose(together.risk_score[lacks], alone.risk_score[lacks], atol=1e-6)
    assert_allclose(together.survival[lacks], alone.survival[lacks], atol=1e-6)


def test_contributions_sum_to_the_risk_score(fitted, dataset):
    prediction = fitted.predict(dataset, HORIZONS)
    total = sum(prediction.contributions.values(), np.zeros(dataset.n_patients))
    assert_allclose(total, prediction.risk_score, atol=1e-9)
    assert_array_equal(fitted.risk_score(dataset), prediction.risk_score)


def test_a_patients_prediction_does_not_depend_on_the_others(fitted, dataset):
    index = np.array([50, 3, 120])
    everyone = fitted.predict(dataset, HORIZONS, 4)
    few = fitted.predict(dataset.take(index), HORIZONS, 4)
    assert few.fold.tolist() == [4, 4, 4]
    assert_allclose(few.risk_score, everyone.risk_score[index], atol=1e-6)
    assert_allclose(few.survival, everyone.survival[index], atol=1e-6)


def test_a_modality_that_is_not_described_is_named(fitted, dataset):
    before = fitted.predict(dataset, HORIZONS)
    other = replace(dataset.modalities["clinical"], name="other")
    poorer = replace(dataset, modalities={"other": other}, clinical="other")
    needed = ", ".join(before.contributions)
    if isinstance(fitted, FittedNull):
        assert_array_equal(fitted.predict(poorer, HORIZONS).survival, before.survival)
    else:
        with pytest.raises(ValueError, match=f"needs the modalities {needed}: pass them with"):
            fitted.predict(poorer, HORIZONS)


@pytest.mark.parametrize("name", MODELS)
def test_order_of_patients_does_not_matter(simulate, name):
    """Times are distinct, so that a training set has one order."""
    dataset = simulate(90, seed=3)
    shuffled = np.random.default_rng(0).permutation(90)
    before = MODELS[name].fit(dataset, seed=1).predict(dataset, HORIZONS)
    after = MODELS[name].fit(dataset.take(shuffled), seed=1).predict(dataset, HORIZONS)
    assert_allclose(after.risk_score, before.risk_score, atol=1e-5)
    assert_allclose(after.survival, before.survival, atol=1e-5)


@pytest.mark.parametrize("name", [n for n in MODELS if not n.startswith("null")])
def test_the_unit_of_a_feature_does_not_matter(simulate, name):
    dataset = simulate(90, seed=3)
    clinical = dataset.modalities["clinical"]
    months = replace(clinical, values=clinical.values * [12, 1, 1])
    other = dataset.replace_modality(months)
    before = MODELS[name].fit(dataset).predict(dataset, HORIZONS)
    after = MODELS[name].fit(other).predict(other, HORIZONS)
    assert_allclose(after.risk_score, before.risk_score, atol=1e-4)


@pytest.mark.parametrize("name", [n for n in MODELS if not n.startswith("null")])
def test_a_modality_that_no_training_patient_has_is_named(simulate, name):
    lacking = "clinical" if name == "clinical" else "rna"
    with pytest.raises(ValueError, match=f"no training patient has the modality {lacking}"):
        MODELS[name].fit(without(simulate(60), lacking))


def test_one_wild_value_spoils_no_fit(simulate):
    """A sentinel that slipped through: its patient is wrong, everyone else's choice stands."""
    dataset = simulate(90, seed=3)
    clinical = dataset.modalities["clinical"]
    values = clinical.values.copy()
    values[7, 0] = -99999.0
    wild = dataset.replace_modality(replace(clinical, values=values))
    design = NestedDesign(wild)
    for model in (BASE, STACK, MODELS["concatenation"], NET):
        fit = design.fit(model)
        assert np.isfinite(fit.held_out)
        assert np.isfinite(fit.fitted.predict(wild, HORIZONS).survival).all()


def test_ladder_names_every_rung():
    models = ladder(RUNGS, clinical="clinical", added=("rna", "mri"), markers="markers")
    assert list(models) == [
        "null",
        "clinical",
        "clinical_markers",
        "rna",
        "mri",
        "concatenation",
        "stack",
        "without_rna",
        "without_mri",
        "fusion_net",
        "selected",
    ]
    assert all(model.name == name for name, model in models.items())
    selected = models["selected"]
    assert isinstance(selected, Selected)
    names = [c.name for c in selected.candidates]
    assert names == ["clinical", "stack", "concatenation", "fusion_net", "blend"]
    assert models["without_rna"] == Stack("without_rna", "clinical", ("mri",))


def test_ladder_of_one_modality_and_of_unknown_rungs():
    assert list(ladder(RUNGS, clinical="ehr", added=())) == ["null", "clinical", "selected"]
    with pytest.raises(ValueError, match="unknown model 'boost': choose among null, clinical"):
        ladder(["boost"], clinical="ehr", added=())


def test_images_must_be_encoded_first(simulate, discs):
    dataset = simulate(48)
    images: Modality = discs(48)
    with_images = replace(dataset, modalities={**dataset.modalities, "mri": images})
    with pytest.raises(ValueError, match="mri: images must be encoded"):
        RidgeCox("mri", (), ("mri",)).fit(with_images)
