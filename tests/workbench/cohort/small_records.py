"""Few patients with few events, so that every expectation can be counted by hand."""

from typing import Any

import numpy as np
import pandas as pd

from workbench.data.concepts import Vocabulary
from workbench.data.events import MemoryEvents
from workbench.data.records import ColumnFacts, ObservationPeriods, Records, SourceFacts

HEADERS = ["patient_id", "time", "code", "numeric_value", "text_value"]


def microseconds(text: str) -> int:
    """Of a moment written as ISO text."""
    return int(pd.Timestamp(text).value // 1000)


def records_of(
    events: list[tuple[Any, ...]],
    births: dict[str, str],
    *,
    observed: dict[str, tuple[str, str]] | None = None,
    **more: Any,
) -> Records:
    """Records on a calendar clock.

    ``events``: patient, moment, code, and a number and a text where there are any. ``births``:
    patient → day. ``observed``: patient → first and last day.
    """
    ids = pd.Index(sorted(births), dtype=object, name="patient_id")
    rows = [(*event, *(None,) * (5 - len(event))) for event in events]
    table = pd.DataFrame(rows, columns=HEADERS)
    table["time"] = pd.to_datetime(table["time"], format="ISO8601")
    born = pd.to_datetime([births[patient] for patient in ids]).astype("datetime64[us]")
    sex = pd.Categorical(["female" if i % 2 else "male" for i in range(len(ids))])
    patients = pd.DataFrame({"birth": born, "sex": sex}, index=ids)
    periods = None
    if observed is not None:
        seen = [patient for patient in ids if patient in observed]
        ends = [[microseconds(day) for day in observed[patient]] for patient in seen]
        bounds = np.array(ends, np.int64).reshape(-1, 2)
        periods = ObservationPeriods(
            ids.get_indexer(seen).astype(np.int32), bounds[:, 0], bounds[:, 1]
        )
    return Records(
        source=SourceFacts("meds", "small", "1"),
        clock="calendar",
        patients=patients,
        columns={
            "birth": ColumnFacts("date", "day of birth"),
            "sex": ColumnFacts("categorical", "sex"),
        },
        events=MemoryEvents.from_frame(table, ids),
        observation=periods,
        vocabulary=Vocabulary.from_parents([("1", "2"), ("2", "3"), ("1", "4")], {"1": "one"}),
        **more,
    )
