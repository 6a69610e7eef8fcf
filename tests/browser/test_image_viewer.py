"""The image viewer's page in a browser: its own pixels, hands, keys, and what a notebook keeps.

Most of this needs no notebook: the page is given a kernel in this process, over a bridge.
"""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

pytest.importorskip("anywidget", reason="widgets are not installed")

from workbench.data.imaging import Attribution, Mask, Scene, Window, picture, volume
from workbench.data.imaging.composing import composed, cut
from workbench.widgets.image_viewer import ImageViewer

pytestmark = pytest.mark.browser

PAGE = """<!doctype html><body data-jp-theme-light="{light}" style="margin:0;background:{ground};
--jp-layout-color0:{ground};--jp-ui-font-color0:{ink}"><style>{css}</style>
<div id="root" style="width:{width}px"></div></body>"""

BRIDGE = """async (code) => {
  const heard = {};
  const tell = (name, ...given) => (heard[name] ?? []).forEach((each) => each(...given));
  const bytes = (text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  window.hear = (answer) => {
    for (const [content, buffers] of answer.messages)
      tell('msg:custom', content, buffers.map(bytes));
    window.view = answer.view;
    tell('change:view');
  };
  const model = {
    get: () => window.view, off: () => {},
    on: (name, each) => (heard[name] ??= []).push(each),
    send: async (message) => window.hear(await window.kernel(message)),
  };
  window.view = (await window.kernel(null)).view;
  const module = await import(URL.createObjectURL(new Blob([code], { type: 'text/javascript' })));
  module.default.render({ model, el: document.getElementById('root') });
}"""

DONE = "() => [...document.querySelectorAll('.wb-plane')].every((each) => each.dataset.number)"

DRAWN = """(name) => {
  const canvas = document.querySelector('.wb-image').composed(name);
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return [canvas.height, canvas.width, [...data]];
}"""

SHAPE = (20, 30, 24)
MARK = (3, 22, 6)


class Shown:
    """A viewer in a page."""

    def __init__(self, page: Any, viewer: Any) -> None:
        self.page, self.viewer, self.errors, self.asked = page, viewer, [], []
        self._sent: list[Any] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: self.errors.append(message.text))
        page.on("request", lambda request: self.asked.append(request.url))
        viewer.send = lambda content, buffers=None: self._sent.append(
            (content, [base64.b64encode(each).decode() for each in buffers or []])
        )
        page.expose_function("kernel", self.answer)

    def answer(self, message: Any) -> Any:
        """What the kernel says to a message of the page."""
        if message is not None:
            self.viewer.receive(message)
        sent, self._sent = self._sent, []
        return {"messages": sent, "view": self.viewer.view}

    def push(self) -> None:
        """What the kernel says by itself."""
        self.page.evaluate("(answer) => window.hear(answer)", self.answer(None))

    def settle(self) -> None:
        """Until what was done has been told."""
        self.page.wait_for_timeout(450)
        self.page.wait_for_function(DONE)

    def drawn(self, plane: str) -> np.ndarray:
        """(row, column, 3) as the page composed it."""
        height, width, values = self.page.evaluate(DRAWN, plane)
        return np.array(values).reshape(height, width, 4)[..., :3]


@pytest.fixture
def show(chromium: Any) -> Iterator[Callable[..., Shown]]:
    """Opens viewers in pages, and looks for complaints at the end."""
    opened: list[Shown] = []

    def opener(viewer: Any, *, width: int = 900, light: bool = True) -> Shown:
        page = chromium.new_page(viewport={"width": width, "height": 900})
        shown = Shown(page, viewer)
        ground, ink = ("#ffffff", "#1c2733") if light else ("#111111", "#ffffff")
        page.set_content(
            PAGE.format(
                light=str(light).lower(), ground=ground, ink=ink, css=viewer._css, width=width
            )
        )
        page.evaluate(BRIDGE, viewer._esm)
        shown.settle()
        opened.append(shown)
        return shown

    yield opener
    for shown in opened:
        assert shown.errors == []
        assert [url for url in shown.asked if not url.startswith(("blob:", "about:"))] == []
        shown.page.close()


