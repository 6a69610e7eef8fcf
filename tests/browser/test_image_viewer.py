"""The image viewer's page in a browser: its own pixels, hands, keys, and what a notebook keeps.

Most of this needs no notebook: the page talks with the widget in this process.
"""

import base64
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("anywidget", reason="widgets are not installed")

from fusion.explanation.attribution import Check
from tests.browser.checks import contrast_and_roles, texts_apart
from tests.browser.stage import Stage
from workbench.data.imaging import Attribution, Mask, Scene, Window, picture, volume
from workbench.data.imaging.composing import composed, cut
from workbench.data.imaging.slide import slide_of
from workbench.widgets.image_viewer import ImageViewer
from workbench.widgets.slide_viewer import SlideViewer

pytestmark = pytest.mark.browser

DONE = """() => {
  if (document.querySelector('.wb-image').dataset.quiet !== 'true') return false;
  const slide = document.querySelector('.wb-slide');
  const drawn = slide?.dataset.drawn?.split('/');
  if (slide) return drawn && drawn[1] === drawn[2];
  return [...document.querySelectorAll('.wb-plane')].every((each) => each.dataset.number);
}"""

DRAWN = "(name) => document.querySelector('.wb-image').composed(name).toDataURL()"
SLIDE = "() => document.querySelector('.wb-slide-canvas').toDataURL()"

SHAPE = (20, 30, 24)
MARK = (3, 22, 6)


def _pixels(address: str) -> np.ndarray:
    """(row, column, 3) int of a picture in a data address."""
    data = base64.b64decode(address.split(",")[1])
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


class Shown(Stage):
    """A viewer in a page."""

    @property
    def viewer(self) -> Any:
        """The widget."""
        return self.widgets[0]

    def settle(self) -> None:
        """Until what was done has been told."""
        self.page.wait_for_function(DONE)
        self.page.wait_for_timeout(80)

    def drawn(self, plane: str) -> np.ndarray:
        """(row, column, 3) as the page composed it."""
        return _pixels(self.page.evaluate(DRAWN, plane))


@pytest.fixture
def show(chromium: Any) -> Iterator[Callable[..., Shown]]:
    """Opens viewers in pages; nothing may have gone wrong on them."""
    opened: list[Shown] = []

    def opener(viewer: Any, *, width: int = 900, theme: str = "light") -> Shown:
        opened.append(Shown(chromium, [viewer], width=width, theme=theme))
        opened[-1].settle()
        return opened[-1]

    yield opener
    for shown in opened:
        shown.close()


def _scene(kind: str = "int16") -> Scene:
    rng = np.random.default_rng(0)
    voxels = rng.integers(0, 90, SHAPE).astype(kind)
    voxels[MARK] = 120 if kind == "uint8" else 12_345
    labels = np.zeros(SHAPE, np.uint8)
    labels[2:9, 18:26, 3:12], labels[5:12, 4:9, 3:20] = 1, 2
    affine = np.diag([2.0, 2.0, 3.0, 1.0])
    moved = rng.normal(size=SHAPE).astype(np.float32)
    return Scene(
        volume(voxels, affine, unit="HU"),
        Mask(volume(labels, affine), ("tumour", "oedema")),
        Attribution(volume(moved, affine), 2.0, "log hazard", "occlusion"),
    )


@pytest.mark.parametrize("kind", ["int16", "uint8", "float32"])
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
    assert "R 6.0, A 44.0, S 18.0 mm · value 12345 HU · tumour · log hazard ≈" in said
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
    shown.page.wait_for_function("document.querySelectorAll('.wb-legend-item').length === 1")
    shown.page.keyboard.press("0")
    shown.settle()
    assert not shown.viewer.state.regions
    assert shown.viewer.state.voxel == (10, 15, 12)


HELD = """() => {
  const send = window.toKernel, held = [];
  window.toKernel = (at, message) =>
    new Promise((answer) => held.push(() => send(at, message).then(answer)));
  window.release = () => { window.toKernel = send; held.forEach((each) => each()); };
}"""


