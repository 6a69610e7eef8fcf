"""Shapley values against the definition by orders of joining, and their axioms."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose

from fusion.shapley import (
    MOST_PLAYERS,
    coalition_values,
    interaction_values,
    members,
    shapley_values,
)

FINITE = st.floats(-10, 10, allow_nan=False)


def by_orders(values: np.ndarray) -> np.ndarray:
    """Mean gain over every order in which players join: the definition, for few players."""
    n = len(values).bit_length() - 1
    gains = np.zeros((n, *values.shape[1:]))
    orders = list(permutations(range(n)))
    for order in orders:
        coalition = 0
        for player in order:
            gains[player] += values[coalition | 1 << player] - values[coalition]
            coalition |= 1 << player
    return gains / len(orders)


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 5).flatmap(lambda n: arrays(float, (1 << n, 2), elements=FINITE)))
def test_values_are_the_mean_over_orders_and_sum_to_the_whole(values: np.ndarray) -> None:
    found = shapley_values(values)
    assert_allclose(found, by_orders(values), atol=1e-10)
    assert_allclose(found.sum(axis=0), values[-1] - values[0], atol=1e-10)


@settings(deadline=None, max_examples=25)
@given(st.integers(2, 5).flatmap(lambda n: arrays(float, (1 << n,), elements=FINITE)))
def test_interactions_are_symmetric_and_their_rows_sum_to_the_values(values: np.ndarray) -> None:
    found = interaction_values(values)
    assert_allclose(found, found.T, atol=1e-12)
    assert_allclose(found.sum(axis=1), shapley_values(values), atol=1e-10)


def test_a_sum_has_no_interactions_and_a_product_has_nothing_else() -> None:
    size = np.array([0.5, -2.0, 3.0])
    inside = np.arange(8)[:, None] >> np.arange(3) & 1
    of_a_sum = interaction_values(inside @ size)
    assert_allclose(of_a_sum, np.diag(size), atol=1e-12)
    of_a_product = interaction_values(4.0 * inside[:, 0] * inside[:, 1])
    expected = np.zeros((3, 3))
    expected[0, 1] = expected[1, 0] = 2.0
    assert_allclose(of_a_product, expected, atol=1e-12)


def test_coalitions_are_asked_by_name_in_their_order() -> None:
    asked = []

    def value(names: tuple[str, ...]) -> np.ndarray:
        asked.append(names)
        return np.array([len(names)])

    values = coalition_values(("a", "b"), value)
    assert asked == [(), ("a",), ("b",), ("a", "b")]
    assert values[:, 0].tolist() == [0, 1, 1, 2]
    assert members(("a", "b"), 2) == ("b",)


def test_refuses_what_cannot_be_counted() -> None:
    with pytest.raises(ValueError, match="one row for each of 2"):
        shapley_values(np.zeros(6))
    names = [str(i) for i in range(MOST_PLAYERS + 1)]
    with pytest.raises(ValueError, match="group them"):
        coalition_values(names, lambda names: np.zeros(1))
