"""What the page of an image viewer is told, and the same in words: no pixel, no value of one."""

from collections.abc import Sequence
from typing import Any

from workbench.data.imaging import Attribution, Plane, Scene, Window
from workbench.data.imaging.composing import HIGHER, LABEL_COLOURS, LOWER
from workbench.data.imaging.volume import Millimetres, Volume, Voxel
from workbench.errors import printable
from workbench.report.format import scientific
from workbench.widgets.blocks import Table
from workbench.widgets.image_controls import ImageState, shows_contributions

_OBLIQUE = 1.0

Place = tuple[float, float, float]


def planes_json(
    state: ImageState,
    scene: Scene,
    planes: Sequence[Plane],
    *,
    voxel: Voxel,
    middle: Place,
    window: Window,
    channel: int,
) -> dict[str, Any]:
    """What the page's script needs to lay out slices that come to it one by one.

    Parameters
    ----------
    state
        What is set.
    scene, planes
        What is shown, and in which planes.
    voxel, middle
        What is looked at, and what lies in the middle of what is seen.
    window, channel
        In which greys, and which channel (from 0).
    """
    volume, mask, attribution = scene.volume, scene.mask, scene.attribution
    return {
        "patient": state.patient,
        "channel": channel,
        "colour": volume.colour,
        "unit": printable(volume.unit),
        "affine": None if volume.affine is None else volume.affine.tolist(),
        "oriented": volume.known_orientation,
        "planes": [_plane(plane) for plane in planes],
        "voxel": list(voxel),
        "zoom": state.zoom,
        "middle": list(middle),
        "window": [window.centre, window.width],
        "smooth": state.smooth,
        "mask": mask
        and {
            "names": [printable(name) for name in mask.names],
            "colours": list(LABEL_COLOURS),
            "shown": state.regions,
            "fill": state.fill,
        },
        "attribution": attribution
        and {
            "title": printable(attribution.title),
            "method": printable(attribution.method),
            "limit": attribution.limit,
            "colours": [LOWER, HIGHER],
            "strength": state.strength if shows_contributions(state, scene) else 0,
        },
    }


def _plane(plane: Plane) -> dict[str, Any]:
    return {
        "name": plane.name,
        "n_slices": plane.n_slices,
        "n_rows": plane.n_rows,
        "n_columns": plane.n_columns,
        "row_mm": plane.row_mm,
        "column_mm": plane.column_mm,
        "letters": list(plane.letters),
        "axes": list(plane.axes),
        "turned": plane.turned,
    }


def shown_table(
    state: ImageState,
    scene: Scene,
    planes: Sequence[Plane],
    *,
    voxel: Voxel,
    window: Window,
    n_patients: int,
) -> Table:
    """What is shown, for a person who cannot see it; parameters as :func:`planes_json` has them."""
    volume, world = scene.volume, scene.volume.world(voxel)
    rows = [("Patient", f"{state.patient} of {n_patients}")]
    rows += [
        (f"{plane.name.capitalize()} slice", f"{plane.pixel(voxel)[0] + 1} of {plane.n_slices}")
        for plane in planes
    ]
    if world is not None and volume.known_orientation:
        rows.append(("Position", position_words(world)))
    else:
        rows.append(("Voxel", ", ".join(str(v) for v in voxel)))
    if state.zoom > 1:
        rows.append(("Zoom", f"{state.zoom:.3g} ×"))
    if not volume.colour:
        unit = f" {volume.unit}" if volume.unit else ""
        rows.append(("Window", f"{window.centre:g}, width {window.width:g}{unit}"))
    if scene.mask is not None:
        rows.append(("Regions", ", ".join(scene.mask.names) if state.regions else "off"))
    if (shown := scene.attribution) is not None:
        how = f"{shown.title}, full colour at {shown.limit:.3g} {shown.method}".strip()
        rows.append(("Contributions", how if shows_contributions(state, scene) else "off"))
        rows.append(("Checks of them", _fared(shown)))
    return Table("shown", "What is shown", ("What", "Value"), tuple(rows), folded=True)


def _fared(shown: Attribution) -> str:
    if not shown.checks:
        return "none was made"
    return f"{len(shown.checks) - len(shown.failed)} of {len(shown.checks)} passed"


def doubts(state: ImageState, scene: Scene) -> list[str]:
    """What a reader must know before believing letters and colours."""
    shown = scene.attribution
    found = _of_place(scene.volume)
    if shown is not None and not shown.checks:
        found.append("the contributions were not checked: do not rely on them.")
    if shown is not None and shown.failed:
        failed = "; ".join(
            f"{each.name}: {scientific(each.value)}, threshold {scientific(each.threshold)}"
            for each in shown.failed
        )
        off = "" if shows_contributions(state, scene) else ", and they are off until asked for"
        found.append(
            f"{len(shown.failed)} of {len(shown.checks)} checks of the contributions failed "
            f"({failed}): do not rely on them{off}."
        )
    return found


def _of_place(volume: Volume) -> list[str]:
    found = []
    if volume.affine is not None and not volume.known_orientation:
        found.append(
            "the file does not say how the patient lay: left and right cannot be told, and no "
            "letters are shown"
        )
    if volume.oblique_degrees > _OBLIQUE:
        found.append(
            f"the scan is tilted by {volume.oblique_degrees:.0f}°: planes and letters are the "
            "scan's own, nearest to the patient's"
        )
    return [*found, *volume.notes]


def position_words(world: Millimetres) -> str:
    """A place in the patient's directions.

    Examples
    --------
    >>> position_words((-12.0, 3.25, 0.0))
    'L 12.0, A 3.2, S 0.0 mm'
    """
    ends = ("RL", "AP", "SI")
    said = [f"{pair[value < 0]} {abs(value):.1f}" for pair, value in zip(ends, world, strict=True)]
    return f"{', '.join(said)} mm"