def test_a_drag_changes_the_window_without_the_kernel(show: Any) -> None:
    scene = _scene()
    shown = show(ImageViewer(scene, {"voxel": list(MARK), "strength": 0, "regions": False}))
    shown.settle()
    shown.page.evaluate(HELD)
    box = shown.page.locator(".wb-plane-canvas").first.bounding_box()
    shown.page.mouse.move(box["x"] + 50, box["y"] + 50)
    shown.page.mouse.down(button="right")
    shown.page.mouse.move(box["x"] + 100, box["y"] + 25)
    # 50 pixels to the right widen by a fifth, 25 up lower the centre by a tenth of the width.
    window = Window(40 - 25 * 80 / 250, 80 + 50 * 80 / 250)
    truth = composed(cut(scene, "axial", MARK[2]), window).astype(int)
    shown.until(lambda: np.abs(shown.drawn("axial") - truth).max() <= 1)
    assert shown.viewer.state.window == ""
    shown.page.mouse.up(button="right")
    shown.page.evaluate("() => window.release()")
    shown.settle()
    assert shown.viewer.window == window
    assert shown.page.get_by_label("width").input_value() == "96"


LOOKED = """() => {
  window.asked = [];
  const send = window.toKernel;
  window.toKernel = (at, message) => (window.asked.push(message), send(at, message));
}"""


def test_slices_that_come_next_are_there_before_the_hand(show: Any) -> None:
    shown = show(ImageViewer(_scene(), {"voxel": list(MARK)}))
    shown.page.evaluate(LOOKED)
    canvas = shown.page.locator(".wb-plane-canvas").first
    canvas.hover(position={"x": 20, "y": 20})
    shown.settle()
    shown.page.mouse.wheel(0, -100)
    shown.settle()
    for _ in range(8):
        shown.page.mouse.wheel(0, -100)
    shown.settle()
    assert shown.viewer.state.voxel == (3, 22, 15)
    asked = shown.page.evaluate("window.asked.filter((each) => each.kind === 'look')")
    # Neighbours when the pointer came, then those in its way: no slice was waited for.
    assert [each["number"] for each in asked[0]["ahead"]] == [7, 5, 8, 4, 9, 3]
    assert sum(len(each["wanted"]) for each in asked) == 0
    sent = [(w["plane"], w["number"]) for each in asked for w in each["ahead"]]
    assert len(sent) == len(set(sent))
    assert {plane for plane, _ in sent} == {"axial"}
    piece = cut(shown.viewer.scene, "axial", 15)
    truth = composed(piece, shown.viewer.window, fill=0.25, contributions=0.7)
    assert np.abs(shown.drawn("axial") - truth.astype(int)).max() <= 1


def test_while_a_slice_is_waited_for_the_nearest_is_shown_and_said(show: Any) -> None:
    shown = show(ImageViewer(_scene(), {"voxel": [3, 22, 4]}))
    shown.page.evaluate("() => { window.toKernel = () => new Promise(() => {}); }")
    canvas = shown.page.locator(".wb-plane-canvas").first
    canvas.focus()
    for key in ("PageUp", "ArrowUp"):
        shown.page.keyboard.press(key)
    shown.page.wait_for_function("() => document.querySelector('.wb-plane-slider').value === '16'")
    assert shown.page.locator(".wb-plane-title").first.text_content() == "Axial 5 of 24"
    assert canvas.get_attribute("aria-label").startswith("axial 5 of 24")
    assert shown.page.locator(".wb-image").get_attribute("data-quiet") == "false"


