"""The wheel: built, looked into, and used from a folder that does not know the checkout."""

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from os import environ
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
RESULT = "notebooks/runs/first_study/predictions.parquet"

pytestmark = pytest.mark.slow


def _run(command: list[str], folder: Path, environment: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env={**environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this checkout, in which somebody has run the notebook where it lies."""
    copy = tmp_path_factory.mktemp("checkout")
    for name in ("workbench", "fusion", "data_cards", "notebooks"):
        shutil.copytree(
            ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "runs")
        )
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copyfile(ROOT / name, copy / name)
    (copy / RESULT).parent.mkdir(parents=True)
    (copy / RESULT).write_text("patients of somebody")
    return copy


@pytest.fixture(scope="module")
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel; building it needs hatchling, which the extra ``dev`` brings."""
    out = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out)]
    _run([*build, str(checkout)], out)
    return next(out.glob("precision_workbench-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package alone, unpacked as pip installs it; its dependencies are those of the tests."""
    target = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    _run([*pip, "--target", str(target), str(wheel)], target)
    return target


@pytest.fixture
def outside(installed: Path, tmp_path: Path) -> Mapping[str, str]:
    """An environment where ``workbench`` is the installed one, and no data lie about."""
    return {
        "PYTHONPATH": str(installed),
        "WORKBENCH_CACHE": str(tmp_path / "cache"),
        "WORKBENCH_DATA": str(tmp_path / "data"),
        "XDG_DATA_HOME": str(tmp_path / "user"),
        "COLUMNS": "160",
    }


def _names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_carries_every_file_the_package_reads(wheel: Path) -> None:
    expected = {f"workbench/_share/{p.relative_to(ROOT)}" for p in (ROOT / "data_cards").iterdir()}
    notebooks = ROOT / "notebooks"
    for pattern in ("*.ipynb", "*.yaml"):
        expected |= {f"workbench/_share/{p.relative_to(ROOT)}" for p in notebooks.glob(pattern)}
    for package in ("workbench", "fusion"):
        expected |= {
            p.relative_to(ROOT).as_posix()
            for p in (ROOT / package).rglob("*")
            if p.is_file() and p.suffix != ".pyc"
        }
    names = _names(wheel)
    assert expected - names == set()
    assert {n for n in names if n.endswith(".manifest.csv")}
    assert {n for n in names if n.endswith("templates/style.css")}


def test_the_wheel_carries_nothing_else(wheel: Path) -> None:
    names = _names(wheel)
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"workbench", "fusion"}
    unwanted = (".pyc", ".ipynb_checkpoints", "/tests/")
    assert not [n for n in names if any(part in n for part in unwanted)]


def test_the_wheel_carries_no_results(wheel: Path) -> None:
    carried = [n for n in _names(wheel) if n.startswith("workbench/_share/notebooks/")]
    assert carried
    assert [n for n in carried if not n.endswith((".ipynb", ".yaml"))] == []


def test_it_is_used_without_the_checkout(
    installed: Path, outside: Mapping[str, str], tmp_path: Path
) -> None:
    code = (
        "import workbench, fusion, sys; from pathlib import Path; "
        "from workbench.data.paths import cards_folder, notebooks_folder; "
        "[print(Path(p).resolve()) for p in "
        "(workbench.__file__, fusion.__file__, cards_folder(), notebooks_folder())]"
    )
    places = _run([sys.executable, "-c", code], tmp_path, outside).split()
    assert len(places) == 4
    assert all(Path(place).is_relative_to(installed.resolve()) for place in places)


def test_the_installed_command_lists_the_carried_cards(
    outside: Mapping[str, str], tmp_path: Path
) -> None:
    listed = _run([sys.executable, "-m", "workbench", "data", "list"], tmp_path, outside)
    assert "simulated_glioma" in listed
    assert "workbench data get tcga_glioma" in listed


def test_the_installed_cards_open_with_their_manifest(
    outside: Mapping[str, str], tmp_path: Path
) -> None:
    code = (
        "import workbench as wb; card = wb.open_card('tcga_glioma'); "
        "print(card.spec.name, len(card.pinned_sources()))"
    )
    name, n_sources = _run([sys.executable, "-c", code], tmp_path, outside).split()
    assert name == "tcga_glioma"
    assert int(n_sources) > 400


def test_the_installed_package_simulates_and_describes_a_cohort(
    outside: Mapping[str, str], tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "workbench", "cohort", "simulated_glioma"]
    shown = _run(command, tmp_path, outside)
    assert "every patient of the dataset" in shown
    assert "600" in shown
