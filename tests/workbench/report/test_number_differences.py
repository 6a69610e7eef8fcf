"""Numbers of two reports: equal only where they are, and what differs is named."""

import copy
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from workbench.report.number_differences import ABSENT, NOT_NUMBERS, number_differences

LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
)
DOCUMENTS = st.dictionaries(
    st.text(max_size=4).filter(lambda key: key not in NOT_NUMBERS),
    st.recursive(
        LEAVES,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
        ),
        max_leaves=8,
    ),
    max_size=4,
)


@given(DOCUMENTS)
def test_a_report_equals_itself(document: dict[str, Any]) -> None:
    again = json.loads(json.dumps(document))
    assert number_differences(document, again)[0] == ()


@given(DOCUMENTS, st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_one_number_that_changed_is_named(
    document: dict[str, Any], before: float, after: float
) -> None:
    one, other = ({**document, "x~/y": [{"c": v}]} for v in (before, after))
    found, n = number_differences(one, other)
    assert [each.place for each in found] == ([] if before == after else ["/x~0~1y/0/c"])
    assert n >= 1


def test_a_planted_change_in_a_real_report_is_found(document: dict[str, Any]) -> None:
    changed = copy.deepcopy(document)
    changed["ladder"][3]["harrell_c"]["estimate"] += 1e-12
    found, n = number_differences(document, changed)
    assert [each.place for each in found] == ["/ladder/3/harrell_c/estimate"]
    assert n > 5000
    assert number_differences(document, changed, tolerance=1e-6)[0] == ()


def test_a_number_that_is_gone_is_named_too() -> None:
    [gone] = number_differences({"a": {"b": 1}}, {"a": {}})[0]
    assert (gone.place, gone.before, gone.after) == ("/a/b", 1, ABSENT)
    assert number_differences({"a": True}, {"a": 1})[0] != ()
    [gone] = number_differences({"a": "0.1"}, {}, tolerance=1e-6)[0]
    assert gone.after == ABSENT


def test_where_numbers_come_from_is_no_number() -> None:
    one, other = (dict.fromkeys(NOT_NUMBERS, value) for value in ("a", "b"))
    assert number_differences(one, other) == ((), 0)
