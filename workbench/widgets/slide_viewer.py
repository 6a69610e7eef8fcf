"""A slide, at any magnification."""

import base64
import io
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from PIL import Image
from pydantic import Field

from workbench.data.imaging.composing import HIGHER, LOWER
from workbench.data.imaging.nifti import full_colour
from workbench.data.imaging.slide import TILE, Slide
from workbench.errors import ImageError, printable
from workbench.widgets.blocks import Block, Control, Controls, Notice, Part, Slider, Switch, Table
from workbench.widgets.image_messages import Move, read_move
from workbench.widgets.pixel_widget import CONSENT, WITHHELD, PixelWidget
from workbench.widgets.widget import WidgetState

MOST_HEAT = 1024
_OVERVIEW = 512
_PICTURES = (".png", ".html")

Share = Annotated[float, Field(ge=0, le=1)]


class SlideState(WidgetState):
    """Where one looks: the middle in pixels of the finest level, None is that of the slide.

    ``scale`` is how many of those a pixel of the screen covers; None shows the whole slide.
    ``strength`` is the opacity of the largest contribution.
    """

    x: float | None = None
    y: float | None = None
    scale: Annotated[float, Field(gt=0)] | None = None
    contributions: bool = True
    strength: Share = 0.6


class SlideViewer(PixelWidget):
    """A slide as tiles: what is in sight is read, sent and drawn, and nothing else.

    Tiles are sent without loss, and are no part of what a notebook keeps.

    Parameters
    ----------
    slide
        From :func:`~workbench.data.imaging.open_slide`.
    contributions
        (row, column) of numbers over the whole slide, such as the attention of its patches; NaN
        where there is none.
    title
        What a positive contribution means.
    may_be_saved
        Whether the card allows pictures of single patients to leave the room
        (``card.spec.privacy.thumbnails``).
    state
        Where to begin.

    Examples
    --------
    >>> from workbench.data.imaging.slide import slide_of
    >>> viewer = SlideViewer(slide_of(np.full((900, 700, 3), 255, np.uint8), 0.5), state={"x": 300})
    >>> viewer.region(0, 0, 2, 1).tolist()
    [[[255, 255, 255], [255, 255, 255]]]
    >>> viewer.place
    (300.0, 450.0)
    """

    State = SlideState
    title = "Slide"
    scripts = ("slide_viewer.js",)
    asks = "move"

    def __init__(
        self,
        slide: Slide,
        contributions: np.ndarray | None = None,
        *,
        title: str = "contribution",
        may_be_saved: bool = False,
        state: WidgetState | Mapping[str, Any] | None = None,
    ) -> None:
        if contributions is not None and (contributions.ndim != 2 or 0 in contributions.shape):
            raise ImageError(
                f"contributions are (row, column) over the slide, got {contributions.shape}"
            )
        if contributions is not None and max(contributions.shape) > MOST_HEAT:
            raise ImageError(
                f"contributions have at most {MOST_HEAT} rows and columns, got "
                f"{contributions.shape}: average them over patches"
            )
        self.slide, self.may_be_saved = slide, may_be_saved
        self.contributions, self._meaning = contributions, title
        self._limit = 1.0 if contributions is None else full_colour(contributions)
        super().__init__(state)

    @property
    def place(self) -> tuple[float, float]:
        """(x, y) of the middle, in pixels of the finest level."""
        height, width = self.slide.size
        x, y = self.state.x, self.state.y
        return width / 2 if x is None else x, height / 2 if y is None else y

    def region(self, left: int, top: int, width: int, height: int) -> np.ndarray:
        """A part of the finest level, (row, column, 3) uint8.

        Raises
        ------
        ImageError
            If it lies not wholly on the slide.
        """
        high, wide = self.slide.size
        if not (0 <= left < left + width <= wide and 0 <= top < top + height <= high):
            raise ImageError(f"the region must lie on the slide, which has {wide} × {high} pixels")
        return self.slide.levels[0].region(top, left, top + height, left + width)

    # The page

    def blocks(self) -> tuple[Block, ...]:
        """The slide, and what is shown in words."""
        height, width = self.slide.size
        if not (0 <= self.place[0] <= width and 0 <= self.place[1] <= height):
            raise ImageError(f"x and y must lie on the slide, which has {width} × {height} pixels")
        blocks: list[Block] = []
        if self.contributions is not None:
            state = self.state
            controls: list[Control] = [
                Switch("contributions", "Contributions", state.contributions),
                Slider("strength", "strength", 0, 1, 0.05, state.strength),
            ]
            blocks.append(Controls(tuple(controls)))
        if self.slide.micrometres is None:
            blocks.append(Notice("the file does not say how large a pixel is: no scale is shown"))
        return (*blocks, self._part())

    def _part(self) -> Part:
        state = self.state
        data: dict[str, Any] = {
            "levels": [list(level.size) for level in self.slide.levels],
            "tile": TILE,
            "micrometres": self.slide.micrometres,
            "place": list(self.place),
            "scale": state.scale,
            "attribution": None
            if self.contributions is None
            else {
                "title": printable(self._meaning),
                "limit": self._limit,
                "colours": [LOWER, HIGHER],
                "strength": state.strength if state.contributions else 0,
                "shape": list(self.contributions.shape),
            },
        }
        return Part("slide", "slide", data, table=self._table())

    def _table(self) -> Table:
        height, width = self.slide.size
        size, state = self.slide.micrometres, self.state
        rows = [("Size", f"{width:,} × {height:,} pixels")]
        if size is not None:
            rows.append(("Size in mm", f"{width * size / 1e3:.2f} × {height * size / 1e3:.2f}"))
        rows.append(("Middle", f"x {self.place[0]:,.0f}, y {self.place[1]:,.0f}"))
        if state.scale is None:
            rows.append(("Magnification", "the whole slide"))
        elif size is not None:
            rows.append(("Magnification", f"{state.scale * size:.3g} µm a pixel of the screen"))
        else:
            rows.append(("Magnification", f"{state.scale:.3g} pixels a pixel of the screen"))
        return Table("shown", "What is shown", ("What", "Value"), tuple(rows), folded=True)

    # What the page says

    def _answer(self, content: dict[str, Any]) -> None:
        self._move(read_move(content))

    def _move(self, move: Move) -> None:
        height, width = self.slide.size
        here = {
            "x": float(np.clip(move.x, 0, width)),
            "y": float(np.clip(move.y, 0, height)),
            "scale": move.scale,
        }
        if move.settled:
            self.change(**here)
        else:
            self._state = self._state.model_copy(update=here)
        for wanted in move.wanted:
            pixels = self.slide.tile(wanted.level, wanted.row, wanted.column)
            head = {"kind": "tile", "key": f"{wanted.level}/{wanted.row}/{wanted.column}"}
            self.send(head, [_png(pixels)])
        if move.heat and self.contributions is not None:
            share = np.nan_to_num(self.contributions, nan=0.0) / self._limit
            levels = np.rint(np.clip(share, -1, 1) * 127).astype(np.int8)
            self.send({"kind": "heat"}, [levels.tobytes()])

    # Pictures

    def overview(self) -> np.ndarray:
        """The whole slide at its coarsest level, (row, column, 3) uint8."""
        level = self.slide.levels[-1]
        return level.region(0, 0, *level.size)

    def static_html(self) -> str:
        """The page without a script; with the whole slide, small, where the card allows that."""
        words = super().static_html()
        if not self.may_be_saved:
            return f"<p>{WITHHELD}</p>{words}"
        small = Image.fromarray(self.overview())
        small.thumbnail((_OVERVIEW, _OVERVIEW))
        data = base64.b64encode(_png(np.asarray(small))).decode()
        said = escape(printable("; ".join(": ".join(row) for row in self._table().rows)))
        return f'<p><img src="data:image/png;base64,{data}" alt="{said}"></p>{words}'

    def save(self, path: str | Path, name: str = "") -> Path:
        """Write the whole slide at its coarsest level (``.png``, ``.html``), or ``.json``.

        Raises
        ------
        WorkbenchError
            If the card does not allow it, or for another suffix.
        """
        path = Path(path)
        if path.suffix.lower() in _PICTURES and not self.may_be_saved:
            raise ImageError(CONSENT)
        if path.suffix.lower() != ".png":
            return super().save(path, name)
        part = path.with_name(path.name + ".part")
        part.write_bytes(_png(self.overview()))
        part.replace(path)
        return path


def _png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()
