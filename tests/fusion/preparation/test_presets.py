"""What each kind of image asks for, on images whose right answer is known."""

import sys
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from fusion.preparation.ct import ct_windows
from fusion.preparation.histology import stain_normalised, tissue_share
from fusion.preparation.mr import bias_corrected, mr_standardised, n4_corrected
from fusion.preparation.pet import Injection, body_weight_suv
from fusion.preparation.quality import quality_problems
from fusion.preparation.radiograph import radiograph
from fusion.preparation.ultrasound import ultrasound_sector


def test_a_ct_window_is_black_below_and_white_above():
    volume = np.array([[-2000.0, -1000.0, 0.0, 40.0, 80.0, 3000.0]])
    found = ct_windows(volume, ("brain", "lung"))
    assert_allclose(found[0], [[0, 0, 0, 0.5, 1, 1]])
    assert_allclose(
        found[1], [[326 / 1500, 350 / 1500, 1350 / 1500, 1390 / 1500, 1430 / 1500, 1]], atol=1e-6
    )
    with pytest.raises(ValueError, match="hold no air, so they are no Hounsfield units"):
        ct_windows(volume + 2000, ("brain",))
    with pytest.raises(ValueError, match="windows must be some of brain"):
        ct_windows(volume, ("heart",))


def test_mr_is_standard_over_tissue_whatever_the_gain_and_background_stays():
    rng = np.random.default_rng(0)
    volume = np.where(np.arange(16) < 4, 0.0, rng.normal(300, 40, (8, 16, 16)))
    found = mr_standardised(volume)
    assert not found[..., :4].any()
    assert found[..., 4:].mean() == pytest.approx(0, abs=1e-5)
    assert found[..., 4:].std() == pytest.approx(1, abs=1e-5)
    assert_allclose(mr_standardised(7 * volume), found, atol=1e-4)


@pytest.mark.parametrize("corrected", [bias_corrected, n4_corrected])
def test_a_shaded_volume_is_made_even_and_a_lesion_stays_brighter(corrected: Any):
    z, y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in (12, 24, 24)), indexing="ij")
    tissue = np.hypot(y, x) < 0.8
    lesion = np.hypot(y - 0.3, x) < 0.15
    truth = np.where(tissue, 200.0, 0.0) * np.where(lesion, 1.8, 1.0)
    shading = np.exp(0.5 * x + 0.3 * y**2 - 0.2 * z)
    found = corrected(truth * shading, tissue)
    healthy = tissue & ~lesion
    before = (truth * shading)[healthy]
    assert before.std() / before.mean() > 0.2
    assert found[healthy].std() / found[healthy].mean() < 0.03
    assert found[lesion].mean() / found[healthy].mean() == pytest.approx(1.8, rel=0.05)
    assert not found[~tissue].any()
    with pytest.raises(ValueError, match="no positive value inside"):
        corrected(truth, np.zeros_like(tissue))


def test_without_simpleitk_n4_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "SimpleITK", None)
    with pytest.raises(ImportError, match=r"pip install 'precision-workbench\[registration\]'"):
        n4_corrected(np.ones((8, 8, 8)), np.ones((8, 8, 8), dtype=bool))


GIVEN = Injection(
    weight=70.0,
    dose=350e6,
    half_life=6586.2,
    injected=datetime(2020, 1, 1, 10),
    decay_corrected_to=datetime(2020, 1, 1, 11),
)


def test_an_evenly_spread_dose_has_an_suv_of_one():
    # 70 kg are 70,000 ml; an hour of fluorine-18 leaves 68.5 %.
    assert GIVEN.remaining / GIVEN.dose == pytest.approx(0.6846, abs=1e-4)
    even = np.full((2, 2), GIVEN.remaining / 70_000)
    assert_allclose(body_weight_suv(even, GIVEN), 1, rtol=1e-6)
    at_once = replace(GIVEN, decay_corrected_to=GIVEN.injected)
    assert_allclose(body_weight_suv(np.array([5000.0]), at_once), 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"weight": 0.0}, "weight must be positive: without it there is no SUV"),
        ({"dose": float("nan")}, "dose must be positive"),
        ({"weight": 70_000.0}, "above 500 kg"),
        ({"decay_corrected_to": GIVEN.injected - timedelta(days=9)}, "before the injection"),
    ],
)
def test_an_suv_without_what_it_needs_is_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        replace(GIVEN, **changes)


