"""From the hand's movement to every linked view repainted, in a browser, with all that is between.

Run: python tests/benchmarks/widget_brushing.py [--patients 10000 1000000]

Twelve columns and a survival curve in Chromium, which paints on the processor, without a GPU. The
hand drags over the ages in steps; each step is timed from the movement, through the message, the
kernel's counts and their message back, until the frame in which another view's bars have been
repainted is on the screen. Beside it, what the kernel takes of that, and what a frame costs in
which nothing changes. The first paint is the making of the widget in the kernel and its drawing on
a page that is open, up to the same kind of frame.
"""

import argparse
import shutil
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.crossfilter import simulate
from tests.browser.stage import Stage
from workbench.widgets import CrossFilter, Selection

MOVES = 40
DRAG = """async (n) => {
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const svg = document.querySelector('[data-column=age] svg');
  const other = document.querySelector('[data-column=haemoglobin] path.wb-in');
  const box = svg.querySelector('.wb-brushable').getBoundingClientRect();
  const point = (share) => ({ clientX: box.left + box.width * share, clientY: box.top + 40,
    bubbles: true, pointerId: 1, button: 0 });
  const repainted = () => new Promise((done) => {
    const seen = new MutationObserver(() => { seen.disconnect(); done(); });
    seen.observe(other, { attributes: true });
  });
  svg.setPointerCapture = () => {};
  const taken = [], painting = [];
  const step = async (event, target) => {
    const after = repainted(), start = performance.now();
    target.dispatchEvent(event);
    await after;
    const here = performance.now();
    await frame();
    painting.push(performance.now() - here);
    return performance.now() - start;
  };
  const floor = svg.querySelector('.wb-brushable');
  const taken_up = await step(new PointerEvent('pointerdown', point(0.2)), floor);
  for (let at = 1; at <= n; at++) {
    const share = 0.3 + 0.65 * (7 * at % 20) / 20; // a fast hand: other bins at each step
    taken.push(await step(new PointerEvent('pointermove', point(share)), svg));
  }
  const settled = await step(new PointerEvent('pointerup', point(0.95)), svg);
  const idle = [];
  for (let at = 0; at < 9; at++) {
    const start = performance.now();
    await frame();
    idle.push(performance.now() - start);
  }
  return { taken_up, taken, settled, idle, painting: painting.slice(1, -1) };
}"""
OPENED = """async ([view, code, css]) => {
  const start = performance.now(), before = document.querySelectorAll('path.wb-in[d]').length;
  await window.mount(0, view, code, css);
  while (document.querySelectorAll('path.wb-in[d]').length < 2 * before)
    await new Promise((done) => requestAnimationFrame(done));
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - start;
}"""


def measured(browser: Any, n_patients: int) -> dict[str, float]:
    """Milliseconds: medians over the moves, and single times of what happens once."""
    frame, follow_up, event = simulate(n_patients)
    begun = time.perf_counter()
    selection = Selection(frame, follow_up, event, time_unit="days")
    indexed = time.perf_counter()
    widget = CrossFilter(selection)
    made = time.perf_counter()
    stage = Stage(browser, [widget])
    stage.page.wait_for_timeout(1500)
    in_kernel: list[float] = []
    receive = widget.receive

    def timed(content: object) -> None:
        start = time.perf_counter()
        receive(content)
        in_kernel.append(1e3 * (time.perf_counter() - start))

    widget.receive = timed
    found = stage.page.evaluate(DRAG, MOVES)
    page = [widget.view, str(widget._esm), str(widget._css)]
    opened = stage.page.evaluate(OPENED, page)
    stage.close()
    moves = sorted(found["taken"])
    return {
        "index": 1e3 * (indexed - begun),
        "widget": 1e3 * (made - indexed),
        "first paint": 1e3 * (made - indexed) + opened,
        "taken up": found["taken_up"],
        "move": statistics.median(moves),
        "slowest of ten moves": moves[int(0.9 * len(moves))],
        "of it in the kernel": statistics.median(in_kernel[1:-1]),
        "of it painting": statistics.median(found["painting"]),
        "let go": found["settled"],
        "a frame without change": statistics.median(found["idle"]),
    }


def main() -> None:
    """Print a line a number, a column a cohort."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, nargs="+", default=[10_000, 1_000_000])
    sizes = parser.parse_args().patients
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        found = [measured(browser, n) for n in sizes]
        browser.close()
    print(f"{'milliseconds':24}" + "".join(f"{n:>12,}" for n in sizes))
    for name in found[0]:
        print(f"{name:24}" + "".join(f"{each[name]:12.1f}" for each in found))


if __name__ == "__main__":
    main()
