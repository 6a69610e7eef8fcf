from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import workbench
from tests.workbench.cohort.small_records import microseconds, records_of
from workbench.cohort.criteria import Criterion, Happened, Window, event, has, parse, records_at
from workbench.cohort.python_text import criterion_python
from workbench.data.records import Records
from workbench.errors import CohortError

EVENTS = [
    ("A", "2020-01-10 00:00:00", "drug", 1.0, "low"),
    ("A", "2020-01-10 00:00:00", "drug", 1.0, "low"),
    ("A", "2020-01-09 23:59:59.999999", "drug", 2.0, None),
    ("A", "2020-01-11 12:00:00", "other", None, None),
    ("A", None, "eyes", None, "blue"),
    ("B", "2020-01-10 18:00:00", "drug", None, None),
    ("C", "2020-01-20", "scan//1", None, None),
]
BIRTHS = {"A": "1980-02-29", "B": "1990-01-01", "C": "2000-01-01"}


@pytest.fixture(scope="module")
def records() -> Records:
    return records_of(EVENTS, BIRTHS, modalities={"mri": ("scan//1", "scan//2"), "eeg": ("e",)})


def members(criterion: Criterion, records: Records, index: str = "2020-01-10 12:00") -> list[bool]:
    moments = np.full(3, microseconds(index))
    return criterion.mask(records_at(records, np.arange(3, dtype=np.int32), moments)).tolist()


def test_days_are_of_the_calendar_and_hours_of_the_clock(records: Records) -> None:
    assert members(event("drug").within(0, 0), records) == [True, True, False]
    assert members(event("drug").within(-1, -1), records) == [True, False, False]
    assert members(event("drug").within(-12, 0, "hours"), records) == [True, False, False]
    assert members(event("drug").within(-11, 0, "hours"), records) == [False, False, False]
    assert members(event("drug").within(6, 6, "hours"), records) == [False, True, False]


def test_events_count_as_often_as_they_stand(records: Records) -> None:
    drug = event("drug").within(-1, 0)
    assert members(drug.times(3), records) == [True, False, False]
    assert members(drug.times(2, 2, counted="days"), records) == [True, False, False]
    any_code = event("*").within(-1, 1)
    assert members(any_code.times(2, counted="codes"), records) == [True, False, False]
    assert members(event("drug").never().within(-1, 0), records) == [False, False, True]


def test_what_has_no_time_lies_in_no_window_that_has_an_end(records: Records) -> None:
    assert members(event("eyes"), records) == [True, False, False]
    for window in ((None, 0), (0, None), (-400, 400)):
        assert members(event("eyes").within(*window), records) == [False, False, False]
    assert members(event("eyes").within(None, None, observed=True), records) == [False] * 3


def test_the_first_ever_is_the_same_in_any_order() -> None:
    at_once = [("A", "2020-01-05", "drug", value, "low") for value in (3.0, None, 2.0)]
    first = event("drug").first_ever().valued(at_most=2)
    for order in ([0, 1, 2], [2, 1, 0], [1, 2, 0]):
        records = records_of([*(at_once[i] for i in order), *EVENTS], BIRTHS)
        assert members(first, records) == [True, False, False]


def test_first_ever_must_itself_have_the_value(records: Records) -> None:
    first = event("drug").first_ever()
    assert members(first.valued(at_least=2), records) == [True, False, False]
    assert members(first.valued(at_most=1), records) == [False, False, False]


def test_a_modality_is_there_if_any_of_its_codes_is(records: Records) -> None:
    assert members(has("mri").within(0, 30), records) == [False, False, True]
    assert members(has("eeg").within(0, 30), records) == [False, False, False]
    assert members(has("eeg"), records) == [False, False, False]


def test_where_asks_around_each_event(records: Records) -> None:
    followed = event("drug").where(event("other").within(1, 1))
    assert members(followed, records) == [True, False, False]
    assert members(followed.times(3), records) == [False, False, False]
    assert members(followed.times(2), records) == [True, False, False]


def test_where_is_asked_only_of_patients_who_stand_in_a_record(records: Records) -> None:
    population = records_at(
        records, np.array([1], np.int32), np.array([microseconds("2020-01-10")])
    )
    criterion = event("drug").where(event("*").times(2).within(0, 1))
    assert criterion.mask(population).tolist() == [False]


