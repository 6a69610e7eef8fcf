"""What is said of who is left: few with the outcome, and those who had it before."""

import pytest

from tests.workbench.cohort.small_records import records_of
from workbench.cohort.criteria import event
from workbench.cohort.criteria.landmark import Landmark
from workbench.cohort.entry import entry
from workbench.cohort.flow_warnings import FEWEST
from workbench.cohort.follow_up import follow_up
from workbench.cohort.record_cohort import RecordCohort, build_cohort
from workbench.cohort.record_definition import define

N = 24


def cohort(n_with: int, n_before: int, landmark: Landmark | None = None) -> RecordCohort:
    """Twenty-four patients; some have the outcome after the index date, some (also) before."""
    events = []
    for i in range(N):
        events += [(f"P{i:02}", "2020-02-01", "in"), (f"P{i:02}", "2020-06-01", "seen")]
        events += [(f"P{i:02}", "2020-03-01", "out")] if i < n_with else []
        events += [(f"P{i:02}", "2020-01-01", "out")] if i < n_before else []
    records = records_of(
        [(*one, None, None) for one in events], {f"P{i:02}": "1980-01-01" for i in range(N)}
    )
    definition = define(
        entry(event("in")), outcome=event("out"), follow_up=follow_up(days=90), landmark=landmark
    )
    return build_cohort(records, definition)


def said(found: RecordCohort, words: str) -> list[str]:
    return [warning for warning in found.warnings if words in warning]


@pytest.mark.parametrize("n_with", [FEWEST - 1, FEWEST])
def test_few_with_the_outcome_are_told(n_with: int) -> None:
    assert len(said(cohort(n_with, 0), "too few to estimate")) == (n_with < FEWEST)


@pytest.mark.parametrize(
    ("n_before", "who"),
    [(0, ""), (3, "a few"), (12, "12"), (20, "all but a few"), (24, "24")],
)
def test_an_outcome_before_the_index_date_is_told(n_before: int, who: str) -> None:
    found = said(cohort(N, n_before), "before the index date already")
    assert [words.partition(" patients had ")[0] for words in found] == ([who] if who else [])
    without = cohort(N, n_before).select(event("out").before().never())
    assert not said(without, "before the index date already")


def test_what_may_come_again_is_no_matter() -> None:
    again = Landmark(1, earlier="stay")
    assert not said(cohort(N, 11, again), "before the index date already")
