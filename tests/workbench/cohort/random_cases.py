"""Small random records and definitions in which everything collides: days, moments, codes, ends."""

from datetime import date, datetime, timedelta
from random import Random
from typing import Any

import numpy as np
import pandas as pd

from tests.workbench.cohort.slow_reference import SlowEvent, SlowSource
from workbench.cohort.record_definition import RecordDefinition
from workbench.data.concepts import Vocabulary
from workbench.data.events import MemoryEvents
from workbench.data.records import ColumnFacts, ObservationPeriods, Records, SourceFacts

CODES = ("a", "ab", "b", "c//1", "c//2", "c//3", "d//9", "MEDS_DEATH", "mri//1", "mri//2")
PARENTS = (("1", "2"), ("1", "3"), ("2", "4"), ("3", "4"), ("9", "9"))
NAMES = {"9": "nine", "a": "a", "b": "b"}
ZERO = datetime(2000, 2, 20)
HOURS = (0.0, 0.0, 12.0, 13.5, 24 - 1 / 3.6e9)
EPOCH = datetime(1970, 1, 1)
TEXTS = (None, None, "low", "high", "high", "unit//1", "low value//7 unit//1", "value//7 unit//12")
MODALITIES = {"mri": ("mri//1", "mri//2"), "eeg": ("eeg//1",)}


def random_source(rng: Random) -> SlowSource:
    clock = rng.choice(["calendar", "calendar", "relative"])
    zero = ZERO if clock == "calendar" else EPOCH
    n_patients = rng.choice([0, 1, 8, 10, 12, 12])
    patients = {f"P{i}": random_patient(rng, clock) for i in rng.sample(range(20), n_patients)}
    events = []
    for patient_id in patients:
        for _ in range(rng.choice([0, 6, 14, 20])):
            events.append(random_event(rng, patient_id, zero))
            if rng.random() < 0.1:
                events.append(events[-1])
    periods = None
    if rng.random() < 0.7:
        periods = tuple(period for who in patients for period in random_periods(rng, who, zero))
    rng.shuffle(events)
    return SlowSource(patients, tuple(events), periods, PARENTS, MODALITIES, clock)


def random_patient(rng: Random, clock: str) -> dict[str, Any]:
    patient: dict[str, Any] = {
        "sex": rng.choice(["F", "M", None]),
        "stage": rng.choice([1.0, 2.0, 3.5, None]),
        "smoker": rng.choice([True, False, None]),
    }
    if clock == "calendar":
        births = [date(1980, 2, 29), date(1990, 2, 28), date(1982, 3, 1), date(1982, 2, 21), None]
        patient["birth"] = rng.choice(births)
    return patient


def random_moment(rng: Random, zero: datetime) -> datetime:
    day = rng.choice([*range(15), rng.randrange(-400, 400), rng.randrange(-9, 25)])
    return zero + timedelta(days=day, hours=rng.choice(HOURS))


def random_event(rng: Random, patient_id: str, zero: datetime) -> SlowEvent:
    code = rng.choice(CODES)
    if code == "MEDS_DEATH" and rng.random() < 0.6:
        code = "a"
    begin = None if rng.random() < 0.08 else random_moment(rng, zero)
    end = None
    if begin is not None and rng.random() < 0.3:
        end = begin + timedelta(days=rng.choice([0, 1, 2, 7]), hours=rng.choice([0, 0, 1, 12]))
    number = rng.choice([None, 1.0, 2.0, 2.5, float("nan")])
    return SlowEvent(patient_id, begin, code, end, number, rng.choice(TEXTS))


def random_periods(
    rng: Random, patient_id: str, zero: datetime
) -> list[tuple[str, datetime, datetime]]:
    kind = rng.random()
    if kind < 0.5:
        start = random_moment(rng, zero - timedelta(days=rng.choice([0, 5, 400])))
        return [(patient_id, start, start + timedelta(days=rng.choice([10, 20, 900])))]
    ends = sorted({random_moment(rng, zero) for _ in range(rng.choice([0, 2, 4, 6]))})
    return [(patient_id, ends[i], ends[i + 1]) for i in range(0, len(ends) - 1, 2)]


