import asyncio
import json
from threading import Event
from typing import Any

import pytest

from workbench.errors import StudyError, WorkbenchError
from workbench.study import Progress
from workbench.widgets import TrainingMonitor, Work
from workbench.widgets.work import Cancelled, FolderWork, Told, seconds_left, told_steps


def losses(tell, n: int = 6) -> str:
    on_step = told_steps(tell)("training on everyone")
    for done in range(1, n + 1):
        look = {"held_out": abs(done - 4) + 1.0} if done % 2 == 0 else {}
        on_step(done, n, {"loss": 5.0 - done / 2, **look})
    return "trained"


def test_progress_losses_and_result(tmp_path) -> None:
    work = Work(losses, folder=tmp_path)
    monitor = TrainingMonitor(work)
    assert "Not started" in monitor.text()
    monitor.receive({"kind": "do", "verb": "start"})
    assert work.result(30) == "trained"
    monitor.refresh()
    assert "Training on everyone: 6 of 6" in monitor.text()
    assert "Step 4 was chosen" in monitor.text()
    assert monitor.tables["looks"].rows[1] == ("4", "3", "1")
    assert work.stage == "done"


def test_it_is_read_again_from_its_folder(tmp_path) -> None:
    work = Work(losses, folder=tmp_path)
    work.start()
    work.result(30)
    record = tmp_path / "progress.jsonl"
    record.write_text(record.read_text() + '{"at": 1')  # Written while it is read.
    again = TrainingMonitor(tmp_path)
    assert "Training on everyone: 6 of 6" in again.text()
    assert "Unfinished, or running in another session" in again.text()
    (tmp_path / "run.json").write_text(json.dumps({"state": "complete"}))
    again.receive({"kind": "do", "verb": "look"})
    assert "Done." in again.text()


def test_cancel_stops_at_the_next_step_and_a_new_start_goes_on(tmp_path) -> None:
    reached, go = Event(), Event()

    def slow(tell) -> None:
        tell(Progress("folds", 1, 5))
        reached.set()
        go.wait(30)
        tell(Progress("folds", 2, 5))

    work = Work(slow)
    monitor = TrainingMonitor(work)
    work.start()
    assert reached.wait(30)
    monitor.refresh()
    monitor.receive({"kind": "do", "verb": "cancel"})
    assert "Stopping at the next step" in monitor.text()
    go.set()
    with pytest.raises(Cancelled):
        work.result(30)
    monitor.refresh()
    assert "Cancelled" in monitor.text()
    assert [told.done for told in work.told] == [1]
    monitor.receive({"kind": "do", "verb": "start"})
    work.result(30)
    assert work.stage == "done"


def test_who_awaits_it_leaves_the_monitor_drawing(run_async: Any) -> None:
    go = Event()

    def steps(tell) -> int:
        tell(Progress("folds", 1, 2))
        go.wait(30)
        tell(Progress("folds", 2, 2))
        return 42

    async def notebook() -> tuple[int, list[str]]:
        work = Work(steps)
        monitor, seen = TrainingMonitor(work), []
        monitor.observe(lambda change: seen.append(json.dumps(change.new)), "view")
        work.start()
        while not any("1 of 2" in view or '"done": 1' in view for view in seen):
            await asyncio.sleep(0.02)
        go.set()
        return await work, seen

    result, seen = run_async(notebook)
    assert result == 42
    assert len(seen) > 0


def test_what_was_not_started_or_failed_is_not_awaited_in_vain(run_async: Any) -> None:
    def fail(tell) -> None:
        raise StudyError("use fewer folds")

    async def awaited(work: Work) -> None:
        await work

    work = Work(fail)
    with pytest.raises(WorkbenchError, match="start"):
        run_async(lambda: awaited(work))
    work.start()
    with pytest.raises(StudyError, match="fewer folds"):
        run_async(lambda: awaited(work))


def test_a_failure_is_said_in_words_and_only_its_kind_if_it_is_not_ours() -> None:
    for error, words in (
        (StudyError("use fewer folds"), "use fewer folds"),
        (OSError("x"), "OSError"),
    ):

        def fail(tell, error=error) -> None:
            raise error

        work = Work(fail)
        work.start()
        with pytest.raises(type(error)):
            work.result(30)
        assert work.problem == words
        assert words in TrainingMonitor(work).text()


def test_time_left_counts_from_the_latest_start() -> None:
    told = [
        Told(0, "a", 1, 9),
        Told(10, "b", 0, 4),
        Told(20, "b", 1, 4),
        Told(500, "b", 1, 4),
        Told(510, "b", 2, 4),
    ]
    assert seconds_left(tuple(told)) == 20
    assert seconds_left(()) is None
    assert seconds_left(tuple(told[:2])) is None


def test_a_damaged_record_is_said(tmp_path) -> None:
    (tmp_path / "progress.jsonl").write_text('{"when": 1}\n')
    with pytest.raises(StudyError, match="damaged"):
        _ = FolderWork(tmp_path).told
    assert "damaged" in TrainingMonitor(tmp_path).text()
    with pytest.raises(StudyError, match="no folder"):
        TrainingMonitor(tmp_path / "nowhere")
