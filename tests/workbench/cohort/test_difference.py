from dataclasses import replace

import pandas as pd

from tests.workbench.cohort.small_records import records_of
from workbench import col, entry, event
from workbench.cohort.difference import compare_definitions, compare_members
from workbench.cohort.privacy import SUPPRESSED
from workbench.cohort.record_cohort import RecordCohort

ADULTS = (col("age") >= 18).named("Adults")


def cohort_of(*criteria: object, which: str = "first") -> RecordCohort:
    events = [(f"p{i:02}", "2015-01-10", "start") for i in range(30)]
    events += [(f"p{i:02}", "2016-01-10", "start") for i in range(12)]
    births = {f"p{i:02}": f"{1975 + i}-01-01" for i in range(30)}
    return records_of(events, births).cohort(entry(event("start"), which=which), *criteria)  # type: ignore[arg-type]


def test_every_change_of_a_definition_is_told() -> None:
    before = cohort_of(ADULTS, col("sex") == "male", event("start").within(-10, 0)).definition
    after = cohort_of(
        event("start").within(-10, 0), (col("age") >= 21).named("Adults"), which="last"
    ).definition
    changes = compare_definitions(before, after)
    assert changes[["part", "change"]].to_numpy().tolist() == [
        ["select", "changed"],
        ["select", "removed"],
        ["entry", "changed"],
    ]
    assert changes.iloc[0][["before", "after"]].tolist() == ["Adults: age ≥ 18", "Adults: age ≥ 21"]
    assert changes.iloc[1]["before"] == "sex is male"
    assert compare_definitions(after, after).empty


def test_two_changes_that_differ_by_a_few_are_not_both_told() -> None:
    before = cohort_of()
    log, minimum = before.release_log, before.records.minimum_cell
    fewer, still_fewer = (cohort_of(col("birth") < f"{year}-06-01") for year in (1990, 1987))
    told = compare_members(before.patients, fewer.patients).released(log, minimum, "one")
    assert told == {"kept": 16, "gained": 0, "lost": 14, "moved": 0}
    # Alone it would be told; beside the other it would give three patients away.
    members = compare_members(before.patients, still_fewer.patients)
    assert members.counts(minimum)["lost"] == 17
    withheld = members.released(log, minimum, "two")
    assert withheld == dict.fromkeys(withheld, SUPPRESSED)
    assert compare_members(before.patients, fewer.patients).released(log, minimum) == told
    public = members.released(replace(log, minimum=0), minimum)
    assert public == members.counts(minimum)


def test_what_a_notebook_shows_of_a_cohort_tells_no_count() -> None:
    cohorts = [cohort_of(), cohort_of(col("birth") < "1990-06-01")]
    assert {repr(cohort) for cohort in cohorts} == {
        "RecordCohort(small: counts: see attrition_for_export)"
    }
    public = replace(cohorts[0], records=replace(cohorts[0].records, minimum_cell=0))
    assert repr(public) == "RecordCohort(small: 30 patients, 30 records)"


def test_a_criterion_that_only_moved_is_no_other_criterion() -> None:
    rules = [ADULTS, col("sex") == "male", event("start").within(-10, 0)]
    before, after = cohort_of(*rules), cohort_of(*rules[::-1])
    assert set(compare_definitions(before.definition, after.definition)["change"]) == {"moved"}


def test_members_are_kept_gained_lost_and_moved() -> None:
    young, last = cohort_of(col("age") < 30), cohort_of(col("age") >= 20, which="last")
    members = compare_members(young.patients, last.patients)
    assert (len(members.kept), len(members.gained), len(members.lost)) == (10, 11, 9)
    # Of those who stayed, the first twelve patients have a later entry event too.
    assert members.moved.tolist() == ["p11"]
    assert members.counts(0) == {"kept": 10, "gained": 11, "lost": 9, "moved": 1}


def test_a_small_change_does_not_show_through_the_sizes() -> None:
    everyone = cohort_of(ADULTS).patients
    fewer = everyone.iloc[3:]
    assert set(compare_members(everyone, fewer).counts(10).values()) == {"suppressed"}
    assert compare_members(everyone, everyone).counts(10)["moved"] == 0


def test_cohorts_of_a_card_are_compared_by_their_index() -> None:
    before = pd.DataFrame(index=pd.Index(["a", "b", "c"], name="patient_id"))
    members = compare_members(before, before.iloc[1:])
    assert members.lost.tolist() == ["a"]
    assert members.kept.tolist() == ["b", "c"]
    assert members.moved.tolist() == []