def test_planes_are_magnified_and_moved(show: Any) -> None:
    shown = show(ImageViewer(_scene(), {"voxel": list(MARK), "smooth": False}))
    canvas = shown.page.locator(".wb-plane-canvas").first
    canvas.focus()
    for _ in range(4):
        shown.page.keyboard.press("+")
    shown.settle()
    assert shown.viewer.state.zoom == pytest.approx(4)
    # The crosshair stays where it was on the screen.
    assert shown.viewer.middle == pytest.approx((4.625, 20.125, 7.375))
    bar, frame = shown.page.locator(".wb-scale").first, shown.page.locator(".wb-plane-frame").first
    length = float(bar.text_content().split(" ")[0])
    assert bar.bounding_box()["width"] / frame.bounding_box()["width"] == pytest.approx(
        length / (SHAPE[0] * 2.0 / 4), rel=0.02
    )
    box = canvas.bounding_box()
    shown.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    shown.page.mouse.down(button="middle")
    shown.page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2)
    shown.page.mouse.up(button="middle")
    shown.settle()
    # A quarter of a frame that shows five voxels; columns run to the patient's left.
    assert shown.viewer.middle == pytest.approx((4.625 - 5 / 4, 20.125, 7.375), abs=0.05)
    assert shown.viewer.state.voxel == MARK
    # A click is at the voxel that is seen there.
    top, bottom, left, right = shown.viewer.scene.planes["axial"].part(shown.viewer.middle, 4)
    canvas.click(position={"x": box["width"] * 0.9, "y": box["height"] * 0.2})
    shown.settle()
    row, column = int(top + 0.2 * (bottom - top)), int(left + 0.9 * (right - left))
    plane = shown.viewer.scene.planes["axial"]
    assert plane.pixel(shown.viewer.state.voxel) == (MARK[2], row, column)
    shown.page.keyboard.down("Control")
    shown.page.mouse.wheel(0, 100)
    shown.page.keyboard.up("Control")
    shown.settle()
    assert shown.viewer.state.zoom == pytest.approx(4 / 2**0.5)
    canvas.focus()
    shown.page.keyboard.press("1")
    shown.settle()
    assert (shown.viewer.state.zoom, shown.viewer.middle) == (1, (9.5, 14.5, 11.5))


def test_the_crosshair_never_leaves_a_magnified_plane(show: Any) -> None:
    shown = show(ImageViewer(_scene(), {"voxel": [10, 15, 12], "zoom": 4}))
    shown.page.locator(".wb-plane-canvas").first.focus()
    for _ in range(6):
        shown.page.keyboard.press("Shift+ArrowRight")
    for _ in range(5):
        shown.page.keyboard.press("ArrowUp")
    shown.settle()
    assert shown.viewer.state.voxel == (4, 15, 17)
    for plane in shown.viewer.scene.planes.values():
        _, row, column = plane.pixel(shown.viewer.voxel)
        top, bottom, left, right = plane.part(shown.viewer.middle, 4)
        assert top <= row < row + 1 <= bottom + 1e-6
        assert left <= column < column + 1 <= right + 1e-6


def test_failed_checks_stand_above_an_image_without_contributions(show: Any) -> None:
    scene = _scene()
    failed = replace(scene.attribution, checks=(Check("random weights", 0.6, 0.3, False),))
    shown = show(ImageViewer(replace(scene, attribution=failed), {"voxel": list(MARK)}))
    assert "1 of 1 checks" in shown.page.locator(".wb-warning").text_content()
    piece = cut(scene, "axial", MARK[2])
    window = shown.viewer.window
    bare = composed(piece, window, fill=0.25).astype(int)
    assert np.abs(shown.drawn("axial") - bare).max() <= 1
    assert shown.page.locator(".wb-bar").count() == 0
    shown.page.get_by_label("Contributions").check()
    shown.page.locator(".wb-bar").wait_for()
    shown.settle()
    truth = composed(piece, window, fill=0.25, contributions=0.7).astype(int)
    assert np.abs(shown.drawn("axial") - truth).max() <= 1
    assert shown.page.locator(".wb-ticks span").all_text_contents() == ["−2", "0", "2"]
    assert shown.page.locator(".wb-warning").count() == 1


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


@pytest.mark.parametrize(("width", "theme"), [(420, "light"), (900, "dark"), (1400, "light")])
def test_everything_fits(show: Any, width: int, theme: str) -> None:
    shown = show(ImageViewer(_scene()), width=width, theme=theme)
    assert texts_apart(shown.page) == []
    assert contrast_and_roles(shown.page) == []
    for plane in shown.page.locator(".wb-plane-frame").all():
        assert plane.bounding_box()["width"] > 90


def _slide() -> Any:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (25, 40, 3)).astype(np.uint8)
    return slide_of(np.kron(coarse, np.ones((60, 60, 1), np.uint8)), 0.5)


def _seen(shown: Shown) -> np.ndarray:
    return _pixels(shown.page.evaluate(SLIDE))


