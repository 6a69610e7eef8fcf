"""The benchmark of speed on a small collection: what it counts and says, never how fast it is."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from fusion.models import Stack
from workbench.benchmarks import speed as speed_module
from workbench.benchmarks.plain_loop import CountedDesign, PlainLoop
from workbench.benchmarks.speed import SpeedConfig, in_turn, time_nested
from workbench.benchmarks.tcga_members import Member, read_members
from workbench.errors import WorkbenchError

Call = Callable[..., tuple[int, str, str]]
SIDES = "fusion", "fusion, every gene", "scikit-survival"
N_PENALTIES, N_LIGHT, N_TRAINING_SETS, N_OUTER = 9, 5, 6, 5
SMALL = SpeedConfig(repeats=1, peer_folds=1, n_networks=2, n_epochs=2, sizes=(50, 100))


@pytest.fixture(scope="module")
def member(collection: Path) -> Member:
    return read_members("clinical", collection, lambda progress: None)[0]["xaca"]


def test_the_command_writes_the_table_it_prints(
    call: Call, collection: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = partial(SpeedConfig, **{n: getattr(SMALL, n) for n in SMALL.__dataclass_fields__})
    monkeypatch.setattr(speed_module, "SpeedConfig", small)
    out = tmp_path / "speed"
    code, shown, err = call("benchmark", "speed", "--out", out, "--data-dir", collection)
    assert (code, err) == (0, "")
    text = (out / "benchmark.json").read_text(encoding="utf-8")
    found = json.loads(text)
    assert {path.name for path in out.iterdir()} == {"benchmark.json", "run.json"}
    assert [(r["dataset"], r["model"], r["metric"]) for r in found["rows"]] == [
        *(
            (dataset, side, "seconds")
            for dataset in ("xaca", "xbca", "all of them")
            for side in SIDES
        ),
        ("2 networks", "one stacked model", "seconds"),
        ("2 networks", "one after another", "seconds"),
        ("simulated", "ridge path", "power of n_patients"),
        ("simulated", "ridge path", "power of n_features"),
    ]
    seconds = {(r["dataset"], r["model"]): r["estimate"] for r in found["rows"]}
    for side in SIDES:
        parts = seconds["xaca", side] + seconds["xbca", side]
        assert seconds["all of them", side] == pytest.approx(parts)
    ours, every_gene, peer = (seconds["all of them", side] for side in SIDES)
    assert found["ratios"].keys() == {
        "nested_cv_vs_sksurv",
        "every_gene_vs_sksurv",
        "stacked_vs_loop",
    }
    assert found["ratios"]["every_gene_vs_sksurv"] == pytest.approx(peer / every_gene)
    assert found["ratios"]["nested_cv_vs_sksurv"] == pytest.approx(peer / ours)
    assert "nested_cv_vs_sksurv: " in shown
    assert shown.splitlines()[-1] == f"Numbers: {out / 'benchmark.json'}"
    assert str(tmp_path) not in text
    assert str(collection) not in text
    assert "peak_memory_mib" not in text
    record = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert record["machine"].keys() >= {"cores", "threads"}
    assert record["identity"]["benchmark"] == "speed"


def test_both_sides_make_as_many_fits(member: Member) -> None:
    timing = time_nested(member, SMALL)
    # Light penalties, one path a modality, and at least one round of the second level.
    n_least = N_TRAINING_SETS * (N_LIGHT + N_PENALTIES * 3 + 1)
    n_most = N_TRAINING_SETS * (N_LIGHT + N_PENALTIES * 6 + 1)
    assert N_OUTER * n_least <= timing.n_fits <= N_OUTER * n_most
    assert n_least <= timing.n_peer_fits <= n_most
    assert timing.gap < 1e-5


def test_the_loop_fits_the_stack_that_we_fit(member: Member) -> None:
    clinical, added = member.dataset.clinical, member.added
    design, loop = CountedDesign(member.dataset, 0, 32), PlainLoop(member.dataset, 0)
    ours = design.fit(Stack("stack", clinical, added)).fitted.risk_score(design.dataset)
    theirs = loop.stack(clinical, added)
    assert np.array_equal(design.dataset.patient_id, loop.dataset.patient_id)
    assert np.corrcoef(ours, theirs)[0, 1] > 0.9


def test_different_answers_are_not_timed(member: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed_module, "SAME", 0.0)
    with pytest.raises(WorkbenchError, match="xaca: risk scores of one fit differ"):
        time_nested(member, SMALL)


def test_sides_take_turns() -> None:
    order: list[str] = []

    def side(name: str, done: int) -> int:
        order.append(name)
        return done

    first, second = in_turn(partial(side, "A", 1), partial(side, "B", 2), repeats=3)
    assert order == list("ABABAB")
    assert (first.done, second.done) == (1, 2)


def test_without_the_peer_it_says_what_to_install(
    call: Call, collection: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sksurv", None)
    out = tmp_path / "speed"
    code, _, err = call("benchmark", "speed", "--out", out, "--data-dir", collection)
    assert code == 1
    assert "pip install 'precision-workbench[dev]'" in err
    assert len(err.splitlines()) == 1
    assert not out.exists()


def test_ctrl_c_leaves_no_numbers(collection: Path, tmp_path: Path) -> None:
    words = ["benchmark", "speed", "--data-dir", str(collection)]
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "workbench", *words],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("timing: 0/4"):
            break
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    # Where `python -m` is stopped inside an import, it may end by the signal: a shell says 130 too.
    assert process.returncode in (130, -signal.SIGINT)
    assert "the same command" in err
    assert "Traceback" not in err
    out = tmp_path / "runs" / "benchmark-speed"
    assert {path.name for path in out.iterdir()} == {"run.json"}
