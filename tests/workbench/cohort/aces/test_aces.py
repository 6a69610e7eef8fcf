"""ACES tasks give the records and labels that the manual of ACES gives them."""

import os
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import pytest
import yaml

from tests.workbench.cohort.aces.slow_aces import Row, realise
from workbench.cohort.aces import read_aces
from workbench.cohort.record_cohort import RecordCohort, build_cohort
from workbench.cohort.record_definition import RecordDefinition
from workbench.data.events import MemoryEvents
from workbench.data.records import Records, SourceFacts
from workbench.errors import CohortError

STAYS = {
    "admission": {"code": {"regex": "ADM//.*"}},
    "discharge": {"code": {"regex": "^DIS//.*"}},
    "death": {"code": "MEDS_DEATH"},
    "left": {"expr": "or(discharge, death)"},
    "infarct": {"code": {"any": ["dx//1", "dx//2"]}},
    "sugar": {"code": "lab"},
    "normal": {"code": "lab", "value_min": 2, "value_min_inclusive": True, "value_max": 4},
    "low": {"code": "lab", "value_max": 2},
    "high": {"code": "lab", "value_min": 4, "value_min_inclusive": True},
    "odd": {"expr": "or(low, high)"},
    "coded_at_admission": {"expr": "and(admission, infarct)"},
    "coded_or_admitted": {"expr": "or(admission, infarct)"},
}


def span(start: Any, end: Any, start_inclusive: bool = False, **more: Any) -> dict[str, Any]:
    ends = {"start_inclusive": start_inclusive, "end_inclusive": True}
    return {"start": start, "end": end, **ends, **more}


TASKS: dict[str, dict[str, Any]] = {
    "death in hospital": {
        "trigger": "admission",
        "windows": {
            "input": span(None, "trigger + 24h", True, has={"_ANY_EVENT": "(3, None)"},
                          index_timestamp="end"),
            "gap": span("trigger", "start + 48h",
                        has={"admission": "(None, 0)", "discharge": "(None, 0)",
                             "death": "(None, 0)"}),
            "target": span("gap.end", "start -> left", label="death"),
        },
    },
    "death soon": {
        "trigger": "_ANY_EVENT",
        "windows": {
            "gap": span("trigger", "start + 2 hours", True, index_timestamp="end"),
            "target": span("gap.end", "start + 24 hours", label="death"),
        },
    },
    "an abnormal value": {
        "trigger": "normal",
        "windows": {
            "input": span(None, "trigger", True, index_timestamp="end"),
            "gap": span("trigger", "start + 24h"),
            "target": span("gap.end", "start + 7 days", has={"sugar": "(1, None)"}, label="odd"),
        },
    },
    "an infarct again": {
        "trigger": "discharge",
        "patient_demographics": {"male": {"code": "SEX//male"}},
        "windows": {
            "input": span("end <- admission", "trigger", index_timestamp="end"),
            "gap": span("trigger", "start + 3 days", has={"infarct": "(None, 0)"}),
            "target": span("gap.end", "start + 10 days", label="infarct"),
        },
    },
    "nobody waits": {
        "trigger": "coded_at_admission",
        "windows": {
            "before": span("end - 5 days", "trigger", True, has={"sugar": "(None, 2)"}),
            "stay": span("trigger", "start -> discharge"),
            "known": span(None, "trigger - 1 days", True),
            "seen": span("trigger + 2 days", None, True),
        },
    },
    "a week from the first moment": {
        "trigger": "infarct",
        "windows": {"target": span("trigger", "start + 168h", label="left")},
    },
    "what lies in a stay": {
        "trigger": "admission",
        "windows": {
            "before": span("end <- discharge", "trigger", has={"sugar": "(None, 2)"}),
            "stay": span("trigger", "start -> left", has={"odd": "(None, 3)"}),
            "on": span("trigger + 48h", "start -> left", True, has={"normal": "(None, 1)"}),
            "long before": span("end <- discharge", "trigger - 24h", True,
                                has={"infarct": "(None, 2)"}),
            "target": span("trigger", "start + 3 days", label="infarct"),
        },
    },
}  # fmt: skip
# Here the label's window starts at the next event after the trigger.
WAITING: dict[str, dict[str, Any]] = {
    "readmission": {
        "trigger": "admission",
        "windows": {
            "input": span("trigger", "start -> discharge", index_timestamp="end"),
            "target": span("input.end", "start + 7 days", label="admission"),
        },
    },
    "readmission after an infarct": {
        "trigger": "coded_or_admitted",
        "patient_demographics": {"male": {"code": "SEX//male"}},
        "windows": {
            "known": span(None, "trigger", True, has={"_ANY_EVENT": "(2, None)"}),
            "input": span("trigger", "start -> left", True, has={}, index_timestamp="end"),
            "start of it": span("trigger", "start + 24h", has={"death": "(None, 0)"}),
            "gap": span("input.end", "start + 12h", has={"admission": "(None, 0)"}),
            "target": span("gap.end", "start -> admission", label="infarct"),
        },
    },
}  # fmt: skip