def as_records(source: SlowSource) -> Records:
    """The same source as the package takes it."""
    ids = sorted(source.patients)
    index = pd.Index(ids, dtype=object, name="patient_id")
    rows = [source.patients[i] for i in ids]
    facts = {
        "sex": ColumnFacts("categorical", "sex"),
        "stage": ColumnFacts("numeric", "stage"),
        "smoker": ColumnFacts("boolean", "smoker"),
    }
    table = pd.DataFrame(
        {
            "sex": pd.Categorical([row["sex"] for row in rows], ["F", "M"]),
            "stage": pd.array([row["stage"] for row in rows], dtype="Float64"),
            "smoker": pd.array([row["smoker"] for row in rows], dtype="boolean"),
        },
        index=index,
    ).astype({"stage": float})
    if source.clock == "calendar":
        table["birth"] = pd.Series(
            [pd.NaT if row["birth"] is None else pd.Timestamp(row["birth"]) for row in rows],
            index=index,
            dtype="datetime64[us]",
        )
        facts["birth"] = ColumnFacts("date", "day of birth")
    return Records(
        SourceFacts("meds", "random", "1"),
        source.clock,  # pyright: ignore[reportArgumentType]
        table,
        facts,
        MemoryEvents.from_frame(events_frame(source), index),
        observation=_periods(source, ids),
        vocabulary=Vocabulary.from_parents(source.parents, NAMES),
        modalities=source.modalities,
    )


def events_frame(source: SlowSource) -> pd.DataFrame:
    """MEDS-shaped, in the order of the source."""
    return pd.DataFrame(
        {
            "patient_id": pd.Series([e.patient_id for e in source.events], dtype=object),
            "time": pd.array([microseconds(e.begin) for e in source.events], dtype="Int64"),
            "code": pd.Series([e.code for e in source.events], dtype=object),
            "end": pd.array([microseconds(e.end) for e in source.events], dtype="Int64"),
            "numeric_value": pd.Series([e.number for e in source.events], dtype=float),
            "text_value": pd.Series([e.text for e in source.events], dtype=object),
        }
    )


def microseconds(moment: datetime | None) -> Any:
    return pd.NA if moment is None else (moment - EPOCH) // timedelta(microseconds=1)


def _periods(source: SlowSource, ids: list[str]) -> ObservationPeriods | None:
    if source.periods is None:
        return None
    rows = sorted((ids.index(who), start, end) for who, start, end in source.periods)
    return ObservationPeriods(
        np.array([row[0] for row in rows], np.int32),
        np.array([microseconds(row[1]) for row in rows], np.int64),
        np.array([microseconds(row[2]) for row in rows], np.int64),
    )


# --- definitions ---------------------------------------------------------------------------------


