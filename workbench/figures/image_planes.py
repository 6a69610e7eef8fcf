"""Planes of one patient's image: what an image viewer shows, on paper."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from workbench.data.imaging.composing import (
    HIGHER,
    LABEL_COLOURS,
    LOWER,
    composed,
    cut,
    outline,
    scale_bar,
)
from workbench.data.imaging.planes import Plane, middle_of
from workbench.data.imaging.scene import Scene
from workbench.data.imaging.volume import Voxel
from workbench.data.imaging.windows import Window
from workbench.figures.style import INK, inset_axes, new_figure, shorten, styled

TALLEST, WIDEST, NARROWEST = 3.6, 10.0, 4.6
_EDGE, _ABOVE, _BELOW, _GAP = 0.12, 0.34, 0.92, 0.16


def plot_image_planes(
    scene: Scene,
    voxel: Voxel,
    window: Window,
    *,
    planes: Sequence[str] = (),
    zoom: float = 1.0,
    middle: tuple[float, float, float] | None = None,
    channel: int = 0,
    outlines: bool = True,
    fill: float = 0.25,
    contributions: float = 0.7,
    crosshair: bool = True,
    smooth: bool = False,
) -> Figure:
    """Slices through one voxel, with letters, scale, outlines and a legend of contributions.

    All planes have one scale.

    Parameters
    ----------
    scene
        The image and what lies over it.
    voxel
        Where the planes meet.
    window
        Of the grey values.
    planes
        Which, by name; all that the image has if empty.
    zoom, middle
        How many times magnified, and the place, in voxels, in the middle of what is seen; the voxel
        if not given.
    channel
        Which channel, from 0.
    outlines
        Whether regions are shown.
    fill, contributions
        Opacity of regions inside their outlines, and of the largest contribution.
    crosshair
        Whether thin lines show where the other planes lie.
    smooth
        Whether colours are interpolated between the middles of pixels; outlines never are.

    Raises
    ------
    ImageError
        If there is no such voxel.
    """
    voxel = scene.volume.inside(voxel)
    scene = scene if outlines else replace(scene, mask=None)
    middle = middle_of(middle or voxel, zoom, scene.volume.shape)
    shown = [scene.planes[name] for name in planes or scene.planes]
    sizes = [_size(plane) for plane in shown]
    tallest, together = max(high for high, _ in sizes), sum(wide for _, wide in sizes)
    scale = min(TALLEST / tallest, WIDEST / together)
    across = together * scale + _GAP * (len(shown) - 1) + 2 * _EDGE
    with styled():
        figure = new_figure(max(across, NARROWEST), tallest * scale + _ABOVE + _BELOW)
        left, top = _EDGE, _BELOW + tallest * scale
        for plane, (high, wide) in zip(shown, sizes, strict=True):
            axes = inset_axes(figure, left, top - high * scale, wide * scale, high * scale)
            _draw(axes, scene, plane, voxel, window, channel, fill, contributions, smooth)
            top_edge, bottom, left_edge, right = plane.part(middle, zoom)
            axes.set(xlim=(left_edge, right), ylim=(bottom, top_edge))
            if crosshair and plane.name != "picture":
                _, row, column = plane.pixel(voxel)
                axes.axhline(row + 0.5, color="#ffffff", linewidth=0.5, alpha=0.6)
                axes.axvline(column + 0.5, color="#ffffff", linewidth=0.5, alpha=0.6)
            left += wide * scale + _GAP
        _legend(figure, scene, window, channel, contributions)
        if shown[0].column_mm is not None:
            _scale(figure, scale * zoom)
    return figure


def _size(plane: Plane) -> tuple[float, float]:
    """(height, width) in mm, in pixels where the size of a pixel is not known."""
    return plane.n_rows * (plane.row_mm or 1), plane.n_columns * (plane.column_mm or 1)


def _draw(
    axes: Axes,
    scene: Scene,
    plane: Plane,
    voxel: Voxel,
    window: Window,
    channel: int,
    fill: float,
    contributions: float,
    smooth: bool,
) -> None:
    number = plane.pixel(voxel)[0]
    piece = cut(scene, plane.name, number, channel)
    colours = composed(piece, window, fill=fill, contributions=contributions)
    how = "bilinear" if smooth else "nearest"
    extent = (0, plane.n_columns, plane.n_rows, 0)
    axes.imshow(colours, extent=extent, aspect="auto", interpolation=how)
    axes.set_axis_off()
    axes.set_title(f"{plane.name.capitalize()} {number + 1} of {plane.n_slices}", fontsize=9.5)
    if piece.labels is not None:
        for label in reversed(np.unique(piece.labels[piece.labels > 0]).tolist()):
            colour = LABEL_COLOURS[(label - 1) % len(LABEL_COLOURS)]
            edges = outline(piece.labels == label)
            axes.add_collection(LineCollection(list(edges), colors=colour, linewidths=0.9))
    places = ((0.5, 0.97), (0.97, 0.5), (0.5, 0.03), (0.03, 0.5))
    for letter, (x, y) in zip(plane.letters, places, strict=True):
        _said(axes, x, y, letter)


def _said(axes: Axes, x: float, y: float, text: str) -> None:
    across = {0.97: "right", 0.03: "left"}.get(x, "center")
    up = {0.97: "top", 0.03: "bottom"}.get(y, "center")
    box = {"facecolor": "black", "alpha": 0.55, "linewidth": 0, "pad": 1.2}
    axes.text(
        x, y, text, color="white", fontsize=9, ha=across, va=up, transform=axes.transAxes,
        bbox=box if text else None,
    )  # fmt: skip


def _legend(
    figure: Figure, scene: Scene, window: Window, channel: int, contributions: float
) -> None:
    volume, width = scene.volume, figure.get_size_inches()[0]
    axes = inset_axes(figure, _EDGE, 0.06, width - 2 * _EDGE, _BELOW - 0.14)
    axes.set_axis_off()
    axes.set_xlim(0, width - 2 * _EDGE)
    axes.set_ylim(0, 1)
    unit = f" {volume.unit}" if volume.unit else ""
    said = [volume.channels[channel]] if volume.channels[channel] and not volume.colour else []
    if not volume.colour:
        said.append(f"window {window.centre:g} ± {window.width / 2:g}{unit}")
    axes.text(0, 0.86, shorten(", ".join(said), 60), fontsize=8.5, va="center")
    if scene.mask is not None:
        handles = [
            Line2D([], [], color=LABEL_COLOURS[n % len(LABEL_COLOURS)], label=shorten(name, 24))
            for n, name in enumerate(scene.mask.names[:5])
        ]
        axes.legend(
            handles=handles, loc="lower left", ncols=5, fontsize=8.5, borderpad=0,
            borderaxespad=0, handlelength=1.2, columnspacing=1.2,
        )  # fmt: skip
    if scene.attribution is not None and contributions > 0:
        _scale_of_contributions(figure, axes, scene, contributions)


def _scale(figure: Figure, scale: float) -> None:
    """A bar of mm, the same for all planes."""
    length = scale_bar(2.5 / scale)
    axes = inset_axes(figure, _EDGE + 0.02, 0.38, length * scale, 0.12)
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.plot([0, 0, 0, 1, 1, 1], [1, 0, 0.5, 0.5, 1, 0], color=INK, linewidth=1.2, clip_on=False)
    axes.annotate(
        f"{length:g} mm", (1, 0.5), (5, 0), textcoords="offset points", fontsize=8.5, va="center",
        annotation_clip=False,
    )  # fmt: skip


def _scale_of_contributions(figure: Figure, axes: Axes, scene: Scene, contributions: float) -> None:
    assert scene.attribution is not None
    limit, right = scene.attribution.limit, axes.get_xlim()[1]
    grey = np.array([0.5, 0.5, 0.5])
    ends = [grey + contributions * (_share(colour) - grey) for colour in (LOWER, HIGHER)]
    colours = LinearSegmentedColormap.from_list("contributions", [ends[0], grey, ends[1]])
    bar = inset_axes(figure, right - 1.5, 0.4, 1.2, 0.1)
    bar.imshow(np.linspace(-1, 1, 255)[None], aspect="auto", cmap=colours, extent=(-1, 1, 0, 1))
    bar.set_yticks([])
    bar.set_xticks([-1, 0, 1], [f"−{limit:.2g}", "0", f"{limit:.2g}"], fontsize=8)
    bar.tick_params(length=0, pad=2)
    doubt = " (a check failed)" if scene.attribution.failed else ""
    bar.set_title(
        shorten(scene.attribution.title, 40) + doubt,
        fontsize=8.5,
        fontweight="normal",
        pad=3,
        loc="right",
    )


def _share(colour: str) -> np.ndarray:
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
