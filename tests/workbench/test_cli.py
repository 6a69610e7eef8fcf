"""The command line as a tired person uses it: wrong files, wrong folders, and Ctrl-C."""

import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from workbench.data.paths import cards_folder

RESULTS = {
    *("croissant.json", "model", "model_card.json", "predictions.parquet"),
    *("report.html", "report.json", "run.json"),
}
CAN_DROP_RIGHTS = Path("/usr/bin/setpriv").exists()
WITHOUT_RIGHTS = (
    ("/usr/bin/setpriv", "--bounding-set", "-dac_override,-dac_read_search,-fowner")
    if os.geteuid() == 0
    else ()
)
"""Root may write anywhere: for what it may not, the right is taken from it."""

needs_rights = pytest.mark.skipif(
    os.name == "nt" or (os.geteuid() == 0 and not CAN_DROP_RIGHTS),
    reason="cannot take rights away here",
)


def contents(*folders: Path) -> dict[str, str]:
    """sha256 of every file below some folders, and the folders themselves."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for folder in folders
        for path in sorted(folder.rglob("*"))
    }


# --- what each command says of itself -------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "taught"),
    [
        ([], ["demo", "run", "cohort", "predict", "lab", "data", "workbench demo"]),
        (["demo"], ["--out", "simulated", "report"]),
        (["run"], ["STUDY", "--out", "--outcome", "--data-dir", "Example", "goes on"]),
        (["cohort"], ["STUDY", "attrition", "table one"]),
        (["predict"], ["MODEL", "DATA", "--out", "no outcome is needed"]),
        (["benchmark"], ["NAME", "glioma", "speed", "--out", "benchmark.json", "[dev]"]),
        (["lab"], ["--port", "notebooks"]),
        (["data"], ["list", "new", "check", "get"]),
        (["data", "list"], ["files are here"]),
        (["data", "new"], ["--name", "confirm"]),
        (["data", "check"], ["CARD", "one line a problem"]),
        (["data", "get"], ["CARD", "--jobs", "hashes"]),
    ],
)
def test_help_teaches(call: Any, arguments: list[str], taught: list[str]) -> None:
    code, out, _ = call(*arguments, "--help")
    plain = re.sub(r"\s+", " ", out)
    assert code == 0
    assert [word for word in taught if word not in plain] == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["run"],
        ["run", "simulated_glioma"],
        ["run", "simulated_glioma", "--out", "x", "--speed", "9"],
        ["predict", "only_one"],
        ["benchmark"],
        ["data", "new", "x.csv"],
        ["data", "get", "simulated_glioma", "--jobs", "0"],
        ["lab", "--port", "many"],
    ],
)
def test_wrong_usage_ends_with_2(call: Any, arguments: list[str]) -> None:
    code, _, err = call(*arguments)
    assert code == 2
    assert "Usage" in err


def test_importing_and_helping_load_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "import workbench, workbench.cli\n"
        "sys.argv = ['workbench', '--help']\n"
        "try:\n    workbench.cli.main()\n"
        "except SystemExit:\n    pass\n"
        "print(sorted({'torch', 'pandas', 'monai', 'matplotlib'} & sys.modules.keys()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


# --- the happy path -------------------------------------------------------------------------


def test_run_leaves_its_results_and_nothing_else(finished_study: Any) -> None:
    study, out = finished_study
    assert {path.name for path in out.iterdir()} == RESULTS
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert {row["model"] for row in report["ladder"]} >= {"null", "clinical", "selected"}
    table = pd.read_parquet(out / "predictions.parquet")
    assert table.columns.tolist() == [
        "patient_id",
        "fold",
        "model",
        "risk_score",
        "survival_365",
        "survival_1095",
    ]
    assert table.groupby("model").size().eq(120).all()
    assert json.loads((out / "run.json").read_text(encoding="utf-8"))["state"] == "complete"
    assert str(study.folder) not in (out / "report.json").read_text(encoding="utf-8")


def test_a_finished_run_is_opened_again_and_says_the_same(
    command: Any, finished_study: Any
) -> None:
    study, out = finished_study
    before = contents(out)
    done = command("run", study.study_file, "--out", out, without=["COLUMNS"])
    assert (done.returncode, done.stderr) == (0, "")
    first, rest = done.stdout.split("\n", 1)
    assert first == "opening the finished run: 1/1"
    printed = (out.parent / "printed.txt").read_text(encoding="utf-8")
    assert len(rest) > 1000
    assert printed.endswith(rest)
    assert contents(out) == before


def test_cohort_shows_attrition_and_table_one(call: Any, small_study: Any) -> None:
    small_study.study["select"] = [{"column": "age", "op": ">=", "value": 40}]
    small_study.save()
    code, out, _ = call("cohort", small_study.study_file)
    assert code == 0
    assert "age ≥ 40" in out
    assert "Table one by sex" in out


def test_data_list_names_what_is_missing(call: Any, tmp_path: Path) -> None:
    code, out, _ = call("data", "list", "--data-dir", tmp_path)
    assert code == 0
    assert all(path.stem in out for path in cards_folder().glob("*.md"))


def test_data_new_drafts_a_card_that_check_reads(call: Any, small_study: Any) -> None:
    before = contents(small_study.folder)
    code, out, _ = call(
        "data", "new", small_study.folder / "visits.csv", small_study.folder / "scans",
        "--name", "draft", "--out", small_study.folder.parent / "draft.md",
    )  # fmt: skip
    assert code == 0
    assert "workbench data check" in out
    assert contents(small_study.folder) == before
    code, out, _ = call("data", "check", small_study.folder.parent / "draft.md")
    assert "errors" in out


def test_data_check_of_a_right_dataset(call: Any, small_study: Any) -> None:
    code, out, _ = call("data", "check", small_study.card)
    assert code == 0
    assert out.splitlines()[-1] == "0 errors, 1 warnings"


def test_data_check_of_a_wrong_one_has_a_line_a_problem(call: Any, small_study: Any) -> None:
    small_study.edit("visits.csv", lambda table: table.assign(age="old", grade="severe"))
    code, out, err = call("data", "check", small_study.card)
    assert code == 1
    assert err == ""
    lines = out.splitlines()
    assert [line.split(": ")[1] for line in lines if line.startswith("error")] == [
        "columns.age",
        "columns.grade",
    ]
    assert lines[-1] == f"2 errors, {len(lines) - 3} warnings"


def test_data_get_of_what_is_here_already(call: Any, small_study: Any) -> None:
    before = contents(small_study.folder)
    code, out, _ = call("data", "get", small_study.card)
    assert code == 0
    assert str(small_study.folder) in out
    assert contents(small_study.folder) == before


def test_the_model_comparison_is_readable_in_a_pipe(finished_study: Any) -> None:
    _, out = finished_study
    printed = (out.parent / "printed.txt").read_text(encoding="utf-8")
    lines = printed.splitlines()
    tables = [line for line in lines if re.search(r"\(-?\.\d+, -?\.\d+\)", line)]
    assert max(map(len, tables)) <= 100
    assert "…" not in printed
    assert not re.search(r"^ *without_", printed, re.MULTILINE)
    models = [line.split()[0] for line in tables]
    assert models.count("concatenation") == models.count("null") == 1
    # Overall, two sexes, those with expression, and those with images.
    assert models.count("clinical") == models.count("selected") == 5
    assert lines[-1] == f"Report: {out / 'report.html'}"


def test_lab_opens_jupyterlab_on_copied_notebooks(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ["lab", "--no-browser", "--port", str(port)]
    server = subprocess.Popen(
        [sys.executable, "-m", "workbench", *words],
        cwd=tmp_path,
        env={**os.environ, "JUPYTER_PREFER_ENV_PATH": "1", "HOME": str(tmp_path)}
        | ({"JUPYTER_ALLOW_ROOT": "1"} if os.geteuid() == 0 else {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    lines: list[str] = []
    try:
        assert server.stdout is not None
        for line in server.stdout:
            lines.append(line)
            if f":{port}/lab" in line or "not installed" in line or "root" in line:
                break
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.communicate()
    assert any(
        f":{port}/lab" in line or "not installed" in line or "root" in line for line in lines
    )
    assert (tmp_path / "notebooks").is_dir()


# --- benchmarks ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sped", r"no benchmark is called 'sped'; .*did you mean 'speed'\?"),
        ("../glioma", "no benchmark is called"),
        ("tcga_omics", "tcga_omics"),
        ("tcga_omics_staged", "tcga_omics"),
        ("mcat", "tcga_omics"),
        ("missing", "tcga_omics"),
        ("missing_dispro", "missing_dispro: no schedule lies in"),
        ("speed", "tcga_omics"),
        ("glioma", "workbench data get tcga_glioma"),
    ],
)
def test_a_benchmark_that_cannot_be_run_is_one_line(
    call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WORKBENCH_DATA", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "nowhere"))
    code, out, err = call("benchmark", name)
    assert (code, out) == (1, "")
    assert re.search(message, err), err
    assert len(err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


# --- stopped ---------------------------------------------------------------------------------


def stop_after(study: Any, out: Path, line: str, how: signal.Signals) -> tuple[int, str]:
    """Start a run, and stop it as soon as it has printed a line that begins so."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "workbench", "run", str(study.study_file), "--out", str(out)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for shown in process.stdout:
        if shown.startswith(line):
            break
    process.send_signal(how)
    _, err = process.communicate(timeout=60)
    return process.returncode, err


