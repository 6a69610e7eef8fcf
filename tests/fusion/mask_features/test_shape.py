"""Shape of balls, ellipsoids and cubes, whose values are known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.mask_features.outline import angular_standard_deviation, margin, margin_fluctuation
from fusion.mask_features.shape import bounding_ellipsoid_volume, shape_features

UNIT = (1.0, 1.0, 1.0)


def ellipsoid(radii: tuple[float, float, float]) -> np.ndarray:
    """Voxels whose centre lies inside."""
    half = [int(np.ceil(r)) + 1 for r in radii]
    places = np.meshgrid(*(np.arange(-h, h + 1) for h in half), indexing="ij")
    return sum((p / r) ** 2 for p, r in zip(places, radii, strict=True)) <= 1


def blob(waves: int, height: float, size: int = 101) -> np.ndarray:
    """A disc whose margin goes in and out ``waves`` times."""
    row, column = np.mgrid[:size, :size] - size // 2
    angle = np.arctan2(row, column)
    return np.hypot(row, column) < 0.35 * size * (1 + height * np.cos(waves * angle))


@pytest.mark.parametrize("radii", [(9.0, 9.0, 9.0), (6.0, 9.0, 14.0)])
def test_an_ellipsoid_has_the_volume_and_axes_of_geometry(radii):
    found = shape_features(ellipsoid(radii), UNIT)
    assert found["volume (YEKZ)"] == pytest.approx(4 / 3 * np.pi * np.prod(radii), rel=0.03)
    # An even ellipsoid has the variance r² / 5 along an axis: 4 √(r² / 5).
    least, minor, major = (4 * r / np.sqrt(5) for r in sorted(radii))
    assert found["major axis length (TDIC)"] == pytest.approx(major, rel=0.02)
    assert found["minor axis length (P9VJ)"] == pytest.approx(minor, rel=0.02)
    assert found["least axis length (7J51)"] == pytest.approx(least, rel=0.02)
    assert found["elongation (Q3CK)"] == pytest.approx(minor / major, rel=0.02)
    assert found["flatness (N17B)"] == pytest.approx(least / major, rel=0.03)
    # Corners of voxels stick out of a smooth surface.
    assert 0.75 < found["bounding-ellipsoid volume ratio"] < 1


def test_a_larger_ball_fills_its_ellipsoid_better():
    ratios = [
        shape_features(ellipsoid((r, r, r)), UNIT)["bounding-ellipsoid volume ratio"]
        for r in (4.0, 8.0, 16.0)
    ]
    assert ratios == sorted(ratios)
    assert ratios[-1] > 0.85


@pytest.mark.parametrize("sides", [(8, 8, 8), (4, 7, 11)])
def test_a_box_fills_the_same_share_of_its_ellipsoid_whatever_its_sides(sides):
    box = np.pad(np.ones(sides, dtype=bool), 2)
    # The ellipsoid through the corners of a box has half axes √3 / 2 of its sides.
    volume = 4 / 3 * np.pi * (np.sqrt(3) / 2) ** 3 * np.prod(sides)
    assert bounding_ellipsoid_volume(box, UNIT) == pytest.approx(volume, rel=3e-3)
    found = shape_features(box, UNIT)
    assert found["volume (YEKZ)"] == np.prod(sides)
    assert found["bounding-ellipsoid volume ratio"] == pytest.approx(0.3676, rel=3e-3)


def test_the_digital_phantom_has_the_values_of_the_initiative(phantom):
    levels = phantom
    found = shape_features(levels > 0, (2.0, 2.0, 2.0))
    # IBSI reference manual, section 3.1: values and tolerances of the digital phantom.
    assert found["volume (YEKZ)"] == pytest.approx(592, abs=4)
    assert found["major axis length (TDIC)"] == pytest.approx(11.4, abs=0.1)
    assert found["minor axis length (P9VJ)"] == pytest.approx(9.31, abs=0.06)
    assert found["least axis length (7J51)"] == pytest.approx(8.54, abs=0.05)
    assert found["elongation (Q3CK)"] == pytest.approx(0.816, abs=0.005)
    assert found["flatness (N17B)"] == pytest.approx(0.749, abs=0.005)


def test_a_disc_is_even_and_a_spiculated_margin_is_not():
    def measures(mask: np.ndarray) -> tuple[float, float]:
        points = margin(mask, (1.0, 1.0))
        return angular_standard_deviation(points), margin_fluctuation(points)

    even, rough = measures(blob(0, 0.0)), measures(blob(24, 0.1))
    assert max(even) < 0.011
    assert rough[1] > 5 * even[1]
    # Waves shorter than the moving average: what it takes away is the whole wave, at most √½ of its
    # height, and less since most of the margin lies on the flanks.
    assert 0.5 * 0.1 < rough[1] < 0.1 / np.sqrt(2)
    # Two slow waves are no fluctuation, but they are uneven within an angle.
    slow = measures(blob(2, 0.2))
    assert slow[1] < 0.3 * rough[1]
    assert slow[0] > 3 * even[0]


def test_spacing_turns_an_ellipse_of_pixels_into_a_disc():
    row, column = np.mgrid[:61, :61] - 30
    squeezed = np.hypot(row * 2, column) < 25
    points = margin(squeezed, (2.0, 1.0))
    assert angular_standard_deviation(points) < 0.02
    assert angular_standard_deviation(margin(squeezed, (1.0, 1.0))) > 0.05


@settings(max_examples=4)
@given(st.integers(0, 3), st.sampled_from([(0, 1, 2), (0, 2, 1)]), st.floats(0.3, 4.0))
def test_turning_and_the_unit_of_length_change_only_lengths(turns, order, unit):
    rng = np.random.default_rng(0)
    lesion = ellipsoid((2.0, 4.0, 6.0))
    lesion &= rng.random(lesion.shape) < 0.9
    before = shape_features(lesion, UNIT)
    turned = np.rot90(lesion, turns, axes=(1, 2)).transpose(order)
    after = shape_features(turned, (unit,) * 3)
    for name, value in before.items():
        power = 3 if name.startswith("volume") else 2 if "area" in name else "length" in name
        # Where the walk along the margin starts moves its points by a part of a pixel.
        assert after[name] == pytest.approx(value * unit**power, rel=0.15), name


def test_only_the_largest_part_has_a_margin_and_an_empty_mask_none():
    mask = blob(0, 0.0)
    speck = mask.copy()
    speck[:3, :3] = True
    hole = mask.copy()
    hole[48:52, 48:52] = False
    for other in (speck, hole):
        assert np.array_equal(margin(other, (1.0, 1.0)), margin(mask, (1.0, 1.0)))
    with pytest.raises(ValueError, match="an empty mask has no shape"):
        shape_features(np.zeros((2, 3, 4), dtype=bool), UNIT)
    with pytest.raises(ValueError, match="an empty mask has no margin"):
        margin(np.zeros((3, 4), dtype=bool), (1.0, 1.0))


def test_one_voxel_and_one_slice_have_a_shape():
    one = np.zeros((3, 3, 3), dtype=bool)
    one[1, 1, 1] = True
    flat = np.zeros((3, 12, 12), dtype=bool)
    flat[1, 3:9, 2:10] = True
    for mask in (one, flat):
        assert np.isfinite(list(shape_features(mask, UNIT).values())).all()
