"""Round numbers along an axis: 1, 2 or 5 times a power of ten."""

import math

import numpy as np

MOST_DECIMALS = 4


def round_step(span: float, most: int, finest: int | None = None) -> tuple[int, int]:
    """Smallest round step of which at most ``most`` lie within ``span``.

    Parameters
    ----------
    span
        Length of the axis, positive.
    most
        Steps that may lie within it.
    finest
        The step is at least ten to this power; None: any step.

    Returns
    -------
    tuple of int
        (digit, exponent): the step is ``digit`` x 10 ** ``exponent``, with digit 1, 2 or 5.

    Examples
    --------
    >>> round_step(90.0, 40), round_step(0.8, 40), round_step(0.8, 40, finest=-1)
    ((5, 0), (2, -2), (1, -1))
    """
    least = span / most
    exponent = math.floor(math.log10(least)) if least > 0 else -323
    if finest is not None and exponent < finest:
        return 1, finest
    for digit, power in ((1, exponent), (2, exponent), (5, exponent)):
        if float(f"{digit}e{power}") >= least:
            return digit, power
    return 1, exponent + 1


def round_edges(low: float, high: float, most: int, finest: int | None = None) -> np.ndarray:
    """Round numbers above ``low`` and up to ``high``, ascending, at most ``most``, float64.

    Each is the float closest to its decimal, so that ``0.3`` is an edge and not 0.1 + 0.2.

    Examples
    --------
    >>> round_edges(18.0, 91.0, 8).tolist()
    [20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0]
    """
    digit, exponent = round_step(high / 2 - low / 2, max(most // 2, 1), finest)
    step = float(f"{digit}e{exponent}")
    first = math.floor(low / step)
    edges = np.array([float(f"{(first + i) * digit}e{exponent}") for i in range(most + 4)])
    return np.unique(edges[(edges > low) & (edges <= high)])[:most]


def decimals(values: np.ndarray) -> int | None:
    """Fewest decimals that write every one of ``values`` (finite); None if more than four.

    >>> decimals(np.array([3.5, 4.0])), decimals(np.array([1.0, 2.0])), decimals(np.array([1 / 3]))
    (1, 0, None)
    """
    few = values[:100]
    with np.errstate(over="ignore"):  # what is too large to be rounded has no decimals anyway
        for places in range(MOST_DECIMALS + 1):
            if (np.round(few, places) == few).all() and (np.round(values, places) == values).all():
                return places
    return None
