"""Intensity and texture: values of the initiative's phantom, and what may not change them."""

import numpy as np
import pytest

from fusion.mask_features.intensity import intensity_features
from fusion.mask_features.modality import Lesion, lesion_modality
from fusion.mask_features.texture import co_occurrence, grey_levels, texture_features

# IBSI reference manual, digital phantom; co-occurrence as "3D, merged".
INTENSITY = {
    "mean (Q4LE)": 2.15,
    "variance (ECT3)": 3.05,
    "skewness (KE2M)": 1.08,
    "excess kurtosis (IPH6)": -0.355,
    "median (Y12H)": 1,
    "minimum (1GSF)": 1,
    "10th percentile (QG58)": 1,
    "90th percentile (8DWT)": 4,
    "maximum (84IY)": 6,
    "interquartile range (SALO)": 3,
    "range (2OJQ)": 5,
    "mean absolute deviation (4FUA)": 1.55,
    "robust mean absolute deviation (1128)": 1.11,
    "median absolute deviation (N72L)": 1.15,
    "energy (N8CA)": 567,
    "root mean square (5ZWQ)": 2.77,
}
TEXTURE = {
    "joint maximum (GYBY)": 0.509,
    "joint variance (UR99)": 3.13,
    "joint entropy (TU9B)": 2.57,
    "angular second moment (8ZQL)": 0.291,
    "contrast (ACUI)": 5.12,
    "dissimilarity (8S9J)": 1.38,
    "inverse difference (IB1Z)": 0.688,
    "inverse difference moment (WF0Z)": 0.631,
    "correlation (NI2N)": 0.183,
}


def test_the_phantom_has_the_intensities_of_the_initiative(phantom):
    found = intensity_features(phantom[phantom > 0].astype(float))
    assert list(found) == list(INTENSITY)
    for name, value in INTENSITY.items():
        assert found[name] == pytest.approx(value, rel=5e-3), name


def test_the_phantom_has_the_texture_of_the_initiative(phantom):
    found = texture_features(phantom)
    assert list(found) == list(TEXTURE)
    for name, value in TEXTURE.items():
        assert found[name] == pytest.approx(value, rel=5e-3), name


def test_pairs_are_counted_as_by_hand():
    joint = co_occurrence(np.array([[[1, 2], [0, 2]]]))
    # Pairs inside: 1-2 across, 1-2 on the diagonal, 2-2 down; each in both directions.
    assert joint * 6 == pytest.approx(np.array([[0, 2], [2, 2]]))


def test_gain_and_offset_of_the_scanner_change_no_texture():
    rng = np.random.default_rng(0)
    values, mask = rng.random((4, 9, 9)), rng.random((4, 9, 9)) < 0.8
    levels = grey_levels(values, mask)
    assert (levels > 0).sum() == mask.sum()
    assert levels.max() == 32
    assert np.array_equal(grey_levels(values * 64 + 8, mask), levels)
    outside = np.where(mask, values, 1e6)
    assert np.array_equal(grey_levels(outside, mask), levels)


def test_a_flat_lesion_has_finite_features_and_an_empty_one_none():
    flat = np.ones((2, 3, 3), dtype=int)
    found = texture_features(flat) | intensity_features(np.full(18, 7.0))
    assert np.isfinite(list(found.values())).all()
    assert (found["contrast (ACUI)"], found["variance (ECT3)"]) == (0, 0)
    with pytest.raises(ValueError, match="a single voxel has no texture"):
        texture_features(np.pad(np.ones((1, 1, 1), dtype=int), 1))
    with pytest.raises(ValueError, match="0 grey values, 0 of them not finite"):
        intensity_features(np.array([]))
    with pytest.raises(ValueError, match="2 grey values, 1 of them not finite"):
        intensity_features(np.array([1.0, np.nan]))


def test_lesions_become_a_modality_and_patients_without_are_absent():
    rng = np.random.default_rng(0)
    mask = np.zeros((3, 12, 12), dtype=bool)
    mask[:, 3:8, 4:9] = True
    spots = np.zeros_like(mask)
    spots[0, 0, 0] = spots[2, 9, 9] = True
    images = rng.random((2, 3, 12, 12))
    spacing = (5.0, 1.0, 1.0)
    patients = np.array(["d", "a", "b", "c"])
    lesions = {
        "a": Lesion(images, mask, spacing),
        "b": Lesion(images, ~mask & False, spacing),
        "c": Lesion(images, spots, spacing),
    }
    found = lesion_modality("lesion", patients, lesions, ("T1", "FLAIR"))
    assert found.present.tolist() == [False, True, False, False]
    assert not found.values[[0, 2, 3]].any()
    column = found.names.index("volume (YEKZ)")
    assert found.values[1, column] == mask.sum() * 5
    assert len(found.names) == 10 + 2 * (16 + 9)
    assert found.names[10] == "T1: mean (Q4LE)"
    with pytest.raises(ValueError, match="nothing is outlined in any of 1 patients"):
        lesion_modality("lesion", np.array(["b"]), lesions, ("T1", "FLAIR"))
    with pytest.raises(ValueError, match="2 channels but 1 names"):
        lesion_modality("lesion", np.array(["a"]), lesions, ("T1",))
