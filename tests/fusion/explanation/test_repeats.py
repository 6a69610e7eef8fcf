"""Explanations of several cross-fits of the same patients as one."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from fusion.explanation.attribution import Attribution, FeatureAttribution
from fusion.explanation.checks import at_most
from fusion.explanation.repeats import averaged, in_order


def attribution(seed: int, gap: float = 0.0) -> Attribution:
    values = np.random.default_rng(seed).normal(size=(1, 5, 3))
    return Attribution(
        method="linear terms",
        target="log_hazard",
        horizons=np.array([]),
        reference="the mean training patient",
        patient_id=np.array(list("abcde")),
        modality_names=("clinical",),
        modalities=values.sum(axis=2, keepdims=True),
        total=values.sum(axis=2),
        features={"clinical": FeatureAttribution(("age", "sex", "ldh"), values)},
        checks=(at_most("gap", gap, 0.01, meaning="parts do not sum"),),
    )


def test_contributions_are_averaged_patient_by_patient() -> None:
    one, other = attribution(0), attribution(1)
    turned = other.take(np.arange(5)[::-1])
    assert turned.patient_id.tolist() == list("edcba")
    found = averaged([one, turned])
    assert found.patient_id.tolist() == list("abcde")
    mean = (one.features["clinical"].values + other.features["clinical"].values) / 2
    assert_allclose(found.features["clinical"].values, mean)
    assert found.total is not None
    assert_allclose(found.total[0], mean[0].sum(axis=1))


def test_a_modality_that_one_repeat_does_not_use_moves_nothing_there() -> None:
    one = attribution(0)
    nothing = replace(
        one, modality_names=(), modalities=np.zeros((1, 5, 0)), total=np.zeros((1, 5)), features={}
    )
    found = averaged([nothing, one])
    assert_allclose(found.of("clinical"), one.of("clinical") / 2)
    assert averaged([nothing, nothing]).modality_names == ()


def test_the_worst_repeat_decides_a_check() -> None:
    (check,) = averaged([attribution(0), attribution(1, gap=0.5)]).checks
    assert (check.value, check.passed) == (0.5, False)


def test_each_method_is_named_once() -> None:
    methods = ("linear terms", "gradients; linear terms", "gradients")
    found = averaged([replace(attribution(0), method=method) for method in methods])
    assert found.method == "linear terms; gradients"


def test_other_patients_are_refused() -> None:
    one = attribution(0)
    with pytest.raises(ValueError, match="other patients"):
        averaged([one, one.take(np.arange(4))])
    with pytest.raises(ValueError, match="nothing to average"):
        averaged([])


def test_patients_stand_where_they_are_asked_for() -> None:
    one = attribution(0)
    found = in_order(one, np.array(["c", "a"]))
    assert_allclose(found.of("clinical"), one.of("clinical")[:, [2, 0]])
