"""Time that runs from a landmark: who is at risk, what counts after it, and what may be seen."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.workbench.cohort.small_records import records_of
from workbench import (
    Feature,
    Landmark,
    RecordDefinition,
    build_cohort,
    col,
    compare_definitions,
    death,
    entry,
    event,
    follow_up,
    has,
    write_card,
)
from workbench.cohort.record_cohort import RecordCohort
from workbench.cohort.record_definition import define
from workbench.cohort.sql import definition_sql
from workbench.errors import CohortError

IN = entry(event("in"))
EVENTS = [
    *((who, "2020-01-01 10:00", "in") for who in "ABCDE"),
    ("A", "2020-01-31 09:00", "relapse"),  # on the landmark's day
    ("B", "2020-02-01 09:00", "relapse"),  # the day after
    ("C", "2020-01-10 09:00", "relapse"),
    ("C", "2020-02-10 09:00", "relapse"),  # again
    ("D", "2020-01-31 23:00", "seen"),  # followed up to the landmark and no further
    ("E", "2020-03-01 09:00", "seen"),
    *((who, "2020-03-01 09:00", "seen") for who in "ABC"),
]
BIRTHS = dict.fromkeys("ABCDE", "1980-01-01")


def cohort_of(landmark: Landmark | int | None, **more: object) -> RecordCohort:
    definition = define(IN, outcome=event("relapse"), landmark=landmark, **more)  # type: ignore[arg-type]
    return build_cohort(records_of(EVENTS, BIRTHS), definition)


def told(cohort: RecordCohort) -> list[list[object]]:
    return cohort.patients[["patient_id", "time", "event"]].to_numpy().tolist()


def test_time_runs_from_the_landmark_for_those_at_risk() -> None:
    assert told(cohort_of(30)) == [["B", 1, True], ["E", 30, False]]
    assert told(cohort_of(Landmark(30, earlier="stay"))) == [
        ["A", 30, False],
        ["B", 1, True],
        ["C", 10, True],
        ["E", 30, False],
    ]
    # 2020-01-31 10:00 is later than A's relapse, and earlier than D was last seen.
    by_hours = cohort_of(Landmark(720, "hours"))
    assert told(by_hours)[:2] == [["B", 23, True], ["D", 13, False]]


def test_who_leaves_stands_in_a_step_of_its_own() -> None:
    table = cohort_of(30).attrition.set_index("step")
    assert table.index.tolist()[-2:] == ["first entry", "landmark"]
    row = table.loc["landmark"]
    assert row[["n_before", "n_removed", "events_removed", "events_after"]].tolist() == [5, 3, 2, 1]
    assert row["sentence"] == (
        "followed up beyond 30 days after the index date, without relapse until then"
    )


def test_whoever_leaves_does_not_come_back_with_a_later_entry() -> None:
    again = [*EVENTS, ("C", "2020-01-15", "in")]
    definition = define(IN, outcome=event("relapse"), landmark=20)
    cohort = build_cohort(records_of(again, BIRTHS), definition)
    assert "C" not in cohort.patients["patient_id"].tolist()


def test_criteria_may_see_up_to_the_landmark() -> None:
    def warned(landmark: Landmark | int | None, *window: object) -> tuple[str, ...]:
        rule = event("scan").within(*window)  # type: ignore[arg-type]
        return define(IN, rule, landmark=landmark).warnings()

    assert "the index date" in warned(None, 0, 30)[0]
    assert warned(30, 0, 30) == warned(30, 0, 720, "hours") == ()
    assert "after the landmark" in warned(30, 0, 31)[0]
    assert warned(30, 0, 721, "hours")
    assert warned(Landmark(48, "hours"), 0, 1) == ()
    assert warned(Landmark(47, "hours"), 0, 1)
    assert warned(30, -5, None)


def test_a_modality_at_any_time_is_warned_of_as_a_window_without_end_is() -> None:
    undated, dated = has("mri"), has("mri").within(None, 0)
    for rule in (undated, ~undated, undated | (col("age") > 90), has("mri").within(None, None)):
        assert any("immortal time" in warning for warning in define(IN, rule).warnings())
    assert not define(IN, dated).warnings()


def test_features_see_up_to_the_landmark_and_no_further() -> None:
    late = event("seen", title="visit").within(0, 30)
    with pytest.raises(CohortError, match="after the index date"):
        Feature("visits", late, "count")
    with pytest.raises(CohortError, match="after the landmark"):
        Feature("visits", late, "count", landmark=Landmark(29))
    visits = Feature("visits", late, "count", landmark=Landmark(30))
    records = records_of([*EVENTS, ("E", "2020-01-20", "seen")], BIRTHS)
    table = build_cohort(records, define(IN, landmark=30)).patients_with([visits])
    assert table.set_index("patient_id")["visits"].to_dict() == {"A": 0, "B": 0, "C": 0, "E": 1}
    for earlier in (None, 29):
        with pytest.raises(CohortError, match="visits would see what happens after"):
            build_cohort(records, define(IN, landmark=earlier)).patients_with([visits])


def test_a_card_says_from_when_time_runs(tmp_path: Path) -> None:
    scan = Feature("visits", event("seen").within(0, 60), "count", landmark=Landmark(60))
    cohort = cohort_of(Landmark(30, earlier="stay"))
    with pytest.raises(CohortError, match="after the landmark"):
        write_card(cohort, tmp_path, "late", columns=("sex",), features=(scan,))
    text = write_card(cohort, tmp_path, "right", columns=("sex",)).read_text()
    assert "time_zero: 30 days after the index date, which is the first in" in text
    with pytest.raises(CohortError, match="a dataset counts time in days"):
        write_card(cohort_of(Landmark(1, "hours")), tmp_path, "hours")


def test_definitions_without_a_landmark_are_written_as_before() -> None:
    old = define(
        entry(event("in"), observed_before=30, washout_days=5),
        col("age") >= 18,
        event("lab//x").within(-5, 3, "hours").times(2, counted="days"),
        limit="first",
        follow_up=follow_up(event("b"), days=300),
        outcome=death(),
        title="t",
    )
    assert old.hash == "18674c9c33623da9b73c0b8c92cb9f938146f8c31dca48553344890cca71063c"
    assert RecordDefinition.from_json(old.to_json()) == old


@pytest.mark.parametrize("one", [Landmark(5), Landmark(48, "hours", "stay")])
def test_a_landmark_is_part_of_the_definition(one: Landmark) -> None:
    plain, marked = (define(IN, outcome=death(), landmark=mark) for mark in (None, one))
    assert plain.hash != marked.hash
    assert RecordDefinition.from_json(marked.to_json()) == marked
    assert any(one.words() in sentence for sentence in marked.sentences())
    changes = compare_definitions(plain, marked)
    assert changes[["part", "change"]].to_numpy().tolist() == [["landmark", "changed"]]
    assert one.words() in changes["after"][0]
    said = timedelta(hours=48) if one.unit == "hours" else one.after + 1
    assert said in definition_sql(marked).parameters
    assert said not in definition_sql(plain).parameters


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"after": 0}, "from 1 to"),
        ({"after": True}, "whole days"),
        ({"after": 2.5}, "whole days"),
        ({"after": 10**9, "unit": "hours"}, "whole hours"),
        ({"after": 1, "unit": "weeks"}, "days or hours"),
        ({"after": 1, "earlier": "maybe"}, "leave or stay"),
        ({"unit": "days"}, "how long after"),
        ({"after": 1, "at": 2}, "no entry 'at'"),
    ],
)
def test_what_is_no_landmark_is_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(CohortError, match=words):
        Landmark.from_json(settings)


def test_time_has_one_unit() -> None:
    for ends, mark in ((follow_up(days=5), Landmark(5, "hours")), (follow_up(hours=9), 1)):
        with pytest.raises(CohortError, match="both in days, or both in hours"):
            define(IN, follow_up=ends, landmark=mark)
