"""Exact Shapley values and interactions of a few players, from the value of every coalition.

A coalition is a number whose bits say who is in it: bit *i* stands for player *i*. Values are
arrays with one row a coalition, so whatever follows (patients, horizons) is done at once.
"""

from collections.abc import Callable, Sequence
from math import comb

import numpy as np

MOST_PLAYERS = 14
"""Beyond this many players there are too many coalitions to ask a model about each."""


def coalition_values(
    players: Sequence[str], value: Callable[[tuple[str, ...]], np.ndarray]
) -> np.ndarray:
    """The value of every coalition, (coalition, …).

    Parameters
    ----------
    players
        In order.
    value
        From the names of those who are in, in their order, to an array of any one shape.

    Raises
    ------
    ValueError
        With more than :data:`MOST_PLAYERS`.
    """
    _require_few(len(players))
    return np.stack([value(members(players, c)) for c in range(1 << len(players))])


def members(players: Sequence[str], coalition: int) -> tuple[str, ...]:
    """Names of those who are in a coalition, in their order.

    Examples
    --------
    >>> members(("clinical", "rna", "mri"), 0b101)
    ('clinical', 'mri')
    """
    return tuple(player for i, player in enumerate(players) if coalition >> i & 1)


def shapley_values(values: np.ndarray) -> np.ndarray:
    """What each player adds, averaged over all orders of joining, (player, …).

    They sum to the value of all players less that of none.

    Parameters
    ----------
    values
        Of each coalition, (2 ** player, …).

    Raises
    ------
    ValueError
        If the number of coalitions is no power of two, or there are too many.

    References
    ----------
    Shapley, L. (1953). A value for n-person games.

    Examples
    --------
    Alone each earns 1; together they earn 4:

    >>> shapley_values(np.array([0.0, 1.0, 1.0, 4.0])).tolist()
    [2.0, 2.0]
    """
    n = _n_players(values)
    result = np.zeros((n, *values.shape[1:]))
    for player in range(n):
        without = _without(n, player)
        size = _sizes(without)
        weight = 1.0 / (n * np.array([comb(n - 1, s) for s in size]))
        gain = values[without | 1 << player] - values[without]
        result[player] = np.tensordot(weight, gain, axes=1)
    return result


def interaction_values(values: np.ndarray) -> np.ndarray:
    """Shapley interaction values, (player, player, …), symmetric.

    Off the diagonal, half of what two players add together beyond what they add apart; on it, what
    a player adds alone. Each row sums to the player's Shapley value.

    Parameters
    ----------
    values
        Of each coalition, (2 ** player, …).

    References
    ----------
    Grabisch, M. and Roubens, M. (1999). An axiomatic approach to the concept of interaction among
    players in cooperative games. Int. J. Game Theory 28.
    Lundberg, S. et al. (2020). From local explanations to global understanding with explainable AI
    for trees. Nature Machine Intelligence 2.

    Examples
    --------
    >>> interaction_values(np.array([0.0, 1.0, 1.0, 4.0])).tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    n = _n_players(values)
    result = np.zeros((n, n, *values.shape[1:]))
    for i in range(n):
        for j in range(i):
            without = np.intersect1d(_without(n, i), _without(n, j))
            size = _sizes(without)
            weight = 1.0 / ((n - 1) * np.array([comb(n - 2, s) for s in size]))
            one, other = 1 << i, 1 << j
            together = values[without | one | other] - values[without | one]
            apart = values[without | other] - values[without]
            result[i, j] = result[j, i] = np.tensordot(weight, together - apart, axes=1) / 2
    # The diagonal is still 0, so this is what a player adds less all that it shares.
    alone = shapley_values(values) - result.sum(axis=1)
    result[np.arange(n), np.arange(n)] = alone
    return result


def _n_players(values: np.ndarray) -> int:
    n = len(values).bit_length() - 1
    if len(values) != 1 << n or n < 1:
        raise ValueError(
            f"values must have one row for each of 2 ** n coalitions, got {len(values)}"
        )
    _require_few(n)
    return n


def _require_few(n_players: int) -> None:
    if n_players > MOST_PLAYERS:
        raise ValueError(
            f"exact Shapley values of {n_players} players need {1 << n_players:,} coalitions: "
            f"group them into {MOST_PLAYERS} or fewer"
        )


def _without(n: int, player: int) -> np.ndarray:
    coalitions = np.arange(1 << n)
    return coalitions[(coalitions >> player & 1) == 0]


def _sizes(coalitions: np.ndarray) -> list[int]:
    return [int(c).bit_count() for c in coalitions]
