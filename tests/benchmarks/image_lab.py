"""From a turn of the wheel to the repainted plane, in JupyterLab, with all that is between.

Hands are events that a script on the page makes at a steady pace; what is on the screen is read
after each frame. An event is answered by the first frame that shows its slice, or one beyond it.
"""

import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.browser.conftest import CHROMIUM, Lab, Notebook, serving

ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
"""The page is painted on the processor: a graphics card that is only simulated costs more."""

CELL = """
import sys
if {against!r}: sys.path.insert(0, {against!r})
import json, time
import numpy as np
from workbench.data.imaging import OneScene, Scene, volume
from workbench.widgets import ImageViewer
rng = np.random.default_rng(0)
voxels = rng.integers(-1000, 2000, ({size},) * 3, dtype=np.int16)
viewer = ImageViewer(OneScene(Scene(volume(voxels, np.eye(4), unit="HU")), may_be_saved={saved}))
looks, slices, busy = [], [], []
def sending(send=viewer.send):
    def told(content, buffers=None):
        for each in content.get("slices") or ([content] if content.get("kind") == "slice" else []):
            slices.append([1e3 * time.time(), each["plane"], each["number"]])
        send(content, buffers)
    return told
def receiving(receive=viewer.receive):
    def heard(content):
        start = time.time()
        receive(content)
        looks.append(1e3 * start)
        busy.append(1e3 * (time.time() - start))
    return heard
viewer.send, viewer.receive = sending(), receiving()
viewer
"""
TAKE = "print(json.dumps([looks, slices, busy])); [each.clear() for each in (looks, slices, busy)]"

HANDS = """async ({ hand, n, gap, rest, bursts }) => {
  const panel = window.jupyterapp.shell.currentWidget.node;
  const planes = [...panel.querySelectorAll('.wb-plane')];
  const node = planes[0].querySelector('.wb-plane-canvas'), box = node.getBoundingClientRect();
  const size = +panel.querySelector('.wb-plane-slider').max;
  const numbers = () => planes.map((plane) => +plane.dataset.number);
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  const seen = [], events = [];
  let looking = true;
  const look = () => looking && requestAnimationFrame(() => {
    setTimeout(() => seen.push([performance.now(), ...numbers()]));
    look();
  });
  node.setPointerCapture = () => {};
  const cross = (at) => ({ bubbles: true, pointerId: 1, button: 0,
    clientX: box.left + box.width * (0.3 + 0.4 * at / n),
    clientY: box.top + box.height * (0.7 - 0.4 * at / n) });
  const voxel = (share) => size - 1 - Math.floor(share * size);
  const act = {
    crosshair(at, sign) {
      const to = cross(sign > 0 ? at : n - at);
      node.dispatchEvent(new PointerEvent('pointermove', to));
      const right = voxel((to.clientX - box.left) / box.width);
      const front = voxel((to.clientY - box.top) / box.height);
      return { wanted: [null, front, right], sign: [0, sign, -sign] };
    },
    wheel(at, sign) {
      const how = { deltaY: -100 * sign, bubbles: true, cancelable: true };
      node.dispatchEvent(new WheelEvent('wheel', how));
      return { wanted: [first + sign * at, null, null], sign: [sign, 0, 0] };
    },
    key(at, sign) {
      const how = { key: sign > 0 ? 'ArrowUp' : 'ArrowDown', bubbles: true, cancelable: true };
      node.dispatchEvent(new KeyboardEvent('keydown', how));
      return { wanted: [first + sign * at, null, null], sign: [sign, 0, 0] };
    },
  }[hand];
  let first = 0;
  look();
  node.dispatchEvent(new PointerEvent('pointerenter', { pointerId: 1 }));
  await wait(1000);
  if (hand === 'crosshair') {
    node.dispatchEvent(new PointerEvent('pointerdown', cross(0)));
    await wait(1000);
  }
  for (let burst = 0; burst < bursts; burst++) {
    const sign = n > 1 && burst % 2 ? -1 : 1, from = performance.now();
    first = numbers()[0];
    for (let at = 1; at <= n; at++) {
      await wait(Math.max(0, from + at * gap - performance.now()));
      const time = performance.now();
      events.push({ time, epoch: performance.timeOrigin + time, ...act(at, sign) });
    }
    const { wanted } = events.at(-1);
    for (let tries = 0; tries < 100; tries++) {
      if (wanted.every((each, at) => each === null || numbers()[at] === each)) break;
      await wait(50);
    }
    await wait(rest);
  }
  if (hand === 'crosshair') node.dispatchEvent(new PointerEvent('pointerup', cross(0)));
  looking = false;
  return { events, seen };
}"""

