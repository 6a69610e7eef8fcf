"""Contributions laid over images: each place where the model saw it, and nothing invented."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.explanation.attribution import Attribution as Explanation
from fusion.explanation.attribution import Check, ImageAttribution
from workbench.data.image_files import fit_square
from workbench.data.imaging import OneScene, Scene, explained_images, picture, volume
from workbench.data.imaging.explained import laid_over
from workbench.errors import ImageError

turns = st.tuples(st.permutations((0, 1, 2)), st.tuples(*[st.sampled_from((-1, 1))] * 3))


def _turned(affine: np.ndarray, values: np.ndarray, turn: tuple) -> tuple[np.ndarray, np.ndarray]:
    """The same map, its axes in another order and direction."""
    order, signs = turn
    turned = np.transpose(values, order)
    back = np.zeros((4, 4))
    back[3, 3] = 1
    for new, (old, sign) in enumerate(zip(order, signs, strict=True)):
        back[old, new] = sign
        if sign < 0:
            turned = np.flip(turned, new)
            back[old, 3] = turned.shape[new] - 1
    return turned, affine @ back


@settings(max_examples=25, deadline=None)
@given(turn=turns, seed=st.integers(0, 2**16))
def test_orientation_of_the_map_does_not_matter(turn: tuple, seed: int) -> None:
    rng = np.random.default_rng(seed)
    image = volume(np.zeros((6, 8, 4)), np.diag([-1.0, 1.0, 2.0, 1.0]))
    values = rng.normal(size=(3, 4, 2))
    affine = np.diag([2.0, 2.0, 4.0, 1.0])
    affine[:3, 3] = image.affine[:3, 3] + [0.5, 0.5, 1.0]
    straight = laid_over(values, affine, image)
    turned, moved = _turned(affine, values, turn)
    assert np.array_equal(laid_over(turned, moved, image).voxels, straight.voxels)
    # Each cell of the map covers exactly its two by two by two voxels, and all of them.
    assert np.array_equal(straight.voxels, np.kron(values.astype(np.float32), np.ones((2, 2, 2))))


def test_one_place_is_where_the_affine_says() -> None:
    values = np.zeros((5, 5, 5))
    values[4, 0, 2] = 1.0
    affine = np.diag([-3.0, 3.0, 3.0, 1.0])
    affine[:3, 3] = [20.0, -6.0, 0.0]
    image = volume(np.zeros((30, 30, 30)), np.eye(4))
    laid = laid_over(values, affine, image)
    # The middle of the marked cell lies at 20 - 12, -6, 6 mm: in front of the image's first row.
    assert not laid.voxels[:, 0].any()
    affine[1, 3] = 6.0
    found = np.argwhere(laid_over(values, affine, image).voxels)
    assert found.min(axis=0).tolist() == [7, 5, 5]
    assert found.max(axis=0).tolist() == [9, 7, 7]


def test_a_map_on_the_image_itself_is_not_resampled() -> None:
    image = volume(np.zeros((3, 4, 5)), np.diag([2.0, 2.0, 3.0, 1.0]))
    values = np.random.default_rng(0).normal(size=(3, 4, 5))
    laid = laid_over(values, np.diag([2.0, 2.0, 3.0, 1.0]), image)
    assert np.array_equal(laid.voxels, values.astype(np.float32))


def test_patches_of_pictures_are_whole() -> None:
    laid = laid_over(np.array([[1.0, 2.0], [3.0, 4.0]]), None, picture(np.zeros((4, 6))))
    assert laid.voxels[:, :, 0].tolist() == [[1] * 3 + [2] * 3] * 2 + [[3] * 3 + [4] * 3] * 2


@pytest.mark.parametrize("shape", [(45, 60), (60, 45), (48, 48), (31, 64)])
def test_what_a_model_saw_on_a_square_lies_where_the_picture_has_it(shape: tuple) -> None:
    lesion = np.zeros(shape, np.float32)
    lesion[2:9, 10:20] = 1
    for size in (max(shape), 2 * max(shape)):
        laid = laid_over(fit_square(lesion, size), None, picture(lesion))
        assert np.array_equal(laid.voxels[:, :, 0], lesion)
    coarse = laid_over(fit_square(lesion, 16), None, picture(lesion)).voxels[:, :, 0]
    middle = np.array([np.average(places, weights=coarse) for places in np.indices(shape)])
    assert middle == pytest.approx([5, 14.5], abs=0.75 * max(shape) / 16)


def test_a_map_with_the_shape_of_its_picture_has_its_edges() -> None:
    laid = laid_over(np.array([[1.0, 2.0, 3.0]]), None, picture(np.zeros((2, 6))))
    assert laid.voxels[:, :, 0].tolist() == [[1, 1, 2, 2, 3, 3]] * 2


def test_maps_that_fill_up_a_row_of_pictures_are_left_out() -> None:
    values = np.ones((2, 2, 3))
    values[:, :, 2] = 0
    assert laid_over(values, None, picture(np.zeros((2, 2, 2)))).shape == (2, 2, 2)
    values[0, 0, 2] = 1
    with pytest.raises(ImageError, match="with 2 pictures"):
        laid_over(values, None, picture(np.zeros((2, 2, 2))))


@pytest.mark.parametrize(
    ("values", "affine", "image", "message"),
    [
        ((2, 2, 2), None, volume(np.zeros((2, 2, 2)), np.eye(4)), "the image has places in mm"),
        ((2, 2), np.eye(4), picture(np.zeros((2, 2))), "the map has places in mm"),
        ((2, 2), np.eye(4), volume(np.zeros((2, 2, 2)), np.eye(4)), "got 2 dimensions"),
        ((2, 2), None, picture(np.zeros((2, 2, 3))), "with 3 pictures"),
    ],
)
def test_maps_that_do_not_fit(values: tuple, affine: object, image: object, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        laid_over(np.ones(values), affine, image)


class _Three:
    """Three patients; the value of a picture is its patient's number."""

    may_be_saved = False

    def __len__(self) -> int:
        return 3

    def read(self, ordinal: int) -> Scene:
        return Scene(picture(np.full((4, 4), ordinal, np.uint8)))