def test_ctrl_c_leaves_no_result_and_the_run_goes_on(
    command: Any, finished_study: Any, tmp_path: Path
) -> None:
    study, whole = finished_study
    out = tmp_path / "run"
    code, err = stop_after(study, out, "training on random folds: 1/3", signal.SIGINT)
    # Where `python -m` is stopped inside an import, it may end by the signal: a shell says 130 too.
    assert code in (130, -signal.SIGINT)
    assert "the same command goes on" in err
    assert "Traceback" not in err
    assert {path.name for path in out.iterdir()} == {"run.json", "parts"}
    done = command("run", study.study_file, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "training on random folds: 1/3" in done.stdout
    assert "training on random folds: 0/3" not in done.stdout
    assert {path.name for path in out.iterdir()} == RESULTS
    assert (out / "report.json").read_bytes() == (whole / "report.json").read_bytes()


def test_what_a_killed_run_left_half_written_is_not_used(
    command: Any, finished_study: Any, tmp_path: Path
) -> None:
    study, whole = finished_study
    out = tmp_path / "run"
    code, _ = stop_after(study, out, "training on random folds: 2/3", signal.SIGKILL)
    assert code == -signal.SIGKILL
    assert not {path.name for path in out.iterdir()} & (RESULTS - {"run.json"})
    (out / ".part-abc").write_text("half a table", encoding="utf-8")
    (out / ".part-model" / "model").mkdir(parents=True)
    (out / ".report.html.xyz").write_text("half a page", encoding="utf-8")
    split = next((out / "parts").iterdir())
    (split / ".2-abc").mkdir()
    numbers = split / "0" / "numbers.safetensors"
    numbers.write_bytes(numbers.read_bytes()[:100])
    done = command("run", study.study_file, "--out", out)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in out.iterdir()} == RESULTS
    assert (out / "report.json").read_bytes() == (whole / "report.json").read_bytes()


