"""Heat against drawn lesions: what is known comes out, and a map of nobody is by chance."""

import numpy as np
import pytest

from fusion.explanation.lesion_agreement import (
    INSIDE,
    MEASURES,
    hottest_tenth,
    lesion_agreement,
    overlap,
    pointing,
    share_inside,
)

OVERLAP = next(name for name in MEASURES if "IoU" in name)


def lesions(n: int = 40, side: int = 16, seed: int = 0) -> np.ndarray:
    """A square of four pixels somewhere in the second of two slices."""
    draw = np.random.default_rng(seed)
    found = np.zeros((n, 2, side, side), dtype=bool)
    for lesion, (top, left) in zip(found, draw.integers(0, side - 4, (n, 2)), strict=True):
        lesion[1, top : top + 4, left : left + 4] = True
    return found


def test_measures_by_hand():
    lesion = np.zeros((1, 1, 4, 4), dtype=bool)
    lesion[0, 0, 0, :2] = True
    heat = np.zeros((1, 1, 4, 4))
    heat[0, 0, 0, 1], heat[0, 0, 3, 3], heat[0, 0, 0, 0] = 3.0, 4.0, 1.0
    assert share_inside(heat, lesion) == pytest.approx([0.5])
    assert pointing(heat, lesion) == pytest.approx([0.0])
    # The two hottest places are one inside and one outside: one of three.
    assert overlap(heat, lesion) == pytest.approx([1 / 3])
    assert hottest_tenth(heat, lesion) in ([0.0], [0.5], [1.0])


def test_heat_in_ones_own_lesion_is_told_from_others():
    lesion = lesions()
    found = lesion_agreement(-2.0 * lesion, lesion)
    assert found is not None
    assert found.n_patients == 40
    assert found.area == pytest.approx(16 / 512)
    for name in (INSIDE, OVERLAP):
        assert found.measures[name].own == (1.0, 1.0, 1.0)
        assert found.measures[name].others[0] < 0.3
    assert all(each.difference[1] > 0 for each in found.measures.values())
    np.testing.assert_array_equal(found.inside, np.ones(40))


def test_one_map_for_everybody_is_by_chance():
    lesion = lesions()
    same = np.broadcast_to(lesion.mean(axis=0), lesion.shape)
    found = lesion_agreement(same, lesion)
    assert found is not None
    for name, each in found.measures.items():
        assert each.difference[1] <= 0 <= each.difference[2], name


def test_who_has_no_lesion_does_not_count():
    lesion = lesions(6)
    heat = lesion.astype(float)
    lesion[4:] = False
    found = lesion_agreement(heat, lesion)
    assert found is not None
    assert found.n_patients == 4
    assert np.isnan(found.inside[4:]).all()
    lesion[2:] = False
    assert lesion_agreement(heat, lesion) is None
