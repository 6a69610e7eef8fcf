"""How far long work has come, how the loss falls, and a way to stop it."""

import asyncio
import os
import time
from pathlib import Path

import numpy as np

from workbench.errors import StudyError, WorkbenchError
from workbench.figures import plot_training
from workbench.widgets.blocks import (
    Block,
    Button,
    Choice,
    Controls,
    Figure,
    Notice,
    Progress,
    Table,
    Words,
)
from workbench.widgets.widget import NotebookWidget, WidgetState
from workbench.widgets.work import FolderWork, Told, Work, seconds_left

WAIT = 0.25
"""Seconds between two drawings while the work goes on."""

SAID = {
    "waiting": "Not started.",
    "running": "Running.",
    "done": "Done.",
    "cancelled": "Cancelled. What was finished is kept: start again to go on from there.",
    "failed": "Failed.",
    "unfinished": "Unfinished, or running in another session: look again to see how far it is.",
}
LOSS, HELD_OUT = "loss", "held_out"


class TrainingMonitor(NotebookWidget):
    """Progress, time left and losses of work in a thread, or of a run folder.

    Parameters
    ----------
    work
        Work in this session; or the folder of a run, which another session may be filling.
    state
        What to begin with.

    Raises
    ------
    StudyError
        There is no such folder.
    """

    class State(WidgetState):
        """``step`` "" is the step that told of itself last."""

        step: str = ""

    title = "Progress"

    def __init__(
        self, work: Work | str | os.PathLike[str], *, state: WidgetState | dict | None = None
    ) -> None:
        if isinstance(work, Work):
            self.work: Work | FolderWork = work
        elif Path(work).is_dir():
            self.work = FolderWork(Path(work))
        else:
            raise StudyError(f"there is no folder {work}: name the folder of a run")
        self._drawn = 0.0
        self._waiting = False
        super().__init__(state)
        if isinstance(self.work, Work):
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:  # No notebook: who wants a picture calls refresh().
                return

            def wake() -> None:
                loop.call_soon_threadsafe(self._soon, loop)

            self.follow(self.work, wake)

    def _soon(self, loop: asyncio.AbstractEventLoop) -> None:
        """Draw, at most once in a while: work may tell of itself a thousand times a second."""
        if self._waiting:
            return
        self._waiting = True
        loop.call_later(max(0.0, WAIT - (time.monotonic() - self._drawn)), self._now)

    def _now(self) -> None:
        self._waiting = False
        self._drawn = time.monotonic()
        self.refresh()

    # The page

    def blocks(self) -> tuple[Block, ...]:
        """Where the work stands, bars, and the losses of a step."""
        work = self.work
        try:
            told, stage = work.told, work.stage
        except StudyError as error:
            return (Notice(str(error), "problem"),)
        blocks: list[Block] = [self._buttons()]
        if work.stopping:
            blocks.append(Words("Stopping at the next step."))
        elif stage == "failed":
            blocks.append(Notice(work.problem, "problem"))
        else:
            blocks.append(Words(SAID[stage]))
        last = _last_of_each(told)
        blocks += [self._bar(each, told, stage) for each in last.values()]
        return (*blocks, *self._losses(told))

    def _buttons(self) -> Controls:
        if isinstance(self.work, FolderWork):
            return Controls((Button("look", "Look again"),))
        running = self.work.stage == "running"
        can_start = not running and self.work.stage != "done"
        return Controls(
            (
                Button("start", "Start", enabled=can_start, primary=can_start),
                Button("cancel", "Cancel", enabled=running and not self.work.stopping),
            )
        )

    def _bar(self, each: Told, told: tuple[Told, ...], stage: str) -> Progress:
        detail = ""
        if stage == "running" and told[-1].step == each.step:
            left = seconds_left(told)
            detail = "time left unknown" if left is None else f"about {_duration(left)} left"
        name = f"step-{list(_last_of_each(told)).index(each.step)}"
        return Progress(name, each.step.capitalize(), each.done, each.total, detail)

    def _losses(self, told: tuple[Told, ...]) -> tuple[Block, ...]:
        steps = list(dict.fromkeys(each.step for each in told if LOSS in each.metrics))
        if not steps:
            return ()
        chosen = self.state.step if self.state.step in steps else steps[-1]
        latest = {each.done: each for each in told if each.step == chosen and each.metrics}
        at = np.array(sorted(latest))
        training, held_out = (
            np.array([latest[n].metrics.get(name, np.nan) for n in at.tolist()])
            for name in (LOSS, HELD_OUT)
        )
        seen = np.isfinite(held_out)
        closed = self.work.stage == "done" or told[-1].step != chosen
        best = float(at[seen][np.argmin(held_out[seen])]) if seen.any() and closed else None
        drawing = plot_training(
            at, training, held_out, chosen=best, unit="Step", title=f"Losses: {chosen}"
        )
        blocks: list[Block] = []
        if len(steps) > 1:
            options = {"": "the latest"} | {step: step for step in steps}
            blocks.append(
                Controls((Choice("step", "Losses of", options, self.state.step),), "losses-of")
            )
        looks = [
            (f"{n:,}", f"{a:.4g}", f"{b:.4g}")
            for n, a, b in zip(
                at[seen].tolist(), training[seen].tolist(), held_out[seen].tolist(), strict=True
            )
        ]
        head = ("Step", "Loss, training", "Loss, held out")
        table = Table("looks", "Looks at held-out patients", head, tuple(looks), folded=True)
        return (*blocks, Figure("losses", drawing), *((table,) if looks else ()))

    # What a person does

    def _own(self) -> Work:
        if isinstance(self.work, FolderWork):
            raise WorkbenchError("work of another session can only be looked at")
        return self.work

    def do_start(self) -> None:
        """Begin, or go on after it was cancelled."""
        self._own().start()
        self.refresh()

    def do_cancel(self) -> None:
        """Stop at the next step."""
        self._own().cancel()
        self.refresh()

    def do_look(self) -> None:
        """Read the folder again."""
        self.refresh()


def _last_of_each(told: tuple[Told, ...]) -> dict[str, Told]:
    return {each.step: each for each in told}


def _duration(seconds: float) -> str:
    """A time as a person says it.

    >>> _duration(42.2), _duration(400), _duration(9000)
    ('42 s', '7 min', '2.5 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