def random_definition(rng: Random, source: SlowSource) -> RecordDefinition:
    """A definition that fits the source, by way of JSON."""
    entry: dict[str, Any] = {
        "events": [random_query(rng, source, 1, 0.3) for _ in range(rng.choice([1, 2, 2]))],
        "which": rng.choice(["first", "last", "all", "all"]),
    }
    if source.periods is not None and rng.random() < 0.5:
        entry |= {
            "observed_before": rng.choice([0, 0, 1, 5]),
            "observed_after": rng.choice([0, 0, 1, 5]),
        }
    if rng.random() < 0.2:
        entry["per"] = "moment"
    if rng.random() < 0.3:
        entry["washout_days"] = rng.choice([0, 1, 2, 5])
    calendar = source.clock == "calendar"
    if calendar and rng.random() < 0.2:
        entry["since"] = (ZERO + timedelta(rng.randrange(5))).date().isoformat()
    if calendar and rng.random() < 0.2:
        entry["until"] = (ZERO + timedelta(rng.randrange(5, 15))).date().isoformat()
    follow_up: dict[str, Any] = {}
    if rng.random() < 0.4:
        follow_up["days"] = rng.choice([0, 1, 5, 30, 30])
    if rng.random() < 0.2:
        follow_up["events"] = [random_query(rng, source, 1)]
    if calendar and rng.random() < 0.3:
        follow_up["until"] = (ZERO + timedelta(rng.randrange(3, 20))).date().isoformat()
    more: dict[str, Any] = {}
    by_hours = rng.random() < 0.3
    if by_hours and "days" in follow_up:
        follow_up["hours"] = 24 * follow_up.pop("days") + rng.choice([1, 12])
    if rng.random() < 0.4:
        more["landmark"] = {"after": rng.choice([1, 2, 12, 24] if by_hours else [1, 1, 2, 5])}
        if by_hours:
            more["landmark"]["unit"] = "hours"
        if rng.random() < 0.4:
            more["landmark"]["earlier"] = "stay"
        if by_hours != ("hours" in follow_up):
            follow_up.pop("days", None)
            follow_up.pop("hours", None)
    return RecordDefinition.from_dict(
        {
            **more,
            "schema": 2,
            "title": "",
            "entry": entry,
            "select": [
                random_criterion(rng, source, 2) for _ in range(rng.choice([0, 1, 1, 2, 3]))
            ],
            "limit": rng.choice(["first", "last", "all"]),
            "follow_up": follow_up,
            "outcome": random_query(rng, source, 0, 0.4) if rng.random() < 0.7 else None,
        }
    )


def random_query(
    rng: Random, source: SlowSource, depth: int, narrow: float = 1.0
) -> dict[str, Any]:
    """An event query; ``narrow`` scales how often it asks for more than codes."""
    there = sorted({event.code for event in source.events})
    query: dict[str, Any] = {}
    kind = rng.choice(["codes", "codes", "prefixes", "concepts", "all"])
    if kind == "concepts":
        query |= {"concept_set": random_concepts(rng), "domain": "c"}
    elif kind == "codes" or not there:
        query["codes"] = rng.sample(["a", "b", *there], rng.choice([1, 2]))
    elif kind == "prefixes":
        query["prefixes"] = [rng.choice(["c//", "drug//", rng.choice(there)[:1]])]
    else:
        query["prefixes"] = [""]
    if rng.random() < 0.2 * narrow:
        query["value"] = random_range(rng, [1, 2, 2.5])
    if rng.random() < 0.15 * narrow:
        query["texts"] = rng.choice([["low"], ["high", "low"], ["never said"]])
    if rng.random() < 0.1 * narrow:
        query["units"] = rng.choice([["unit//1"], ["unit//12", "high"], ["7 unit//1"]])
    if rng.random() < 0.05 * narrow:
        query["answers"] = ["value//7"]
    if rng.random() < 0.1 * narrow:
        query["lasting_days"] = random_range(rng, [0, 1, 2])
    if rng.random() < 0.2 * narrow:
        query["first_ever"] = True
    if depth and rng.random() < 0.25 * narrow:
        query["where"] = random_criterion(rng, source, depth - 1)
    if rng.random() < 0.1:
        query["title"] = "such events"
    return query


def random_concepts(rng: Random) -> dict[str, Any]:
    line = {"descendants": rng.random() < 0.7}
    lines = [{"concept": rng.choice(["1", "2", "3"]), **line, "excluded": False}]
    if rng.random() < 0.3:
        lines.append({"concept": "9", "descendants": True, "excluded": False})
        lines.append({"concept": rng.choice("123"), **line, "excluded": True})
    return {"name": "some", "concepts": lines}


def random_range(rng: Random, values: list[float]) -> dict[str, float]:
    low, high = sorted([rng.choice(values), rng.choice(values)])
    kind = rng.random()
    if kind < 0.4:
        return {rng.choice([">", ">="]): low}
    if kind < 0.7:
        return {rng.choice(["<", "<="]): high}
    return {">=": low, "<=": high}


