"""The image viewer without a browser: state, slices, what the page may ask, and what is kept."""

import asyncio
import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("anywidget", reason="widgets are not installed")

from fusion.explanation.attribution import Check
from workbench.data.imaging import Attribution, Mask, OneScene, Scene, picture, volume
from workbench.errors import WorkbenchError
from workbench.widgets.image_viewer import ImageViewer

SHAPE = (6, 8, 10)
MARK = (1, 6, 2)


def _scene() -> Scene:
    voxels = np.random.default_rng(0).integers(-1000, 1000, SHAPE).astype(np.int16)
    voxels[MARK] = 30_000
    labels = np.zeros(SHAPE, np.uint8)
    labels[1:3, 5:7, 2:4] = 1
    affine = np.diag([2.0, 2.0, 3.0, 1.0])
    shown = Attribution(volume(voxels / 30_000, affine), 1.0, "log hazard")
    return Scene(volume(voxels, affine, unit="HU"), Mask(volume(labels, affine)), shown)


def _viewer(state: dict[str, Any] | None = None, *, may_be_saved: bool = False) -> ImageViewer:
    return ImageViewer(OneScene(_scene(), may_be_saved), state)


def _sent(viewer: ImageViewer, message: dict[str, Any]) -> list[tuple[dict[str, Any], list[bytes]]]:
    """What is sent to the page when it says ``message``."""
    sent: list[tuple[dict[str, Any], list[bytes]]] = []
    viewer.send = lambda content, buffers=None: sent.append((content, buffers or []))
    viewer.receive(message)
    return sent


def _look(**fields: Any) -> dict[str, Any]:
    return {"kind": "look", "view": "a", "patient": 1, "channel": 0, "voxel": list(MARK)} | fields


def test_python_reads_what_is_shown() -> None:
    viewer = _viewer({"voxel": list(MARK)})
    assert viewer.world == (2.0, 12.0, 6.0)
    axial = viewer.slice("axial")
    assert np.argwhere(axial == 30_000).tolist() == [[8 - 1 - 6, 6 - 1 - 1]]
    assert viewer.slice("sagittal").shape == (10, 8)
    assert viewer.slice("axial", 0).tolist() != axial.tolist()
    assert (viewer.window.centre, viewer.window.width) == (40, 80)


def test_state_can_be_replayed() -> None:
    viewer = _viewer()
    viewer.change(voxel=[1, 2, 3], window="bone", plane="coronal", fill=0.5)
    again = _viewer(json.loads(viewer.state.model_dump_json()))
    assert again.state == viewer.state
    assert again.view == viewer.view


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"voxel": [6, 0, 0]}, "no voxel"),
        ({"patient": 2}, "no patient 2: there are 1"),
        ({"window": "liver"}, "no window 'liver': choose one of"),
        ({"window": "own"}, "set both"),
        ({"window": "own", "centre": 1, "width": -1}, "positive width"),
        ({"plane": "picture"}, "no plane 'picture': choose one of"),
        ({"channel": "FLAIR"}, "no channel 'FLAIR'"),
        ({"fill": 2}, "fill"),
        ({"zoom": 0.5}, "zoom"),
        ({"zoom": 17}, "zoom"),
        ({"middle": [1, 2]}, "middle"),
        ({"slice": 2}, "slice"),
    ],
)
def test_states_that_are_none(state: dict[str, Any], message: str) -> None:
    viewer = _viewer()
    before = viewer.state, viewer.view
    with pytest.raises(WorkbenchError, match=message):
        viewer.change(**state)
    assert (viewer.state, viewer.view) == before
    with pytest.raises(WorkbenchError, match=message):
        _viewer(state)


def test_slices_come_as_bytes() -> None:
    viewer = _viewer()
    (told, buffers), (end, _) = _sent(viewer, _look(wanted=[{"plane": "axial", "number": 2}]))
    (head,) = told["slices"]
    assert end == {"kind": "answered", "view": "a", "turn": 0}
    assert head["layers"] == ["values", "labels", "levels"]
    values = np.frombuffer(buffers[0], head["type"]).reshape(8, 6)
    assert values.tolist() == viewer.slice("axial", 2).tolist()
    assert np.frombuffer(buffers[1], np.uint8).sum() == 4
    assert np.frombuffer(buffers[2], np.int8).max() == 127
    assert viewer.state.voxel == MARK


