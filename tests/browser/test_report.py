"""The report in a real browser: quiet, offline, within the screen, its drawings readable."""

import runpy
from pathlib import Path
from typing import Any

import pytest

from workbench.report import write_report

EXAMPLE = Path(__file__).parents[1] / "workbench" / "report" / "report_example.py"

pytestmark = pytest.mark.browser

OUTSIDE = """() => [...document.querySelectorAll('.plate svg')].flatMap((svg) => {
  const frame = svg.getBoundingClientRect();
  return [...svg.querySelectorAll('text')].filter((text) => {
    const box = text.getBoundingClientRect();
    return box.left < frame.left - 1 || box.right > frame.right + 1
      || box.top < frame.top - 1 || box.bottom > frame.bottom + 1;
  }).map((text) => text.textContent);
})"""

OVERLAPPING = """() => [...document.querySelectorAll('.plate svg')].flatMap((svg) => {
  const texts = [...svg.querySelectorAll('text')].filter((t) => t.textContent.trim());
  const boxes = texts.map((text) => text.getBoundingClientRect());
  const found = [];
  boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b, j) => {
    const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    const least = 0.25 * Math.min(a.height, b.height);
    if (across > 1 && down > least)
      found.push(texts[i].textContent + ' | ' + texts[i + 1 + j].textContent);
  }));
  return found;
})"""

LOW_CONTRAST = """() => {
  const channel = (v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const parse = (c) => (c.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) =>
    0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length === 3) return c;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll('body *:not(svg *):not(script)')].filter((e) =>
    [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())
    && !e.closest('td.heat') && e.getClientRects().length
  ).filter((e) => {
    const [a, b] = [light(parse(getComputedStyle(e).color)), light(ground(e))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5;
  }).map((e) => e.className + ': ' + e.textContent.slice(0, 40));
}"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    example_content = runpy.run_path(str(EXAMPLE))["example_content"]
    folder = tmp_path_factory.mktemp("browser")
    return write_report(example_content(folder), folder / "out")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_page(chromium: Any, report: Path, width: int, scheme: str) -> None:
    page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    assert said == []
    assert asked == [report.as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(OUTSIDE) == []
    assert page.evaluate(OVERLAPPING) == []
    assert page.evaluate(LOW_CONTRAST) == []
    page.close()


PLANTS = [
    (
        OVERLAPPING,
        """() => {
          const text = document.querySelector('.plate svg text');
          text.parentNode.append(Object.assign(text.cloneNode(true), {textContent: 'planted'}));
        }""",
    ),
    (
        OUTSIDE,
        """() => {
          const text = document.querySelector('.plate svg text');
          text.setAttribute('transform', 'translate(-2000 20)');
          text.textContent = 'planted';
        }""",
    ),
    (
        LOW_CONTRAST,
        """() => {
          const line = document.querySelector('#limits li');
          line.textContent = 'planted';
          line.style.color = '#999999';
        }""",
    ),
]


@pytest.mark.parametrize(("detect", "plant"), PLANTS, ids=["overlap", "outside", "contrast"])
def test_the_detectors_see_what_is_planted(
    chromium: Any, report: Path, detect: str, plant: str
) -> None:
    page = chromium.new_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
    page.goto(report.as_uri())
    assert page.evaluate(detect) == []
    page.evaluate(plant)
    found = page.evaluate(detect)
    assert found
    assert all("planted" in each for each in found)
    page.close()


def test_a_printed_table_repeats_its_whole_heading(chromium: Any, report: Path) -> None:
    """Chromium leaves form controls out of headings that it repeats on a new page."""
    page = chromium.new_page()
    page.goto(report.as_uri())
    page.emulate_media(media="print")
    shown = page.locator("thead .sorter").evaluate_all(
        "buttons => buttons.map((button) => getComputedStyle(button).display)"
    )
    assert set(shown) == {"contents"}
    page.close()


def test_reads_without_javascript(chromium: Any, report: Path) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())
    assert page.locator("main table").first.is_visible()
    assert page.locator("figure svg").first.is_visible()
    assert page.locator("button").count() == 0
    context.close()


def test_tables_sort(chromium: Any, report: Path) -> None:
    page = chromium.new_page()
    page.goto(report.as_uri())
    table = page.locator("#model-comparison table").first
    head = table.locator("th", has_text="Harrell’s C")
    head.locator("button").click()
    values = table.locator("tbody tr td:nth-child(2)").evaluate_all(
        "cells => cells.map((cell) => parseFloat(cell.dataset.sort))"
    )
    assert head.get_attribute("aria-sort") == "descending"
    assert values == sorted(values, reverse=True)
    page.close()


def test_a_sorted_row_says_whose_it_is(chromium: Any, report: Path) -> None:
    page = chromium.new_page()
    page.goto(report.as_uri())
    table = page.query_selector("main table:has(tbody .quiet):has(.sorter)")
    table.query_selector_all(".sorter")[-1].click()
    assert table.query_selector("[aria-sort]")
    assert not table.query_selector_all("tbody .quiet")
    page.close()
