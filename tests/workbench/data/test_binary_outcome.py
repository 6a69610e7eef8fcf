"""Cards whose outcome has no time: read, counted and checked."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from workbench.data.card import FREE, STATE_HORIZON, BinaryOutcome, StateCoding
from workbench.data.check import check_card
from workbench.data.columns import code_event
from workbench.data.open_card import DataCard, open_card
from workbench.errors import DataCardError


def _front(outcome: dict[str, Any]) -> dict[str, Any]:
    return {
        "schema": 1,
        "name": "moles",
        "title": "Moles",
        "version": "1",
        "licence": "none",
        "citation": "none",
        "source": "made by a test",
        "index_date": "the day of the image",
        "files": {"lesions": {"path": "lesions.csv", "key": {"column": "id"}}},
        "population": ["lesions"],
        "columns": {
            "age": {
                "file": "lesions",
                "meaning": "age",
                "type": "numeric",
                "unit": "years",
                "role": "feature",
                "observed_at": {"days": 0, "basis": "asked at the visit"},
            }
        },
        "outcomes": {
            "malignant": {
                "kind": "binary",
                "title": "Malignant diagnosis",
                "file": "lesions",
                "time_zero": "the day of the image",
                **outcome,
            }
        },
        "modalities": {"clinical": {"kind": "ehr", "title": "Clinical", "columns": ["age"]}},
        "limits": ["made by a test"],
        "privacy": {"minimum_cell": 0},
        "study": {"outcome": "malignant", "modalities": ["clinical"]},
    }


@pytest.fixture
def moles(tmp_path: Path) -> Callable[..., DataCard]:
    """Writes six lesions, one of unknown diagnosis, and their card."""

    def write(**outcome: Any) -> DataCard:
        folder = tmp_path / "moles"
        folder.mkdir(exist_ok=True)
        pd.DataFrame(
            {
                "id": list("abcdef"),
                "age": [30, 40, 50, 60, 70, 80],
                "malignant": [0, 0, 1, 1, None, 0],
                "dx": ["nevus", "nevus", "mel", "bcc", None, "keratosis"],
            }
        ).to_csv(folder / "lesions.csv", index=False)
        path = folder / "moles.md"
        written = yaml.safe_dump(_front(outcome or {"event": {"column": "malignant", "event": 1}}))
        path.write_text(f"---\n{written}---\n\n# Moles\n", encoding="utf-8")
        return open_card(path)

    return write


@pytest.mark.parametrize(
    ("coding", "values", "expected"),
    [
        ({"event": 1}, ["0", "1", None], [False, True, None]),
        ({"event": ("mel", "bcc")}, ["nevus", "mel", "keratosis"], [False, True, False]),
        ({"no_event": "nevus"}, ["nevus", "mel", "bcc"], [False, True, True]),
    ],
)
def test_whatever_else_is_known_is_the_other_side(
    coding: dict[str, Any], values: list[object], expected: list[bool | None]
) -> None:
    event, wrong = code_event(pd.Series(values), StateCoding(column="x", **coding))
    assert wrong is None
    assert [None if pd.isna(e) else bool(e) for e in event] == expected


def test_values_of_neither_side_are_counted() -> None:
    _, wrong = code_event(pd.Series([0, 1, 2]), StateCoding(column="x", event=1, no_event=0))
    assert wrong is not None
    assert "1 patients have 1 other values" in wrong
    assert "`no_event:`" in wrong


def test_a_cohort_holds_whoever_has_a_known_outcome(moles: Callable[..., DataCard]) -> None:
    card = moles()
    assert isinstance(card.spec.outcomes["malignant"], BinaryOutcome)
    cohort = card.cohort("malignant")
    assert (cohort.n_patients, cohort.n_events, cohort.time_unit) == (5, 2, None)
    assert cohort.patients["time"].tolist() == [FREE, FREE, STATE_HORIZON, STATE_HORIZON, FREE]
    attrition = cohort.attrition
    assert attrition["step"].tolist() == ["population", "outcome known"]
    assert attrition["sentence"].tolist()[1] == "Malignant diagnosis: the outcome is known"
    assert attrition["n_removed"].tolist() == [0, 1]


def test_its_column_is_no_feature(moles: Callable[..., DataCard]) -> None:
    card = moles(event={"column": "age", "event": 30})
    assert card.spec.unfit_features(["age"]) == {"age": "is the outcome itself"}


def test_a_check_counts_who_has_no_outcome_and_asks_for_no_time(
    moles: Callable[..., DataCard],
) -> None:
    lines = [str(problem) for problem in check_card(moles())]
    assert any("outcomes.malignant: 1 patients have no known outcome" in line for line in lines)
    assert not any(word in line for line in lines for word in ("time is", "censor", "days"))


def test_a_check_says_when_the_card_names_no_value_of_the_file(
    moles: Callable[..., DataCard],
) -> None:
    lines = [str(p) for p in check_card(moles(event={"column": "dx", "event": "melanoma"}))]
    assert any("names 'melanoma', but none of the column's 4 values" in line for line in lines)


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        ({"event": {"column": "malignant", "censored": 0}}, "censored: no such entry"),
        ({"event": {"column": "malignant"}}, "say which value means the event"),
        ({"event": {"column": "malignant", "event": 1}, "time": "age"}, "time: no such entry"),
        ({"event": {"column": "dx", "event": "mel"}, "kind": "state"}, "binary"),
    ],
)
def test_what_goes_with_a_time_is_refused(
    moles: Callable[..., DataCard], outcome: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataCardError, match=message):
        moles(**outcome)
