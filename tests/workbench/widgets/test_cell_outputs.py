"""A widget that no cell shows any more hears nothing of the selection, until it is shown again."""

import gc
from weakref import ref

from workbench.cohort.crossfilter import Levels
from workbench.widgets import CrossFilter, Selection, SurvivalExplorer, TableOne, Work
from workbench.widgets.cell_outputs import CellOutputs

G4 = Levels("grade", ("G4",))


def explorer(selection: Selection) -> SurvivalExplorer:
    return SurvivalExplorer(selection, {"group": "sex"})


def test_a_cell_that_runs_again_closes_what_it_showed(selection: Selection) -> None:
    outputs, old, new = CellOutputs(), explorer(selection), explorer(selection)
    outputs.begin("a")
    outputs.show(old, "a")
    outputs.end()
    outputs.begin("a")
    outputs.show(new, "a")
    outputs.end()
    versions = old.version, new.version
    selection.set("grade", G4)
    assert (old.version, new.version) == (versions[0], versions[1] + 1)
    assert old.comm is None
    assert len(selection._watchers) == 1


def test_a_widget_that_a_cell_still_shows_stays_open(selection: Selection) -> None:
    outputs, shown = CellOutputs(), explorer(selection)
    for cell in ("a", "b"):
        outputs.begin(cell)
        outputs.show(shown, cell)
        outputs.end()
    outputs.begin("a")  # Shown by the other cell.
    outputs.end()
    outputs.begin("b")  # Shown again.
    outputs.show(shown, "b")
    outputs.end()
    outputs.begin(None)  # A console.
    outputs.end()
    selection.set("grade", G4)
    assert shown.tables["groups"].rows == explorer(selection).tables["groups"].rows
    assert shown.comm is not None
    outputs.begin("b")
    outputs.end()
    assert shown.comm is None


def test_results_of_a_closed_widget_stand_and_it_opens_when_shown(selection: Selection) -> None:
    widget = explorer(selection)
    address, before = widget.model_id, widget.tables["groups"].rows
    widget.close()
    widget.close()
    selection.set("grade", G4)
    assert widget.tables["groups"].rows == before
    widget._ipython_display_()
    assert widget.tables["groups"].rows == explorer(selection).tables["groups"].rows != before
    assert widget.model_id == address
    selection.clear()
    assert widget.tables["groups"].rows == before
    assert len(selection._watchers) == 2


def test_every_widget_that_follows_a_selection_ends_it(selection: Selection) -> None:
    for kind in (CrossFilter, TableOne, SurvivalExplorer):
        widget = kind(selection)
        assert len(selection._watchers) == 1
        widget.close()
        assert selection._watchers == []


def test_a_closed_widget_that_nobody_holds_is_gone(selection: Selection) -> None:
    widget = explorer(selection)
    gone = ref(widget)
    widget.close()
    del widget
    gc.collect()
    assert gone() is None


def test_work_is_watched_until_the_end_that_watching_returns() -> None:
    heard: list[int] = []
    work = Work(lambda tell: 3)
    end = work.watch(lambda: heard.append(1))
    work.start()
    assert work.result(30) == 3
    end()
    work.start()
    assert work.result(30) == 3
    assert heard == [1]
