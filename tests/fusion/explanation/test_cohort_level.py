"""Importance, groups, profiles and dependence: right numbers, and none of too few patients."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from fusion.explanation.attribution import Attribution, FeatureAttribution
from fusion.explanation.dependence import dependence
from fusion.explanation.importance import feature_importance, modality_importance
from fusion.explanation.profiles import failures, prototypes
from fusion.explanation.subgroups import group_differences


def attribution(values: np.ndarray) -> Attribution:
    """One modality of two features, one of one; ``values`` is (patient, 3)."""
    parts = np.stack([values[:, :2].sum(axis=1), values[:, 2]], axis=1)[None]
    return Attribution(
        method="linear terms",
        target="log_hazard",
        horizons=np.array([]),
        reference="the mean training patient",
        patient_id=np.arange(len(values)).astype(str),
        modality_names=("clinical", "rna"),
        modalities=parts,
        total=parts.sum(axis=2),
        features={
            "clinical": FeatureAttribution(("age", "grade"), values[None, :, :2]),
            "rna": FeatureAttribution(("TP53",), values[None, :, 2:]),
        },
    )


def test_importance_is_the_mean_over_models_with_their_spread() -> None:
    runs = [attribution(np.outer([1, -1], [a, 0.5, 0.1 * a])) for a in (1.0, 2.0, 3.0)]
    found = {each.name: each for each in feature_importance(runs, top=1)}
    assert list(found) == ["age", "grade", "TP53"]
    assert found["age"].mean_absolute == pytest.approx(2.0)
    assert (found["age"].lower, found["age"].upper) == pytest.approx((1.05, 2.95))
    assert found["age"].top_share == 1.0
    assert found["grade"].lower == found["grade"].upper == pytest.approx(0.5)
    assert found["grade"].top_share == 0.0
    kinds = modality_importance(runs)
    assert [each.name for each in kinds] == ["clinical", "rna"]
    assert kinds[0].mean_absolute == pytest.approx(2.5)


def test_a_model_that_does_not_use_a_modality_counts_as_nothing() -> None:
    whole = attribution(np.outer([1, -1], [1.0, 0.5, 0.4]))
    without = replace(
        whole,
        modality_names=("clinical",),
        modalities=whole.modalities[:, :, :1],
        total=whole.modalities[:, :, 0],
        features={"clinical": whole.features["clinical"]},
    )
    found = {each.name: each for each in feature_importance([whole, without])}
    assert found["TP53"].mean_absolute == pytest.approx(0.2)
    assert found["TP53"].top_share == 0.5


def test_importance_is_over_those_who_have_a_modality() -> None:
    run = attribution(np.array([[1.0, 0.5, 0.4], [1.0, 0.5, 0.0], [1.0, 0.5, 0.0]]))
    has = {"rna": np.array([True, False, False])}
    nobody = {"rna": np.zeros(3, dtype=bool)}
    found = {each.name: each for each in feature_importance([run, run], present=[has, nobody])}
    assert found["TP53"].mean_absolute == pytest.approx(0.4)
    assert found["TP53"].top_share == 1.0
    assert found["age"].mean_absolute == pytest.approx(1.0)
    kinds = modality_importance([run, run], present=[has, nobody])
    assert [each.mean_absolute for each in kinds] == pytest.approx([1.5, 0.4])
    assert [k.name for k in modality_importance([run], present=[nobody])] == ["clinical"]


def test_what_no_model_can_tell_of_has_no_importance() -> None:
    run = attribution(np.ones((2, 3)))
    nobody = {name: np.zeros(2, dtype=bool) for name in ("clinical", "rna")}
    assert feature_importance([run, run], present=[nobody, nobody]) == ()
    assert modality_importance([run, run], present=[nobody, nobody]) == ()


def test_importance_of_different_outputs_is_refused() -> None:
    one = attribution(np.ones((2, 3)))
    other = replace(one, target="risk", horizons=np.array([12.0]))
    with pytest.raises(ValueError, match="different outputs"):
        feature_importance([one, other])
    with pytest.raises(ValueError, match="one model or more"):
        modality_importance([])


def test_a_planted_difference_is_found_and_small_groups_are_withheld() -> None:
    draw = np.random.default_rng(1)
    group = np.repeat(["GBM", "LGG", "rare"], [60, 60, 5])
    matters = draw.normal(size=125) * np.where(group == "LGG", 2.0, 0.5)
    same = draw.normal(size=125)
    found, withheld = group_differences({"idh": matters, "age": same}, group, minimum=10)
    assert withheld == ("rare",)
    by_key = {(each.part, each.group): each for each in found}
    assert len(by_key) == 4
    assert by_key["idh", "LGG"].lower > 0.5
    assert by_key["idh", "GBM"].upper < -0.5
    assert by_key["age", "LGG"].lower < 0 < by_key["age", "LGG"].upper
    nobody, all_withheld = group_differences({"age": same}, np.repeat("all", 125), minimum=10)
    assert nobody == ()
    assert all_withheld == ("all",)


@settings(deadline=None, max_examples=25)
@given(st.integers(3, 90), st.integers(0, 20), st.integers(0, 99))
def test_no_profile_is_of_fewer_than_the_minimum(n: int, minimum: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    found = attribution(draw.normal(size=(n, 3)))
    time, event = draw.exponential(size=n), draw.random(n) < 0.5
    wrong, withheld = failures(found, time, event, horizon=0.7, minimum=minimum)
    assert len(wrong) + len(withheld) == 2
    for profile in (*prototypes(found, minimum=minimum), *wrong):
        assert profile.n_patients == len(profile.rows) >= max(minimum, 1)
        assert_allclose(profile.modalities, found.modalities[0, profile.rows].mean(axis=0))


def test_typical_patients_are_of_their_third_and_failures_are_on_the_wrong_side() -> None:
    draw = np.random.default_rng(0)
    values = draw.normal(size=(300, 3))
    found = attribution(values)
    total = values.sum(axis=1)
    low, _, high = prototypes(found, minimum=10)
    assert low.total < -1.0 < 1.0 < high.total
    cuts = np.quantile(total, [1 / 3, 2 / 3])
    assert (total[low.rows] <= cuts[0]).all()
    assert (total[high.rows] >= cuts[1]).all()
    time, event = draw.exponential(2.0, 300), draw.random(300) < 0.6
    (dead, alive), _ = failures(found, time, event, horizon=1.0, minimum=10)
    assert (event & (time <= 1.0))[dead.rows].all()
    assert (total[dead.rows] <= cuts[0]).all()
    assert (time[alive.rows] > 1.0).all()
    assert (total[alive.rows] >= cuts[1]).all()
    until, by_then = np.minimum(time, 1.0), event & (time <= 1.0)
    (_, ended), _ = failures(found, until, by_then, horizon=1.0, minimum=10)
    assert_array_equal(ended.rows, alive.rows)
    with pytest.raises(ValueError, match=r"must have shape \(300,\)"):
        failures(found, time[:10], event[:10], horizon=1.0, minimum=10)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.one_of(st.integers(-3, 3), st.just(None)), min_size=0, max_size=80),
    st.integers(0, 15),
)
def test_bins_hold_everyone_once_and_never_too_few(known: list[int | None], minimum: int) -> None:
    value = np.array([np.nan if v is None else float(v) for v in known])
    found = dependence("age", value, 2.0 * np.nan_to_num(value), minimum=minimum)
    n_known = int((~np.isnan(value)).sum())
    if found is None:
        assert n_known < max(minimum, 1)
        return
    assert (found.n_patients >= max(minimum, 1)).all()
    assert found.n_patients.sum() == n_known
    assert (np.diff(found.value) > 0).all()
    assert len(found.edges) == len(found.n_patients) - 1
    assert (found.lower <= found.median).all()
    assert (found.median <= found.upper).all()


def test_dependence_shows_the_shape_of_an_effect() -> None:
    value = np.random.default_rng(0).normal(size=400)
    found = dependence("gene", value, value**2, minimum=10)
    assert found is not None
    assert len(found.value) == 10
    assert found.median[0] > 1
    assert found.median[-1] > 1
    assert found.median[4] < 0.1
