"""Attribution refuses parts that do not add up, and says how large they are."""

from dataclasses import replace

import numpy as np
import pytest

from fusion.explanation.attribution import Attribution, FeatureAttribution, ImageAttribution


@pytest.fixture
def attribution() -> Attribution:
    parts = np.array([[[1.0, 0.5], [-2.0, 0.0], [0.5, -0.5]]])
    return Attribution(
        method="linear terms",
        target="log_hazard",
        horizons=np.array([]),
        reference="the mean training patient",
        patient_id=np.array(["a", "b", "c"]),
        modality_names=("clinical", "mri"),
        modalities=parts,
        total=parts.sum(axis=2),
    )


def test_parts_must_sum_to_the_total(attribution: Attribution) -> None:
    assert attribution.total is not None
    replace(attribution, total=attribution.total + 1e-7)
    with pytest.raises(ValueError, match="modalities sum to something else.* 3 of 3"):
        replace(attribution, total=attribution.total + 1e-5)
    assert replace(attribution, total=None).total is None


def test_features_must_sum_to_their_modality(attribution: Attribution) -> None:
    halves = np.repeat(attribution.of("clinical")[:, :, None] / 2, 2, axis=2)
    replace(attribution, features={"clinical": FeatureAttribution(("age", "sex"), halves)})
    with pytest.raises(ValueError, match="features of clinical"):
        replace(attribution, features={"clinical": FeatureAttribution(("age", "sex"), halves * 2)})


def test_spread_counts_only_those_who_have_it(attribution: Attribution) -> None:
    present = {"mri": np.array([True, False, True])}
    clinical, mri = attribution.spread(present)
    assert (clinical.n_patients, mri.n_patients) == (3, 2)
    assert mri.mean_absolute == pytest.approx(0.5)
    assert clinical.mean_absolute == pytest.approx(3.5 / 3)
    assert clinical.median == pytest.approx(0.5)
    with pytest.raises(ValueError, match="no patient has it"):
        attribution.spread({"mri": np.zeros(3, dtype=bool)})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"reference": " "}, "reference is empty"),
        ({"horizons": np.array([1.0])}, "a risk score has no horizons"),
        ({"target": "survival"}, "survival and risk have at least one"),
        ({"modalities": np.zeros((1, 3, 3))}, "modalities must have shape"),
        ({"total": np.zeros((2, 3))}, "total must have shape"),
        ({"patient_id": np.array(["a", "a", "b"])}, "unique"),
        ({"modalities": np.full((1, 3, 2), np.nan), "total": None}, "finite"),
        ({"images": {"ct": ImageAttribution(np.zeros((1, 3, 4, 4)))}}, "not among"),
    ],
)
def test_refuses_what_does_not_fit(
    attribution: Attribution, change: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        replace(attribution, **change)


def test_parts_are_checked_on_their_own() -> None:
    with pytest.raises(ValueError, match="values must have shape"):
        FeatureAttribution(("age",), np.zeros((1, 3, 2)))
    with pytest.raises(ValueError, match="not features"):
        FeatureAttribution(("age",), np.zeros((1, 3, 1)), {"who": ("age", "sex")})
    with pytest.raises(ValueError, match="affine"):
        ImageAttribution(np.zeros((1, 3, 4, 4)), np.zeros((3, 3)))
