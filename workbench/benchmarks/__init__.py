"""Published tables and timings, side by side with ours: one benchmark a file."""

import importlib.util
import os
from pathlib import Path

from workbench.benchmarks.record import BenchmarkResult, table, write
from workbench.data.card import did_you_mean
from workbench.errors import StudyError
from workbench.study_steps import OnProgress

__all__ = ["BENCHMARKS", "BenchmarkResult", "run_benchmark", "table"]

BENCHMARKS = (
    "tcga_omics",
    "tcga_omics_staged",
    "mcat",
    "missing",
    "missing_dispro",
    "glioma",
    "speed",
)


def run_benchmark(
    name: str,
    out: str | os.PathLike[str],
    *,
    data_dir: str | os.PathLike[str] | None = None,
    on_progress: OnProgress = lambda progress: None,
) -> BenchmarkResult:
    """Run a benchmark, and leave ``benchmark.json`` and ``run.json`` in its folder.

    Parameters
    ----------
    name
        One of :data:`BENCHMARKS`.
    out
        Folder for the results. The same benchmark of the same code and data goes on there, or is
        measured again; anything else is refused.
    data_dir
        Folder that holds the folder of the benchmark's dataset.
    on_progress
        Called as the work goes on.

    Raises
    ------
    WorkbenchError
        If there is no such benchmark, its data or a package that it compares with is not here, or
        the folder holds something else.
    """
    if name not in BENCHMARKS:
        raise StudyError(
            f"no benchmark is called {name!r}; there are {', '.join(BENCHMARKS)}"
            f"{did_you_mean(name, BENCHMARKS)}"
        )
    result = _measured(name, Path(out), data_dir, on_progress)
    write(result, out)
    return result


def _measured(
    name: str, out: Path, data_dir: str | os.PathLike[str] | None, on_progress: OnProgress
) -> BenchmarkResult:
    match name:
        case "mcat":
            from workbench.benchmarks.mcat import mcat

            return mcat(data_dir, out, on_progress)
        case "missing":
            from workbench.benchmarks.missing import missing

            return missing(data_dir, out, on_progress)
        case "missing_dispro":
            from workbench.benchmarks.missing_dispro import missing_dispro

            return missing_dispro(data_dir, out, on_progress)
        case "glioma":
            from workbench.benchmarks.glioma import glioma

            return glioma(data_dir, out, on_progress)
        case "speed":
            if importlib.util.find_spec("sksurv") is None:
                raise StudyError(
                    "the benchmark speed compares with scikit-survival, which is not installed: "
                    "pip install 'precision-workbench[dev]'"
                )
            from workbench.benchmarks.speed import speed

            return speed(data_dir, out, on_progress)
        case _:
            from workbench.benchmarks.tcga_omics import tcga_omics

            return tcga_omics(data_dir, out, on_progress, staged=name.endswith("_staged"))
