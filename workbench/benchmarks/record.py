"""What a benchmark found: ours beside what was published, on disk and as a table to read."""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.box import SIMPLE
from rich.console import Group
from rich.table import Table
from rich.text import Text

from workbench.errors import StudyError, WorkbenchError, printable
from workbench.run_folder import RECORD, RunFolder
from workbench.study_steps import code_version

FILE = "benchmark.json"
MACHINE = "machine"
"""Entry of ``settings`` for what depends on the machine; it stands in ``run.json``."""


@dataclass(frozen=True)
class BenchmarkRow:
    """One number beside the published one.

    Parameters
    ----------
    dataset
        Name of the dataset, such as ``"tcga_omics:brca"``, or of several, such as ``"mean"``.
    model
        Name of the model, or of the program whose time is taken.
    metric
        What is measured, with its unit where it has one: ``"harrell_c_fold_mean"``, ``"seconds"``.
    estimate
        The number.
    lower, upper
        Its interval; None where it has none.
    published
        The number of the published table; None where there is none.

    Raises
    ------
    WorkbenchError
        If a number is not finite, or one end of the interval is missing.
    """

    dataset: str
    model: str
    metric: str
    estimate: float
    lower: float | None = None
    upper: float | None = None
    published: float | None = None

    def __post_init__(self) -> None:
        where = f"{self.dataset}, {self.model}, {self.metric}"
        numbers = (self.estimate, self.lower, self.upper, self.published)
        _check_finite(where, [number for number in numbers if number is not None])
        if (self.lower is None) != (self.upper is None):
            raise WorkbenchError(f"{where}: an interval has two ends, got one: give both or none")


@dataclass(frozen=True)
class BenchmarkResult:
    """A published table side by side with ours, JSON-ready.

    Parameters
    ----------
    name
        Of the benchmark, as the command line knows it.
    rows
        In the order in which they are read.
    ratios
        How many times as fast (or as much) one side is as the other, by name.
    notes
        What a reader must know to compare fairly.
    settings
        What the numbers depend on. The entry ``machine`` holds what depends on the machine; it is
        kept out of ``benchmark.json``.

    Raises
    ------
    WorkbenchError
        If there is no row, or a ratio is not finite.
    """

    name: str
    rows: tuple[BenchmarkRow, ...]
    ratios: Mapping[str, float]
    notes: tuple[str, ...]
    settings: Mapping[str, Any]

    def __post_init__(self) -> None:
        if not self.rows:
            raise WorkbenchError(f"{self.name}: a benchmark needs at least one row, got none")
        for name, ratio in self.ratios.items():
            _check_finite(name, [ratio])

    def to_json(self) -> dict[str, Any]:
        """All but the machine, as plain dictionaries, lists, strings and numbers."""
        return {
            "benchmark": self.name,
            "rows": [asdict(row) for row in self.rows],
            "ratios": dict(self.ratios),
            "notes": list(self.notes),
            "settings": {k: v for k, v in self.settings.items() if k != MACHINE},
        }


def claim(name: str, data_hash: str, out: str | os.PathLike[str]) -> RunFolder:
    """Take a folder for a benchmark: an empty one, or one of the same benchmark, code and data.

    Raises
    ------
    StudyError
        If the folder holds anything else.
    """
    identity = {"benchmark": name, "data_hash": data_hash, "code_version": code_version()}
    return RunFolder.claim(out, identity)


def write(result: BenchmarkResult, out: str | os.PathLike[str]) -> Path:
    """Write ``benchmark.json`` whole or not at all, and the machine into ``run.json`` beside it.

    Parameters
    ----------
    result
        What was found.
    out
        A folder that :func:`claim` took for this benchmark.

    Returns
    -------
    Path
        Of ``benchmark.json``.

    Raises
    ------
    StudyError
        If the folder was not claimed, or holds another benchmark.
    """
    folder = RunFolder(Path(out))
    try:
        record = json.loads((folder.path / RECORD).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StudyError(f"{out} is no folder of a benchmark: claim it before writing") from None
    holder = record["identity"].get("benchmark", "a study")
    if holder != result.name:
        raise StudyError(f"{out} holds {holder}, not {result.name}: choose another folder")
    path = folder.write_json(FILE, result.to_json())
    folder.write_json(RECORD, {**record, MACHINE: result.settings.get(MACHINE, {})})
    folder.finish()
    return path


def table(result: BenchmarkResult) -> Group:
    """What was found, with the published numbers beside, then ratios and notes; rich prints it."""
    shown = Table(
        title=result.name, title_justify="left", box=SIMPLE, pad_edge=False, padding=(0, 1, 0, 0)
    )
    for head in ("Dataset", "Model", "Metric"):
        shown.add_column(head)
    for head in ("Ours", "Published"):
        shown.add_column(head, justify="right", no_wrap=True)
    for row in result.rows:
        published = "" if row.published is None else _number(row.published)
        cells = (row.dataset, row.model, row.metric, _ours(row), published)
        # As text: a name in square brackets is no style.
        shown.add_row(*(Text(printable(cell)) for cell in cells))
    ratios = [f"{name}: {_number(ratio)} times" for name, ratio in result.ratios.items()]
    return Group(shown, *(Text(printable(line)) for line in (*ratios, *result.notes)))


def _ours(row: BenchmarkRow) -> str:
    if row.lower is None or row.upper is None:
        return _number(row.estimate)
    return f"{_number(row.estimate)} ({_number(row.lower)} to {_number(row.upper)})"


def _number(value: float) -> str:
    """Three decimals, as concordances need them; one of what is large."""
    return f"{value:.3f}" if abs(value) < 10 else f"{value:,.1f}"


def _check_finite(where: str, numbers: list[float]) -> None:
    n_bad = sum(not math.isfinite(number) for number in numbers)
    if n_bad:
        raise WorkbenchError(
            f"{where}: {n_bad} of {len(numbers)} numbers are not finite: leave the row out, and "
            "say why in a note"
        )
