"""Checkpoints: every bit comes back, the old file survives a failed write, others are refused."""

import os
from dataclasses import fields, replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from fusion.checkpoint import Checkpoint, read_checkpoint, write_checkpoint

RUN = {"seed": "0", "learning_rate": "0.001"}


@pytest.fixture
def checkpoint() -> Checkpoint:
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    return Checkpoint(
        network={"head.layer.weight": draw(1, 8), "encoders.a/b.weight": draw(2, 3).float()},
        moments={"head.layer.weight/exp_avg": draw(1, 8), "head.layer.weight/step": torch.ones(())},
        best={},
        losses=draw(7),
        looks=((5, 0.1 + 0.2), (7, -1e-300)),
        random_state=torch.Generator().manual_seed(3).get_state(),
    )


def assert_same(checkpoint: Checkpoint, other: Checkpoint | None) -> None:
    assert isinstance(other, Checkpoint)
    for part in ("network", "moments", "best"):
        own, others = getattr(checkpoint, part), getattr(other, part)
        assert own.keys() == others.keys()
        assert all(torch.equal(own[k], others[k]) for k in own)
        assert all(own[k].dtype == others[k].dtype for k in own)
    assert torch.equal(checkpoint.losses, other.losses)
    assert torch.equal(checkpoint.random_state, other.random_state)
    assert checkpoint.looks == other.looks


def test_every_bit_comes_back(checkpoint, tmp_path):
    file = tmp_path / "new folder" / "training.safetensors"
    write_checkpoint(checkpoint, file, RUN)
    assert_same(checkpoint, read_checkpoint(file, RUN))
    assert {f.name for f in fields(Checkpoint)} == {
        "network",
        "moments",
        "best",
        "losses",
        "looks",
        "random_state",
    }


def test_tensors_that_share_memory_or_are_not_contiguous_are_written(checkpoint, tmp_path):
    values = torch.arange(6.0).reshape(2, 3)
    shared = replace(checkpoint, network={"a": values, "b": values.t()}, best={"a": values})
    write_checkpoint(shared, tmp_path / "file", RUN)
    assert_same(shared, read_checkpoint(tmp_path / "file", RUN))


def test_no_file_is_no_checkpoint(tmp_path):
    assert read_checkpoint(tmp_path / "file", RUN) is None


def test_a_failed_write_leaves_the_old_checkpoint(checkpoint, tmp_path, monkeypatch):
    """The disk is full when the new file is to be made safe; then there is room again."""
    file = tmp_path / "training.safetensors"
    write_checkpoint(checkpoint, file, RUN)
    newer = replace(checkpoint, looks=((9, 2.0),))

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            write_checkpoint(newer, file, RUN)
    assert_same(checkpoint, read_checkpoint(file, RUN))
    write_checkpoint(newer, file, RUN)
    assert_same(newer, read_checkpoint(file, RUN))
    assert [f.name for f in tmp_path.iterdir()] == [file.name]


def test_another_run_is_refused_and_said_in_what(checkpoint, tmp_path):
    file = tmp_path / "file"
    write_checkpoint(checkpoint, file, RUN)
    with pytest.raises(ValueError, match=r"differs in learning_rate, schedule\. Choose another"):
        read_checkpoint(file, {"seed": "0", "learning_rate": "0.002", "schedule": "cosine"})
    with pytest.raises(ValueError, match="differs in learning_rate"):
        read_checkpoint(file, {"seed": "0"})


def test_damaged_and_foreign_files_are_refused(checkpoint, tmp_path):
    file: Path = tmp_path / "file"
    write_checkpoint(checkpoint, file, RUN)
    file.write_bytes(file.read_bytes()[:-5])
    with pytest.raises(ValueError, match="is damaged .*: delete it to start again"):
        read_checkpoint(file, RUN)
    save_file({"weight": torch.ones(2)}, file)
    with pytest.raises(ValueError, match="is no checkpoint of"):
        read_checkpoint(file, RUN)
