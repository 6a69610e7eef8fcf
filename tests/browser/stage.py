"""Widgets on a bare page in Chromium: the script that JupyterLab runs, without JupyterLab.

The page has the strict content-security policy that a careful hospital sets: no script but ours, no
evaluation of text, no address to talk to. What the page sends goes to the widget in this process,
and what the widget answers goes back.
"""

import base64
from collections.abc import Callable, Sequence
from typing import Any

from workbench.widgets.widget import NotebookWidget

ADDRESS = "http://widgets.test/"
POLICY = (
    "default-src 'none'; script-src 'self' blob:; style-src 'unsafe-inline'; img-src data: blob:"
)
THEMES = {
    "light": "--jp-ui-font-color0:#1c2733;--jp-layout-color0:#fff",
    "dark": "--jp-ui-font-color0:#e8ebee;--jp-layout-color0:#111",
}
LOADER = """
const models = [];
function make(at, view) {
  const heard = {};
  const tell = (name, ...what) => (heard[name] ?? []).slice().forEach((f) => f(...what));
  return {
    view, tell,
    get: (name) => (name === 'view' ? models[at].view : undefined),
    on: (name, f) => (heard[name] ??= []).push(f),
    off: (name, f) => { heard[name] = (heard[name] ?? []).filter((each) => each !== f); },
    async send(message) { take(await window.toKernel(at, message)); },
  };
}
function take(answers) {
  for (const { at, view, message, buffers } of answers) {
    if (view) { models[at].view = view; models[at].tell('change:view'); }
    else models[at].tell('msg:custom', message, buffers.map((b) =>
      new DataView(Uint8Array.from(atob(b), (c) => c.charCodeAt(0)).buffer)));
  }
}
window.take = take;
window.mount = async (at, view, code, css) => {
  const style = document.createElement('style');
  style.textContent = css;
  document.head.append(style);
  const address = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
  const module = await import(address);
  models[at] = make(at, view);
  const host = document.createElement('div');
  host.style.margin = '0 0 12px';
  document.body.append(host);
  await module.default.render({ model: models[at], el: host });
};
"""


class Stage:
    """A page with widgets on it.

    Parameters
    ----------
    browser
        Playwright's Chromium.
    widgets
        Shown from top to bottom.
    theme, width, height
        How it looks.
    """

    def __init__(
        self,
        browser: Any,
        widgets: Sequence[NotebookWidget],
        *,
        theme: str = "light",
        width: int = 1280,
        height: int = 1000,
    ) -> None:
        self.widgets = list(widgets)
        self.errors: list[str] = []
        self.outside: list[str] = []
        self._answers: list[dict[str, Any]] = []
        self.page = browser.new_page(
            viewport={"width": width, "height": height}, color_scheme=theme
        )
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        self.page.route("**/*", self._serve)
        self.page.expose_function("toKernel", self._to_kernel)
        self._theme = theme
        for at, widget in enumerate(self.widgets):
            self._listen(at, widget)
        self.page.goto(ADDRESS)
        for at, widget in enumerate(self.widgets):
            self.page.evaluate(
                "([at, view, code, css]) => window.mount(at, view, code, css)",
                [at, widget.view, str(widget._esm), str(widget._css)],
            )
        self._answers.clear()

    def push(self) -> None:
        """Show what has changed in Python since the page last asked."""
        self.page.evaluate("(answers) => window.take(answers)", self._taken())

    def until(self, true: Callable[[], bool]) -> None:
        """Let the page work until something holds in Python, as a slow machine takes its time."""
        for _ in range(400):
            if true():
                return
            self.page.wait_for_timeout(25)
        raise AssertionError("the page did not come to what was waited for in ten seconds")

    def close(self) -> None:
        """Close the page; nothing may have gone wrong on it."""
        self.page.close()
        assert not self.errors, self.errors
        assert not self.outside, self.outside

    def _listen(self, at: int, widget: NotebookWidget) -> None:
        widget.observe(lambda change: self._answers.append({"at": at, "view": change.new}), "view")

        def send(content: Any, buffers: Sequence[Any] | None = None) -> None:
            packed = [base64.b64encode(bytes(each)).decode() for each in buffers or ()]
            self._answers.append({"at": at, "message": content, "buffers": packed})

        widget.send = send

    def _to_kernel(self, at: int, message: Any) -> list[dict[str, Any]]:
        self.widgets[int(at)].receive(message)
        return self._taken()

    def _taken(self) -> list[dict[str, Any]]:
        answers, self._answers = self._answers, []
        # Of several pictures of one widget only the last is seen.
        last = {each["at"]: n for n, each in enumerate(answers) if "view" in each}
        return [e for n, e in enumerate(answers) if "view" not in e or last[e["at"]] == n]

    def _serve(self, route: Any) -> None:
        url = route.request.url
        if url == ADDRESS:
            light = str(self._theme == "light").lower()
            body = (
                '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Widgets</title>'
                "<style>body{margin:12px;background:var(--jp-layout-color0);"
                f"{THEMES[self._theme]}}}</style></head>"
                f'<body data-jp-theme-light="{light}">'
                '<script src="/page.js"></script></body></html>'
            )
            headers = {"Content-Security-Policy": POLICY, "Content-Type": "text/html"}
            route.fulfill(body=body, headers=headers)
        elif url == f"{ADDRESS}page.js":
            route.fulfill(body=LOADER, content_type="text/javascript")
        elif url.startswith(("blob:", "data:")) or url.endswith("/favicon.ico"):
            route.fulfill(status=204) if url.endswith("ico") else route.continue_()
        else:
            self.outside.append(url)
            route.abort()
