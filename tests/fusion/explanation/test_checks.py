"""A check passes only where something was measured and met its threshold."""

import math

from hypothesis import given
from hypothesis import strategies as st

from fusion.explanation.checks import at_least, at_most, failed, failed_first


@given(value=st.floats(allow_nan=False), threshold=st.floats(allow_nan=False))
def test_one_of_two_directions_passes_and_both_only_at_the_threshold(value, threshold):
    below = at_most("v", value, threshold, meaning="too much").passed
    above = at_least("v", value, threshold, meaning="too little").passed
    assert below or above
    assert (below and above) == (value == threshold)


def test_what_was_not_measured_never_passes():
    assert not at_most("v", math.nan, 1.0, meaning="").passed
    assert not at_least("v", math.nan, 1.0, meaning="").passed


@given(values=st.lists(st.floats(0, 1), max_size=6))
def test_failures_come_first_and_nothing_is_lost(values):
    checks = tuple(at_most(str(i), v, 0.5, meaning="") for i, v in enumerate(values))
    ordered = failed_first(checks)
    assert set(ordered) == set(checks)
    assert ordered[: len(failed(checks))] == failed(checks)
