"""A card from what a person has said: guesses stay guesses, and nothing needed is forgotten."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.data.card.columns import Observed
from workbench.data.check import check_card
from workbench.data.front_matter import parse_card
from workbench.data.guided_draft import Said, card_text, guided_card, write_guided_card
from workbench.data.masked_rows import masked_rows, shape
from workbench.data.table_facts import TableFacts
from workbench.errors import DataCardError

N = 60


def spreadsheet(folder: Path, **changed: object) -> Path:
    """A spreadsheet as a doctor keeps it; ``changed`` replaces columns."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "Patient ID": [f"MRN-{700 + at}" for at in range(N)],
            "Age": rng.normal(60, 9, N).round(1),
            "Sex": rng.choice(["f", "m"], N),
            "Hospital": [f"hospital {at % 25}" for at in range(N)],
            "Response": rng.choice(["yes", "no"], N),
            "follow_up_months": rng.exponential(30, N).round(1) + 0.1,
            "Status": rng.choice([0, 1], N),
            "Notes": [f"secret {at}" for at in range(N)],
        }
    ).assign(**changed)
    table.to_csv(folder / "own.csv", index=False)
    return folder


WHOLE = Said(
    files=("own.csv",), patient_ids={"own": "Patient ID"}, index_date="date of diagnosis",
    time="own/follow_up_months", time_unit="months", event="own/Status", event_values=("1",),
    event_means="died", outcome_title="Overall survival",
    roles={
        "age": "feature", "sex": "feature", "hospital": "site", "response": "later", "notes": "out"
    },
    known={"age": "at", "sex": "before"}, units={"age": "years"}, title="Own patients",
    source="our records", licence="private", citation="unpublished", limits="outpatients only",
)  # fmt: skip


def test_guesses_are_taken_and_asked_for(tmp_path: Path) -> None:
    card = guided_card(spreadsheet(tmp_path), Said(files=("own.csv",)))
    assert card.guess.patient_ids == {"own": "Patient ID"}
    assert (card.guess.time, card.guess.event) == ("own/follow_up_months", "own/Status")
    assert (card.guess.time_unit, card.guess.event_values) == ("months", ("1",))
    assert card.guess.roles["response"] == "later"
    assert len(card.needed) == 15
    assert "what 5 columns are for" in card.needed


def test_what_was_said_stands_in_the_card(tmp_path: Path) -> None:
    card = guided_card(spreadsheet(tmp_path), WHOLE)
    assert card.needed == ()
    spec = card.spec
    assert spec.outcomes["os"].event.event == ("1",)
    assert spec.outcomes["os"].event.censored == ("0",)
    assert spec.outcomes["os"].time_zero == spec.index_date == "date of diagnosis"
    assert [spec.columns[n].observed_at for n in ("age", "sex")] == [
        Observed(days=0, basis="known on the day of time zero"),
        Observed(assumed=True, basis="said to be known before time zero"),
    ]
    assert {n: c.role for n, c in spec.columns.items()} == {
        "age": "feature",
        "sex": "feature",
        "response": "post_outcome",
        "hospital": "site",
    }
    assert getattr(spec.modalities["clinical"], "columns", ()) == ("age", "sex")
    assert spec.study["horizons"] == [12, 36]
    assert "CONFIRM" not in card_text(spec)
    assert parse_card(card_text(spec), "x")[0] == spec
    assert check_card(card.opened(tmp_path)) == []


@pytest.mark.parametrize("name", [n for n in Said.model_fields if n not in ("files", "name")])
def test_each_answer_that_lacks_is_asked_for(tmp_path: Path, name: str) -> None:
    said = WHOLE.model_copy(update={name: Said.model_fields[name].default})
    card = guided_card(spreadsheet(tmp_path), said)
    optional = ("sheets", "first_rows", "meanings", "event_means")
    assert bool(card.needed) == (name not in optional)


def test_a_coding_turned_around_is_a_problem(tmp_path: Path) -> None:
    status = np.random.default_rng(1).choice([0, 1], N)
    folder = spreadsheet(tmp_path, died=status).joinpath("own.csv")
    pd.read_csv(folder).drop(columns="Status").to_csv(folder, index=False)
    turned = WHOLE.model_copy(update={"event": "own/died", "event_values": ("0",)})
    found = check_card(guided_card(tmp_path, turned).opened(tmp_path))
    assert any("by its name 1 means the event" in p.message for p in found)
    right = turned.model_copy(update={"event_values": ("1",)})
    assert check_card(guided_card(tmp_path, right).opened(tmp_path)) == []


