"""The slide viewer without a browser: tiles, what the page may ask, and what is kept."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("anywidget", reason="widgets are not installed")

from workbench.data.imaging.slide import slide_of
from workbench.errors import WorkbenchError
from workbench.widgets.slide_viewer import SlideViewer

PIXELS = np.random.default_rng(0).integers(0, 256, (600, 700, 3)).astype(np.uint8)


def _sent(viewer: SlideViewer, **fields: Any) -> list[tuple[dict[str, Any], list[bytes]]]:
    sent: list[tuple[dict[str, Any], list[bytes]]] = []
    viewer.send = lambda content, buffers=None: sent.append((content, buffers or []))
    viewer.receive({"kind": "move", "view": "a", "x": 10, "y": 20, "scale": 2} | fields)
    return sent


def test_tiles_come_without_loss() -> None:
    viewer = SlideViewer(slide_of(PIXELS))
    (head, [tile]), (end, _) = _sent(viewer, wanted=[{"level": 0, "row": 2, "column": 1}])
    assert (head, end) == (
        {"kind": "tile", "key": "0/2/1"},
        {"kind": "answered", "view": "a", "turn": 0},
    )
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(tile))), PIXELS[512:, 256:512])
    assert (viewer.state.x, viewer.state.y, viewer.state.scale) == (10, 20, 2)


def test_contributions_come_when_asked_for() -> None:
    patches = np.array([[1.0, np.nan], [0, -1.0]])
    viewer = SlideViewer(slide_of(PIXELS), patches)
    (head, [levels]), _ = _sent(viewer, heat=True)
    assert head == {"kind": "heat"}
    assert np.frombuffer(levels, np.int8).tolist() == [127, 0, 0, -127]


def test_state_can_be_replayed_and_a_settled_move_is_told() -> None:
    viewer, seen = SlideViewer(slide_of(PIXELS, 0.5)), []
    viewer.watch(seen.append)
    _sent(viewer)
    assert seen == []
    _sent(viewer, settled=True, x=10_000)
    assert [(s.x, s.y, s.scale) for s in seen] == [(700, 20, 2)]
    again = SlideViewer(slide_of(PIXELS, 0.5), state=json.loads(viewer.state.model_dump_json()))
    assert again.view == viewer.view
    assert "1 µm a pixel of the screen" in viewer.text()


@pytest.mark.parametrize(
    "fields",
    [
        {"wanted": [{"level": 0, "row": 9, "column": 0}]},
        {"wanted": [{"level": 9, "row": 0, "column": 0}]},
        {"wanted": [{"level": 0, "row": -1, "column": 0}]},
        {"wanted": [{"level": 0, "row": 0, "column": 0}] * 9},
        {"scale": 0},
        {"scale": float("nan")},
        {"path": "a.svs"},
    ],
)
def test_what_the_page_may_not_ask(fields: dict[str, Any]) -> None:
    viewer = SlideViewer(slide_of(PIXELS))
    assert _sent(viewer, **fields) == [({"kind": "answered", "view": "a", "turn": 0}, [])]
    assert viewer.view["blocks"][0]["level"] == "problem"


def test_what_is_no_place_on_the_slide() -> None:
    viewer = SlideViewer(slide_of(PIXELS))
    with pytest.raises(WorkbenchError, match="must lie on the slide, which has 700 × 600 pixels"):
        viewer.change(x=701)
    with pytest.raises(WorkbenchError, match="must lie on the slide"):
        viewer.region(0, 0, 701, 1)
    with pytest.raises(WorkbenchError, match="average them"):
        SlideViewer(slide_of(PIXELS), np.ones((2000, 2)))
    assert np.array_equal(viewer.region(5, 6, 30, 20), PIXELS[6:26, 5:35])


def test_pictures_are_kept_and_saved_only_where_the_card_allows(tmp_path: Path) -> None:
    viewer = SlideViewer(slide_of(PIXELS))
    assert "<img" not in viewer.static_html()
    assert "withheld" in viewer.static_html()
    for name in ("a.png", "a.html"):
        with pytest.raises(WorkbenchError, match="withheld"):
            viewer.save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []
    allowed = SlideViewer(slide_of(PIXELS), may_be_saved=True)
    assert np.array_equal(np.asarray(Image.open(allowed.save(tmp_path / "a.png"))), PIXELS)
    assert "data:image/png" in allowed.save(tmp_path / "a.html").read_text()
