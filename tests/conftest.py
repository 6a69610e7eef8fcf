"""What every test shares: where real data lies, a cache of its own, and no silent skips in CI."""

import os
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import jaxtyping
import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require",
        action="append",
        default=[],
        metavar="MARKER",
        help="a test with this marker may not be skipped",
    )


def pytest_configure(config: pytest.Config) -> None:
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # How long an example takes depends on what else the machine does.
    # Other examples come each time: what fifty do not find today, those of tomorrow may.
    settings.register_profile("house", deadline=None, max_examples=50)
    settings.load_profile("house")
    if SHARED.is_dir():
        os.environ.setdefault("WORKBENCH_DATA", str(SHARED))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that train on whole cohorts come first, those of one long test before all: where
    processes share the files, none is left alone at the end with the longest of them."""
    n_slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    n_all = Counter(item.path for item in items)
    items.sort(
        key=lambda item: (
            n_slow[item.path] == 0,
            n_all[item.path] - n_slow[item.path] if n_slow[item.path] else 0,
            n_all[item.path] if n_slow[item.path] else 0,
        )
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Shapes are not checked again where whole cohorts are trained on.

    All other tests check them. Hundreds of thousands of small calls would spend half of their time
    in the check.
    """
    disabled = jaxtyping.config.jaxtyping_disable
    slow = item.get_closest_marker("slow") is not None
    jaxtyping.config.update("jaxtyping_disable", disabled or slow)
    try:
        return (yield)
    finally:
        jaxtyping.config.update("jaxtyping_disable", disabled)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    required = [m for m in item.config.getoption("--require") if item.get_closest_marker(m)]
    if report.skipped and required and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"a test marked {required[0]} was skipped: {report.longrepr}"
    return report


@pytest.fixture(autouse=True, scope="session")
def _own_folders(tmp_path_factory: pytest.TempPathFactory) -> Generator[None]:
    """Prepared files never mix with those of the person who runs the tests, unless asked to; what
    tests release never does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_STATE", str(tmp_path_factory.mktemp("state")))
        if "WORKBENCH_CACHE" not in os.environ:
            patch.setenv("WORKBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def _own_releases(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What one test releases forbids another nothing."""
    folder = tmp_path_factory.getbasetemp() / "releases" / str(id(request.node))
    monkeypatch.setenv("WORKBENCH_STATE", str(folder))