def random_window(rng: Random, source: SlowSource) -> dict[str, Any]:
    window: dict[str, Any] = {}
    ends = sorted([rng.choice([-30, -5, -2, -1, 0, 0, 1, 2, 5]) for _ in range(2)])
    if rng.random() < 0.7:
        window["start"] = ends[0]
    if rng.random() < 0.7:
        window["end"] = ends[1]
    if rng.random() < 0.25:
        window["unit"] = "hours"
        for end in {"start", "end"} & window.keys():
            if ends[0] < ends[1] and rng.random() < 0.3:
                window[f"{end}_included"] = False
    if rng.random() < 0.25:
        window["anchor"] = "exit"
    if rng.random() < 0.25:
        window["edge"] = "end"
    if rng.random() < 0.25:
        window["observed"] = True
    hours = window.get("unit") == "hours"
    for side, end, sign in (("since", "start", -1), ("until", "end", 1)):
        limit = window.get(end)
        if rng.random() < 0.3 and (limit is None or sign * limit >= (1 if hours else 0)):
            window[side] = random_query(rng, source, 0, 0.5)
            if rng.random() < 0.3 and ends[0] < ends[1]:
                window[f"{end}_included"] = False
    return window


def random_criterion(rng: Random, source: SlowSource, depth: int) -> dict[str, Any]:
    kind = rng.random()
    if depth and kind < 0.15:
        return {"not": random_criterion(rng, source, depth - 1)}
    if depth and kind < 0.4:
        parts = [random_criterion(rng, source, depth - 1) for _ in range(rng.choice([1, 2, 3]))]
        group = rng.choice(["all", "any", "of"])
        n = {"at_least": rng.randint(1, len(parts))} if group == "of" else {}
        return {group: parts, **n}
    if kind < 0.55:
        return random_comparison(rng, source)
    if kind < 0.62:
        window = {"window": random_window(rng, source)} if rng.random() < 0.6 else {}
        return {"has": rng.choice(["mri", "mri", "eeg"]), **window}
    criterion: dict[str, Any] = {"event": random_query(rng, source, depth)}
    if rng.random() < 0.7:
        criterion["window"] = random_window(rng, source)
    elif rng.random() < 0.5:
        criterion["windows"] = [random_window(rng, source), random_window(rng, source)]
    how = rng.random()
    if how < 0.2:
        criterion |= {"least": 0, "most": rng.choice([0, 1])}
    elif how < 0.5:
        criterion |= {"least": rng.choice([1, 2, 3])}
    elif how < 0.6:
        criterion |= {"least": 1, "most": 2}
    if rng.random() < 0.4:
        criterion["counted"] = rng.choice(["days", "codes", "moments"])
    if rng.random() < 0.2:
        criterion |= {"name": "A rule", "rationale": "a reason"}
    return criterion


def random_comparison(rng: Random, source: SlowSource) -> dict[str, Any]:
    choices: list[dict[str, Any]] = [
        {"column": "sex", "op": rng.choice(["==", "!="]), "value": "F"},
        {"column": "sex", "op": "in", "value": rng.choice([["F"], ["F", "M"]])},
        {"column": rng.choice(["sex", "stage", "smoker"]), "op": "is_missing"},
        {"column": "stage", "op": rng.choice(["==", "!=", "<", "<=", ">", ">="]), "value": 2},
        {"column": "stage", "op": "between", "value": [1.5, 3.5]},
        {"column": "smoker", "op": "==", "value": rng.random() < 0.5},
    ]
    if source.clock == "calendar":
        signs = ["==", "!=", "<", "<=", ">", ">="]
        choices += [
            {"column": "age", "op": rng.choice(signs), "value": rng.choice([9, 10, 17, 18, 20])},
            {"column": "birth", "op": rng.choice(signs), "value": "1982-03-01"},
            {"column": "index_year", "op": rng.choice(signs), "value": 2000},
        ]
    return rng.choice(choices)
