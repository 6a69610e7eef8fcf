"""Pinned sources, fetched from a server on this machine that misbehaves in every usual way."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.data import download
from workbench.data.download import get
from workbench.data.open_card import DataCard, open_card
from workbench.errors import DataCardError, DownloadError

CONTENT = np.random.default_rng(0).bytes(300_000)


class Server(ThreadingHTTPServer):
    """Serves ``files``; a path's first answers are those that ``faults`` lists for it.

    A fault is a status to answer, ``cut`` (half of what is asked for, then silence), ``ignore
    range`` (the whole file, whatever was asked for) or ``hang up`` (no answer).
    """

    daemon_threads = True

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = files
        self.faults: dict[str, list[int | str]] = {}
        self.requests: list[tuple[str, str | None]] = []

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{path}"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        path, asked = self.path[1:], self.headers["Range"]
        self.server.requests.append((path, asked))
        faults = self.server.faults.get(path, [])
        fault = faults.pop(0) if faults else None
        if fault == "hang up":
            self.close_connection = True
            return
        if isinstance(fault, int):
            self.send_error(fault)
            return
        content = self.server.files[path]
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        start = 0 if fault == "ignore range" else start
        self.send_response(206 if asked and fault != "ignore range" else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        stop = (len(content) + start) // 2 if fault == "cut" else len(content)
        self.wfile.write(content[start:stop])
        self.close_connection = True

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing: the test asks the server what was requested."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(download, "_FIRST_PAUSE_S", 0.001)
    with Server({"genes.csv": CONTENT}) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def pinned(toy: Any, server: Server) -> Any:
    """The small dataset whose matrix is gone, and has to come from the server."""
    content = (toy.folder / "genes.csv").read_bytes()
    (toy.folder / "genes.csv").unlink()
    server.files["genes.csv"] = content + b"\n" * (300_000 - len(content))
    toy.spec["files"]["genes"] |= {
        "url": server.url("genes.csv"),
        "sha256": hashlib.sha256(server.files["genes.csv"]).hexdigest(),
        "bytes": 300_000,
    }
    return toy


def _get(toy: Any) -> bytes:
    folder = get(toy.open(), progress=False)
    assert [p.name for p in folder.glob("*.part")] == []
    assert [p.name for p in folder.glob("tmp*")] == []
    return (folder / "genes.csv").read_bytes()


def _left_behind(toy: Any) -> set[str]:
    return {p.name for p in toy.folder.iterdir()} - {"toy.md", "visits.csv", "scans", "folds"}


def test_the_same_bytes_arrive_and_are_not_fetched_again(pinned: Any, server: Server) -> None:
    assert _get(pinned) == server.files["genes.csv"]
    assert _get(pinned) == server.files["genes.csv"]
    assert server.requests == [("genes.csv", None)]


def test_files_that_lie_there_are_not_fetched(pinned: Any, server: Server) -> None:
    (pinned.folder / "genes.csv").write_bytes(server.files["genes.csv"])
    assert _get(pinned) == server.files["genes.csv"]
    assert server.requests == []


def test_a_file_of_another_size_is_replaced(pinned: Any, server: Server) -> None:
    (pinned.folder / "genes.csv").write_bytes(b"id,g_A\n")
    assert _get(pinned) == server.files["genes.csv"]


@pytest.mark.parametrize("fault", [500, 503, 429, "hang up"])
def test_what_may_pass_is_tried_again(pinned: Any, server: Server, fault: int | str) -> None:
    server.faults["genes.csv"] = [fault]
    assert _get(pinned) == server.files["genes.csv"]
    assert len(server.requests) == 2


def test_a_cut_transfer_goes_on_where_it_stopped(pinned: Any, server: Server) -> None:
    server.faults["genes.csv"] = ["cut", "cut"]
    assert _get(pinned) == server.files["genes.csv"]
    first, *resumed = [asked for _, asked in server.requests]
    assert first is None
    starts = [int(asked[len("bytes=") : -1]) for asked in resumed if asked]
    assert len(starts) == 2
    assert 100_000 < starts[0] <= 150_000 < starts[1] <= 225_000


def test_an_interrupted_command_goes_on_where_it_stopped(pinned: Any, server: Server) -> None:
    (pinned.folder / "genes.csv.part").write_bytes(server.files["genes.csv"][:100_000])
    assert _get(pinned) == server.files["genes.csv"]
    assert server.requests == [("genes.csv", "bytes=100000-")]


def test_a_whole_part_needs_no_request(pinned: Any, server: Server) -> None:
    (pinned.folder / "genes.csv.part").write_bytes(server.files["genes.csv"])
    assert _get(pinned) == server.files["genes.csv"]
    assert server.requests == []


def test_a_server_that_cannot_resume_starts_over(pinned: Any, server: Server) -> None:
    server.faults["genes.csv"] = ["cut", "ignore range"]
    assert _get(pinned) == server.files["genes.csv"]


@pytest.mark.parametrize("stale", [b"x" * 1000, b"x" * 300_000, b"x" * 400_000])
def test_a_damaged_part_is_dropped(pinned: Any, server: Server, stale: bytes) -> None:
    (pinned.folder / "genes.csv.part").write_bytes(stale)
    assert _get(pinned) == server.files["genes.csv"]


def test_a_range_that_the_server_refuses_is_dropped(pinned: Any, server: Server) -> None:
    (pinned.folder / "genes.csv.part").write_bytes(b"x" * 1000)
    server.faults["genes.csv"] = [416]
    assert _get(pinned) == server.files["genes.csv"]
    assert server.requests == [("genes.csv", "bytes=1000-"), ("genes.csv", None)]


@pytest.mark.parametrize(
    ("served", "message"),
    [
        (b"x" * 300_000, "other bytes than the card pins"),
        (b"x" * 300_001, "another size than the 300,000 bytes"),
        (b"x" * 9, "another size than the 300,000 bytes"),
        (b"", "another size than the 300,000 bytes"),
    ],
)
def test_wrong_bytes_leave_nothing_behind(
    pinned: Any, server: Server, served: bytes, message: str
) -> None:
    server.files["genes.csv"] = served
    with pytest.raises(DownloadError, match=message):
        _get(pinned)
    assert _left_behind(pinned) == set()


@pytest.mark.parametrize("status", [404, 403, 410])
def test_a_source_that_is_gone_is_not_tried_again(pinned: Any, server: Server, status: int) -> None:
    server.faults["genes.csv"] = [status] * 9
    with pytest.raises(DownloadError, match=f"answers {status}"):
        _get(pinned)
    assert len(server.requests) == 1
    assert _left_behind(pinned) == set()


def test_a_server_that_stays_down_is_given_up(pinned: Any, server: Server) -> None:
    server.faults["genes.csv"] = [500] * 99
    with pytest.raises(DownloadError, match="gave up after 5 tries .the server answers 500"):
        _get(pinned)
    assert len(server.requests) == 5


def test_an_older_file_stays_when_its_replacement_fails(pinned: Any, server: Server) -> None:
    (pinned.folder / "genes.csv").write_bytes(b"old")
    server.files["genes.csv"] = b"x" * 300_000
    with pytest.raises(DownloadError, match="nothing was kept"):
        _get(pinned)
    assert (pinned.folder / "genes.csv").read_bytes() == b"old"


def test_no_server_at_all(pinned: Any, server: Server) -> None:
    pinned.spec["files"]["genes"]["url"] = "http://127.0.0.1:9/genes.csv"
    with pytest.raises(DownloadError, match="gave up after 5 tries .ConnectionError"):
        _get(pinned)


def test_a_folder_that_cannot_be_written(pinned: Any) -> None:
    pinned.spec["files"]["genes"]["path"] = "visits.csv/genes.csv"
    with pytest.raises(DownloadError, match="cannot write visits.csv/genes.csv"):
        _get(pinned)


def _manifest_card(toy: Any, server: Server, names: list[str]) -> DataCard:
    rows = ["path,url,bytes,sha256"]
    for name in names:
        content = server.files[name]
        digest = hashlib.sha256(content).hexdigest()
        rows.append(f"more/{name},{server.url(name)},{len(content)},{digest}")
    toy.spec["manifest"] = "toy.manifest.csv"
    (toy.folder / "toy.manifest.csv").write_text("\n".join(rows) + "\n")
    return toy.open()


def test_a_manifest_is_fetched_by_several_at_a_time(toy: Any, server: Server) -> None:
    generator = np.random.default_rng(1)
    names = [f"{i}.bin" for i in range(20)]
    server.files = {name: generator.bytes(int(generator.integers(1, 9000))) for name in names}
    server.faults = {"3.bin": ["cut"], "7.bin": [500], "11.bin": ["hang up"]}
    card = _manifest_card(toy, server, names)
    assert len(card.missing_files()) == 20
    get(card, jobs=6, progress=False)
    assert card.missing_files() == []
    for name in names:
        assert (toy.folder / "more" / name).read_bytes() == server.files[name]


def test_one_failure_keeps_what_came_and_nothing_half(toy: Any, server: Server) -> None:
    names = [f"{i}.bin" for i in range(10)]
    server.files = {name: name.encode() * 999 for name in names}
    card = _manifest_card(toy, server, names)
    server.faults = {"5.bin": [404]}
    with pytest.raises(DownloadError, match="5.bin: the server answers 404"):
        get(card, jobs=2, progress=False)
    kept = [p for p in (toy.folder / "more").iterdir() if p.suffix == ".bin"]
    assert all(p.read_bytes() == server.files[p.name] for p in kept)
    assert "5.bin" not in {p.name for p in kept}
    get(card, jobs=2, progress=False)
    assert card.missing_files() == []


def test_an_interrupt_stops_all_transfers_and_can_be_resumed(
    pinned: Any, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    server.faults["genes.csv"] = ["cut"] * 3
    with monkeypatch.context() as patch:
        patch.setattr(download, "_first_failure", interrupted)
        with pytest.raises(KeyboardInterrupt):
            get(pinned.open(), progress=False)
    assert "genes.csv" not in _left_behind(pinned)
    server.faults.clear()
    assert _get(pinned) == server.files["genes.csv"]


def test_another_folder(pinned: Any, server: Server, tmp_path: Path) -> None:
    with pytest.raises(DataCardError, match="pins no source for what is not in"):
        get(pinned.open(), data_dir=tmp_path / "other", progress=False)
    assert (tmp_path / "other" / "toy" / "genes.csv").read_bytes() == server.files["genes.csv"]


def test_progress_reaches_the_total(
    pinned: Any, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    server.faults["genes.csv"] = ["cut", "ignore range"]
    get(pinned.open(), progress=True)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "100%" in shown.err
    assert "300k/300k" in shown.err


@pytest.mark.shared_data
def test_tcga_glioma_is_there_and_needs_no_network(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise AssertionError("nothing may be fetched")

    monkeypatch.setattr(download.requests, "get", refused)
    card = open_card("tcga_glioma", data_dir=shared_data)
    assert len(card.pinned_sources()) == 448
    assert get(card, progress=False) == shared_data / "tcga_glioma"
