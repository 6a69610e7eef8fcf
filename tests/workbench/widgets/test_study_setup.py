"""One's own files described step by step: guesses said to be guesses, no patient on the page."""

import json
import os
from pathlib import Path

import pandas as pd
import pytest

from tests.workbench.data.test_guided_draft import WHOLE, N, spreadsheet
from workbench.errors import DataCardError, WorkbenchError
from workbench.widgets import StudySetup


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "study"
    place.mkdir()
    return spreadsheet(place)


def say(setup: StudySetup, field: str, value: object) -> None:
    setup.receive({"kind": "change", "field": field, "value": value})


def confirm(setup: StudySetup, part: str) -> None:
    setup.receive({"kind": "do", "verb": "confirm", "argument": part})


def test_from_the_first_click_to_the_card(folder: Path) -> None:
    setup = StudySetup(folder)
    assert setup.offered_files == ("own.csv",)
    say(setup, "files", ["own.csv"])
    assert "Patient in own.csv (a guess): Patient ID" in setup.text()
    for part in ("patients", "outcome", "columns"):
        confirm(setup, part)
    assert "(a guess)" not in setup.text()
    say(setup, "index_date", "date of diagnosis")
    say(setup, "event_means", "died")
    say(setup, "outcome_title", "Overall survival")
    setup.receive({"kind": "pick", "name": "columns", "pick": "age"})
    say(setup, "known.age", "at")
    say(setup, "units.age", "years")
    setup.receive({"kind": "pick", "name": "columns", "pick": "sex"})
    say(setup, "known.sex", "at")
    for field in ("title", "source", "licence", "citation", "limits"):
        setup.receive({"kind": "do", "verb": "write"})
        assert setup.card is None
        say(setup, field, "as said")
    assert setup.draft is not None
    assert setup.draft.needed == ()
    setup.receive({"kind": "do", "verb": "write"})
    assert setup.card is not None
    assert setup.card.path == folder / "own.md"
    assert setup.card.cohort("os").n_patients == N
    assert "own.md is written beside the files" in setup.text()
    say(setup, "title", "changed since")
    assert "not in it yet" in setup.text()
    assert setup.write().spec.title == "changed since"


def test_the_coding_is_said_in_words(folder: Path) -> None:
    setup = StudySetup(folder, WHOLE.model_dump(mode="json"))
    n = int((pd.read_csv(folder / "own.csv")["Status"] == 1).sum())
    assert f"1 = died ({n} patients); 0 = not, when last seen ({N - n} patients)." in setup.text()
    setup.change(event_values=["0"])
    assert f"0 = died ({N - n} patients)" in setup.text()


def test_problems_stand_on_the_page(folder: Path) -> None:
    spreadsheet(
        folder, follow_up_months=-1.0, **{"Patient ID": ["one", "one", *map(str, range(N - 2))]}
    )
    setup = StudySetup(folder, WHOLE.model_dump(mode="json"))
    assert "1 patients stand in several rows of own.csv" in setup.text()
    setup.change(first_rows={"own": True})
    found = [row[2] for row in setup.tables["problems"].rows]
    assert any(text.startswith(f"{N - 1} times are negative") for text in found)


def test_a_state_is_replayed(folder: Path, tmp_path: Path) -> None:
    setup = StudySetup(folder, WHOLE.model_dump(mode="json"))
    saved = json.loads(setup.save(tmp_path / "state.json").read_text(encoding="utf-8"))
    again = StudySetup(folder, saved["state"])
    assert again.view == setup.view
    assert again.write().name == "own"
    # Another widget has not written this card, and leaves it alone.
    with pytest.raises(DataCardError, match="choose another name"):
        setup.write()
    setup.change(name="own_2")
    assert setup.write().path.name == "own_2.md"


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"files": ["absent.csv"]}, "not tables of this folder"),
        ({"files": ["../own.csv"]}, "not tables of this folder"),
        ({"roles": {"age": "outcome"}}, "roles.age"),
        ({"time_unit": "hours"}, "time_unit"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_a_bad_state_is_refused_and_changes_nothing(
    folder: Path, state: dict[str, object], message: str
) -> None:
    setup = StudySetup(folder)
    before = setup.view
    with pytest.raises(WorkbenchError, match=message):
        setup.change(**state)
    assert setup.view == before
    with pytest.raises(WorkbenchError, match=message):
        StudySetup(folder, state)


def test_a_bad_name_and_a_broken_file_are_said_on_the_page(folder: Path) -> None:
    setup = StudySetup(folder, {"files": ["own.csv"]})
    say(setup, "name", "../out")
    assert "is not a name" in setup.text()
    with pytest.raises(DataCardError, match="choose the files"):
        setup.write()
    (folder / "broken.csv").write_text("a;b\n1;2\n", encoding="utf-8")
    setup = StudySetup(folder, {"files": ["broken.csv"]})
    assert "the header holds ';'" in setup.text()


def test_a_folder_that_cannot_be_written_is_said(folder: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    setup = StudySetup(folder, WHOLE.model_dump(mode="json"))
    folder.chmod(0o500)
    with pytest.raises(DataCardError, match="cannot be written"):
        setup.write()
    folder.chmod(0o700)


def test_no_patient_is_on_the_page(folder: Path) -> None:
    setup = StudySetup(folder, WHOLE.model_dump(mode="json"))
    table = pd.read_csv(folder / "own.csv")
    shown = {cell for t in setup.tables.values() for row in t.rows for cell in row}
    for text in (json.dumps(setup.get_state(), default=str), setup.static_html(), setup.text()):
        assert "MRN" not in text
        assert "secret" not in text
        assert "hospital 1" not in text
        assert str(folder) not in text
    for header in ("Age", "follow_up_months"):
        assert not shown & set(map(str, table[header]))
    assert "<script" not in setup.static_html()
    assert "AAAAAA 9" in setup.static_html()
