"""Long work in a thread: its progress, a way to stop it, and its result."""

import asyncio
import json
import os
import time
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock
from typing import Any, Literal, Self

from workbench.errors import StudyError, WorkbenchError
from workbench.study import Progress, Study, run

RECORD = "progress.jsonl"
Stage = Literal["waiting", "running", "done", "cancelled", "failed", "unfinished"]


class Cancelled(RuntimeError):
    """The work was asked to stop."""


@dataclass(frozen=True)
class Told:
    """What was told of the work, and when (seconds since 1970)."""

    at: float
    step: str
    done: int
    total: int
    metrics: Mapping[str, float] = field(default_factory=dict)


def told_steps(
    tell: Callable[[Progress], None],
) -> Callable[[str], Callable[[int, int, Mapping[str, float]], None]]:
    """What a network's training calls after each step (``on_step``), told as progress.

    Examples
    --------
    >>> told_steps(print)("training on everyone")(3, 240, {"loss": 0.5})
    Progress(step='training on everyone', done=3, total=240, metrics={'loss': 0.5})
    """

    def of(step: str) -> Callable[[int, int, Mapping[str, float]], None]:
        return lambda done, total, metrics: tell(Progress(step, done, total, metrics))

    return of


class Work:
    """A function that tells of its progress, run in a thread; ``await`` it for its result.

    Parameters
    ----------
    function
        Takes what it is to call with each :class:`~workbench.study.Progress`.
    folder
        Where its progress is written too (``progress.jsonl``), once that folder exists: another
        session reads it there.

    Examples
    --------
    >>> def double(tell):
    ...     tell(Progress("doubling", 1, 1))
    ...     return 2 * 21
    >>> work = Work(double)
    >>> work.start()
    >>> work.result(), work.stage, [(told.step, told.done) for told in work.told]
    (42, 'done', [('doubling', 1)])
    """

    def __init__(
        self, function: Callable[[Callable[[Progress], None]], Any], folder: Path | None = None
    ) -> None:
        self._function, self._folder = function, folder
        self._future: Future[Any] | None = None
        self._stop, self._lock = Event(), Lock()
        self._told: list[Told] = []
        self._watchers: list[Callable[[], None]] = []

    @classmethod
    def study(
        cls,
        study: Study,
        out: str | os.PathLike[str],
        *,
        data_dir: str | os.PathLike[str] | None = None,
    ) -> Self:
        """A study, as :func:`workbench.run` runs it; the same study resumes in its folder."""
        return cls(
            lambda tell: run(study, out, data_dir=data_dir, on_progress=tell), folder=Path(out)
        )

    def start(self) -> None:
        """Begin, or begin anew what was cancelled or failed.

        Raises
        ------
        WorkbenchError
            It is running.
        """
        if self.stage == "running":
            raise WorkbenchError("the work is running already")
        self._stop.clear()
        pool = ThreadPoolExecutor(1, thread_name_prefix="work")
        self._future = pool.submit(self._function, self._tell)
        self._future.add_done_callback(lambda _: self._call())
        pool.shutdown(wait=False)

    def cancel(self) -> None:
        """Stop at the next progress; what was finished by then is kept where the work keeps it."""
        self._stop.set()

    def result(self, timeout: float | None = None) -> Any:
        """What the function returned; waits for it. What it raised is raised.

        Raises
        ------
        WorkbenchError
            It was not started.
        """
        if self._future is None:
            raise WorkbenchError("the work was not started: call start()")
        return self._future.result(timeout)

    def __await__(self) -> Generator[Any, None, Any]:
        """``await work`` in a notebook: its result, while the monitor goes on drawing.

        Raises
        ------
        WorkbenchError
            It was not started.
        """
        if self._future is None:
            raise WorkbenchError("the work was not started: call start()")
        # Who is interrupted while waiting has not asked the work to stop.
        return asyncio.shield(asyncio.wrap_future(self._future)).__await__()

    @property
    def told(self) -> tuple[Told, ...]:
        """All progress, in order."""
        with self._lock:
            return tuple(self._told)

    @property
    def stage(self) -> Stage:
        """Where the work stands."""
        if self._future is None:
            return "waiting"
        if not self._future.done():
            return "running"
        if self._future.exception() is None:
            return "done"
        return "cancelled" if self._stop.is_set() else "failed"

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop, and has not yet."""
        return self.stage == "running" and self._stop.is_set()

    @property
    def problem(self) -> str:
        """Why it failed; of errors that are not the workbench's only the kind."""
        error = self._future.exception() if self.stage == "failed" and self._future else None
        if error is None:
            return ""
        return str(error) if isinstance(error, WorkbenchError) else type(error).__name__

    def watch(self, watcher: Callable[[], None]) -> Callable[[], None]:
        """Call ``watcher``, in the thread of the work, after each progress and at the end.

        Returns
        -------
        Callable
            What ends it.
        """
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    def _tell(self, progress: Progress) -> None:
        if self._stop.is_set():
            raise Cancelled("the work was cancelled")
        told = Told(
            time.time(), progress.step, progress.done, progress.total, dict(progress.metrics)
        )
        with self._lock:
            self._told.append(told)
        if self._folder is not None and self._folder.is_dir():
            with (self._folder / RECORD).open("a", encoding="utf-8") as file:
                file.write(json.dumps(told.__dict__) + "\n")
        self._call()

    def _call(self) -> None:
        for watcher in tuple(self._watchers):
            watcher()


@dataclass(frozen=True)
class FolderWork:
    """Work of another session, as its folder tells.

    Parameters
    ----------
    folder
        Of a run, or that of a :class:`Work`.
    """

    folder: Path
    stopping: bool = False
    problem: str = ""

    @property
    def told(self) -> tuple[Told, ...]:
        """All progress that was written.

        Raises
        ------
        StudyError
            The record is damaged.
        """
        record = self.folder / RECORD
        if not record.is_file():
            return ()
        lines = record.read_text(encoding="utf-8").splitlines()
        try:
            # The last line may be half written.
            return tuple(Told(**json.loads(line)) for line in lines if line.endswith("}"))
        except (ValueError, TypeError):
            raise StudyError(f"{RECORD} is damaged: remove it, and run the study again") from None

    @property
    def stage(self) -> Stage:
        """Done where the run says so; else unfinished, for nobody knows whether it still runs."""
        try:
            record = json.loads((self.folder / "run.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            record = {}
        finished = isinstance(record, dict) and record.get("state") == "complete"
        return "done" if finished else "unfinished"


def seconds_left(told: tuple[Told, ...]) -> float | None:
    """How long the last step will still take at its pace; None while that is unknown.

    Examples
    --------
    >>> seconds_left((Told(0.0, "training", 0, 5), Told(20.0, "training", 2, 5)))
    30.0
    """
    if not told:
        return None
    last = told[-1]
    mine = [each for each in told if each.step == last.step]
    # A run that resumed told of it again: what lies before the latest start is another pace.
    start = max(at for at, each in enumerate(mine) if at == 0 or each.done < mine[at - 1].done + 1)
    first = mine[start]
    if last.done <= first.done or last.at <= first.at:
        return None
    return (last.at - first.at) / (last.done - first.done) * (last.total - last.done)