PLANES = ("axial", "coronal", "sagittal")
KINDS: dict[str, dict[str, Any]] = {
    "wheel, slow": {"hand": "wheel", "n": 20, "gap": 150, "rest": 700, "bursts": 2},
    "wheel, with pauses": {"hand": "wheel", "n": 1, "gap": 0, "rest": 1300, "bursts": 8},
    "wheel, fast": {"hand": "wheel", "n": 50, "gap": 16, "rest": 700, "bursts": 3},
    "key held": {"hand": "key", "n": 50, "gap": 33, "rest": 700, "bursts": 2},
    "crosshair": {"hand": "crosshair", "n": 60, "gap": 16, "rest": 700, "bursts": 3},
}


def answered(found: dict[str, Any]) -> list[float]:
    """Milliseconds from each event to the first frame that shows its slices, or ones beyond."""
    taken = []
    for event in found["events"]:
        pairs = list(enumerate(zip(event["wanted"], event["sign"], strict=True)))
        for time, *numbers in found["seen"]:
            if time > event["time"] and all(
                wanted is None or sign * numbers[at] >= sign * wanted
                for at, (wanted, sign) in pairs
            ):
                taken.append(time - event["time"])
                break
    return taken


def ahead(found: dict[str, Any], sent: Sequence[Sequence[Any]]) -> float:
    """Share of events whose slices the kernel had sent before the hand asked."""
    when: dict[tuple[str, int], float] = {}
    for time, plane, number in sent:
        when.setdefault((plane, number), time)
    before = [
        all(
            wanted is None or when.get((plane, wanted), 0.0) < event["epoch"]
            for plane, wanted in zip(PLANES, event["wanted"], strict=True)
        )
        for event in found["events"]
    ]
    return statistics.mean(before)


def line(found: dict[str, Any], log: list[list[Any]]) -> str:
    """What one kind of movement took."""
    looks, slices, busy = log
    taken = sorted(answered(found)) or [float("nan")]
    n = len(found["events"])
    frames = len({tuple(each[1:]) for each in found["seen"]})
    return (
        f"{statistics.median(taken):7.0f}{taken[int(0.95 * len(taken))]:7.0f}{taken[-1]:7.0f}"
        f"{n:8d}{frames:8d}{len(looks):8d}{len(slices):8d}{100 * ahead(found, slices):7.0f} %"
        f"{statistics.median(busy or [0]):9.1f}{max(busy or [0]):7.1f}"
    )


def opened(lab: Lab, size: int, against: str, saved: bool) -> Notebook:
    """A notebook with a viewer, which has come to rest."""
    book = lab.open([CELL.format(size=size, against=against, saved=saved)])
    book.page.locator(".wb-plane[data-number]").nth(2).wait_for()
    book.page.wait_for_timeout(1500)
    return book


def hands(
    size: int, against: str = "", *, kinds: Sequence[str] = tuple(KINDS), saved: bool = False
) -> None:
    """Print a line a movement, of this checkout and of another."""
    head = "median   95 %  worst  events  frames requests slices  ahead   kernel  worst"
    print(f"{'ms from event to repaint':34}{head}")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        with serving(Path(folder)) as server:
            lab = Lab(server, browser)
            roots = ({"before": against} if against else {}) | {"now": ""}
            books = {name: opened(lab, size, root, saved) for name, root in roots.items()}
            for kind in kinds:
                for name, book in books.items():
                    book.page.bring_to_front()
                    book.ask(TAKE)
                    found = book.page.evaluate(HANDS, KINDS[kind])
                    log = json.loads(book.ask(TAKE))
                    load = f"load {os.getloadavg()[0]:.1f}"
                    print(f"{kind:24}{name:10}{line(found, log)}  {load}", flush=True)
            for book in books.values():
                print(*book.errors, sep="\n", end="")
        browser.close()
