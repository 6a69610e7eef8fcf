"""Pinned sources from the web: resumed, verified, and in place whole or not at all."""

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pooch
import requests
from tqdm import tqdm

from workbench.data.manifest import PinnedSource
from workbench.data.modalities import available_patients
from workbench.errors import DataCardError, DownloadError

if TYPE_CHECKING:
    from workbench.data.open_card import DataCard

_CHUNK = 1 << 16
_TRIES = 5
_FIRST_PAUSE_S = 0.5
_TIMEOUT_S = (10, 30)


def get(
    card: "DataCard",
    data_dir: str | os.PathLike[str] | None = None,
    jobs: int = 4,
    progress: bool = True,
) -> Path:
    """Fetch the sources that a card pins, and prepare them.

    A file that is there with the pinned size is not fetched. A transfer that was cut goes on
    where it stopped, from ``NAME.part``; a file appears under its own name only after its sha256
    was verified. Preparing means decoding what is slow to read (workbooks, images) into the cache
    folder.

    Parameters
    ----------
    card
        The dataset.
    data_dir
        Folder that will hold a folder of the card's name; the card's own folder, if not given.
    jobs
        Transfers at a time, at least 1.
    progress
        Whether to show a progress bar on standard error.

    Returns
    -------
    Path
        The card's data folder.

    Raises
    ------
    DownloadError
        If a source is gone, cannot be reached, or is not the file that the card pins. Sources
        fetched before stay.
    DataCardError
        If the card pins no source and its files are missing.
    """
    folder = card.folder if data_dir is None else Path(data_dir) / card.folder_name
    card = replace(card, folder=folder)
    missing = [s for s in card.pinned_sources() if not _there(folder / s.path, s)]
    if missing:
        _fetch_all(missing, folder, jobs, progress)
    absent = card.missing_files()
    if absent:
        raise DataCardError(f"{card.name} pins no source for what is {card.how_to_get(absent)}")
    for name in card.spec.modalities:
        available_patients(card, name)
    return folder


def _there(path: Path, source: PinnedSource) -> bool:
    return path.is_file() and path.stat().st_size == source.bytes


def _fetch_all(sources: Sequence[PinnedSource], folder: Path, jobs: int, progress: bool) -> None:
    pooch.get_logger().setLevel("WARNING")  # The bar tells what its lines would.
    stop = threading.Event()
    n_bytes = sum(source.bytes for source in sources)
    title = f"{len(sources)} files"
    bar = tqdm(total=n_bytes, unit="B", unit_scale=True, desc=title, disable=not progress)
    with bar, ThreadPoolExecutor(max_workers=max(jobs, 1)) as pool:
        running = [pool.submit(_fetch, s, folder, bar.update, stop) for s in sources]
        try:
            _first_failure(running)
        finally:
            # An interrupt, or the first failure, ends the other transfers at their next chunk.
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)


def _first_failure(running: Sequence[Future[None]]) -> None:
    done, _ = wait(running, return_when=FIRST_EXCEPTION)
    for future in done:
        future.result()


def _fetch(
    source: PinnedSource, folder: Path, advance: Callable[[int], Any], stop: threading.Event
) -> None:
    path = folder / source.path
    part = path.with_name(f"{path.name}.part")
    shown = 0

    def report(size: int) -> None:
        nonlocal shown
        advance(size - shown)
        shown = size

    def resuming(_url: str, output: str, _pooch: Any) -> None:
        _download(source, part, report, stop)
        os.replace(part, output)

    try:
        resumed = part.exists()
        if not _retrieved(source, path, resuming) and not (
            # What an earlier transfer left may have been damaged: start over, once.
            resumed and _retrieved(source, path, resuming)
        ):
            raise DownloadError(
                f"{source.url}: the server sent other bytes than the card pins (sha256 differs): "
                "the source changed or was damaged on its way; nothing was kept"
            )
    except OSError as error:
        raise DownloadError(
            f"cannot write {source.path} to {folder} ({error.strerror}): free space, or choose "
            "another folder with --data-dir"
        ) from None


def _retrieved(source: PinnedSource, path: Path, resuming: Callable[..., None]) -> bool:
    """Fetch, verify and move into place; False where the hash differs."""
    try:
        pooch.retrieve(
            source.url,
            known_hash=f"sha256:{source.sha256}",
            fname=path.name,
            path=path.parent,
            downloader=resuming,
        )
    except DownloadError:
        raise
    except ValueError:  # How pooch says that the hash differs.
        return False
    return True


def _download(
    source: PinnedSource, part: Path, report: Callable[[int], None], stop: threading.Event
) -> None:
    """Bring ``part`` to its full size, over as many connections as it takes."""
    pause = _FIRST_PAUSE_S
    for tries_left in reversed(range(_TRIES)):
        try:
            _transfer(source, part, report, stop)
            return
        except (requests.RequestException, _TryAgainError) as error:
            if not tries_left:
                raise DownloadError(
                    f"{source.url}: gave up after {_TRIES} tries ({_reason(error)}); run the same "
                    "command to go on where it stopped"
                ) from None
        if stop.wait(pause):
            raise _stopped()
        pause *= 2


class _TryAgainError(Exception):
    """The transfer ended early in a way that may pass."""


def _transfer(
    source: PinnedSource, part: Path, report: Callable[[int], None], stop: threading.Event
) -> None:
    """One connection: append what it brings to ``part``."""
    have = part.stat().st_size if part.exists() else 0
    if have == source.bytes and part.exists():
        report(have)
        return
    if have > source.bytes:
        part.unlink()
        have = 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with requests.get(source.url, headers=headers, stream=True, timeout=_TIMEOUT_S) as response:
        _check_answer(source, part, response)
        size = have if response.status_code == 206 else 0
        with part.open("ab" if size else "wb") as file:
            for chunk in response.iter_content(_CHUNK):
                if stop.is_set():
                    raise _stopped()
                size += len(chunk)
                if size > source.bytes:
                    break
                file.write(chunk)
                report(size)
    if size > source.bytes:
        raise _other_size(source, part)
    if size < source.bytes:
        raise _TryAgainError(f"{size:,} of {source.bytes:,} bytes came")


def _check_answer(source: PinnedSource, part: Path, response: requests.Response) -> None:
    status = response.status_code
    if status == 416:
        part.unlink(missing_ok=True)
    if status in (416, 429) or status >= 500:
        raise _TryAgainError(f"the server answers {status}")
    if status not in (200, 206):
        raise DownloadError(
            f"{source.url}: the server answers {status} {response.reason}: the source is gone or "
            "not public; look for a newer version of the card"
        )
    announced = response.headers.get("Content-Length", "")
    if status == 200 and announced.isdigit() and int(announced) != source.bytes:
        raise _other_size(source, part)


def _other_size(source: PinnedSource, part: Path) -> DownloadError:
    part.unlink(missing_ok=True)
    return DownloadError(
        f"{source.url}: the server sends another size than the {source.bytes:,} bytes that the "
        "card pins: the source changed; nothing was kept"
    )


def _stopped() -> DownloadError:
    return DownloadError("stopped; run the same command to go on where it stopped")


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, _TryAgainError) else type(error).__name__