def test_what_is_waited_for_comes_first_and_what_comes_next_in_few_messages() -> None:
    ahead = [{"plane": "axial", "number": number} for number in range(3, 9)]
    wanted = [{"plane": "axial", "number": 2}, {"plane": "sagittal", "number": 1}]
    sent = _sent(_viewer(), _look(turn=7, wanted=wanted, ahead=ahead))
    told = [[(s["plane"], s["number"]) for s in head["slices"]] for head, _ in sent[:-1]]
    assert told[0] == [("axial", 2), ("sagittal", 1)]
    assert [each for batch in told[1:] for each in batch] == [("axial", n) for n in range(3, 9)]
    assert len(sent) == 4
    assert {(head["view"], head["turn"]) for head, _ in sent} == {("a", 7)}
    assert all(len(buffers) == 3 * len(head["slices"]) for head, buffers in sent[:-1])


def test_a_part_can_be_magnified() -> None:
    viewer = _viewer({"voxel": list(MARK), "zoom": 2})
    # Voxel 1, 6, 2 lies in a corner: the nearest place with no edge inside its frame.
    assert viewer.middle == (1.0, 5.5, 2.0)
    assert viewer.scene.planes["axial"].part(viewer.middle, 2) == (0.0, 4.0, 3.0, 6.0)
    assert "Zoom\t2 ×" in viewer.text()
    _sent(viewer, _look(settled=True, zoom=3, middle=[4.0, 4.5, 5.0]))
    assert (viewer.state.zoom, viewer.middle) == (3, (4.0, 4.5, 5.0))
    again = _viewer(json.loads(viewer.state.model_dump_json()))
    assert again.view == viewer.view
    _sent(viewer, _look(settled=True, zoom=1, middle=None))
    assert viewer.middle == (2.5, 3.5, 4.5)


def test_the_sheet_shows_the_part_that_is_magnified() -> None:
    viewer = _viewer({"voxel": list(MARK), "zoom": 2, "plane": "axial"})
    axes = viewer.sheet().axes[0]
    assert (axes.get_xlim(), axes.get_ylim()) == ((3, 6), (4, 0))


def test_contributions_that_failed_a_check_are_off_until_asked_for() -> None:
    scene, checks = (
        _scene(),
        (Check("sum", 0.0, 1.0, True), Check("random weights", 0.6, 0.3, False)),
    )
    shown = replace(scene.attribution, checks=checks)
    viewer = ImageViewer(replace(scene, attribution=shown))
    assert viewer.view["blocks"][-1]["data"]["attribution"]["strength"] == 0
    said = "1 of 2 checks of the contributions failed (random weights: 0.6, threshold 0.3): do not"
    assert f"{said} rely on them, and they are off until asked for" in viewer.text()
    viewer.receive({"kind": "change", "field": "contributions", "value": True})
    assert viewer.view["blocks"][-1]["data"]["attribution"]["strength"] == 0.7
    assert f"{said} rely on them.\n" in viewer.text()
    assert "Checks of them\t1 of 2 passed" in viewer.text()
    sound = ImageViewer(replace(scene, attribution=replace(shown, checks=checks[:1])))
    assert sound.view["blocks"][-1]["data"]["attribution"]["strength"] == 0.7
    assert "do not rely" not in sound.text()
    assert "were not checked" in _viewer().text()


def test_the_picture_in_the_notebook_waits_while_somebody_moves(
    monkeypatch: pytest.MonkeyPatch, run_async: Any
) -> None:
    drawn: list[int] = []
    monkeypatch.setattr("workbench.widgets.pixel_widget.STILL", 0.2)
    monkeypatch.setattr("workbench.widgets.static_output.get_ipython", lambda: True)
    monkeypatch.setattr("workbench.widgets.static_output.display", lambda *a, **k: None)
    monkeypatch.setattr("workbench.widgets.static_output.update_display", lambda *a, **k: None)

    async def used() -> None:
        viewer = _viewer()
        viewer._output.display(None)
        viewer._output._render = lambda: str(drawn.append(1))
        _sent(viewer, _look(settled=True))
        for _ in range(8):
            await asyncio.sleep(0.05)
            _sent(viewer, _look())
        assert drawn == []
        await asyncio.sleep(0.4)
        assert drawn == [1]

    run_async(used)


def test_a_settled_look_moves_everything_and_others_only_the_state() -> None:
    viewer, seen = _viewer(), []
    viewer.watch(seen.append)
    _sent(viewer, _look())
    assert seen == []
    _sent(viewer, _look(settled=True, window=[100, 50]))
    assert [(s.voxel, s.window, s.centre, s.width) for s in seen] == [(MARK, "own", 100, 50)]
    assert "Axial slice\t3 of 10" in viewer.text()