# --- whose folder ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "arguments", "named"),
    [
        (lambda s: s.study.update(seed=1), [], "seed (there 0, now 1)"),
        (lambda s: s.study.update(horizons=[365, 730]), [], "horizons"),
        (lambda s: s.study.update(select=[{"has": "rna"}]), [], "select"),
        (lambda s: None, ["--outcome", "pfi"], "outcome (there os, now pfi)"),
        (lambda s: s.edit("visits.csv", lambda t: t.assign(age="50")), [], "the data"),
        (lambda s: s.spec.update(title="Another"), [], "the data"),
    ],
    ids=["seed", "horizons", "patients", "outcome", "data", "card"],
)
def test_the_folder_of_another_study_is_refused(
    call: Any,
    finished_study: Any,
    small_study: Any,
    change: Callable[[Any], None],
    arguments: list[str],
    named: str,
) -> None:
    _, out = finished_study
    change(small_study)
    small_study.save()
    before = contents(out)
    code, _, err = call("run", small_study.study_file, "--out", out, *arguments)
    assert code == 1
    assert named in err
    assert "differs in" in err
    assert "choose another folder (--out" in err
    assert len(err.splitlines()) == 1
    assert contents(out) == before


def _file(out: Path) -> None:
    out.write_text("mine", encoding="utf-8")


def _foreign(out: Path) -> None:
    out.mkdir()
    (out / "thesis.docx").write_text("mine", encoding="utf-8")


def _record(text: str) -> Callable[[Path], None]:
    def write(out: Path) -> None:
        out.mkdir()
        (out / "run.json").write_text(text, encoding="utf-8")

    return write


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_file, "is a file"),
        (_foreign, "is not empty and holds no run"),
        (_record("half"), "is not a run record"),
        (_record("[]"), "is not a run record"),
        (_record('{"identity": [1]}'), "is not a run record"),
        (_record('{"name": "of another program"}'), "is not a run record"),
        (_record("[" * 100_000), "is not a run record"),
        (_record('{"identity": {"seed": 0}}'), "another study"),
    ],
)
def test_a_folder_that_is_not_ours_is_refused(
    call: Any, small_study: Any, tmp_path: Path, make: Callable[[Path], None], message: str
) -> None:
    out = tmp_path / "results"
    make(out)
    before = contents(tmp_path)
    code, _, err = call("run", small_study.study_file, "--out", out)
    assert code == 1
    assert message in err
    assert len(err.splitlines()) == 1
    assert contents(tmp_path) == before


# --- folders that cannot be written ------------------------------------------------------------


@needs_rights
def test_an_out_folder_that_cannot_be_written(
    command: Any, small_study: Any, tmp_path: Path
) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    done = command("run", small_study.study_file, "--out", locked / "run", before=WITHOUT_RIGHTS)
    assert done.returncode == 1
    assert re.fullmatch(rf"workbench: {locked}/run: Permission denied\n", done.stderr)
    assert list(locked.iterdir()) == []


