"""What holds for every page: nothing covers anything, everything can be read and reached."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe

APART = """() => [...document.querySelectorAll('svg.wb-scene')].flatMap((svg) => {
  const texts = [...svg.querySelectorAll('text')].filter((t) => t.textContent.trim());
  const boxes = texts.map((t) => t.getBoundingClientRect());
  const frame = svg.getBoundingClientRect();
  const found = [];
  boxes.forEach((a, i) => {
    if (a.left < frame.left - 2 || a.right > frame.right + 2)
      found.push('out: ' + texts[i].textContent);
    boxes.slice(i + 1).forEach((b, j) => {
      const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (across > 1 && down > 0.25 * Math.min(a.height, b.height))
        found.push(texts[i].textContent + ' | ' + texts[i + j + 1].textContent);
    });
  });
  return found;
}).concat([...document.querySelectorAll('.wb-root')]
  .filter((r) => r.scrollWidth > r.clientWidth + 1)
  .map((r) => 'wider than its place: ' + r.getAttribute('aria-label')))
.concat([...document.querySelectorAll('.wb-root [id]')].map((node) => node.id)
  .filter((id, at, all) => all.indexOf(id) !== at).map((id) => 'named twice: ' + id))"""


def texts_apart(page: Any) -> list[str]:
    """Texts of figures that cover each other or leave them, widgets too wide, names given twice."""
    return page.evaluate(APART)


def contrast_and_roles(page: Any) -> list[str]:
    """What axe-core finds within the widgets: contrast, names, roles, keyboard."""
    options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
    found = Axe().run(page, context=".wb-root", options=options)
    return [
        f"{each['id']}: {each['help']} ({node['html'][:120]})"
        for each in found.response["violations"]
        for node in each["nodes"]
    ]
