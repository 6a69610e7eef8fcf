from datetime import datetime

import pytest

from tests.workbench.cohort.small_records import records_of
from workbench.cohort.criteria import event
from workbench.cohort.entry import Entry, entry
from workbench.cohort.record_cohort import build_cohort
from workbench.cohort.record_definition import define
from workbench.data.records import Records
from workbench.errors import CohortError

EVENTS = [
    ("A", "2020-01-10 18:00", "in"),
    ("A", "2020-01-10 08:00", "in again"),
    ("A", "2020-01-15", "in"),
    ("A", "2020-03-01", "in"),
    ("A", None, "in"),
    ("B", "2020-01-31 23:59:59.999999", "in"),
]
BIRTHS = {"A": "1980-01-01", "B": "1980-01-01", "C": "1980-01-01"}


def entries(one: Entry, records: Records | None = None) -> list[tuple[str, str]]:
    cohort = build_cohort(records or records_of(EVENTS, BIRTHS), define(one))
    table = cohort.patients
    days = table["index_date"].dt.strftime("%m-%d %H")
    return list(zip(table["patient_id"], days, strict=True))


def test_a_day_is_one_entry_that_begins_with_its_first_event() -> None:
    both = entry(event("in"), event("in again"), which="all")
    assert entries(both) == [("A", "01-10 08"), ("A", "01-15 00"), ("A", "03-01 00"),
                             ("B", "01-31 23")]  # fmt: skip


def test_each_moment_may_be_an_entry() -> None:
    both = entry(event("in", "in again"), which="all", per="moment")
    assert entries(both) == [("A", "01-10 08"), ("A", "01-10 18"), ("A", "01-15 00"),
                             ("A", "03-01 00"), ("B", "01-31 23")]  # fmt: skip
    alone = entry(event("in", "in again"), which="all", per="moment", washout_days=0)
    assert ("A", "01-10 18") not in entries(alone)
    assert "different moments of one day" in both.sentences()[1]


def test_which_is_asked_of_what_remains() -> None:
    assert entries(entry(event("in"), which="last")) == [("A", "03-01 00"), ("B", "01-31 23")]
    late = entry(event("in"), since="2020-01-11", until="2020-01-31")
    assert entries(late) == [("A", "01-15 00"), ("B", "01-31 23")]


def test_washout_counts_days_to_the_entry_before_though_it_lies_outside_the_study() -> None:
    for days, wanted in ((4, ["01-15", "03-01"]), (5, ["03-01"]), (46, [])):
        late = entry(event("in"), which="all", since="2020-01-11", washout_days=days)
        assert [day[:5] for who, day in entries(late) if who == "A"] == wanted


def test_observation_is_that_of_the_period_that_holds_the_index_date() -> None:
    records = records_of(
        EVENTS,
        BIRTHS,
        observed={"A": ("2020-01-12", "2020-03-01"), "B": ("2020-01-01", "2020-01-01")},
    )
    assert entries(entry(event("in"), which="all"), records) == [
        ("A", "01-15 00"),
        ("A", "03-01 00"),
    ]
    assert entries(entry(event("in"), observed_before=3), records) == [("A", "01-15 00")]
    assert entries(entry(event("in"), observed_before=4), records) == [("A", "03-01 00")]
    assert entries(entry(event("in"), observed_before=4, observed_after=1), records) == []


@pytest.mark.parametrize(
    "settings",
    [
        {"which": "second"},
        {"which": ["first"]},
        {"per": "week"},
        {"observed_before": True},
        {"observed_after": 10**9},
        {"washout_days": -1},
        {"since": "2020-02-01", "until": "2020-01-01"},
        {"since": datetime(2020, 1, 1, 12)},
    ],
)
def test_what_is_no_entry_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(CohortError, match="entry|since"):
        entry(event("in"), **settings)  # pyright: ignore[reportArgumentType]


def test_an_entry_has_no_window() -> None:
    with pytest.raises(CohortError, match="must not say how often"):
        entry(event("in").within(0, 1))
