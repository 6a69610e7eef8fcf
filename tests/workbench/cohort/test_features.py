import numpy as np
import pytest

from tests.workbench.cohort.small_records import records_of
from workbench import at_least, entry, event, follow_up
from workbench.cohort.features import Feature, feature_table
from workbench.cohort.record_cohort import RecordCohort
from workbench.errors import CohortError

LAB = event("lab//crp").within(-30, 0)


@pytest.fixture
def cohort() -> RecordCohort:
    records = records_of(
        [
            ("a", "2020-05-01 09:00", "start"),
            ("a", "2020-03-31 23:59", "lab//crp", 99.0),  # a day too early
            ("a", "2020-04-01 00:00", "lab//crp", 7.0),
            ("a", "2020-05-01 23:00", "lab//crp", 3.0),  # on the day, later in the day
            ("a", "2020-05-02 00:00", "lab//crp", 1000.0),  # a day too late
            ("a", "2020-04-20 00:00", "lab//crp"),  # without a value
            ("b", "2020-05-01 09:00", "start"),
            ("b", "2020-04-30 00:00", "lab//crp", 5.0),
            ("b", "2020-04-30 00:00", "lab//crp", 8.0),  # at the same moment
            ("c", "2020-05-01 09:00", "start"),
        ],
        {"a": "1960-01-01", "b": "1970-01-01", "c": "1980-01-01"},
    )
    return records.cohort(entry(event("start")))


@pytest.mark.parametrize(
    ("take", "expected"),
    [
        ("last", [3.0, 8.0, np.nan]),
        ("first", [7.0, 8.0, np.nan]),
        ("mean", [5.0, 6.5, np.nan]),
        ("largest", [7.0, 8.0, np.nan]),
        ("smallest", [3.0, 5.0, np.nan]),
        ("count", [3.0, 2.0, 0.0]),
        ("any", [True, True, False]),
    ],
)
def test_a_variable_takes_what_the_window_holds(
    cohort: RecordCohort, take: str, expected: list[float]
) -> None:
    values = Feature("crp", LAB, take).values(cohort.candidates)  # type: ignore[arg-type]
    np.testing.assert_array_equal(values, expected)


@pytest.mark.parametrize(
    "late",
    [
        event("lab//crp"),
        event("lab//crp").within(-30, 1),
        event("lab//crp").within(-30, 1, "hours"),
        event("lab//crp").within(-3, 0, anchor="exit"),
        event("lab//crp").where(event("start").within(0, 30)).within(-30, 0),
        event("lab//crp").where(at_least(1, ~event("start"))).within(-30, 0),
    ],
)
def test_a_variable_cannot_see_what_comes_later(late: object) -> None:
    with pytest.raises(CohortError, match="after the index date"):
        Feature("crp", late)  # type: ignore[arg-type]


def test_names_are_names_and_each_is_there_once(cohort: RecordCohort) -> None:
    with pytest.raises(CohortError, match="not a name"):
        Feature("c-reactive", LAB)
    with pytest.raises(CohortError, match="take one of last, first"):
        Feature("crp", LAB, "median")  # type: ignore[arg-type]
    with pytest.raises(CohortError, match="two features are called 'crp'"):
        feature_table(cohort.candidates, [Feature("crp", LAB), Feature("crp", LAB, "mean")])
    assert Feature("crp", LAB).words() == (
        "last value of lab//crp in the 30 days before the index date or on it"
    )


def test_follow_up_never_reaches_a_variable(cohort: RecordCohort) -> None:
    longer = cohort.records.cohort(entry(event("start")), follow_up=follow_up(days=10))
    crp = Feature("crp", LAB)
    np.testing.assert_array_equal(crp.values(longer.candidates), crp.values(cohort.candidates))
