"""A series read as one volume: planes in place, numbers as values, and how they were taken."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from workbench.data.imaging.acquisition import Acquisition
from workbench.data.imaging.dicom.facts import acquisition_of
from workbench.data.imaging.dicom.files import (
    DicomFile,
    faults_of_dicom,
    open_dicom,
    text_of,
)
from workbench.data.imaging.dicom.frames import Frame
from workbench.data.imaging.dicom.geometry import TILTED_DEGREES, Stack, stacked
from workbench.data.imaging.dicom.pixels import LARGEST_BYTES, read_frames, turned_from
from workbench.data.imaging.dicom.series import Series
from workbench.data.imaging.dicom.slide_frames import is_tiled, tile_corners
from workbench.data.imaging.volume import COLOURS, Volume, picture, volume
from workbench.data.imaging.windows import Window
from workbench.errors import ImageError

if TYPE_CHECKING:
    from pydicom import Dataset


def read_series(series: Series) -> Volume:
    """A series as one image.

    Planes of a volume are sorted by position, never by their numbers. Several planes at each
    position are channels: echoes, diffusion weightings, or points of time. Frames whose files do
    not say where they lie are pictures side by side.

    Raises
    ------
    ImageError
        If positions are missing, uneven or there more than once, or pixels cannot be read.
    """
    frames = series.frames
    first, dataset = frames[0], frames[0].file.dataset
    if is_tiled(dataset):
        return _tiled(series)
    if first.pose is None:
        return _pictures(series)
    stack = stacked([frame.pose for frame in frames if frame.pose is not None], first.step)
    ordered = [sorted(group, key=lambda n: frames[n].order) for group in stack.planes]
    channels = _channel_names(frames, ordered)
    pixels, scale = _read(
        frames, [ordered[k][c] for k in range(len(ordered)) for c in _of(ordered)]
    )
    pixels = pixels.reshape(len(ordered), len(channels), *pixels.shape[1:])
    # (position, channel, row, column[, colour]) → (column, row, position[, channel or colour])
    if pixels.ndim == 5:
        if len(channels) > 1:
            raise ImageError("several colour planes at each position: show them one by one")
        voxels, channels = pixels[:, 0].transpose(2, 1, 0, 3), _colours(pixels.dtype)
    else:
        voxels = pixels.transpose(3, 2, 0, 1)
        voxels = voxels[..., 0] if len(channels) == 1 else voxels
    made = volume(
        voxels,
        stack.affine,
        unit=scale[2],
        slope=scale[0],
        intercept=scale[1],
        channels=channels,
    )
    return _described(made, series, stack)


def _of(ordered: Sequence[Sequence[int]]) -> range:
    return range(len(ordered[0]))


def _pictures(series: Series) -> Volume:
    frames = series.frames
    pixels, scale = _read(frames, range(len(frames)))
    # (picture, row, column[, colour]) → (row, column, picture[, colour])
    across = pixels.transpose(1, 2, 0, *range(3, pixels.ndim))
    channels = _colours(pixels.dtype) if pixels.ndim == 4 else None
    made = picture(across, unit=scale[2], channels=channels, spacing=_spacing(frames[0]))
    return _described(replace(made, slope=scale[0], intercept=scale[1]), series, None)


def _tiled(series: Series) -> Volume:
    """Tiles of a slide (PS3.3 C.8.12.14) put side by side."""
    frames = series.frames
    corners, shape = tile_corners(frames[0].file.dataset)
    pixels, _ = _read(frames, range(len(frames)))
    whole = np.zeros((*shape, *pixels.shape[3:]), pixels.dtype)
    for (top, left), tile in zip(corners, pixels, strict=True):
        part = whole[top : top + tile.shape[0], left : left + tile.shape[1]]
        part[...] = tile[: part.shape[0], : part.shape[1]]
    channels = _colours(pixels.dtype) if whole.ndim == 3 else None
    across = whole[:, :, None]
    made = picture(across, channels=channels, spacing=_spacing(frames[0]))
    return _described(made, series, None)


def _read(
    frames: Sequence[Frame], order: Sequence[int]
) -> tuple[np.ndarray, tuple[float, float, str]]:
    """Pixels in an order, and how they become values; floats where planes scale differently."""
    scales = {(f.slope, f.intercept) for f in frames}
    first = frames[order[0]]
    slope, intercept = (first.slope, first.intercept) if len(scales) == 1 else (1.0, 0.0)
    by_file: dict[int, list[tuple[int, int]]] = {}
    for place, n in enumerate(order):
        by_file.setdefault(id(frames[n].file), []).append((place, n))
    out: np.ndarray | None = None
    for wanted in by_file.values():
        file = frames[wanted[0][1]].file
        file = file if "PixelData" in file.dataset else open_dicom(file.path)
        numbers = sorted({frames[n].number for _, n in wanted})
        at: dict[int, list[tuple[int, int]]] = {}
        for place, n in wanted:
            at.setdefault(frames[n].number, []).append((place, n))
        for number, pixels in zip(numbers, read_frames(file, numbers), strict=True):
            for place, n in at[number]:
                tile = frames[n].tile
                plane = pixels if tile is None else pixels[tile]
                if len(scales) > 1:
                    plane = plane.astype(np.float32) * np.float32(frames[n].slope) + np.float32(
                        frames[n].intercept
                    )
                out = _room(out, plane, len(order))
                out[place] = plane
    if out is None:
        raise ImageError("holds no frames")
    return out, (slope, intercept, first.unit)


def _room(out: np.ndarray | None, plane: np.ndarray, n_planes: int) -> np.ndarray:
    """Memory for all planes, of a type that holds this one too."""
    if out is None:
        if plane.nbytes * n_planes > LARGEST_BYTES:
            raise ImageError(f"more than {LARGEST_BYTES >> 30} GiB of pixels: refused")
        return np.empty((n_planes, *plane.shape), plane.dtype.newbyteorder("="))
    if out.shape[1:] != plane.shape:
        raise ImageError(f"frames of {out.shape[1:]} and of {plane.shape} pixels in one series")
    kind = np.result_type(out.dtype, plane.dtype)
    return out if kind == out.dtype else out.astype(kind)


def _described(made: Volume, series: Series, stack: Stack | None) -> Volume:
    first = series.frames[0]
    file: DicomFile = first.file
    with faults_of_dicom("cannot be read as DICOM: damaged data elements"):
        facts = acquisition_of(file.dataset, first.number)
        window, turn = _window(file.dataset), turned_from(file.dataset)
    notes = list(series.notes)
    faults = sum(f.n_faults for f in {id(f.file): f.file for f in series.frames}.values())
    if faults:
        places = "place that breaks" if faults == 1 else "places that break"
        notes.append(f"{faults} {places} the rules of DICOM without harm")
    if stack is not None:
        facts = _placed(facts, made, stack)
        if stack.tilt_degrees > TILTED_DEGREES:
            notes.append(
                f"the gantry was tilted by {stack.tilt_degrees:.1f}°: planes are sheared against "
                "each other, as the affine says"
            )
    if turn is not None:
        notes.append("stored with low numbers white: turned round, so that larger is brighter")
        if window is not None:
            # The file's window is of numbers as stored: it is turned round as they are.
            centre = first.slope * turn + 2 * first.intercept - window.centre
            window = replace(window, centre=centre)
    return replace(
        made, modality=series.modality, acquisition=facts, window=window, notes=tuple(notes)
    )


def _placed(facts: Acquisition, made: Volume, stack: Stack) -> Acquisition:
    tilt = round(stack.tilt_degrees, 2) if len(stack.planes) > 1 else None
    step = float(np.linalg.norm(stack.affine[:3, 2])) if len(stack.planes) > 1 else None
    return replace(
        facts,
        gantry_tilt_degrees=tilt,
        slice_step_mm=facts.slice_step_mm if step is None else round(step, 4),
    )


def _channel_names(frames: Sequence[Frame], ordered: Sequence[Sequence[int]]) -> tuple[str, ...]:
    """What differs between planes of one position."""
    here = [frames[n] for n in ordered[0]]
    if len(here) == 1:
        return ("",)
    for what in ("echo {:g} ms", "b {:g} s/mm²"):
        values = [f.echo_ms if what.startswith("echo") else f.b_value for f in here]
        if None not in values and len(set(values)) == len(values):
            return tuple(what.format(value) for value in values)
    return tuple(str(n + 1) for n in range(len(here)))


def _colours(kind: np.dtype) -> tuple[str, ...]:
    return COLOURS if kind == np.uint8 else tuple(f"{name} ({kind.name})" for name in COLOURS)


def _spacing(frame: Frame) -> tuple[float, float] | None:
    """mm between rows and columns; of a radiograph without calibration, at the detector."""
    dataset = frame.file.dataset
    shared = dataset.get("SharedFunctionalGroupsSequence") or [{}]
    measures = shared[0].get("PixelMeasuresSequence") or [{}]
    for source, keyword in (
        (measures[0], "PixelSpacing"),
        (dataset, "PixelSpacing"),
        (dataset, "ImagerPixelSpacing"),
        (dataset, "NominalScannedPixelSpacing"),
    ):
        value = source.get(keyword)
        if value:
            try:
                rows, columns = (float(step) for step in value)
            except (TypeError, ValueError):
                return None
            return (rows, columns) if rows > 0 and columns > 0 else None
    return None


def _window(dataset: "Dataset") -> Window | None:
    """The first window of the file, as LINEAR_EXACT has it (PS3.3 C.11.2.1.2.1)."""
    centre, width = dataset.get("WindowCenter"), dataset.get("WindowWidth")
    try:
        c, w = (float(v if isinstance(v, str | int | float) else v[0]) for v in (centre, width))
    except (TypeError, ValueError, IndexError):
        return None
    if text_of(dataset, "VOILUTFunction") in ("", "LINEAR"):
        c, w = c - 0.5, w - 1
    return Window(c, w) if w > 0 and np.isfinite([c, w]).all() else None