@pytest.mark.parametrize(
    "message",
    [
        _look(voxel=[9, 9, 9]),
        _look(voxel=[1, 2]),
        _look(voxel=[-1, 2, 3]),
        _look(window=[1, 0]),
        _look(code="import os"),
        _look(wanted=[{"plane": "axial", "number": 10}]),
        _look(wanted=[{"plane": "elsewhere", "number": 1}]),
        _look(wanted=[{"plane": "axial", "number": 1}] * 9),
        _look(ahead=[{"plane": "axial", "number": 1}] * 17),
        _look(ahead=[{"plane": "axial", "number": 10}]),
        _look(zoom=100),
    ],
)
def test_what_the_page_may_not_ask(message: dict[str, Any]) -> None:
    viewer = _viewer()
    sent = _sent(viewer, message)
    assert [content for content, _ in sent] == [{"kind": "answered", "view": "a", "turn": 0}]
    assert viewer.view["blocks"][0]["level"] == "problem"


def test_a_look_at_another_patient_is_late_and_sends_nothing() -> None:
    sent = _sent(_viewer(), _look(patient=2, wanted=[{"plane": "axial", "number": 1}]))
    assert sent == [({"kind": "answered", "view": "a", "turn": 0}, [])]


def test_numbers_make_an_own_window() -> None:
    viewer = _viewer()
    viewer.receive({"kind": "change", "field": "width", "value": 120})
    assert (viewer.state.window, viewer.window.centre, viewer.window.width) == ("own", 40, 120)
    viewer.receive({"kind": "change", "field": "window", "value": "lung"})
    assert viewer.window.centre == -600
    viewer.receive({"kind": "change", "field": "window", "value": "own"})
    assert (viewer.window.centre, viewer.window.width) == (-600, 1500)


class _Two:
    """Two patients, whose images differ in size."""

    may_be_saved = False

    def __len__(self) -> int:
        return 2

    def read(self, ordinal: int) -> Scene:
        return Scene(picture(np.full((4 + ordinal, 5, 3), ordinal, np.uint8)))


def test_turning_to_another_patient() -> None:
    viewer = ImageViewer(_Two(), {"voxel": [3, 1, 2]})
    viewer.receive({"kind": "do", "verb": "next"})
    assert (viewer.state.patient, viewer.voxel) == (2, (2, 2, 1))
    assert viewer.slice("picture").tolist() == np.ones((5, 5)).tolist()
    viewer.receive({"kind": "do", "verb": "next"})
    assert viewer.state.patient == 2
    viewer.receive({"kind": "change", "field": "patient", "value": 1})
    assert viewer.state.patient == 1


def test_no_pixel_is_in_what_a_notebook_keeps() -> None:
    viewer = _viewer({"voxel": list(MARK)})
    kept = json.dumps(viewer.get_state(), default=repr) + viewer.static_html() + viewer.text()
    assert "30000" not in kept
    assert "<img" not in kept
    assert "withheld" in viewer.static_html()
    assert "values" not in viewer.view["blocks"][-1]["data"]


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf", "html"])
def test_pictures_are_saved_only_where_the_card_allows(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    with pytest.raises(WorkbenchError, match=r"withheld.*privacy\.thumbnails"):
        _viewer().save(path)
    assert list(tmp_path.iterdir()) == []
    written = _viewer(may_be_saved=True).save(path).read_bytes()
    starts = {"png": b"\x89PNG", "svg": b"<svg", "pdf": b"%PDF", "html": b"<!doctype html>"}
    assert written.startswith(starts[suffix])
    if suffix in ("svg", "html"):
        assert b"Axial slice" in written
        assert b"data:image/png;base64," in written


def test_the_state_is_saved_in_any_case(tmp_path: Path) -> None:
    written = json.loads(_viewer({"voxel": list(MARK)}).save(tmp_path / "a.json").read_text())
    assert written["state"]["voxel"] == list(MARK)
    assert "30000" not in json.dumps(written)


def test_an_allowed_picture_stays_in_the_notebook() -> None:
    kept = _viewer(may_be_saved=True).static_html()
    data = kept.split("base64,")[1].split('"')[0]
    assert base64.b64decode(data).startswith(b"\x89PNG")


def test_doubts_are_said() -> None:
    tilted = np.eye(4)
    tilted[:3, :3] = [[0.9, -0.436, 0], [0.436, 0.9, 0], [0, 0, 1]]
    assert "tilted by 26°" in ImageViewer(Scene(volume(np.zeros(SHAPE), tilted))).text()
    unknown = volume(np.zeros(SHAPE), np.eye(4), known_orientation=False)
    viewer = ImageViewer(Scene(unknown))
    assert "left and right cannot be told" in viewer.text()
    assert "Position" not in viewer.text()