def random_rows(rng: Random) -> list[Row]:
    rows: list[Row] = []
    codes = ["ADM//a", "ADM//b", "DIS//a", "dx//1", "dx//2", "lab", "lab", "lab", "other"]
    for i in range(30):
        who = f"P{i:02}"
        if rng.random() < 0.6:
            rows.append((who, None, "SEX//male", None))
        for _ in range(rng.choice([3, 10, 16])):
            hours = 24 * rng.randrange(14) + rng.choice([0, 0, 2, 12, 14])
            number = rng.choice([1.0, 2.0, 3.0, 4.0, 5.0, None])
            rows.append((who, datetime(2020, 1, 1) + timedelta(hours=hours), rng.choice(codes),
                         number))  # fmt: skip
        if rng.random() < 0.5:
            last = max(row[1] for row in rows if row[0] == who and row[1] is not None)
            rows.append((who, last + timedelta(hours=rng.choice([0, 1, 30])), "MEDS_DEATH", None))
    return rows


def records_of(rows: list[Row]) -> Records:
    index = pd.Index(sorted({row[0] for row in rows}), dtype=object, name="patient_id")
    frame = pd.DataFrame(rows, columns=["patient_id", "time", "code", "numeric_value"])
    frame["time"] = pd.to_datetime(frame["time"])
    events = MemoryEvents.from_frame(frame, index)
    return Records(
        SourceFacts("meds", "wards", "1"), "calendar", pd.DataFrame(index=index), {}, events
    )


def members(cohort: RecordCohort) -> list[tuple[str, datetime]]:
    table = cohort.patients
    moments = [moment.to_pydatetime() for moment in table["index_date"]]
    return list(zip(table["patient_id"], moments, strict=True))


def censored(
    definition: RecordDefinition, cohort: RecordCohort, labels: Any, last: dict[str, datetime]
) -> int:
    """How many labels of 0 are of a record that ends before its window: none of another is lost."""
    hours = definition.follow_up.hours
    if hours is None:
        return 0
    n_silent = 0
    for member, seen in zip(members(cohort), cohort.patients["exit_date"], strict=True):
        who, at = member
        end = at + timedelta(hours=hours)
        assert labels[member] or seen == min(end, last[who])
        n_silent += not labels[member] and last[who] < end
    return n_silent


@pytest.mark.parametrize("name", TASKS)
def test_a_task_has_the_records_and_labels_of_aces(name: str) -> None:
    task = {"predicates": STAYS, **TASKS[name]}
    definition = read_aces(yaml.safe_dump(task))
    assert RecordDefinition.from_json(definition.to_json()) == definition
    n_labels, n_silent = {True: 0, False: 0, None: 0}, 0
    for seed in range(3):
        rows = random_rows(Random(seed))
        records = records_of(rows)
        expected = realise(task, rows)
        alone = replace(definition, outcome=None, landmark=None)
        assert members(build_cohort(records, alone)) == [found[:2] for found in expected]
        cohort = build_cohort(records, definition)
        labels = {found[:2]: found[2] for found in expected}
        kept = members(cohort)
        assert set(kept) <= set(labels)
        for member in kept:
            n_labels[labels[member]] += 1
        if definition.outcome is not None:
            assert cohort.patients["event"].tolist() == [labels[member] for member in kept]
            assert (cohort.patients["time"] > 0).all()
            left = labels.keys() - set(kept)
            # Who leaves is not seen after the landmark: for ACES, that is a label of 0.
            assert not any(labels[member] for member in left)
            last = {
                who: max(m for w, m, *_ in rows if w == who and m is not None) for who, _ in labels
            }
            hours = definition.landmark.after if definition.landmark is not None else 0
            assert all(last[who] <= at + timedelta(hours=hours) for who, at in left)
            n_silent += censored(definition, cohort, labels, last)
    waits = definition.outcome is not None
    assert all(n_labels[kind] > 3 for kind in ((True, False) if waits else (None,))), n_labels
    assert n_silent or definition.follow_up.hours is None


@pytest.mark.parametrize("name", WAITING)
def test_a_label_that_waits_for_an_event(name: str) -> None:
    task = {"predicates": STAYS, **WAITING[name]}
    definition = read_aces(yaml.safe_dump(task))
    assert RecordDefinition.from_json(definition.to_json()) == definition
    n_labels = {True: 0, False: 0}
    for seed in range(4):
        rows = random_rows(Random(seed))
        records, expected = records_of(rows), realise(task, rows)
        # Triggers that wait for the same event are one record.
        labels = {(found[0], found[3]): found[2] for found in expected}
        alone = replace(definition, outcome=None, landmark=None)
        assert members(build_cohort(records, alone)) == sorted(labels)
        cohort = build_cohort(records, definition)
        for member, event in zip(members(cohort), cohort.patients["event"], strict=True):
            assert event == labels[member]
            n_labels[event] += 1
        assert not any(label for at, label in labels.items() if at not in set(members(cohort)))
    assert min(n_labels.values()) > 3, n_labels


