"""One patient's image in three planes, with what lies over it."""

import base64
import io
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure as Sheet

from workbench.data.imaging import OneScene, Plane, Scene, Scenes, Window, windows_of
from workbench.data.imaging.composing import cut
from workbench.data.imaging.planes import middle_of
from workbench.data.imaging.volume import Millimetres, Voxel
from workbench.errors import ImageError, printable
from workbench.figures.image_planes import plot_image_planes
from workbench.figures.style import styled, to_svg
from workbench.widgets.blocks import Block, Notice, Part, Table
from workbench.widgets.image_controls import (
    OWN,
    ImageState,
    controls_of,
    shows_contributions,
)
from workbench.widgets.image_messages import Look, Wanted, read_look
from workbench.widgets.image_page import Place, doubts, planes_json, shown_table
from workbench.widgets.messages import Change, Said
from workbench.widgets.offered import checked_value
from workbench.widgets.pixel_widget import CONSENT, WITHHELD, PixelWidget
from workbench.widgets.widget import WidgetState

AT_ONCE = 4
"""Slices a message, of those that nobody waits for."""

_SUFFIXES = (".png", ".svg", ".pdf", ".html")


class ImageViewer(PixelWidget):
    """Axial, coronal and sagittal planes through one voxel, or pictures that have no planes.

    Slices go to the page when they are looked at, with a few that come next, and are no part of
    what a notebook keeps. A picture is saved, or left in the notebook, only where
    ``images.may_be_saved``.

    Parameters
    ----------
    images
        One :class:`~workbench.data.imaging.Scene`, or those of several patients, such as
        :func:`~workbench.data.imaging.images_of_card` finds. One alone is never saved: the card is
        asked, and it has none.
    state
        Where to begin.

    Examples
    --------
    >>> from workbench.data.imaging import Scene, volume
    >>> head = volume(np.arange(60).reshape(3, 4, 5), np.diag([2.0, 2.0, 3.0, 1.0]))
    >>> viewer = ImageViewer(Scene(head), {"voxel": [0, 3, 1]})
    >>> viewer.slice("axial")[0].tolist()
    [56.0, 36.0, 16.0]
    >>> viewer.world
    (0.0, 6.0, 3.0)
    """

    State = ImageState
    title = "Image"
    scripts = ("image_slices.js", "image_viewer.js")
    asks = "look"

    def __init__(
        self, images: Scene | Scenes, state: WidgetState | Mapping[str, Any] | None = None
    ) -> None:
        self.images: Scenes = OneScene(images) if isinstance(images, Scene) else images
        self._read: tuple[int, Scene] | None = None
        self._windows: tuple[tuple[int, int], dict[str, Window]] | None = None
        super().__init__(state)

    # What Python reads

    @property
    def scene(self) -> Scene:
        """The image that is shown, and what lies over it."""
        patient = self.state.patient
        if self._read is None or self._read[0] != patient:
            if patient > len(self.images):
                raise ImageError(f"no patient {patient}: there are {len(self.images)}")
            self._read = patient, self.images.read(patient - 1)
        return self._read[1]

    @property
    def voxel(self) -> Voxel:
        """The voxel that is looked at."""
        i, j, k = self.scene.volume.shape
        return self.scene.volume.inside(self.state.voxel or (i // 2, j // 2, k // 2))

    @property
    def world(self) -> Millimetres | None:
        """Where that is, mm to the patient's right, front and head; None of pictures."""
        return self.scene.volume.world(self.voxel)

    @property
    def middle(self) -> Place:
        """The place in the middle of what is seen, in voxels: no edge lies inside its frame."""
        return middle_of(self.state.middle or self.voxel, self.state.zoom, self.scene.volume.shape)

    @property
    def windows(self) -> dict[str, Window]:
        """The windows on offer."""
        shown = self.state.patient, self._channel()
        if self._windows is None or self._windows[0] != shown:
            self._windows = shown, windows_of(self.scene.volume, self._channel())
        return self._windows[1]

    @property
    def window(self) -> Window:
        """The window that is set."""
        state = self.state
        if state.window == OWN:
            if state.centre is None or state.width is None:
                raise ImageError("an own window has a centre and a width: set both")
            return Window(state.centre, state.width)
        windows = self.windows
        name = state.window or next(iter(windows))
        if name not in windows:
            raise ImageError(f"no window {name!r}: choose one of {[*windows, OWN]}")
        return windows[name]

    def slice(self, plane: str, number: int | None = None) -> np.ndarray:
        """One slice as it lies on the screen, (row, column); a colour picture has a third axis.

        Parameters
        ----------
        plane
            ``"axial"``, ``"coronal"``, ``"sagittal"``, or ``"picture"``.
        number
            From 0; the one that is looked at if not given.

        Raises
        ------
        ImageError
            If there is no such plane or slice.
        """
        place = self._plane(plane)
        at = place.pixel(self.voxel)[0] if number is None else number
        return cut(self.scene, plane, at, self._channel()).values

    def _plane(self, name: str) -> Plane:
        planes = self.scene.planes
        if name not in planes:
            raise ImageError(f"no plane {name!r}: choose one of {list(planes)}")
        return planes[name]

    def _shown(self) -> list[Plane]:
        plane = self.state.plane
        return [self._plane(plane)] if plane else list(self.scene.planes.values())

    def _channel(self) -> int:
        names = self.scene.volume.channels
        if self.state.channel and self.state.channel not in names:
            raise ImageError(f"no channel {self.state.channel!r}: choose one of {list(names)}")
        return names.index(self.state.channel) if self.state.channel else 0

    # The page

    def blocks(self) -> tuple[Block, ...]:
        """Controls, planes, and what is shown in words."""
        window = self.window
        controls = controls_of(self.state, self.scene, len(self.images), self.windows, window)
        notices = [Notice(text, "warning") for text in doubts(self.state, self.scene)]
        data = planes_json(
            self.state,
            self.scene,
            self._shown(),
            voxel=self.voxel,
            middle=self.middle,
            window=window,
            channel=self._channel(),
        )
        return (*controls, *notices, Part("planes", "image", data, table=self._table()))

    def _table(self) -> Table:
        return shown_table(
            self.state,
            self.scene,
            self._shown(),
            voxel=self.voxel,
            window=self.window,
            n_patients=len(self.images),
        )

    # What the page says

    def _answer(self, content: dict[str, Any]) -> None:
        self._look(read_look(content))

    def _look(self, look: Look) -> None:
        if (look.patient, look.channel) != (self.state.patient, self._channel()):
            return
        moved: dict[str, Any] = {"voxel": self.scene.volume.inside(look.voxel)}
        if look.window is not None:
            own = Window(*look.window)
            moved |= {"window": OWN, "centre": own.centre, "width": own.width}
        if look.zoom is not None:
            moved |= {"zoom": look.zoom, "middle": look.middle}
        if look.settled:
            self.change(**moved)
        else:
            self._state = self._state.model_copy(update=moved)
        self._send_slices(look, look.wanted)
        for start in range(0, len(look.ahead), AT_ONCE):
            self._send_slices(look, look.ahead[start : start + AT_ONCE])

    def _send_slices(self, look: Look, wanted: tuple[Wanted, ...]) -> None:
        """Several slices in one message: a message costs a page more than its bytes do."""
        heads, buffers = [], []
        for each in wanted:
            found = cut(self.scene, self._plane(each.plane).name, each.number, look.channel)
            layers = {"values": found.values, "labels": found.labels, "levels": found.levels}
            sent = {name: array for name, array in layers.items() if array is not None}
            kind = found.values.dtype.name
            heads.append(each.model_dump() | {"type": kind, "layers": list(sent)})
            buffers += [array.data for array in sent.values()]
        if heads:
            told = look.model_dump(include={"view", "turn", "patient", "channel"})
            self.send({"kind": "slices", **told, "slices": heads}, buffers)

    def _handle(self, message: Said) -> None:
        if isinstance(message, Change) and message.field in ("centre", "width"):
            now = self.window
            value = checked_value(self._offered(message.field), message.value)
            own = {"centre": now.centre, "width": now.width} | {message.field: value}
            self.change(window=OWN, **own)
        elif isinstance(message, Change) and message.field == "window" and message.value == OWN:
            now = self.window
            self.change(window=OWN, centre=now.centre, width=now.width)
        elif isinstance(message, Change) and message.field == "patient":
            self._turn_to(checked_value(self._offered("patient"), message.value))
        else:
            super()._handle(message)

    def do_previous(self) -> None:
        """The patient before."""
        self._turn_to(self.state.patient - 1)

    def do_next(self) -> None:
        """The patient after."""
        self._turn_to(self.state.patient + 1)

    def _turn_to(self, patient: Any) -> None:
        """Another patient's image is another place: it begins in its middle."""
        self.change(patient=patient, voxel=None, middle=None)

    # Pictures

    def sheet(self) -> Sheet:
        """The planes as a figure, whether or not it may be saved."""
        state = self.state
        return plot_image_planes(
            self.scene,
            self.voxel,
            self.window,
            planes=[plane.name for plane in self._shown()],
            zoom=state.zoom,
            middle=self.middle,
            channel=self._channel(),
            outlines=state.regions,
            fill=state.fill,
            contributions=state.strength if shows_contributions(state, self.scene) else 0,
            smooth=state.smooth,
        )

    def static_html(self) -> str:
        """The page without a script; with a picture where the card allows that."""
        words = super().static_html()
        if not self.images.may_be_saved:
            return f"<p>{WITHHELD}</p>{words}"
        picture = base64.b64encode(_png(self.sheet(), 80)).decode()
        return f'<p><img src="data:image/png;base64,{picture}" alt="{self._said()}"></p>{words}'

    def _said(self) -> str:
        return escape(printable("; ".join(": ".join(row) for row in self._table().rows)))

    def save(self, path: str | Path, name: str = "") -> Path:
        """Write the picture (``.png``, ``.svg``, ``.pdf``, ``.html``), or its state (``.json``).

        Raises
        ------
        WorkbenchError
            If the card does not allow it, or for another suffix.
        """
        path = Path(path)
        suffix = path.suffix.lower()
        if suffix not in _SUFFIXES:
            return super().save(path, name)
        if not self.images.may_be_saved:
            raise ImageError(CONSENT)
        if suffix == ".html":
            return super().save(path, name)
        sheet, part = self.sheet(), path.with_name(path.name + ".part")
        if suffix == ".svg":
            part.write_text(to_svg(sheet, "image", self._said()), encoding="utf-8")
        elif suffix == ".png":
            part.write_bytes(_png(sheet, 200))
        else:
            with styled():
                sheet.savefig(part, format="pdf", metadata={"CreationDate": None})
        part.replace(path)
        return path


def _png(sheet: Sheet, dpi: int) -> bytes:
    buffer = io.BytesIO()
    with styled():
        sheet.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()
