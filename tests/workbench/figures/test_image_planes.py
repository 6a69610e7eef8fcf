"""Planes on paper: colours by hand, letters beside the right edges, outlines around regions."""

import numpy as np
import pytest
from matplotlib.collections import LineCollection

from workbench.data.imaging import Attribution, Mask, Scene, Window, picture, volume
from workbench.data.imaging.composing import composed, cut, outline, scale_bar
from workbench.figures.image_planes import plot_image_planes

AFFINE = np.diag([2.0, 2.0, 4.0, 1.0])


def _scene() -> Scene:
    voxels = np.zeros((4, 5, 6), np.int16)
    voxels[1, 3, 2] = 100
    labels = (voxels > 0).astype(np.uint8)
    shown = Attribution(volume(np.where(voxels, -2.0, 1.0), AFFINE), 2.0, "log hazard")
    return Scene(volume(voxels, AFFINE), Mask(volume(labels, AFFINE), ("tumour",)), shown)


def test_colours_by_hand() -> None:
    piece = cut(_scene(), "axial", 2)
    window = Window(50, 100)
    row, column = 5 - 1 - 3, 4 - 1 - 1
    assert composed(piece, window)[row, column].tolist() == [255, 255, 255]
    # Blue #0072B2 at its full strength, half of it over white.
    blue = composed(piece, window, contributions=0.5)
    assert blue[row, column].tolist() == [128, 185, 217]
    # Vermilion #D55E00 over black at half the limit.
    assert blue[0, 0].tolist() == [54, 24, 0]
    # Green #009E73 over white.
    filled = composed(piece, window, fill=1)
    assert filled[row, column].tolist() == [0, 158, 115]
    assert filled[0, 0].tolist() == [0, 0, 0]


def test_a_colour_picture_is_shown_as_it_is() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 4, 1, 3)).astype(np.uint8)
    scene = Scene(picture(pixels, channels=("red", "green", "blue")))
    shown = composed(cut(scene, "picture", 0), Window(1, 1))
    assert shown.tolist() == pixels[:, :, 0].tolist()


def test_outlines_go_around_and_between_regions() -> None:
    labels = np.zeros((4, 4), np.uint8)
    labels[1:3, 1] = 1
    labels[1:3, 2] = 2
    edges = {tuple(map(tuple, edge)) for edge in outline(labels).tolist()}
    assert len(edges) == len(outline(labels)) == 6 + 4
    assert ((2, 1), (2, 2)) in edges
    assert ((1, 2), (2, 2)) not in edges
    assert len(outline(np.ones((2, 3), np.uint8))) == 10


@pytest.mark.parametrize(("width", "length"), [(250, 100), (100, 20), (51, 20), (7, 2), (0.3, 0.1)])
def test_scale_bars_are_round(width: float, length: float) -> None:
    assert scale_bar(width) == pytest.approx(length)


def test_planes_have_letters_slices_and_one_scale() -> None:
    figure = plot_image_planes(_scene(), (1, 3, 2), Window(50, 100))
    panels = [axes for axes in figure.axes if axes.get_title(loc="left").split(" ")[0] in
              ("Axial", "Coronal", "Sagittal")]  # fmt: skip
    assert [axes.get_title(loc="left") for axes in panels] == [
        "Axial 3 of 6",
        "Coronal 4 of 5",
        "Sagittal 2 of 4",
    ]
    letters = {}
    for axes in panels:
        for text in axes.texts:
            if text.get_text() in "RLAPSI":
                letters[text.get_text() + axes.get_title(loc="left")[0]] = text.get_position()
    assert letters["RA"][0] < 0.1 < 0.9 < letters["LA"][0]
    assert letters["PA"][1] < 0.1 < 0.9 < letters["AA"][1]
    assert letters["AS"][0] < 0.1 < 0.9 < letters["PS"][0]
    assert letters["IC"][1] < 0.1 < 0.9 < letters["SC"][1]
    inches = figure.get_size_inches()
    sizes = [axes.get_position().bounds[2:] * inches for axes in panels]
    scales = np.array([[4 * 2, 5 * 2], [4 * 2, 6 * 4], [5 * 2, 6 * 4]]) / np.array(sizes)
    assert scales == pytest.approx(np.full((3, 2), scales[0, 0]))
    outlines = [c for axes in panels for c in axes.collections if isinstance(c, LineCollection)]
    assert [len(each.get_segments()) for each in outlines] == [4, 4, 4]
    hidden = plot_image_planes(_scene(), (1, 3, 2), Window(50, 100), outlines=False)
    assert not any(isinstance(c, LineCollection) for axes in hidden.axes for c in axes.collections)
