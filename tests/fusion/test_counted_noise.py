"""The counter-based generator: its authors' answers, uniformity, and that nothing else matters."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.counted_noise import philox, uniform

# Random123, tests/kat_vectors, philox4x32 with 10 rounds: counter, key, answer.
KNOWN = [
    (
        "00000000 00000000 00000000 00000000",
        "00000000 00000000",
        "6627e8d5 e169c58d bc57ac4c 9b00dbd8",
    ),
    (
        "ffffffff ffffffff ffffffff ffffffff",
        "ffffffff ffffffff",
        "408f276d 41c83b0e a20bc7c6 6d5451fd",
    ),
    (
        "243f6a88 85a308d3 13198a2e 03707344",
        "a4093822 299f31d0",
        "d16cfe09 94fdcceb 5001e420 24126ea1",
    ),
]


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN)
def test_known_answers(counter, key, answer):
    low, high = (int(word, 16) for word in key.split())
    words = philox([np.array([int(w, 16)], np.uint64) for w in counter.split()], (low, high))
    assert " ".join(f"{int(word):08x}" for word in words[:, 0]) == answer


@given(
    st.integers(0, 2**64 - 1), st.integers(0, 10**6), st.permutations(range(12)), st.integers(1, 9)
)
@settings(deadline=None)
def test_a_patients_numbers_depend_on_no_other_patient(seed, step, order, n):
    everyone = uniform(seed, step, np.arange(12), 3, n)
    assert everyone.shape == (3, 12, n)
    some = np.array(order[:5])
    assert np.array_equal(uniform(seed, step, some, 3, n), everyone[:, some])


def test_numbers_are_uniform_and_differ_by_everything_that_counts():
    numbers = uniform(0, 0, np.arange(2000), 2, 17)
    share = np.histogram(numbers, bins=20, range=(0, 1))[0] / numbers.size
    assert np.abs(share - 0.05).max() < 0.004
    assert len(np.unique(numbers)) > 0.9999 * numbers.size
    for seed, step in ((1, 0), (2**32, 0), (0, 1)):
        other = uniform(seed, step, np.arange(2000), 2, 17)
        assert abs(np.corrcoef(numbers.ravel(), other.ravel())[0, 1]) < 0.02
