"""What a person waits for: each widget's first picture, and the next patient, in a browser.

Run: python tests/benchmarks/widget_first_paint.py

600 simulated patients in Chromium, which paints on the processor, without a GPU. "Made" is what the
kernel takes to make the widget from results that are there (the median of three); "painted" is its
drawing on a page that is open, until the frame is on the screen (the median of five). The next
patient is timed from the click, through the kernel, until the frame that shows the patient; beside
it what the kernel takes of that. "Kept" is what a notebook keeps of each: its picture without a
script, in thousands of bytes.
"""

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.browser.every_widget import EveryWidget
from tests.browser.stage import Stage
from workbench.widgets.widget import NotebookWidget

PATIENTS = 15
FRAME = "await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));"
OPENED = f"""async ([at, view, code, css]) => {{
  const start = performance.now();
  await window.mount(at, view, code, css);
  {FRAME}
  return performance.now() - start;
}}"""
NEXT = f"""async () => {{
  const host = document.querySelector('.wb-private');
  const drawn = new Promise((done) => {{
    const seen = new MutationObserver(() => {{ seen.disconnect(); done(); }});
    seen.observe(host, {{ childList: true, subtree: true, characterData: true }});
  }});
  const start = performance.now();
  [...document.querySelectorAll('.wb-button')].find((b) => b.textContent === 'Next').click();
  await drawn;
  {FRAME}
  return performance.now() - start;
}}"""


def milliseconds(work: Callable[[], Any], n: int) -> float:
    """The median of ``n`` times."""
    taken = []
    for _ in range(n):
        start = time.perf_counter()
        work()
        taken.append(1e3 * (time.perf_counter() - start))
    return statistics.median(taken)


def first_paint(browser: Any, make: Callable[[], NotebookWidget]) -> tuple[float, float]:
    """Milliseconds to make a widget, and to paint it."""
    made, widget = milliseconds(make, 3), make()
    stage = Stage(browser, [widget])
    page = [widget.view, str(widget._esm), str(widget._css)]
    painted = [stage.page.evaluate(OPENED, [0, *page]) for _ in range(5)]
    stage.page.close()
    return made, statistics.median(painted)


def next_patient(browser: Any, widget: NotebookWidget) -> list[tuple[str, float]]:
    """Milliseconds from the click to the next patient."""
    stage = Stage(browser, [widget])
    stage.page.locator(".wb-private svg").first.wait_for()
    in_kernel, receive = [], widget.receive

    def timed(content: object) -> None:
        start = time.perf_counter()
        receive(content)
        in_kernel.append(1e3 * (time.perf_counter() - start))

    widget.receive = timed
    taken = sorted(stage.page.evaluate(NEXT) for _ in range(PATIENTS))
    stage.close()
    return [
        ("next patient", statistics.median(taken)),
        ("slowest of them", taken[-1]),
        ("of it in the kernel", sum(in_kernel) / PATIENTS),
    ]


def main() -> None:
    """Print a line a widget, then the next patient."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        every = EveryWidget(Path(folder))
        print(f"{'milliseconds':24}{'made':>10}{'painted':>10}{'kept, kB':>10}")
        for name, make in every.make.items():
            made, painted = first_paint(browser, make)
            kept = len(every.shown[name].static_html()) / 1e3
            print(f"{name:24}{made:10.0f}{painted:10.0f}{kept:10.1f}")
        for name, taken in next_patient(browser, every.shown["patient"]):
            print(f"{name:24}{taken:10.0f}")
        browser.close()


if __name__ == "__main__":
    main()