def test_repeated_patients_and_wrong_units_are_problems(tmp_path: Path) -> None:
    ids = [f"MRN-{at // 2}" for at in range(N)]
    spreadsheet(tmp_path, **{"Patient ID": ids})
    card = guided_card(tmp_path, WHOLE)
    assert card.needed == ("one row a patient in own.csv, or that the first row counts",)
    assert any(
        "30 patients have several rows" in p.message for p in check_card(card.opened(tmp_path))
    )
    first = guided_card(tmp_path, WHOLE.model_copy(update={"first_rows": {"own": True}}))
    assert first.needed == ()
    assert {p.level for p in check_card(first.opened(tmp_path))} == {"warning"}
    years = first.opened(tmp_path).spec
    assert years.files["own"].first_per == "patient_id"
    spreadsheet(tmp_path, follow_up_months=np.arange(N) * 40.0 + 1)
    wrong = guided_card(tmp_path, WHOLE.model_copy(update={"time_unit": "years"}))
    assert any("are these years?" in p.message for p in check_card(wrong.opened(tmp_path)))


def test_what_the_files_lost_is_asked_again(tmp_path: Path) -> None:
    spreadsheet(tmp_path)
    table = pd.read_csv(tmp_path / "own.csv").rename(
        columns={"Status": "State", "Patient ID": "pid"}
    )
    table.to_csv(tmp_path / "own.csv", index=False)
    card = guided_card(tmp_path, WHOLE)
    assert "which column identifies the patient in own.csv" in card.needed
    assert "which column says whether the event happened" in card.needed


def test_sheets_are_chosen(tmp_path: Path) -> None:
    spreadsheet(tmp_path)
    table = pd.read_csv(tmp_path / "own.csv")
    with pd.ExcelWriter(tmp_path / "own.xlsx") as book:
        pd.DataFrame({"read me": ["x"]}).to_excel(book, sheet_name="notes", index=False)
        table.to_excel(book, sheet_name="data", index=False)
    said = WHOLE.model_copy(update={"files": ("own.xlsx",), "sheets": {"own": "data"}})
    card = guided_card(tmp_path, said)
    assert card.tables["own"].sheets == ("notes", "data")
    assert card.spec.files["own"].sheet == "data"
    assert check_card(card.opened(tmp_path)) == []


def test_it_writes_whole_and_overwrites_nothing(tmp_path: Path) -> None:
    spreadsheet(tmp_path)
    with pytest.raises(DataCardError, match="still needed: which column"):
        write_guided_card(guided_card(tmp_path, Said(files=("own.csv",))), tmp_path)
    assert sorted(p.name for p in tmp_path.glob("*.md")) == []
    card = guided_card(tmp_path, WHOLE)
    opened = write_guided_card(card, tmp_path)
    assert opened.cohort("os").n_patients == N
    before = opened.path.read_text(encoding="utf-8")
    with pytest.raises(DataCardError, match=r"own\.md is already in the folder"):
        write_guided_card(card, tmp_path)
    again = guided_card(tmp_path, WHOLE.model_copy(update={"title": "Other"}))
    write_guided_card(again, tmp_path, replaces=before)
    assert opened.path.read_text(encoding="utf-8") == card_text(again.spec)


@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=80), st.integers(0, 9))
def test_no_number_and_no_identifier_is_shown(values: list[float], seed: int) -> None:
    ids = [f"MRN{at:07d}" for at in range(len(values))]
    texts = [f"note{at}x" for at in range(len(values))]
    frame = pd.DataFrame({"id": ids, "value": values, "text": texts})
    shown = masked_rows(TableFacts("t", "t.csv", (), "", "id", frame), seed=seed)
    assert len(shown) == min(10, len(values))
    assert not set(shown.to_numpy().ravel()) & {*ids, *texts, *map(str, values)}
    assert set(shown["text"]) <= set(map(shape, texts))
    if len(values) < 20:
        assert set(shown["value"]) == {"a number"} or frame["value"].nunique() <= 2


def test_ranges_hold_enough_patients_and_rows_are_nobodys() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"id": map(str, range(200)), "a": rng.normal(size=200)})
    frame["b"] = frame["a"] * 2
    facts = TableFacts("t", "t.csv", (), "", "id", frame)
    shown = masked_rows(facts, n_rows=200)
    assert shown["a"].value_counts().min() >= 10
    # Shuffled apart, the two columns no longer rise together.
    rank = {c: {w: i for i, w in enumerate(sorted(shown[c].unique()))} for c in "ab"}
    codes = [shown[c].map(rank[c]) for c in "ab"]
    pairs = pd.crosstab(*codes).to_numpy()
    assert (pairs > 0).all()
