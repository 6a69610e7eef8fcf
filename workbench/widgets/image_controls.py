"""What an image viewer is set to, and the controls that set it."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from workbench.data.imaging import Scene, Window
from workbench.widgets.blocks import Button, Choice, Control, Controls, Number, Slider, Switch
from workbench.widgets.image_messages import MOST_ZOOM, Finite
from workbench.widgets.widget import WidgetState

OWN = "own"
ALL = ""

Share = Annotated[float, Field(ge=0, le=1)]
Place = Annotated[int, Field(ge=0)]


class ImageState(WidgetState):
    """What is looked at, and how.

    ``patient`` counts from 1. ``plane`` "" is all of them. ``voxel`` counts to the patient's right,
    front and head (of pictures: row, column, picture), from 0; None is the middle. ``zoom`` times
    magnified, ``middle`` is the place (in voxels) that stays in the middle of what is seen; None is
    that which is looked at. ``channel`` "" is the first. ``window`` is a name; "own" has ``centre``
    and ``width``; "" is the first. ``fill`` and ``strength`` are the opacity of regions and of the
    largest contribution. ``contributions`` None shows them unless a check of them failed.
    """

    patient: Annotated[int, Field(ge=1)] = 1
    plane: str = ALL
    voxel: tuple[Place, Place, Place] | None = None
    zoom: Annotated[float, Field(ge=1, le=MOST_ZOOM)] = 1.0
    middle: tuple[Finite, Finite, Finite] | None = None
    channel: str = ""
    window: str = ""
    centre: float | None = None
    width: float | None = None
    regions: bool = True
    fill: Share = 0.25
    contributions: bool | None = None
    strength: Share = 0.7
    smooth: bool = True


def shows_contributions(state: ImageState, scene: Scene) -> bool:
    """Whether contributions lie over the image: those that failed a check must be asked for."""
    if scene.attribution is None:
        return False
    return not scene.attribution.failed if state.contributions is None else state.contributions


def controls_of(
    state: ImageState, scene: Scene, n_patients: int, windows: Mapping[str, Window], window: Window
) -> tuple[Controls, Controls]:
    """What can be set for an image: where and how to look, and what lies over it.

    Parameters
    ----------
    state
        What is set.
    scene
        What is shown.
    n_patients
        How many there are to choose from.
    windows, window
        Those on offer, and the one that is set.
    """
    place = (
        *_patient(state, n_patients),
        *_plane(state, scene),
        *_grey(state, scene, windows, window),
        Slider("zoom", "Zoom", 1, MOST_ZOOM, 0.25, state.zoom, "×"),
    )
    return Controls(place, "place"), Controls(_over(state, scene), "over")


def _patient(state: ImageState, n: int) -> tuple[Control, ...]:
    if n == 1:
        return ()
    return (
        Button("previous", "◀", enabled=state.patient > 1, hint="Previous patient"),
        Number("patient", "Patient", state.patient, low=1, high=n, unit=f"of {n}"),
        Button("next", "▶", enabled=state.patient < n, hint="Next patient"),
    )


def _plane(state: ImageState, scene: Scene) -> tuple[Control, ...]:
    if len(scene.planes) == 1:
        return ()
    names = {ALL: "all three"} | {name: name for name in scene.planes}
    return (Choice("plane", "Plane", names, state.plane),)


def _grey(
    state: ImageState, scene: Scene, windows: Mapping[str, Window], window: Window
) -> tuple[Control, ...]:
    volume = scene.volume
    if volume.colour:
        return ()
    channels = {name: name for name in volume.channels}
    channel = Choice("channel", "Channel", channels, state.channel or volume.channels[0])
    names = {name: name for name in windows} | {OWN: OWN}
    return (
        *([channel] if len(channels) > 1 else []),
        Choice("window", "Window", names, state.window or next(iter(names))),
        Number("centre", "centre", _short(window.centre), unit=volume.unit),
        Number("width", "width", _short(window.width), low=1e-9, unit=volume.unit),
    )


def _over(state: ImageState, scene: Scene) -> tuple[Control, ...]:
    over: list[Control] = []
    if scene.mask is not None:
        over += [
            Switch("regions", "Regions", state.regions),
            Slider("fill", "filled", 0, 1, 0.05, state.fill),
        ]
    if scene.attribution is not None:
        over += [
            Switch("contributions", "Contributions", shows_contributions(state, scene)),
            Slider("strength", "opacity", 0, 1, 0.05, state.strength),
        ]
    return (*over, Switch("smooth", "Smooth", state.smooth))


def _short(value: float) -> float:
    return float(f"{value:.6g}")