def test_the_page_shows_the_slide_pixel_for_pixel(show: Any) -> None:
    slide = _slide()
    shown = show(SlideViewer(slide, state={"x": 1000, "y": 700, "scale": 1}))
    seen = _seen(shown)
    height, width = seen.shape[:2]
    left, top = 1000 - width // 2, 700 - height // 2
    assert np.array_equal(seen, shown.viewer.region(left, top, width, height))
    assert shown.page.locator(".wb-scale").text_content() == "50 µm"
    assert shown.page.locator(".wb-scale").bounding_box()["width"] == pytest.approx(100, abs=1)


def test_contributions_lie_over_their_patches(show: Any) -> None:
    patches = np.zeros((25, 40))
    patches[10, 16] = 3.0
    shown = show(
        SlideViewer(_slide(), patches, state={"x": 990, "y": 630, "scale": 1, "strength": 1})
    )
    seen = _seen(shown)
    at = np.argwhere((seen == [213, 94, 0]).all(axis=2))
    middle = seen.shape[0] // 2, seen.shape[1] // 2
    assert at.min(axis=0).tolist() == [middle[0] - 30, middle[1] - 30]
    assert at.max(axis=0).tolist() == [middle[0] + 29, middle[1] + 29]
    assert len(at) == 60 * 60


def test_hands_and_keys_move_the_slide(show: Any) -> None:
    shown = show(SlideViewer(_slide()))
    assert shown.viewer.state.scale is None
    assert contrast_and_roles(shown.page) == []
    canvas = shown.page.locator(".wb-slide-canvas")
    canvas.focus()
    for key in ("+", "+", "ArrowRight"):
        shown.page.keyboard.press(key)
    shown.settle()
    scale = 2400 / canvas.bounding_box()["width"] / 4
    assert shown.viewer.state.scale == pytest.approx(scale, rel=0.3)
    assert shown.viewer.state.x == pytest.approx(1200 + 80 * shown.viewer.state.scale)
    before, box = shown.viewer.state, canvas.bounding_box()
    shown.page.mouse.move(box["x"] + 200, box["y"] + 200)
    shown.page.mouse.down()
    shown.page.mouse.move(box["x"] + 150, box["y"] + 230)
    shown.page.mouse.up()
    shown.settle()
    after = shown.viewer.state
    assert (after.x, after.y) == pytest.approx(
        (before.x + 50 * before.scale, before.y - 30 * before.scale)
    )
    shown.page.get_by_label("Whole slide").click()
    shown.settle()
    assert shown.viewer.state.scale is None


SETUP = """
import numpy as np
from workbench.data.imaging import OneScene, Scene, volume
from workbench.widgets import ImageViewer
scene = Scene(volume(np.full((40, 40, 40), 21845, np.uint16), np.eye(4), unit="HU"))
withheld = ImageViewer(OneScene(scene, may_be_saved=False), {"voxel": [3, 20, 20]})
allowed = ImageViewer(OneScene(scene, may_be_saved=True))
"""


def test_a_saved_notebook_keeps_a_picture_only_where_the_card_allows(lab: Any) -> None:
    book = lab.open([SETUP, "withheld", "allowed"])
    book.page.locator(".wb-plane[data-number]").nth(5).wait_for()
    canvas = book.page.locator(".wb-plane-canvas").first
    canvas.focus()
    book.page.keyboard.press("ArrowUp")
    book.page.locator('.wb-plane[data-number="21"]').first.wait_for()
    book.page.locator('.wb-image[data-quiet="true"]').first.wait_for()
    assert book.ask("print(withheld.state.voxel)") == "(3, 20, 21)\n"
    # Keys pressed in a widget stay there: the command saves.
    book.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    saved = book.saved()
    first, second = (json.dumps(cell["outputs"]) for cell in saved["cells"][1:])
    assert "data:image" not in first
    assert "withheld" in first
    assert "data:image/png" in second
    # 0x5555 again and again, as bytes, in base64 and in numbers.
    kept = json.dumps(saved["metadata"]) + first
    assert not any(pixels in kept for pixels in ("UUUUUUUU", "VVVVVVVV", "55555555", "21845"))
    assert book.errors == []
    assert book.outside == []
    book.page.close()