@needs_rights
def test_a_data_folder_that_cannot_be_written_is_enough(
    command: Any, small_study: Any, tmp_path: Path
) -> None:
    small_study.study.update(modalities=["clinical"], models=["null", "clinical", "selected"])
    small_study.save()
    folders = [small_study.folder, *(p for p in small_study.folder.rglob("*") if p.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    before = contents(small_study.folder)
    out = tmp_path / "run"
    done = command("run", small_study.study_file, "--out", out, before=WITHOUT_RIGHTS)
    for folder in folders:
        folder.chmod(0o755)
    assert done.returncode == 0, done.stderr
    assert contents(small_study.folder) == before


@needs_rights
def test_a_cache_that_cannot_be_written(command: Any, small_study: Any, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    out = tmp_path / "run"
    done = command(
        "run", small_study.study_file, "--out", out,
        environment={"WORKBENCH_CACHE": str(locked / "cache")}, before=WITHOUT_RIGHTS,
    )  # fmt: skip
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "Permission denied" in done.stderr
    assert "WORKBENCH_CACHE names another" in done.stderr
    assert not out.exists()


@needs_rights
def test_a_table_that_may_not_be_read(command: Any, small_study: Any, tmp_path: Path) -> None:
    (small_study.folder / "visits.csv").chmod(0)
    done = command("cohort", small_study.study_file, before=WITHOUT_RIGHTS)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "visits.csv" in done.stderr
    assert "Permission denied" in done.stderr


def test_a_cache_that_is_a_file(call: Any, small_study: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("WORKBENCH_CACHE", str(small_study.card))
    code, _, err = call("data", "check", small_study.card)
    assert code == 1
    assert "WORKBENCH_CACHE names another" in err
    assert len(err.splitlines()) == 1


# --- surroundings --------------------------------------------------------------------------------


def test_paths_with_spaces_umlauts_and_emoji(call: Any, small_study: Any, tmp_path: Path) -> None:
    folder = tmp_path / "Frau Müller's 🧠 study – [bold] $HOME"
    small_study.folder.rename(folder)
    code, out, err = call("cohort", folder / "study.yaml")
    assert (code, err) == (0, "")
    code, out, _ = call("data", "check", folder / "small.md")
    assert code == 0
    target = folder / "ne w.md"
    code, out, _ = call("data", "new", folder / "visits.csv", "--name", "neu", "--out", target)
    assert code == 0
    assert str(target) in out


def test_a_reader_that_stops_reading(small_study: Any) -> None:
    words = [sys.executable, "-m", "workbench", "cohort", str(small_study.study_file)]
    writer = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    writer.stdout.close()
    assert writer.stderr is not None
    err = writer.stderr.read()
    writer.stderr.close()
    assert writer.wait(timeout=60) in (0, 1)
    assert "Traceback" not in err
    assert "Exception" not in err


def test_no_home_and_a_terminal_that_knows_only_ascii(command: Any, small_study: Any) -> None:
    done = command(
        "cohort", small_study.study_file,
        environment={"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "TERM": "dumb"},
        without=["HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "WORKBENCH_DATA"],
        cwd=small_study.folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Table one" in done.stdout
    assert not (small_study.folder / "~").exists()


def test_names_cannot_write_to_the_terminal(call: Any, small_study: Any) -> None:
    hostile = ["[/b]", ":x:", "\x1b[2J\x07", "\u202egnp", "=cmd|' /C calc'!A1"]
    small_study.spec["columns"]["sex"]["levels"] = ["f", "m", *hostile]
    small_study.edit(
        "visits.csv",
        lambda table: table.assign(
            sex=(hostile * 30)[: len(table)],
        ),
    )
    small_study.save()
    code, out, err = call("cohort", small_study.study_file)
    assert (code, err) == (0, "")
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "[/b]" in out
    assert ":x:" in out
    small_study.edit("visits.csv", lambda table: table.assign(age="\x1b[2J"))
    code, out, _ = call("data", "check", small_study.card)
    assert code == 1
    assert "\x1b" not in out


# --- bad input: one clear line, nothing written ---------------------------------------------------


def _table(change: Callable[[pd.DataFrame], pd.DataFrame], file: str = "visits.csv") -> Any:
    return lambda study: study.edit(file, change)


def _bytes(file: str, content: bytes) -> Any:
    return lambda study: (study.folder / file).write_bytes(content)


def _spec(*path: str, **entries: Any) -> Any:
    """Set entries of the card at a place."""

    def change(study: Any) -> None:
        place = study.spec
        for step in path:
            place = place[step]
        place.update(entries)

    return change


def _study(**entries: Any) -> Any:
    return lambda study: study.study.update(entries)


def _front(old: str, new: str, file: str = "small.md") -> Any:
    """Replace text of the card, or of the study, as it is on disk."""

    def change(study: Any) -> None:
        path = study.folder / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


def _each_image(change: Callable[[Path], Any], pattern: str = "*.png") -> Any:
    return lambda study: [change(path) for path in (study.folder / "scans").glob(pattern)]


def _without_events(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(os_status="0")


def _few(n: int) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda table: table.head(n)


def _events_of_one_site(table: pd.DataFrame) -> pd.DataFrame:
    status = table["os_status"].where(table["site"] == "North", "0")
    last = table["os_days"].astype(float).where(table["site"] == "South").idxmax()
    status[last] = "1"  # The one event of South comes after all others left.
    return table.assign(os_status=status)


def _damaged_sheet(study: Any) -> None:
    study.spec["files"]["genes"].update(path="genes.xlsx")
    whole = study.folder / "whole.xlsx"
    pd.read_csv(study.folder / "genes.csv").to_excel(whole, index=False)
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(study.folder / "genes.xlsx", "w") as new:
        for name in old.namelist():
            half = len(old.read(name)) // 2 if name.endswith("sheet1.xml") else None
            new.writestr(name, old.read(name)[:half])


BAD_CARDS: dict[str, tuple[Any, str]] = {
    "an entry that is none": (_spec(populaton=["visits"]), "did you mean 'population'?"),
    "a path that leaves the folder": (
        _spec("files", "visits", path="../secret.csv"),
        "inside the data folder",
    ),
    "an absolute path": (_spec("files", "visits", path="/etc/passwd"), "inside the data folder"),
    "a Windows path": (_spec("files", "visits", path="C:\\x.csv"), "inside the data folder"),
    "a pattern that leaves the folder": (
        _spec("modalities", "mri", pattern="../*/*.png"),
        "inside the data folder",
    ),
    "a mask that leaves the folder": (
        _spec("modalities", "mri", mask="{folder}/../../x.png"),
        "inside the data folder",
    ),
    "a pattern with ** in a word": (
        _spec("modalities", "mri", pattern="a**/*.png"),
        "\\*\\* stands",
    ),
    "a pattern of nothing": (_spec("modalities", "mri", pattern="."), "expected a pattern"),
    "a regex that is none": (
        _spec("files", "visits", key={"column": "id", "regex": "(P"}),
        "regular expression",
    ),
    "a replacement without its group": (
        _spec("files", "visits", key={"column": "id", "regex": "P.*"}),
        "replace does not fit",
    ),
    "a column replacement without its group": (
        _spec("columns", "age", regex="(.*)", replace="\\2"),
        "replace does not fit",
    ),
    "a level twice": (_spec("columns", "grade", levels=["low", "low"]), "listed twice"),
    "a column of no file": (_spec("columns", "age", file="visit"), "did you mean 'visits'?"),
    "a column that the file lacks": (_spec("columns", "age", source="Age"), "did you mean 'age'?"),
    "a split without folds": (
        _spec(splits={"fold": {"pattern": "f.csv", "folds": [], "column": "v", "source": "s"}}),
        "folds: .*at least 2",
    ),
    "a feature known only after the outcome": (
        _spec("modalities", "clinical", columns=["age", "response"]),
        "known only after the outcome",
    ),
    "the outcome as a feature": (
        lambda study: (
            study.spec["columns"].update(
                days=study.spec["columns"]["age"] | {"source": "os_days", "range": None}
            ),
            study.spec["modalities"]["clinical"].update(columns=["age", "days"]),
        ),
        "is the outcome itself",
    ),
    "a feature of an unknown day": (
        _spec("columns", "age", observed_at=None),
        "has no observed_at",
    ),
    "a day that is a word": (
        _spec("columns", "age", observed_at={"column": "sex"}),
        "must be a numeric column",
    ),
    "a group without criteria": (_spec(groups={"g": {"title": "G", "criteria": []}}), "at least 1"),
    "an event without a value": (
        _spec("outcomes", "os", event={"column": "os_status", "event": []}),
        "say which value",
    ),
    "a feature of a later day": (
        _spec("columns", "age", observed_at={"days": 30, "basis": "follow-up"}),
        "30 days after",
    ),
    "images of a later day": (
        _spec("modalities", "mri", observed_at={"days": 90, "basis": "follow-up"}),
        "90 days after",
    ),
    "a key twice": (_front("title: Small", "title: Small\ntitle: Large"), "'title' stands twice"),
    "an alias": (_front("title: Small", "title: &a Small\nversion: *a"), "aliases"),
    "a tag": (_front("title: Small", "title: !!python/object:os.system x"), "tags"),
    "a key that is a list": (_front("title: Small", "? [a, b]\n: c"), "a key must be a word"),
    "a date that is none": (_front("version: '1'", "version: 2020-13-45"), "put it in quotes"),
    "a number as text": (_front("version: '1'", "version: 1.0"), "put it in quotes"),
    "a bell": (_front("title: Small", "title: \x07"), "control characters"),
    "no front matter": (_bytes("small.md", b"# Small\n"), "expected `---`"),
    "another encoding": (_bytes("small.md", "---\ntitle: é\n".encode("latin-1")), "not UTF-8"),
    "a picture as a card": (_bytes("small.md", b"\x89PNG\r\n\x1a\n\0\0"), "not UTF-8"),
    "an empty card": (_bytes("small.md", b""), "expected `---`"),
}

BAD_TABLES: dict[str, tuple[Any, str]] = {
    "a file that is missing": (lambda s: (s.folder / "visits.csv").unlink(), "visits.csv"),
    "an empty file": (_bytes("visits.csv", b""), "the file is empty"),
    "a header alone": (_table(_few(0)), "no patient"),
    "a picture as a table": (_bytes("visits.csv", b"\x89PNG\r\n\x1a\n\0\0"), "not text"),
    "another encoding": (_bytes("visits.csv", "id,age\nP1,é".encode("utf-16")), "not text"),
    "random bytes": (_bytes("visits.csv", bytes(range(1, 256))), "not UTF-8"),
    "a quote that stays open": (_bytes("visits.csv", b'id,age\n"P1,3\n'), "unbalanced quotes"),
    "rows of another length": (_bytes("visits.csv", b"id,age\nP1,3,4\n"), "number of values"),
    "semicolons": (_bytes("visits.csv", b"id;age\nP1;3\n"), "one column only"),
    "a header twice": (_bytes("visits.csv", b"id,age,age\nP1,3,3\n"), "more than once"),
    "a patient twice": (_table(lambda t: pd.concat([t, t.head(3)])), "3 of 123 rows repeat"),
    "patients without an id": (_table(lambda t: t.assign(id="")), "120 of 120 rows"),
    "a level that the card lacks": (
        _table(lambda t: t.assign(grade="severe")), "120 patients have 1 levels",
    ),
    "ages of the wrong century": (_table(lambda t: t.assign(age="1950")), "120 above 100"),
    "words as numbers": (_table(lambda t: t.assign(age="old")), "not numbers"),
    "a decimal comma": (_table(lambda t: t.assign(age="60,5")), "decimal point"),
    "infinite times": (_table(lambda t: t.assign(os_days="inf")), "not numbers"),
    "negative times": (_table(lambda t: t.assign(os_days="-5")), "above zero"),
    "no times": (_table(lambda t: t.assign(os_days="")), "both time and event"),
    "another event coding": (_table(lambda t: t.assign(os_status="dead")), "correct `event:`"),
    "nobody with the event": (_table(_without_events), "no event in fold 0, 1, 2"),
    "fewer patients than folds": (_table(_few(2)), "number of patients, 2"),
    "few events": (
        lambda s: (s.edit("visits.csv", _few(14)), s.study.update(modalities=["clinical"])),
        "at least 10 events are needed",
    ),
    "genes that are words": (
        _table(lambda t: t.assign(g_3="high"), "genes.csv"), "what is not a number, such as 3",
    ),
    "infinite genes": (_table(lambda t: t.assign(g_3="inf"), "genes.csv"), "not a number"),
    "no such genes": (_table(lambda t: t.rename(columns=str.upper), "genes.csv"), "no column"),
    "genes of nobody": (
        _table(lambda t: t.assign(id="X" + t["id"]), "genes.csv"), "no patient has rna",
    ),
    "genes without values": (
        _table(lambda t: t.assign(**dict.fromkeys(t.columns[1:], "")), "genes.csv"),
        "no patient has rna",
    ),
    "a damaged zip": (
        lambda s: (
            s.spec["files"]["genes"].update(path="genes.zip", format="csv"),
            (s.folder / "genes.zip").write_bytes(b"PK\x05\x06" + b"\0" * 18),
        ),
        "the zip is empty",
    ),
    "a damaged workbook": (
        lambda s: (
            s.spec["files"]["genes"].update(path="genes.xlsx"),
            (s.folder / "genes.xlsx").write_bytes(b"PK\x03\x04half"),
        ),
        "not an XLSX file",
    ),
    "a workbook with a damaged sheet": (_damaged_sheet, "not an XLSX file, or damaged"),
    "a damaged Parquet": (
        lambda s: (
            s.spec["files"]["genes"].update(path="genes.parquet"),
            (s.folder / "genes.parquet").write_bytes(b"PAR1half"),
        ),
        "not a Parquet file",
    ),
    "no image": (_each_image(Path.unlink), "no patient has mri: look with"),
    "images that are none": (
        _each_image(lambda path: path.write_bytes(b"half"), "P???.png"), "no patient has mri",
    ),
    "images with other channels": (
        _each_image(lambda path: Image.new("RGB", (16, 16)).save(path), "P???.png"),
        "no patient has mri",
    ),
    "masks that are missing": (_each_image(Path.unlink, "*_mask.png"), "lack a readable mask"),
    "images of nobody": (
        _spec("modalities", "mri", key={"regex": "(X.*)"}), "no patient has mri",
    ),
}  # fmt: skip

BAD_STUDIES: dict[str, tuple[Any, str]] = {
    "an entry that is none": (_study(horizon=[365]), "did you mean 'horizons'?"),
    "an entry of the split": (_study(split={"kind": "kfold", "sed": 1}), "did you mean 'seed'?"),
    "a split that is a word": (_study(split="kfold"), "as in `kind: kfold`"),
    "a split that is none": (_study(split={"kind": "kfolds"}), "did you mean 'kfold'?"),
    "a model that is none": (
        _study(models=["null", "clinical", "fusionnet", "selected"]), "did you mean 'fusion_net'?",
    ),
    "a null without quotes": (_study(models=[None, "clinical", "selected"]), '"null"'),
    "no baseline": (_study(models=["stack"]), "models must hold null, clinical, selected"),
    "a negative seed": (_study(seed=-1), "seed: should be greater than or equal to 0"),
    "an endless seed": (_study(seed=10**30), "seed: should be less than"),
    "a negative seed of the split": (_study(split={"kind": "kfold", "seed": -1}), "split.seed"),
    "one fold": (_study(split={"kind": "kfold", "k": 1}), "split.k: should be greater"),
    "too many folds": (_study(split={"kind": "kfold", "k": 99}), "no event in fold"),
    "horizons that descend": (_study(horizons=[1095, 365]), "horizons must ascend"),
    "a horizon of zero": (_study(horizons=[0]), "horizons.0: should be greater than 0"),
    "an endless horizon": (_study(horizons=[float("inf")]), "horizons.0: should be a finite"),
    "a horizon that is no number": (_study(horizons=[float("nan")]), "horizons.0"),
    "a horizon in words": (_study(horizons=["one year"]), "horizons.0: should be a valid number"),
    "no horizon": (_study(horizons=[]), "horizons"),
    "horizons beyond follow-up": (_study(horizons=[36500]), "0 of 120 patients are followed"),
    "a group that is none": (_study(groups=["sexx"]), "did you mean 'sex'?"),
    "a group that is a number": (_study(groups=["age"]), "age is a number"),
    "a group known only later": (_study(groups=["response"]), "only after the outcome"),
    "a group twice": (_study(groups=["sex", "sex"]), "groups must name each once"),
    "a modality that is none": (_study(modalities=["clinical", "mr"]), "did you mean 'mri'?"),
    "a modality twice": (_study(modalities=["clinical"] * 2), "modalities must name each once"),
    "no clinical variables": (_study(modalities=["rna"]), "no modality holds clinical variables"),
    "an outcome that is a list": (_study(outcome=["os"]), "outcome: expected text"),
    "an outcome that is none": (_study(outcome="oss"), "did you mean 'os'?"),
    "a criterion that is none": (_study(select=[{"column": "age"}]), "expected column, op"),
    "a criterion on no column": (
        _study(select=[{"column": "agee", "op": ">", "value": 1}]), "did you mean 'age'?",
    ),
    "a criterion known only later": (
        _study(select=[{"column": "response", "op": "==", "value": "yes"}]), "after the outcome",
    ),
    "a criterion for nobody": (
        _study(select=[{"column": "age", "op": ">", "value": 99}]), "nobody is left",
    ),
    "a criterion that is a word": (_study(select=["adults"]), "select.0"),
    "a published split that is none": (_study(split={"kind": "given"}), "no published split"),
    "another split twice": (_study(also_split=[{"kind": "kfold", "k": 3}]), "also_split must hold"),
    "another split that cannot be": (_study(also_split=[{"kind": "site", "k": 5}]), "2 sites"),
    "a later schema": (_study(schema=2), "schema: expected 1"),
    "a card that is none": (_study(card="smal"), "no card is called 'smal'"),
    "a card file that is none": (_study(card="smal.md"), "no card at"),
    "a card that is a number": (_study(card=5), "card: expected text"),
    "no card": (lambda s: s.study.pop("card"), "card is missing"),
    "a modality called like a model": (
        lambda s: (
            s.spec["modalities"].update(stack=s.spec["modalities"].pop("rna")),
            s.study.update(modalities=["clinical", "stack"]),
        ),
        "'stack' means something else here",
    ),
    "one last event in a hospital": (
        lambda s: (
            s.edit("visits.csv", _events_of_one_site),
            s.study.update(split={"kind": "site"}),
        ),
        "form no pair to compare|events are needed",
    ),
    "a modality of one hospital": (
        lambda s: (
            s.edit("genes.csv", lambda t: t[_site_of(s, t) == "North"]),
            s.study.update(split={"kind": "site"}),
        ),
        "no patient has rna",
    ),
    "a key twice": (_front("outcome: os", "outcome: os\noutcome: x", "study.yaml"), "stands twice"),
    "a tag": (_front("outcome: os", "outcome: !!python/object:os.system x", "study.yaml"), "tags"),
    "an alias": (_front("outcome: os", "outcome: &o os\nx: *o", "study.yaml"), "aliases"),
    "a bomb": (
        _bytes(
            "study.yaml",
            b"a: &a [x, x]\n"
            + b"".join(b"%c: &%c [*%c, *%c]\n" % (c, c, c - 1, c - 1) for c in range(98, 123)),
        ),
        "aliases",
    ),
    "a deep nest": (_bytes("study.yaml", b"a: " + b"[" * 5000), "nested too deeply"),
    "half a line": (_bytes("study.yaml", b"card: [small"), "line 1: not YAML"),
    "a list": (_bytes("study.yaml", b"- card\n"), "expected `name: value` lines"),
    "nothing": (_bytes("study.yaml", b""), "expected `name: value` lines"),
    "a picture": (_bytes("study.yaml", b"\x89PNG\r\n\x1a\n\0\0"), "not UTF-8"),
    "zeros": (_bytes("study.yaml", b"card: a\0b"), "control characters"),
    "a missing file": (lambda s: s.study_file.unlink(), "no study file at"),
    "a folder": (lambda s: (s.study_file.unlink(), s.study_file.mkdir()), "no study file at"),
}  # fmt: skip


def _site_of(study: Any, table: pd.DataFrame) -> pd.Series:
    visits = pd.read_csv(study.folder / "visits.csv", index_col="id")
    return pd.Series(visits["site"].reindex(table["id"]).to_numpy(), index=table.index)


BAD_INPUTS = {
    f"{kind}: {title}": (change, message)
    for kind, cases in (("card", BAD_CARDS), ("data", BAD_TABLES), ("study", BAD_STUDIES))
    for title, (change, message) in cases.items()
}


@pytest.mark.parametrize("title", BAD_INPUTS)
def test_bad_input_is_one_clear_line_and_nothing_is_written(
    call: Any, small_study: Any, tmp_path: Path, title: str
) -> None:
    change, message = BAD_INPUTS[title]
    described = json.dumps([small_study.spec, small_study.study])
    change(small_study)
    if json.dumps([small_study.spec, small_study.study]) != described:
        small_study.save()
    before = contents(tmp_path)
    code, out, err = call("run", small_study.study_file, "--out", tmp_path / "run")
    assert code == 1
    assert out == ""
    assert len(err.splitlines()) == 1, err
    assert err.startswith("workbench: ")
    assert re.search(message, err), err
    assert contents(tmp_path) == before


def test_the_cache_is_listed_and_pruned(
    call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path))
    (tmp_path / "events" / "0123").mkdir(parents=True)
    (tmp_path / "events" / "0123" / "part").write_bytes(bytes(2_500_000))
    code, shown, _ = call("data", "cache")
    assert code == 0
    assert "1 prepared, 2.5 MB" in " ".join(shown.split())
    assert "events" in shown
    assert call("data", "cache", "--prune")[0] == 2
    assert call("data", "cache", "--older-than", "3")[0] == 2
    assert call("data", "cache", "--prune", "--older-than", "3")[1] == "deleted 0, 0.0 MB\n"
    assert call("data", "cache", "--prune", "--at-most", "0.001")[1] == "deleted 1, 2.5 MB\n"
    assert not list((tmp_path / "events").iterdir())


def test_quasi_identifiers_of_a_card_are_summarised(call: Any, small_study: Any) -> None:
    small_study.spec["privacy"]["quasi_identifiers"] = {"age": [], "sex": []}
    code, shown, _ = call("data", "check", small_study.save().card)
    assert code == 0
    assert "warning: privacy.quasi_identifiers: the smallest group of patients who share" in shown
    assert "coarsen the bins of age" in shown
    assert "k ≥ 5 is not met" in shown
    small_study.spec["privacy"]["quasi_identifiers"] = {"age": [60], "sex": []}
    code, shown, _ = call("data", "check", small_study.save().card)
    assert "privacy.quasi_identifiers" not in shown
    assert "k ≥ 5 is met" in shown
    small_study.spec["privacy"]["quasi_identifiers"] = {"sex": [1], "aeg": []}
    code, _, error = call("data", "check", small_study.save().card)
    assert code == 1
    assert "edges cut numbers" in error
    assert "no column is called 'aeg'" in error