def _scene(kind: str = "int16") -> Scene:
    rng = np.random.default_rng(0)
    voxels = rng.integers(0, 90, SHAPE).astype(kind)
    voxels[MARK] = 120
    labels = np.zeros(SHAPE, np.uint8)
    labels[2:9, 18:26, 3:12], labels[5:12, 4:9, 3:20] = 1, 2
    affine = np.diag([2.0, 2.0, 3.0, 1.0])
    moved = rng.normal(size=SHAPE).astype(np.float32)
    return Scene(
        volume(voxels, affine, unit="HU"),
        Mask(volume(labels, affine), ("tumour", "oedema")),
        Attribution(volume(moved, affine), 2.0, "log hazard", "occlusion"),
    )


@pytest.mark.parametrize("kind", ["int16", "uint16", "uint8", "float32", "int32"])
def test_the_page_has_the_colours_of_python(show: Any, kind: str) -> None:
    scene = _scene(kind)
    viewer = ImageViewer(scene, {"voxel": list(MARK), "fill": 0.4, "strength": 0.6})
    shown = show(viewer)
    for name, plane in scene.planes.items():
        piece = cut(scene, name, plane.pixel(MARK)[0])
        truth = composed(piece, viewer.window, fill=0.4, contributions=0.6)
        gap = np.abs(shown.drawn(name) - truth.astype(int))
        assert gap.max() <= 1
        assert gap.mean() < 0.01


def test_a_colour_picture(show: Any) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 2, 3)).astype(np.uint8)
    scene = Scene(picture(pixels, channels=("red", "green", "blue")))
    shown = show(ImageViewer(scene))
    assert shown.drawn("picture").tolist() == pixels[:, :, 1].tolist()
    assert "RGB" in shown.page.locator(".wb-planes-said").text_content()


def test_a_click_on_the_mark_says_its_value_and_moves_every_plane(show: Any) -> None:
    scene = _scene()
    shown = show(ImageViewer(scene, {"voxel": [10, 10, MARK[2]]}))
    plane = scene.planes["axial"]
    _, row, column = plane.pixel(MARK)
    canvas = shown.page.locator(".wb-plane-canvas").first
    box = canvas.bounding_box()
    canvas.click(
        position={
            "x": (column + 0.5) * box["width"] / plane.n_columns,
            "y": (row + 0.5) * box["height"] / plane.n_rows,
        }
    )
    shown.settle()
    assert shown.viewer.state.voxel == MARK
    said = shown.page.locator(".wb-planes-said").text_content()
    assert "R 6.0, A 44.0, S 18.0 mm · 120 HU · tumour · log hazard ≈" in said
    titles = shown.page.locator(".wb-plane-title").all_text_contents()
    assert titles == ["Axial 7 of 24", "Coronal 23 of 30", "Sagittal 4 of 20"]
    assert shown.page.locator(".wb-plane-canvas").all()[1].get_attribute("aria-label") == (
        "coronal 23 of 30, R 6.0, A 44.0, S 18.0 mm"
    )


def test_wheel_slider_and_keys_go_through_slices(show: Any) -> None:
    shown = show(ImageViewer(_scene(), {"voxel": list(MARK)}))
    canvas = shown.page.locator(".wb-plane-canvas").first
    canvas.hover(position={"x": 20, "y": 20})
    shown.page.mouse.wheel(0, -100)
    shown.settle()
    assert shown.viewer.state.voxel == (3, 22, 7)
    canvas.focus()
    for key in ("ArrowUp", "PageUp", "ArrowDown", "Shift+ArrowLeft", "Shift+ArrowDown"):
        shown.page.keyboard.press(key)
    shown.settle()
    assert shown.viewer.state.voxel == (4, 21, 17)
    assert shown.page.locator(".wb-plane").first.get_attribute("data-number") == "17"
    shown.page.get_by_label("sagittal slice").fill("2")
    shown.settle()
    assert shown.viewer.state.voxel == (1, 21, 17)
    canvas.focus()
    shown.page.keyboard.press("m")
    shown.page.keyboard.press("0")
    shown.settle()
    assert not shown.viewer.state.regions
    assert shown.viewer.state.voxel == (10, 15, 12)
    assert shown.page.locator(".wb-legend-item").count() == 1


