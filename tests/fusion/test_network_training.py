"""Training one network: the same on any ranks, resumed exactly, stopped at its best."""

import json
import os
import runpy
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from safetensors.torch import load_file

from fusion.batch_gradient import BatchGradient, Masks, predict_outputs
from fusion.network_inputs import LazyFeatures, NetworkInputs
from fusion.network_training import NetworkTrainingConfig, train_network
from fusion.tasks import CoxTask, DiscreteHazardTask, Task

SCRIPT = Path(__file__).parent / "network_run.py"
RUN = runpy.run_path(str(SCRIPT))
patients, first_network, train, SHAPE = (
    RUN[n] for n in ("patients", "first_network", "train", "SHAPE")
)
CONFIG = NetworkTrainingConfig(max_steps=25, learning_rate=1e-2, micro_batch=40, check_every=5)
TASKS = [CoxTask(), DiscreteHazardTask(4)]

Weights = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def accelerator() -> Accelerator:
    return Accelerator(cpu=True)


def run_script(out: Path, *, n_ranks: int = 1, **changes: Any) -> subprocess.CompletedProcess[str]:
    """``network_run.py`` on the CPU, whose results are safetensors files in ``out``."""
    asked = {
        "out": str(out),
        "tasks": ["cox"],
        "dtypes": ["float64"],
        "n_ranks": n_ranks,
        "config": {"max_steps": 25, "learning_rate": 1e-2, "micro_batch": 7, "check_every": 5},
    }
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    launcher = ["-m", "torch.distributed.run", "--nproc_per_node", str(n_ranks)]
    launcher += ["--master_addr", "127.0.0.1", "--master_port", str(port)]
    root = Path(__file__).parents[2]
    return subprocess.run(
        [
            sys.executable,
            *(launcher if n_ranks > 1 else []),
            str(SCRIPT),
            json.dumps(asked | changes),
        ],
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def furthest(weights: Weights, others: Weights) -> float:
    """Largest difference of any weight."""
    return max(float((weights[k] - others[k]).abs().max()) for k in weights)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
@pytest.mark.parametrize("micro_batch", [1, 7, 39])
def test_the_size_of_micro_batches_changes_no_weight(
    accelerator, task, dtype, tolerance, micro_batch
):
    config = replace(CONFIG, max_steps=5)
    whole, _ = train(task, dtype, config, accelerator)
    cut, _ = train(task, dtype, replace(config, micro_batch=micro_batch), accelerator)
    first = first_network(task, dtype).state_dict()
    assert furthest(first, whole.state_dict()) > 1e-2
    assert furthest(whole.state_dict(), cut.state_dict()) < tolerance


def test_two_ranks_train_the_same_weights_as_one(accelerator, tmp_path):
    """Micro-batches of 15, so that one rank has two and the other one."""
    asked = {"tasks": ["cox", "discrete_hazard"], "dtypes": ["float64", "float32"]}
    asked["config"] = {"max_steps": 25, "learning_rate": 1e-2, "micro_batch": 15, "check_every": 5}
    done = run_script(tmp_path, n_ranks=2, **asked)
    assert done.returncode == 0, done.stderr
    for (name, task), (dtype, tolerance) in product(
        zip(asked["tasks"], TASKS, strict=True), [("float64", 1e-10), ("float32", 1e-5)]
    ):
        two = load_file(tmp_path / f"{name}_{dtype}.safetensors")
        one, trained = train(task, getattr(torch, dtype), CONFIG, accelerator)
        assert furthest(one.state_dict(), two) < tolerance
        assert_allclose(two["losses"].numpy(), trained.losses, atol=tolerance)


def test_ranks_with_different_first_weights_are_refused(tmp_path):
    done = run_script(tmp_path, n_ranks=2, seed_by_rank=True)
    assert done.returncode != 0
    assert "the 2 ranks hold different data, first weights or checkpoints" in done.stderr


def test_killed_and_started_again_equals_uninterrupted(accelerator, tmp_path):
    """Killed inside step 18, of which the checkpoint of step 15 knows nothing."""
    whole_file, killed_file = tmp_path / "whole.safetensors", tmp_path / "killed.safetensors"
    # Six micro-batches a step, each read in both passes.
    killed = run_script(tmp_path, die_at_read=17 * 12 + 8, checkpoint=str(killed_file))
    assert killed.returncode == -signal.SIGKILL
    assert len(load_file(killed_file)["losses"]) == 15
    (whole, trained), (resumed, other) = (
        train(
            CoxTask(),
            torch.float64,
            replace(CONFIG, micro_batch=7),
            accelerator,
            die_at_read=10**9,
            checkpoint=file,
        )
        for file in (whole_file, killed_file)
    )
    assert len(trained.losses) == 25
    assert furthest(whole.state_dict(), resumed.state_dict()) == 0
    assert (trained.n_steps, trained.looks) == (other.n_steps, other.looks)
    assert whole_file.read_bytes() == killed_file.read_bytes()


def test_a_finished_run_is_read_back_without_a_step(accelerator, tmp_path):
    file = tmp_path / "training.safetensors"
    network, trained = train(CoxTask(), torch.float64, CONFIG, accelerator, checkpoint=file)
    before = file.read_bytes()
    again, other = train(CoxTask(), torch.float64, CONFIG, accelerator, checkpoint=file)
    assert furthest(network.state_dict(), again.state_dict()) == 0
    assert (trained.n_steps, trained.looks) == (other.n_steps, other.looks)
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"config": replace(CONFIG, learning_rate=0.02)}, "learning_rate"),
        ({"seed": 1}, "network and first weights"),
        ({"task": DiscreteHazardTask(4)}, "network and first weights, task and outcome"),
        ({"die_at_read": 10**9}, "features of the patients"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(accelerator, tmp_path, changes, named):
    file = tmp_path / "training.safetensors"
    given = {"task": CoxTask(), "dtype": torch.float64, "config": CONFIG}
    given |= {"accelerator": accelerator, "checkpoint": file}
    train(**given)
    with pytest.raises(ValueError, match=f"belongs to another run: it differs in {named}"):
        train(**(given | changes))


def test_bf16_trains_to_a_close_loss(accelerator, tmp_path):
    done = run_script(tmp_path, precision="bf16", dtypes=["float32"])
    assert done.returncode == 0, done.stderr
    single = train(CoxTask(), torch.float32, replace(CONFIG, micro_batch=7), accelerator)[1].losses
    half = load_file(tmp_path / "cox_float32.safetensors")["losses"].numpy()
    assert single[-1] < single[0] - 0.1
    assert_allclose(half, single, atol=0.05)
    assert not np.array_equal(half, single)


def train_on(
    inputs: NetworkInputs,
    task: Task,
    accelerator: Accelerator,
    config: NetworkTrainingConfig = CONFIG,
    network: torch.nn.Module | None = None,
    **given: Any,
) -> tuple[torch.nn.Module, Any]:
    _, outcome = patients(torch.float64)
    network = network or first_network(task, torch.float64)
    fitted = task.fit(outcome)
    given = {"progress": False} | given
    result = train_network(
        network,
        inputs,
        fitted,
        fitted.targets(outcome),
        shape=SHAPE,
        config=config,
        accelerator=accelerator,
        **given,
    )
    return network, result


def test_early_stopping_returns_the_best_step_and_its_weights(accelerator):
    """The score peaks at the third look; three looks later training ends."""
    inputs, _ = patients(torch.float64)
    scores = iter([1.0, 2.0, 5.0, 4.0, 5.0, 4.5, 9.0])
    config = replace(CONFIG, max_steps=100, patience=3)
    network, result = train_on(
        inputs, CoxTask(), accelerator, config, held_out=lambda network: next(scores)
    )
    assert result.n_steps == 15
    assert [step for step, _ in result.looks] == [5, 10, 15, 20, 25, 30]
    assert len(result.losses) == 30
    again, fixed = train_on(inputs, CoxTask(), accelerator, config, n_steps=result.n_steps)
    assert fixed.n_steps == len(fixed.losses) == 15
    assert furthest(network.state_dict(), again.state_dict()) == 0


def test_held_out_patients_are_looked_at_in_evaluation_mode(accelerator):
    inputs, _ = patients(torch.float64)
    modes = []
    network = first_network(CoxTask(), torch.float64)
    network.register_forward_hook(lambda module, *_: modes.append(module.training))

    def held_out(network: torch.nn.Module) -> float:
        assert not torch.is_grad_enabled()
        return float(network(dict(inputs.features), dict(inputs.present)).std())

    config = replace(CONFIG, max_steps=6, check_every=2)
    train_on(inputs, CoxTask(), accelerator, config, network=network, held_out=held_out)
    assert modes == [True, True, False] * 3


@pytest.mark.parametrize("task", TASKS)
def test_lazy_features_train_like_those_in_memory(accelerator, task):
    inputs, _ = patients(torch.float64)
    rna = inputs.features["rna"]
    lazy = replace(
        inputs, features={**inputs.features, "rna": LazyFeatures(lambda at: rna[at], 40, "rna")}
    )
    network, _ = train_on(inputs, task, accelerator)
    other, _ = train_on(lazy, task, accelerator)
    assert furthest(network.state_dict(), other.state_dict()) == 0


def test_values_of_an_absent_modality_do_not_train(accelerator):
    inputs, _ = patients(torch.float64)
    rna = inputs.features["rna"].clone()
    rna[~inputs.present["rna"]] = torch.nan
    spoiled = replace(inputs, features={**inputs.features, "rna": rna})
    network, _ = train_on(inputs, CoxTask(), accelerator)
    other, _ = train_on(spoiled, CoxTask(), accelerator)
    assert furthest(network.state_dict(), other.state_dict()) == 0


def test_mini_batches_train_and_depend_on_the_seed_alone(accelerator):
    inputs, _ = patients(torch.float64)
    config = replace(CONFIG, batch=13)
    network, result = train_on(inputs, CoxTask(), accelerator, config)
    torch.manual_seed(99)
    again, _ = train_on(inputs, CoxTask(), accelerator, config)
    other, _ = train_on(inputs, CoxTask(), accelerator, replace(config, seed=1))
    assert furthest(network.state_dict(), again.state_dict()) == 0
    assert furthest(network.state_dict(), other.state_dict()) > 1e-4
    assert result.losses[-8:].mean() < result.losses[:4].mean()


@given(st.integers(1, 50), st.integers(1, 60), st.integers(0, 3))
@settings(deadline=None)
def test_each_patient_comes_once_an_epoch(n_patients, batch, epoch):
    config = NetworkTrainingConfig(batch=batch)
    n_batches = -(-n_patients // batch)
    parts = [config.batch_at(epoch * n_batches + i, n_patients) for i in range(n_batches)]
    assert sorted(torch.cat(parts).tolist()) == list(range(n_patients))
    assert max(map(len, parts)) <= batch


def test_learning_rate_follows_its_schedule():
    config = NetworkTrainingConfig(max_steps=100, learning_rate=0.2)
    assert [round(config.learning_rate_at(s), 6) for s in (0, 50, 100)] == [0.2, 0.1, 0.0]
    constant = replace(config, schedule="constant")
    assert [constant.learning_rate_at(s) for s in (0, 50, 100)] == [0.2] * 3


def gradient_of(
    network: torch.nn.Module, accelerator: Accelerator, micro_batch: int, keep_modality: float = 1.0
) -> BatchGradient:
    inputs, outcome = patients(torch.float64)
    fitted = CoxTask().fit(outcome)
    masks = Masks(SHAPE.embed, 1.0, keep_modality, seed=0)
    return BatchGradient(
        network, inputs, fitted, fitted.targets(outcome), masks, micro_batch, accelerator
    )


class NoisyNetwork(torch.nn.Module):
    """Draws its own dropout, as a pretrained encoder may."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(3, 1, dtype=torch.float64)
        self.dropout = torch.nn.Dropout(0.5)

    def forward(self, features, present, kept=None):
        return self.layer(self.dropout(features["clinical"]))[:, 0]


def test_a_network_that_draws_its_own_noise_draws_the_same_in_both_passes(accelerator):
    torch.manual_seed(0)
    network, outputs = NoisyNetwork(), []
    network.register_forward_hook(lambda module, given, output: outputs.append(output.detach()))
    state = torch.get_rng_state()
    gradient_of(network, accelerator, micro_batch=20).accumulate(0, torch.arange(40))
    first, second, first_again, second_again = outputs
    assert torch.equal(first, first_again)
    assert torch.equal(second, second_again)
    assert torch.equal(state, torch.get_rng_state())
    gradient_of(network, accelerator, micro_batch=20).accumulate(1, torch.arange(40))
    assert not torch.equal(first, outputs[4])


def test_two_passes_give_the_gradient_of_the_whole_batch(accelerator):
    inputs, outcome = patients(torch.float64)
    network = first_network(CoxTask(), torch.float64)
    ones = {name: torch.ones(40, SHAPE.embed).double() for name in inputs.features}
    fitted = CoxTask().fit(outcome)
    scores = network(dict(inputs.features), dict(inputs.present), ones)
    (fitted.loss(scores, fitted.targets(outcome)) / 40).backward()
    expected = {k: p.grad.clone() for k, p in network.named_parameters()}
    network.zero_grad()
    gradient_of(network, accelerator, micro_batch=9).accumulate(0, torch.arange(40))
    for name, parameter in network.named_parameters():
        assert_allclose(parameter.grad.numpy(), expected[name].numpy(), atol=1e-14)


def test_the_clinical_modality_is_never_dropped_and_others_are(accelerator):
    network, seen = first_network(CoxTask(), torch.float64), []
    network.register_forward_hook(lambda module, given, output: seen.append(given[1]))
    learning = gradient_of(network, accelerator, micro_batch=40, keep_modality=0.5)
    for step in range(20):
        learning.accumulate(step, torch.arange(40))
    present = learning.inputs.present["rna"]
    kept = torch.stack([s["rna"] for s in seen])
    assert all(bool(s["clinical"].all()) for s in seen)
    assert not kept[:, ~present].any()
    assert 0.4 < float(kept[:, present].double().mean()) < 0.6


def test_predictions_do_not_depend_on_micro_batches(accelerator):
    inputs, _ = patients(torch.float64)
    network = first_network(DiscreteHazardTask(4), torch.float64)
    whole, cut = (
        predict_outputs(network, inputs, micro_batch=m, accelerator=accelerator) for m in (40, 7)
    )
    assert whole.shape == (40, 4)
    assert_allclose(cut, whole, atol=1e-14)


def test_the_bar_shows_loss_and_can_be_turned_off(accelerator, capsys):
    inputs, _ = patients(torch.float64)
    _, result = train_on(inputs, CoxTask(), accelerator, progress=True)
    shown = capsys.readouterr().err
    assert "25/25 [00:0" in shown
    assert f"loss={result.losses[-1]:.4f}" in shown
    train_on(inputs, CoxTask(), accelerator)
    assert capsys.readouterr().err == ""


def test_what_cannot_be_trained_is_refused(accelerator, monkeypatch):
    inputs, _ = patients(torch.float64)
    normed = first_network(CoxTask(), torch.float64)
    normed.fuser = torch.nn.Sequential(normed.fuser, torch.nn.BatchNorm1d(8))
    with pytest.raises(ValueError, match="1 batch norms, by which patients change each other"):
        train_on(inputs, CoxTask(), accelerator, network=normed)
    deep = first_network(CoxTask(), torch.float64)
    deep.volumes = torch.nn.Conv3d(1, 1, 3)
    with monkeypatch.context() as patch:  # A process has one precision, and it is another.
        patch.setattr(Accelerator, "mixed_precision", "bf16")
        with pytest.raises(ValueError, match="bf16 on the CPU gives wrong gradients"):
            train_on(inputs, CoxTask(), accelerator, network=deep)
    infinite = replace(inputs, features={n: f / 0 for n, f in inputs.features.items()})
    with pytest.raises(ValueError, match="the loss of step 0 is nan: lower the learning rate"):
        train_on(infinite, CoxTask(), accelerator)
    with pytest.raises(ValueError, match="the held-out score of step 5 is nan"):
        train_on(inputs, CoxTask(), accelerator, held_out=lambda network: float("nan"))
    with pytest.raises(ValueError, match="n_steps must be 1 to max_steps = 25, got 26"):
        train_on(inputs, CoxTask(), accelerator, n_steps=26)


def test_settings_out_of_range_are_refused():
    for name in ("max_steps", "batch", "micro_batch", "check_every", "patience"):
        with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
            NetworkTrainingConfig(**{name: 0})
    with pytest.raises(ValueError, match="learning_rate and clip_norm must be positive"):
        NetworkTrainingConfig(learning_rate=0.0)


def test_each_step_is_told_and_what_is_told_may_stop_and_resume(tmp_path: Path) -> None:
    inputs, _ = patients(torch.float64)
    accelerator, file = Accelerator(cpu=True), tmp_path / "checkpoint.safetensors"
    told: list[tuple[int, int, dict[str, float]]] = []
    given = {"held_out": lambda network: -1.0, "checkpoint": file}

    def stop(done: int, total: int, metrics: Any) -> None:
        told.append((done, total, dict(metrics)))
        if done == CONFIG.check_every:
            raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        train_on(inputs, CoxTask(), accelerator, on_step=stop, **given)
    assert [done for done, _, _ in told] == list(range(1, CONFIG.check_every + 1))
    assert told[-1][2].keys() == {"loss", "held_out"}
    assert told[-1][2]["held_out"] == 1.0
    after: list[int] = []
    _, result = train_on(
        inputs, CoxTask(), accelerator, on_step=lambda done, *_: after.append(done), **given
    )
    assert after[0] == CONFIG.check_every + 1
    assert result.losses[: len(told)].tolist() == [metrics["loss"] for _, _, metrics in told]