def _explanation(**fields: object) -> Explanation:
    maps = np.zeros((2, 2, 2, 2))
    maps[:, 0], maps[:, 1] = 0.5, -1.0
    maps[0] *= 10
    given = {
        "method": "occlusion",
        "target": "risk",
        "horizons": np.array([1.0, 5.0]),
        "reference": "grey",
        "patient_id": np.array(["b", "a"]),
        "modality_names": ("mr",),
        "modalities": maps.sum((2, 3))[..., None],
        "images": {"mr": ImageAttribution(maps)},
        "checks": (Check("correlation with random weights", 0.6, 0.3, False),),
    }
    return Explanation(**(given | fields))


def test_each_patient_has_their_own_map() -> None:
    found = explained_images(
        _Three(), _explanation(), "mr", patient_id=["a", "b", "c"], time_unit="years"
    )
    assert len(found) == 3
    first, second, third = (found.read(n).attribution for n in range(3))
    assert third is None
    assert np.unique(first.contributions.voxels).tolist() == [-1.0]
    assert np.unique(second.contributions.voxels).tolist() == [0.5]
    assert first.limit == second.limit
    assert first.title == "contribution to the risk at 5 years"
    assert (first.method, first.checks[0].passed) == ("occlusion", False)
    earlier = explained_images(
        _Three(), _explanation(), "mr", patient_id=["a", "b", "c"], horizon=1.0
    )
    assert np.unique(earlier.read(0).attribution.contributions.voxels).tolist() == [-10.0]


@pytest.mark.parametrize(
    ("fields", "asked", "message"),
    [
        ({}, {"modality": "ct"}, "no maps of 'ct'"),
        ({}, {"horizon": 2.0}, "not explained at 2: choose one of 1, 5"),
        ({}, {"patient_id": ["a", "b"]}, "one patient_id an image: got 2 for 3"),
        ({}, {"patient_id": ["x", "y", "z"]}, "none of these patients"),
        (
            {
                "images": {"mr": ImageAttribution(np.zeros((2, 2, 2, 2)))},
                "modalities": np.zeros((2, 2, 1)),
            },
            {},
            "no contribution differs from zero",
        ),
    ],
)
def test_explanations_that_cannot_be_shown(fields: dict, asked: dict, message: str) -> None:
    how = {"modality": "mr", "patient_id": ["a", "b", "c"]} | asked
    with pytest.raises(ImageError, match=message):
        explained_images(_Three(), _explanation(**fields), **how)


def test_pictures_are_saved_where_the_images_may_be() -> None:
    scene = Scene(picture(np.zeros((2, 2), np.uint8)))
    for allowed in (False, True):
        shown = explained_images(OneScene(scene, allowed), _explanation(), "mr", patient_id=["a"])
        assert shown.may_be_saved is allowed