def test_a_drag_changes_the_window_at_once(show: Any) -> None:
    scene = _scene()
    shown = show(ImageViewer(scene, {"voxel": list(MARK), "strength": 0, "regions": False}))
    box = shown.page.locator(".wb-plane-canvas").first.bounding_box()
    shown.page.mouse.move(box["x"] + 50, box["y"] + 50)
    shown.page.mouse.down(button="right")
    shown.page.mouse.move(box["x"] + 100, box["y"] + 25)
    # 50 pixels to the right widen by a fifth, 25 up lower the centre by a tenth of the width.
    window = Window(40 - 25 * 80 / 250, 80 + 50 * 80 / 250)
    shown.page.wait_for_timeout(100)
    piece = cut(scene, "axial", MARK[2])
    assert np.abs(shown.drawn("axial") - composed(piece, window).astype(int)).max() <= 1
    assert shown.viewer.state.window == ""
    shown.page.mouse.up(button="right")
    shown.settle()
    assert shown.viewer.window == window
    assert shown.page.get_by_label("width").input_value() == "96"


def test_letters_stand_at_their_edges(show: Any) -> None:
    shown = show(ImageViewer(_scene()))
    planes = shown.page.locator(".wb-plane-frame").all()
    for plane, letters in zip(planes, ("ALPR", "SLIR", "SPIA"), strict=True):
        frame = plane.bounding_box()
        spans = plane.locator(".wb-letter").all()
        assert "".join(span.text_content() for span in spans) == letters
        boxes = [span.bounding_box() for span in spans]
        x = [(b["x"] + b["width"] / 2 - frame["x"]) / frame["width"] for b in boxes]
        y = [(b["y"] + b["height"] / 2 - frame["y"]) / frame["height"] for b in boxes]
        assert y[0] < 0.1 < 0.9 < y[2]
        assert x[3] < 0.1 < 0.9 < x[1]


def test_scales_are_true(show: Any) -> None:
    shown = show(ImageViewer(_scene()))
    bar = shown.page.locator(".wb-scale").first
    frame = shown.page.locator(".wb-plane-frame").first.bounding_box()
    length = float(bar.text_content().split(" ")[0])
    assert bar.bounding_box()["width"] / frame["width"] == pytest.approx(
        length / (SHAPE[0] * 2.0), rel=0.02
    )


def test_python_moves_the_page(show: Any) -> None:
    shown = show(ImageViewer(_scene(), {"voxel": list(MARK)}))
    shown.viewer.change(voxel=[1, 2, 3], window="bone", plane="coronal")
    shown.push()
    shown.settle()
    assert shown.page.locator(".wb-plane-title").all_text_contents() == ["Coronal 3 of 30"]
    piece = cut(shown.viewer.scene, "coronal", 2)
    truth = composed(piece, Window(400, 1800), fill=0.25, contributions=0.7)
    assert np.abs(shown.drawn("coronal") - truth.astype(int)).max() <= 1


@pytest.mark.parametrize("light", [True, False])
@pytest.mark.parametrize("width", [380, 900, 1400])
def test_everything_fits(show: Any, width: int, light: bool) -> None:
    shown = show(ImageViewer(_scene()), width=width, light=light)
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= width
    for plane in shown.page.locator(".wb-plane-frame").all():
        assert plane.bounding_box()["width"] > 90


KEPT = """
import numpy as np
from workbench.data.imaging import OneScene, Scene, volume
from workbench.widgets import ImageViewer
voxels = np.full((40, 40, 40), 21845, np.uint16)
scene = Scene(volume(voxels, np.eye(4)))
viewer = ImageViewer(OneScene(scene, {allowed}), {{"voxel": [3, 20, 20]}})
viewer
"""


@pytest.mark.parametrize("allowed", [False, True])
def test_a_saved_notebook_keeps_a_picture_only_where_the_card_allows(
    lab: Any, allowed: bool
) -> None:
    book = lab.open([KEPT.format(allowed=allowed)])
    canvas = book.page.locator(".wb-plane-canvas").first
    canvas.focus()
    book.page.keyboard.press("ArrowUp")
    book.page.wait_for_timeout(2500)
    assert book.ask("print(viewer.state.voxel)") == "(3, 20, 21)\n"
    kept = json.dumps(book.saved())
    assert ("data:image/png" in kept) == allowed
    assert ("withheld" in kept) != allowed
    # 0x5555 again and again, as bytes, in base64 and in hexadecimal.
    assert not any(pixels in kept for pixels in ("UUUUUUUUUUUU", "VVVVVVVVVVVV", "555555555555"))
    assert book.errors == []
    assert book.outside == []
    book.page.close()