@pytest.mark.shared_data
def test_the_samples_of_aces_are_read() -> None:
    folder = Path(os.environ["WORKBENCH_DATA"]) / "formats/meds_aces/sample_configs"
    definitions = {path.stem: read_aces(path) for path in sorted(folder.glob("*.yaml"))}
    assert len(definitions) == 6
    readmission = definitions["readmission_risk"]
    assert readmission.sentences()[0] == (
        "Index date: every discharge after admission (with admission up to that event, since the "
        "last discharge before that event (without its end))"
    )
    assert readmission.sentences()[-2] == "Outcome: first admission after the landmark"
    assert readmission.warnings() == ()


def spoiled(task: str, *way: str, **change: Any) -> str:
    """The text of a task with something else in one of its parts."""
    whole = yaml.safe_load(yaml.safe_dump({"predicates": STAYS, **TASKS[task]}))
    part = whole
    for key in way:
        part = part[key]
    part |= change
    return yaml.safe_dump(whole)


GAP, TARGET = ("windows", "gap"), ("windows", "target")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (spoiled("death soon", trigger="admitted"), "trigger: no predicate is called 'admitted'"),
        (spoiled("death soon", *GAP, end="start + 90 min"), "windows.gap.end: only whole hours"),
        (spoiled("death soon", *GAP, end="start + two hours"), "a length of time such as"),
        (spoiled("death soon", *GAP, end="target.start"), "in a circle"),
        (spoiled("death soon", *GAP, end="gap"), "neither trigger, start, end"),
        (spoiled("death soon", *GAP, end="start <- death"), "an end is the next event"),
        (spoiled("death soon", *GAP, end="?"), "windows.gap.end: expected such as"),
        (spoiled("death soon", *GAP, start="start -> death"), "windows.gap.start: bounds refer"),
        (spoiled("death soon", *GAP, label="death"), "there are several"),
        (spoiled("death soon", *GAP, index_timestamp="mid"), "expected start or end"),
        (spoiled("death soon", *TARGET, index_timestamp="end"), "no later than the label's window"),
        (spoiled("death soon", *TARGET, start_inclusive=True), "write start_inclusive: False"),
        (spoiled("death soon", *TARGET, end_inclusive=False), "includes its end"),
        (spoiled("death soon", *TARGET, has={"death": "(1, 0)"}), "target.has.death: .*at least 1"),
        (spoiled("death soon", *TARGET, has={"death": "one"}), "windows.target.has.death"),
        (spoiled("death soon", *TARGET, hass={}), "windows.target.hass"),
        (spoiled("death in hospital", *GAP, has={}), r"add left: \(None, 0\) to a window"),
        (spoiled("nobody waits", "windows", "stay", has={"sugar": "(1, 1)"}, start="trigger - 1d"),
         "stay.has: its end is an event"),
        (spoiled("nobody waits", "windows", "stay", has={"sugar": "(1, 1)"}, start_inclusive=True),
         "write start_inclusive: False"),
        (spoiled("an infarct again", *GAP, start="input.start"), "make the event that it waits"),
        (spoiled("death soon", "predicates", death={"code": {"regex": "DEA(D|TH)"}}), "under any"),
        (spoiled("death soon", "predicates", death={"code": {}}), "one of regex and any"),
        (spoiled("death soon", "predicates", death={"expr": "not(left)"}), r"expected and\(a, b"),
        (spoiled("death soon", "predicates", death={"expr": "or(left, low)"}), "that have a code"),
        (spoiled("death soon", "predicates", death={"code": "a", "other_cols": {}}), "other_cols"),
        ("trigger: a\ntrigger: b\n", "line 2: the key 'trigger' stands twice"),
        ("trigger: &a x\nwindows: *a\n", "line 2: aliases"),
        ("trigger: a\n", "predicates: Field required"),
        ("- a\n- b\n", "the file: Input should be"),
        ("nowhere.yaml", "no ACES task file nowhere.yaml"),
    ],
)  # fmt: skip
def test_what_cannot_be_said_is_refused_by_its_place(text: str, words: str) -> None:
    with pytest.raises(CohortError, match=words) as refused:
        read_aces(text)
    assert "\n" not in str(refused.value)


def test_a_task_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "task.yaml"
    text = yaml.safe_dump(
        {"description": "Death\n soon", "predicates": STAYS, **TASKS["death soon"]}
    )
    path.write_text(text)
    assert read_aces(path) == read_aces(str(path)) == read_aces(text)
    assert read_aces(path).title == "Death soon"


def test_who_must_live_to_be_in_is_said() -> None:
    (warning,) = read_aces(spoiled("death in hospital")).warnings()
    assert "target has its end" in warning
    assert "immortal time" in warning
