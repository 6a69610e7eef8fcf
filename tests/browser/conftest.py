"""A real JupyterLab in a real Chromium, cut off from the network."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--use-gl=angle",
    "--use-angle=swiftshader",
)
IDLE = '.jp-Notebook-ExecutionIndicator[data-status="idle"]'
PANEL = ".jp-NotebookPanel:not(.lm-mod-hidden)"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The browser."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no chromium on the path")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@dataclass
class Server:
    """A Jupyter server on this machine, and the folder that it shows.

    Parameters
    ----------
    address
        Where it answers.
    folder
        Notebooks lie here.
    """

    address: str
    folder: Path


@pytest.fixture(scope="session")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """JupyterLab and Notebook 7, with the package of this checkout in their kernels."""
    pytest.importorskip("jupyterlab", reason="JupyterLab is not installed")
    with serving(tmp_path_factory.mktemp("lab")) as server:
        yield server


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """A server whose notebooks, settings and log lie in ``folder``, while it is needed."""
    root = folder / "notebooks"
    root.mkdir()
    settings = folder / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    quiet = {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True}
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(quiet))
    port = free_port()
    options = [
        "--no-browser",
        "--allow-root",
        f"--port={port}",
        f"--ServerApp.root_dir={root}",
        "--IdentityProvider.token=",
        "--ServerApp.password=",
        "--ServerApp.disable_check_xsrf=True",
        "--LabApp.expose_app_in_browser=True",
        "--JupyterNotebookApp.expose_app_in_browser=True",
        "--LanguageServerManager.autodetect=False",
    ]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyter", "lab", *options],
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment(folder),
        )
    server = Server(f"http://127.0.0.1:{port}", root)
    try:
        wait_for(f"{server.address}/api")
        yield server
    finally:
        process.terminate()
        process.wait(timeout=30)


@dataclass
class Notebook:
    """A notebook in JupyterLab whose cells have run.

    Parameters
    ----------
    page
        Playwright's page.
    server, name
        Where it is.
    outside
        Addresses that anything asked for beyond this machine.
    errors
        What the page or its console complained of.
    """

    page: Any
    server: Server
    name: str
    outside: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def idle(self, seconds: float = 90) -> None:
        """Wait until the kernel has nothing to do."""
        self.page.wait_for_selector(IDLE, timeout=seconds * 1000, state="attached")

    def ask(self, code: str) -> str:
        """Run ``code`` in the kernel, in a new cell at the end, and read what it printed."""
        return self.page.evaluate(ASK, code)

    def saved(self) -> dict[str, Any]:
        """The notebook as it lies on disk after saving."""
        self.page.evaluate("() => window.jupyterapp.shell.currentWidget.context.save()")
        return json.loads((self.server.folder / self.name).read_text())


# The application of JupyterLab is on the page with `exposeAppInBrowser`: kernels are asked there.
ASK = """async (code) => {
  const panel = window.jupyterapp.shell.currentWidget;
  const kernel = panel.sessionContext.session.kernel;
  const future = kernel.requestExecute({ code, store_history: false, silent: false });
  let said = '';
  future.onIOPub = (m) => {
    if (m.header.msg_type === 'stream') said += m.content.text;
    if (m.header.msg_type === 'error') said += m.content.ename + ': ' + m.content.evalue;
  };
  await future.done;
  return said;
}"""


class Lab:
    """Opens notebooks in JupyterLab."""

    def __init__(self, server: Server, browser: Any) -> None:
        self.server, self.browser, self._n = server, browser, 0

    def open(
        self,
        cells: Sequence[str],
        *,
        theme: str = "light",
        width: int = 1280,
        height: int = 1000,
        run: bool = True,
        app: str = "lab/tree",
    ) -> Notebook:
        """A new notebook of ``cells``; run to its end, unless told otherwise."""
        self._n += 1
        name = f"test_{os.getpid()}_{self._n}.ipynb"
        (self.server.folder / name).write_text(json.dumps(document(cells)))
        return self.show(name, theme=theme, width=width, height=height, run=run, app=app)

    def show(
        self,
        name: str,
        *,
        theme: str = "light",
        width: int = 1280,
        height: int = 1000,
        run: bool = True,
        app: str = "lab/tree",
    ) -> Notebook:
        """A notebook that lies in the server's folder."""
        themes = self.server.folder.parent / "settings" / "@jupyterlab" / "apputils-extension"
        chosen = {"theme": f"JupyterLab {theme.title()}"}
        (themes / "themes.jupyterlab-settings").write_text(json.dumps(chosen))
        page = self.browser.new_page(
            viewport={"width": width, "height": height}, color_scheme=theme
        )
        notebook = Notebook(page, self.server, name)

        def only_here(route: Any) -> None:
            if route.request.url.startswith((self.server.address, "blob:", "data:")):
                route.continue_()
            else:
                notebook.outside.append(route.request.url)
                route.abort()

        page.route("**/*", only_here)
        page.on("pageerror", lambda error: notebook.errors.append(str(error)))
        page.goto(f"{self.server.address}/{app}/{name}?reset")
        page.wait_for_selector(".jp-Notebook-cell", timeout=90_000)
        notebook.idle()
        if app.startswith("lab"):
            page.keyboard.press("Control+b")
        if run:
            self.run_all(notebook)
        return notebook

    def run_all(self, notebook: Notebook) -> None:
        """Run every cell, and wait until each has been run."""
        notebook.page.wait_for_function(READY, timeout=90_000)
        command = "notebook:run-all-cells"
        # Not awaited: the command ends when the last cell does.
        notebook.page.evaluate(f"() => void window.jupyterapp.commands.execute('{command}')")
        n_code = len(json.loads((self.server.folder / notebook.name).read_text())["cells"])
        notebook.page.wait_for_function(RAN, arg=n_code, timeout=90_000)
        notebook.idle()


READY = """() => {
  const context = window.jupyterapp.shell.currentWidget?.sessionContext;
  return context?.isReady && context.session?.kernel?.status === 'idle';
}"""

RAN = """(n) => {
  const cells = window.jupyterapp.shell.currentWidget.content.model.cells;
  for (let at = 0; at < n; at++)
    if (cells.get(at).type === 'code' && cells.get(at).executionCount === null) return false;
  return true;
}"""


@pytest.fixture(scope="session")
def lab(jupyter: Server, chromium: Any) -> Lab:
    """JupyterLab, ready to open notebooks."""
    return Lab(jupyter, chromium)


def environment(folder: Path) -> dict[str, str]:
    """Settings of their own in ``folder``, and this checkout's packages in every kernel."""
    root = str(Path(__file__).parents[2])
    return os.environ | {
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "spaces"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]),
    }


def document(cells: Sequence[str]) -> dict[str, Any]:
    """A notebook of code cells that has not run."""
    return {
        "cells": [
            {
                "cell_type": "code",
                "id": f"cell-{at}",
                "metadata": {},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
            for at, source in enumerate(cells)
        ],
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def free_port() -> int:
    """A port that nothing answers on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def wait_for(address: str, seconds: float = 90) -> None:
    """Wait until ``address`` answers."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(address, timeout=2).close()
        except OSError:
            time.sleep(0.3)
        else:
            return
    raise AssertionError(f"JupyterLab did not answer in {seconds:.0f} s")