def test_a_code_that_nobody_has_is_refused(records: Records) -> None:
    with pytest.raises(CohortError, match="did you mean 'drug'"):
        members(event("drugs"), records)
    with pytest.raises(CohortError, match="no code begins"):
        members(event("dx*"), records)
    assert members(event("device//*").never(), records) == [True, True, True]


def test_any_event_of_records_without_events_finds_nobody() -> None:
    assert members(event("*"), records_of([], BIRTHS)) == [False, False, False]


def test_characteristics_are_those_of_the_day(records: Records) -> None:
    moments = np.array([microseconds(day) for day in ("2019-02-28", "2019-03-01", "2020-02-29")])
    table = records_at(records, np.zeros(3, np.int32), moments).table
    assert table["age"].tolist() == [38.0, 39.0, 40.0]
    assert table["index_year"].tolist() == [2019.0, 2019.0, 2020.0]
    assert list(table) == ["birth", "sex", "index_year", "age", "age_by_year"]
    assert table["birth"].tolist() == [pd.Timestamp("1980-02-29")] * 3


def test_an_end_in_hours_may_be_left_out() -> None:
    window = Window(0, 24, "hours", start_included=False)
    assert window.words() == "on the index date or in the 24 hours after it (without its start)"
    assert Window.from_json(window.to_json()) == window
    assert window.to_json() == {"end": 24, "unit": "hours", "start": 0, "start_included": False}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"start": 0, "start_included": False}, "in hours can be left out"),
        ({"end": 5, "unit": "hours", "start_included": False}, "in hours can be left out"),
        ({"start": 5, "end": 5, "unit": "hours", "end_included": False}, "no moment lies in it"),
        ({"start": 5, "unit": "hours", "start_included": 0}, "true or false"),
    ],
)
def test_an_end_that_cannot_be_left_out(settings: dict[str, object], words: str) -> None:
    with pytest.raises(CohortError, match=words):
        Window.from_json(settings)


STAY = event("other", title="visit")


@pytest.mark.parametrize(
    ("criterion", "words"),
    [
        (event("drug").until_next(STAY), "drug until the next visit after the index date"),
        (event("drug").since_last(STAY), "drug since the last visit before the index date"),
        (
            event("drug").within(1, 30).until_next(STAY),
            "drug 1 to 30 days after the index date, until the next visit if that comes first",
        ),
        (
            event("drug").within(-30, 0).since_last(STAY),
            "drug in the 30 days before the index date or on it, since the last visit if that is "
            "later",
        ),
        (
            has("mri").within(0, 9),
            "has mri on the index date or in the 9 days after it",
        ),
    ],
)
def test_a_window_is_bounded_by_an_event(criterion: Criterion, words: str) -> None:
    assert criterion.sentence() == words
    assert parse(criterion.to_json()) == criterion
    namespace = {"wb": workbench}
    assert eval(criterion_python(criterion), namespace) == criterion
    assert [query.title for query in criterion.queries()][1:] == ["visit"] * ("visit" in words)


def test_the_next_event_bounds_what_counts(records: Records) -> None:
    other = event("drug")
    # The visit of A is at noon of the 11th; of B there is none, and days alone bound the window.
    for index, expected in (
        ("2020-01-09", [True, True, False]),
        ("2020-01-11 12:00", [False, False, False]),
    ):
        assert members(other.within(0, 30).until_next(STAY), records, index) == expected
    at_once = Window(0, 2, "days", until=event("drug").query)
    first_drug = Happened(event("drug").query, (at_once,), least=2)
    assert members(first_drug, records, "2020-01-09") == [False, False, False]
    without = replace(first_drug, windows=(replace(at_once, end_included=False),), least=1)
    assert members(without, records, "2020-01-09") == [False, False, False]
    assert members(replace(without, windows=(at_once,)), records, "2020-01-09") == [
        True, True, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"end": -1, "until": STAY.query}, "ends before the index"),
        ({"end": 0, "unit": "hours", "until": STAY.query}, "ends before the index"),
        ({"start": 1, "since": STAY.query}, "starts after the index"),
        ({"start": 0, "unit": "hours", "since": STAY.query}, "starts after the index"),
    ],
)
def test_an_event_that_could_bound_nothing_is_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(CohortError, match=words):
        Window(**settings)
    with pytest.raises(CohortError, match="until_next takes the event alone"):
        event("drug").until_next(STAY.times(2))
