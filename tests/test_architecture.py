"""Rules of the house that one can check by reading: arrows, forbidden formats, clean files."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("workbench", "fusion")
FOLDERS = (*PACKAGES, "data_cards", "notebooks", "tests", "docs", ".ci")
TEXT = {".py", ".md", ".toml", ".csv", ".ipynb", ".html", ".css", ".js", ".json", ".R", ".txt", ""}

EXECUTABLE_FORMATS = re.compile(
    r"\bpickle\b|allow_pickle=True|torch\.load\b|\bsave_state\b|PersistentDataset|\bjoblib\b|\bdill\b"
)
MACHINE_PATHS = re.compile(r"/(?:home|Users|root)/\w|(?<![\w.~}])/wor[k]/|[A-Z]:\\Users")


def _sources() -> Iterator[Path]:
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def _texts() -> Iterator[Path]:
    """Every file that a reader of the repository opens, but what git would ignore."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            ignored = {"__pycache__", ".ipynb_checkpoints", "runs"} & set(path.parts)
            if path.is_file() and path.suffix in TEXT and not ignored:
                yield path
    yield from (p for p in sorted(ROOT.iterdir()) if p.is_file() and p.suffix in TEXT)


def test_imports_point_one_way() -> None:
    command = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    assert command, "import-linter is not installed: pip install -e '.[dev]'"
    done = subprocess.run(
        [command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    kept, broken = map(int, re.search(r"(\d+) kept, (\d+) broken", done.stdout).groups())
    assert kept >= 4
    assert broken == 0


def test_nothing_that_is_read_from_disk_can_execute() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in _sources()
        for match in EXECUTABLE_FORMATS.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_workbench_reaches_torch_only_inside_functions() -> None:
    top_level = re.compile(r"^(?:import|from) (?:torch|monai)\b", re.MULTILINE)
    found = [
        path.name
        for path in sorted((ROOT / "workbench").rglob("*.py"))
        if top_level.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_import_is_light() -> None:
    code = "import sys, workbench; print([m for m in ('torch', 'pandas') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"


def test_notebooks_are_committed_without_outputs() -> None:
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    assert notebooks
    for path in notebooks:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            assert not cell.get("outputs"), path.name
            assert cell.get("execution_count") is None, path.name


def test_no_file_holds_a_path_of_a_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in _texts()
        for match in MACHINE_PATHS.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize("package", PACKAGES)
def test_architecture_names_every_module(package: str) -> None:
    drawn = set(_drawn(package))
    built = {
        path.relative_to(ROOT / package).as_posix()
        for path in sorted((ROOT / package).rglob("*.py"))
        if path.name not in ("__init__.py", "__main__.py")
    }
    assert built - drawn == set(), "modules that ARCHITECTURE.md does not name"
    assert drawn - built == set(), "modules that ARCHITECTURE.md names and that do not exist"


def _drawn(package: str) -> Iterator[str]:
    """Python files in the tree that ARCHITECTURE.md draws of a package, two spaces a level."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    tree = next(t for t in re.findall(r"```\n(.*?)```", text, re.S) if t.startswith(f"{package}/"))
    folders: list[str] = []
    for line in tree.splitlines()[1:]:
        entry = re.match(r"( *)(\S+)", line)
        if entry is None:
            continue
        del folders[len(entry[1]) // 2 - 1 :]
        if entry[2].endswith("/"):
            folders.append(entry[2])
        elif entry[2].endswith(".py"):
            yield "".join(folders) + entry[2]


def test_a_public_name_stays_what_it_is_once_everything_is_loaded() -> None:
    # A module of the package that has the name of a function would take its place when imported.
    check = (
        "import pkgutil, importlib, workbench\n"
        "for module in pkgutil.walk_packages(workbench.__path__, 'workbench.'):\n"
        "    if not module.name.endswith('__main__'):\n"
        "        importlib.import_module(module.name)\n"
        "kinds = {name: type(getattr(workbench, name)) for name in workbench.__all__}\n"
        "assert type(workbench) not in kinds.values(), kinds\n"
        "assert callable(workbench.materialise)\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", check], check=True, cwd=ROOT)
