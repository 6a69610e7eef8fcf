import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.data.events import STATIC, MemoryEvents, no_events
from workbench.errors import RecordsError

PATIENTS = pd.Index(["A", "B"], dtype=object, name="patient_id")
rows = st.lists(
    st.tuples(
        st.sampled_from(["A", "B"]),
        st.one_of(st.none(), st.integers(-5, 5)),
        st.sampled_from(["x", "y", "z"]),
    )
)


def frame(events: list[tuple[object, ...]], **more: object) -> pd.DataFrame:
    table = pd.DataFrame(events, columns=["patient_id", "time", "code"]).astype(
        {"patient_id": object, "time": "Int64", "code": object}
    )
    return table.assign(**more)  # pyright: ignore[reportArgumentType]


@given(rows, st.sets(st.sampled_from(["x", "y", "z", "none"])))
def test_rows_are_those_of_the_codes_by_patient_and_time(
    events: list[tuple[str, int | None, str]], codes: set[str]
) -> None:
    source = MemoryEvents.from_frame(frame(events), PATIENTS)  # pyright: ignore
    found = source.rows(codes)
    got = list(zip(PATIENTS[found.patient], found.time.tolist(), found.code, strict=True))
    wanted = [(who, STATIC if t is None else t, code) for who, t, code in events if code in codes]
    assert sorted(got) == sorted(wanted)
    assert [key[:2] for key in got] == sorted(key[:2] for key in wanted)
    assert source.code_counts().sum() == len(events)
    last = [max((t for w, t, _ in events if w == who and t is not None), default=STATIC)
            for who in PATIENTS]  # fmt: skip
    assert source.last_times(2).tolist() == last


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (pd.Series(["2020-01-01"], dtype=object), "times are"),
        (pd.Series([1.5]), "times are float"),
        (pd.Series([True]), "times are bool"),
        (pd.Series([10**30], dtype=object), "times are object"),
        (pd.Series([1_600_000_000_000_000_000]), "nanoseconds"),
        (pd.to_datetime(pd.Series(["2020-01-01"])).dt.tz_localize("Europe/Berlin"), "time zone"),
    ],
)
def test_what_is_no_time_is_refused(time: pd.Series, words: str) -> None:
    table = pd.DataFrame({"patient_id": ["A"], "time": time, "code": ["x"]})
    with pytest.raises(RecordsError, match=words):
        MemoryEvents.from_frame(table, PATIENTS)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"patient_id": ["A", "C"]}, "1 of 2 events belong to a patient"),
        ({"patient_id": ["A", None]}, "1 of 2 events belong to a patient"),
        ({"code": ["x", None]}, "1 events have no code"),
        ({"end": [0, 5]}, "1 events end before"),
        ({"numeric_value": ["1", "much"]}, "1 numeric values are no numbers"),
    ],
)
def test_what_is_no_event_is_refused(change: dict[str, list[object]], words: str) -> None:
    table = frame([("A", 1, "x"), ("B", 2, "y")]).assign(**change)
    with pytest.raises(RecordsError, match=words):
        MemoryEvents.from_frame(table, PATIENTS)


def test_an_event_without_an_end_ends_when_it_begins() -> None:
    events = frame([("A", 1, "x"), ("A", 2, "x")], end=pd.array([None, 7], dtype="Int64"))
    assert MemoryEvents.from_frame(events, PATIENTS).rows(["x"]).end.tolist() == [1, 7]


def test_missing_texts_and_values_stay_missing() -> None:
    events = frame(
        [("A", 1, "x"), ("A", 2, "x")], text_value=[None, "low"], numeric_value=[np.nan, 2]
    )
    found = MemoryEvents.from_frame(events, PATIENTS).rows(["x"])
    assert found.text.isna().tolist() == [True, False]
    assert np.isnan(found.number).tolist() == [True, False]


def test_a_source_may_have_no_events() -> None:
    source = no_events()
    assert (len(source), len(source.rows(["x"])), len(source.code_counts())) == (0, 0, 0)


@pytest.mark.parametrize("categories", [["b", "a"], ["z", "b", "c", "a"]])
def test_categories_are_read_as_words_are(categories: list[str]) -> None:
    """Whatever their order, and those that do not occur left out."""
    words = pd.DataFrame({"patient_id": ["P0"] * 3, "time": [1, 2, 3], "code": ["b", "a", "b"]})
    words["text_value"] = ["a", None, "b"]
    columns = ["code", "text_value"]
    coded = words.assign(**{c: pd.Categorical(words[c], categories) for c in columns})
    one, other = (MemoryEvents.from_frame(each, pd.Index(["P0"])) for each in (words, coded))
    pd.testing.assert_series_equal(one.code_counts(), other.code_counts())
    for name in ("code", "text"):
        found = getattr(other.sorted_rows, name)
        assert found.equals(getattr(one.sorted_rows, name))
        assert found.categories.tolist() == ["a", "b"]
