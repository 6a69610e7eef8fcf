"""A small study that runs in seconds, and the command line as a person starts it."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from workbench.cli import main

if TYPE_CHECKING:
    from workbench.study import StudyResult

OF_TIMES = re.compile(
    r"horizon|surviv|censor|Kaplan|follow-up|followed|\bdays?\b|\bCox\b(?!–Snell)|Harrell|\bUno\b|hazard"
    r"|\bC\b|at risk\b",
    re.IGNORECASE,
)
"""What is not said where the outcome has no time."""

N_PATIENTS = 120
AT_START = {"days": 0, "basis": "measured at diagnosis"}


def _feature(meaning: str, **more: Any) -> dict[str, Any]:
    return {
        "file": "visits",
        "meaning": meaning,
        "role": "feature",
        "observed_at": dict(AT_START),
        **more,
    }


def small_front_matter(name: str = "small") -> dict[str, Any]:
    """The card of the small dataset: 120 patients of 2 sites, 20 genes, images of 16 px."""
    return {
        "schema": 1,
        "name": name,
        "title": "Small",
        "version": "1",
        "licence": "none",
        "citation": "none",
        "source": "made by a test",
        "index_date": "diagnosis",
        "files": {
            "visits": {"path": "visits.csv", "key": {"column": "id"}},
            "genes": {"path": "genes.csv", "key": {"column": "id"}},
        },
        "population": ["visits"],
        "columns": {
            "age": _feature("age", type="numeric", unit="years", range=[18, 100]),
            "grade": _feature("grade", type="categorical", levels=["low", "mid", "high"]),
            "sex": _feature("sex", type="categorical", levels=["f", "m"]) | {"role": "group"},
            "site": _feature("hospital", type="categorical", levels=["North", "South"])
            | {"role": "site"},
            "response": {
                "file": "visits",
                "meaning": "response to treatment",
                "type": "categorical",
                "levels": ["no", "yes"],
                "role": "post_outcome",
            },
        },
        "outcomes": {
            name: {
                "title": title,
                "file": "visits",
                "time": f"{name}_days",
                "unit": "days",
                "event": {"column": f"{name}_status", "event": 1, "censored": 0},
                "time_zero": "diagnosis",
            }
            for name, title in {"os": "Overall survival", "pfi": "Progression-free"}.items()
        },
        "modalities": {
            "clinical": {"kind": "ehr", "title": "Clinical", "columns": ["age", "grade"]},
            "rna": {
                "kind": "genomics",
                "title": "RNA",
                "file": "genes",
                "columns": "g_(.+)",
                "unit": "log",
                "pathways": {"one": ["0", "1"]},
                "observed_at": dict(AT_START),
            },
            "mri": {
                "kind": "image",
                "title": "MRI",
                "pattern": "scans/*.png",
                "exclude": "*_mask.png",
                "key": {"regex": r"scans/(.+)\.png"},
                "mask": "{folder}/{stem}_mask.png",
                "channels": ["grey"],
                "size": 16,
                "spacing": "none",
                "observed_at": dict(AT_START),
            },
        },
        "limits": ["made by a test"],
        "privacy": {"minimum_cell": 0, "restricted": False},
        "study": {
            "outcome": "os",
            "modalities": ["clinical", "rna", "mri"],
            "split": {"kind": "kfold", "k": 3},
            "models": ["null", "clinical", "concatenation", "stack", "selected"],
            "horizons": [365, 1095],
            "groups": ["sex"],
        },
    }


def write_small_files(folder: Path, *, n_patients: int = N_PATIENTS, seed: int = 0) -> None:
    """Tables and images in which age, grade, two genes and the lesion's size carry risk."""
    generator = np.random.default_rng(seed)
    ids = [f"P{i:03}" for i in range(n_patients)]
    age = generator.integers(30, 85, n_patients)
    grade = generator.integers(0, 3, n_patients)
    genes = generator.normal(size=(n_patients, 20))
    radius = generator.integers(2, 7, n_patients)
    risk = 0.04 * (age - 60) + 0.7 * grade + 0.7 * genes[:, 0] + 0.3 * (radius - 4)
    table = {
        "id": ids,
        "age": age,
        "grade": np.array(["low", "mid", "high"])[grade],
        "sex": generator.choice(["f", "m"], n_patients),
        "site": generator.choice(["North", "South"], n_patients),
        "response": generator.choice(["no", "yes"], n_patients),
    }
    for outcome, scale in {"os": 1200, "pfi": 700}.items():
        event_time = generator.exponential(scale * np.exp(-risk)) + 1
        censored = generator.uniform(300, 4000, n_patients)
        table[f"{outcome}_days"] = np.minimum(event_time, censored).round(1)
        table[f"{outcome}_status"] = (event_time <= censored).astype(int)
    pd.DataFrame(table).to_csv(folder / "visits.csv", index=False)
    matrix = pd.DataFrame(genes, columns=[f"g_{i}" for i in range(20)], index=ids)
    matrix.rename_axis("id").iloc[: n_patients * 3 // 4].round(4).to_csv(folder / "genes.csv")
    (folder / "scans").mkdir()
    across, down = np.mgrid[:16, :16] - 8
    for patient_id, size in zip(ids[n_patients // 2 :], radius[n_patients // 2 :], strict=True):
        lesion = across**2 + down**2 <= size**2
        pixels = generator.integers(0, 90, (16, 16)) + 120 * lesion
        Image.fromarray(pixels.astype(np.uint8)).save(folder / "scans" / f"{patient_id}.png")
        mask = Image.fromarray((255 * lesion).astype(np.uint8))
        mask.save(folder / "scans" / f"{patient_id}_mask.png")


class SmallStudy:
    """The small dataset and its study on disk: change ``spec``, ``study`` or a file, then run."""

    def __init__(self, folder: Path, name: str = "small") -> None:
        self.folder = folder
        self.spec = small_front_matter(name)
        self.study: dict[str, Any] = {"schema": 1, "card": f"{name}.md", **self.spec["study"]}

    @property
    def card(self) -> Path:
        return self.folder / f"{self.spec['name']}.md"

    @property
    def study_file(self) -> Path:
        return self.folder / "study.yaml"

    def edit(self, file: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
        """Rewrite one table; ``change`` gets it as text."""
        path = self.folder / file
        change(pd.read_csv(path, dtype=str)).to_csv(path, index=False)

    def save(self) -> "SmallStudy":
        """Write the card and the study file."""
        # Through JSON, for YAML would write what two entries share as an alias.
        front = yaml.safe_dump(json.loads(json.dumps(self.spec)), sort_keys=False)
        self.card.write_text(f"---\n{front}---\n\n# Small\n", encoding="utf-8")
        study = yaml.safe_dump(json.loads(json.dumps(self.study)), sort_keys=False)
        self.study_file.write_text(study, encoding="utf-8")
        return self


@pytest.fixture
def small_study(tmp_path: Path) -> SmallStudy:
    """The small study, whole and right, in a folder of its own."""
    folder = tmp_path / "small"
    folder.mkdir()
    write_small_files(folder)
    return SmallStudy(folder).save()


@pytest.fixture(scope="session")
def small_files() -> Callable[[Path], SmallStudy]:
    """Writes the small study into a folder that is there."""

    def write(folder: Path) -> SmallStudy:
        write_small_files(folder)
        return SmallStudy(folder).save()

    return write


def binary(study: SmallStudy) -> SmallStudy:
    """The small study with an outcome of which only the state is known, for all but five."""
    study.spec["outcomes"]["early"] = {
        "kind": "binary",
        "title": "Early death",
        "file": "visits",
        "event": {"column": "early", "event": 1},
        "time_zero": "diagnosis",
    }

    def with_state(table: pd.DataFrame) -> pd.DataFrame:
        early = (table["os_days"].astype(float) < 500).astype(int).astype(object)
        early.iloc[:5] = None
        return table.assign(early=early)

    study.edit("visits.csv", with_state)
    study.study |= {"outcome": "early", "modalities": ["clinical", "rna"]}
    del study.study["horizons"]
    study.spec["privacy"]["thumbnails"] = True  # So that one patient can be read in a widget.
    return study.save()


@pytest.fixture(scope="session")
def binary_run(
    tmp_path_factory: pytest.TempPathFactory, small_files: Callable[[Path], SmallStudy]
) -> "tuple[SmallStudy, StudyResult]":
    """The binary study and its run; both to be left as they are."""
    from workbench.study import Study, run

    folder = tmp_path_factory.mktemp("binary") / "small"
    folder.mkdir()
    study = binary(small_files(folder))
    result = run(Study.from_file(study.study_file), folder.parent / "run")
    return study, result


@pytest.fixture(scope="session")
def finished_study(tmp_path_factory: pytest.TempPathFactory) -> tuple[SmallStudy, Path]:
    """The small study and the folder of its one uninterrupted run; both to be left as they are.

    What it printed lies beside them, in ``printed.txt``.
    """
    folder = tmp_path_factory.mktemp("finished") / "small"
    folder.mkdir()
    write_small_files(folder)
    study = SmallStudy(folder).save()
    out = folder.parent / "run"
    done = run_workbench("run", study.study_file, "--out", out, without=["COLUMNS"])
    assert done.returncode == 0, done.stderr
    (folder.parent / "printed.txt").write_text(done.stdout, encoding="utf-8")
    return study, out


@pytest.fixture(scope="module")
def short_training(tmp_path_factory: pytest.TempPathFactory) -> Generator[None]:
    """One network instead of an ensemble, and a quarter of the steps in which images are learned.

    What is chosen, and in which fold, is as ever: a study in less than half of the time.
    """
    from fusion.embeddings import ImageEmbedder
    from fusion.encoders.image import ImageEncoderConfig
    from fusion.models import FusionNet

    embedder = ImageEmbedder(ImageEncoderConfig(n_steps=25), tmp_path_factory.mktemp("encoders"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fusion.models.FusionNet", partial(FusionNet, n_seeds=1))
        patch.setattr("workbench.study_steps.embedder", lambda *_: embedder)
        yield


@pytest.fixture(scope="session")
def command() -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """:func:`run_workbench`, for tests that need a process of its own."""
    return run_workbench


@pytest.fixture
def call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """The command line in this process: exit code, standard output, standard error."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["workbench", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        shown = capsys.readouterr()
        return int(end.value.code or 0), shown.out, shown.err

    return run


def run_workbench(
    *arguments: object,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    without: Sequence[str] = (),
    before: Sequence[str] = (),
) -> "subprocess.CompletedProcess[str]":
    """Run ``python -m workbench`` as another process.

    Parameters
    ----------
    arguments
        Of the command line.
    cwd
        Folder to start in.
    environment, without
        Variables to set, and to remove.
    before
        A command that starts it, such as one that takes rights away.
    """
    variables = {k: v for k, v in os.environ.items() if k not in without}
    return subprocess.run(
        [*before, sys.executable, "-m", "workbench", *map(str, arguments)],
        cwd=cwd,
        env={**variables, "OMP_NUM_THREADS": "1", **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
