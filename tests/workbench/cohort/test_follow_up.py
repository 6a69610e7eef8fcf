import pytest

from tests.workbench.cohort.small_records import records_of
from workbench.cohort.criteria import death, event
from workbench.cohort.entry import as_day, entry
from workbench.cohort.follow_up import FollowUp, follow_up
from workbench.cohort.record_cohort import RecordCohort, build_cohort
from workbench.cohort.record_definition import define
from workbench.errors import CohortError

BIRTHS = {"A": "1980-01-01", "B": "1980-01-01"}


def days_of(cohort: RecordCohort) -> list[int]:
    return cohort.patients["days"].tolist()


def cohort_of(events: list[tuple[str, ...]], ends: FollowUp | None = None) -> RecordCohort:
    records = records_of(events, BIRTHS)
    return build_cohort(records, define(entry(event("in")), follow_up=ends))


def test_it_ends_at_the_earliest() -> None:
    events = [
        ("A", "2020-01-10", "in"),
        ("A", "2020-02-10", "relapse"),
        ("A", "2020-03-10", "MEDS_DEATH"),
        ("B", "2020-01-10", "in"),
        ("B", "2021-01-10", "seen"),
    ]
    assert days_of(cohort_of(events)) == [60, 366]
    assert days_of(cohort_of(events, follow_up(days=40))) == [40, 40]
    assert days_of(cohort_of(events, follow_up(event("relapse"), days=90))) == [31, 90]
    assert days_of(cohort_of(events, follow_up(until="2020-01-15"))) == [5, 5]


@pytest.mark.parametrize("ends", [None, follow_up(until="2019-12-31"), follow_up(days=0)])
def test_nobody_is_followed_to_before_they_enter(ends: FollowUp | None) -> None:
    events = [("A", "2020-01-10", "in"), ("A", "2020-01-01", "MEDS_DEATH")]
    assert days_of(cohort_of(events, ends)) == [0]


def test_an_outcome_on_the_index_date_is_none() -> None:
    events = [
        ("A", "2020-01-10 08:00", "in"),
        ("A", "2020-01-10 09:00", "MEDS_DEATH"),
        ("B", "2020-01-10 08:00", "in"),
        ("B", "2020-01-12 09:00", "MEDS_DEATH"),
    ]
    cohort = build_cohort(records_of(events, BIRTHS), define(entry(event("in")), outcome=death()))
    assert cohort.patients[["patient_id", "time", "event"]].to_numpy().tolist() == [["B", 2, True]]
    assert "followed up" in cohort.attrition["step"].tolist()


def test_hours_are_counted_from_the_moment() -> None:
    events = [
        ("A", "2020-01-10 20:00", "in"),
        ("A", "2020-01-10 22:00", "relapse"),
        ("A", "2020-01-12 23:00", "seen"),
        ("B", "2020-01-10 20:00", "in"),
        ("B", "2020-01-11 21:00", "relapse"),
    ]
    definition = define(entry(event("in")), outcome=event("relapse"), follow_up=follow_up(hours=24))
    cohort = build_cohort(records_of(events, BIRTHS), definition)
    assert cohort.patients[["time", "event"]].to_numpy().tolist() == [[2, True], [24, False]]
    assert "24 hours" in definition.sentences()[1]
    assert definition.sentences()[-1] == "Time is counted in hours, from moment to moment"


@pytest.mark.parametrize("settings", [{"hours": 0}, {"hours": True}, {"hours": 5, "days": 1}])
def test_hours_that_are_none_are_refused(settings: dict[str, int]) -> None:
    with pytest.raises(CohortError, match="hours"):
        follow_up(**settings)


@pytest.mark.parametrize("days", [-1, True, 2.0, 10**12, "3"])
def test_days_are_days(days: object) -> None:
    with pytest.raises(CohortError, match="days"):
        FollowUp(days=days)  # pyright: ignore[reportArgumentType]


def test_an_entry_that_is_unknown_is_named() -> None:
    with pytest.raises(CohortError, match="'untill'; did you mean 'until'"):
        FollowUp.from_json({"days": 3, "untill": "2020-01-01"})


@pytest.mark.parametrize("day", ["2020-02-30", 20200101, None, True, ["2020-01-01"]])
def test_a_day_is_a_day(day: object) -> None:
    with pytest.raises(CohortError, match="expected a day"):
        as_day(day, "until")
