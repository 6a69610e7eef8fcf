"""What lies in the cache folder: listed with size and age, and deleted on demand."""

import os
import time
from pathlib import Path

import pytest

from workbench.data.prepared import key_of, list_prepared, prepared_folder, prune_prepared

DAY = 86_400


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three prepared things of 1000 bytes, used 1, 40 and 90 days ago, and a key."""
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path))
    for name, days in (("events/new", 1), ("omop/old", 40), ("tables/older.parquet", 90)):
        path = tmp_path / name
        path.parent.mkdir()
        if path.suffix:
            path.write_bytes(bytes(1000))
        else:
            path.mkdir()
            (path / "part").write_bytes(bytes(1000))
        os.utime(path, (time.time() - days * DAY,) * 2)
    (tmp_path / "pseudonyms").mkdir()
    (tmp_path / "pseudonyms" / "run.key").write_text("secret")
    os.utime(tmp_path / "pseudonyms" / "run.key", (0, 0))
    return tmp_path


def names() -> list[str]:
    return [each.path.name for each in list_prepared()]


def test_what_was_used_last_is_listed_first(cache: Path) -> None:
    assert [(p.kind, p.n_bytes, round(p.age())) for p in list_prepared()] == [
        ("events", 1000, 1),
        ("omop", 1000, 40),
        ("tables", 1000, 90),
    ]
    prepared_folder("omop", "old", lambda folder: pytest.fail("it is there"))
    assert names() == ["old", "new", "older.parquet"]


@pytest.mark.parametrize(
    ("days", "most", "left"),
    [
        (30, None, ["new"]),
        (60, None, ["new", "old"]),
        (None, 2500, ["new", "old"]),
        (None, 0, []),
        (60, 1500, ["new"]),
        (365, 10**9, ["new", "old", "older.parquet"]),
    ],
)
def test_old_things_go_first_and_keys_never(
    cache: Path, days: float | None, most: int | None, left: list[str]
) -> None:
    gone = prune_prepared(older_than_days=days, at_most_bytes=most)
    assert names() == left
    assert len(gone) == 3 - len(left)
    assert (cache / "pseudonyms" / "run.key").is_file()


def test_what_was_pruned_is_made_again(cache: Path) -> None:
    def build(folder: Path) -> None:
        (folder / "made").write_text("again")

    folder = prepared_folder("events", key_of("a", "b"), build)
    prune_prepared(at_most_bytes=0)
    assert not folder.exists()
    assert (prepared_folder("events", key_of("a", "b"), build) / "made").read_text() == "again"