def test_a_radiograph_is_the_same_from_either_kind_of_detector():
    rng = np.random.default_rng(0)
    pixels = rng.integers(200, 3000, (40, 50)).astype(float)
    found = radiograph(pixels, "MONOCHROME2")
    assert found.shape == (1, 40, 50)
    assert (found.min(), found.max()) == (0, 1)
    assert_allclose(radiograph(4095 - pixels, "MONOCHROME1"), found, atol=1e-3)
    assert_allclose(radiograph(pixels * 2 + 9, "MONOCHROME2"), found, atol=1e-3)
    with pytest.raises(ValueError, match="must be MONOCHROME1 or MONOCHROME2, got 'RGB'"):
        radiograph(pixels, "RGB")


def test_what_stands_beside_an_ultrasound_sector_is_lost():
    row, column = np.mgrid[:80, :100]
    sector = (row > 15) & (np.abs(column - 50) < row / 2)
    pixels = np.where(sector, 0.4, 0.0)
    pixels[4:9, 5] = pixels[4:9, 8] = pixels[6, 5:9] = 1.0
    found = ultrasound_sector(pixels)
    assert found.shape[1] <= 66
    assert found.max() == pytest.approx(0.4)
    with pytest.raises(ValueError, match="no ultrasound sector"):
        ultrasound_sector(np.zeros((20, 20)))


def stained(haematoxylin: np.ndarray, eosin: np.ndarray, strength: float) -> np.ndarray:
    """Light through two stains (Beer and Lambert), as a scanner stores it."""
    absorbed = [[0.65, 0.70, 0.29], [0.07, 0.99, 0.11]]
    density = strength * (
        haematoxylin[..., None] * absorbed[0] + eosin[..., None] * np.array(absorbed[1])
    )
    return (240 * np.exp(-density)).clip(0, 255).astype(np.uint8)


def test_pale_and_dark_stains_come_to_look_alike():
    rng = np.random.default_rng(0)
    amounts = rng.gamma(2.0, 0.4, (2, 48, 48))
    pale, dark = stained(*amounts, 0.7), stained(*amounts, 1.3)
    before = np.abs(pale.astype(float) - dark).mean()
    after = np.abs(stain_normalised(pale).astype(float) - stain_normalised(dark)).mean()
    assert after < 0.3 * before
    assert tissue_share(pale) > 0.5
    with pytest.raises(ValueError, match="0% of the tile is tissue: leave it out"):
        stain_normalised(np.full((16, 16, 3), 250, dtype=np.uint8))


@pytest.fixture
def fit() -> np.ndarray:
    return np.random.default_rng(0).normal(100, 20, (2, 48, 48))


def test_a_fit_image_has_no_problem_and_planted_ones_are_named(fit):
    assert quality_problems(fit) == ()
    planted = {
        "the shortest side has 16 pixels, needed are 32": fit[:, :16],
        "3 values are not finite": np.where(np.arange(48 * 48).reshape(48, 48) < 1, np.nan, fit),
        "1 of 2 channels hold one value": np.stack([fit[0], np.full((48, 48), 7.0)]),
        "of a channel are 0": np.where(np.arange(48) < 47, 0.0, np.arange(48)) * (fit > 120),
        "at the end of its range": fit.clip(None, 65),
        "blurred": np.stack([np.add.outer(np.arange(48.0), np.arange(48.0)) ** 2] * 2),
    }
    planted["3 values are not finite"] = fit.copy()
    planted["3 values are not finite"][0, 0, :3] = np.nan
    for words, image in planted.items():
        problems = quality_problems(image)
        assert any(words in problem for problem in problems), (words, problems)
