"""File names in the order in which a person counts: slice 9 before slice 10."""

import re


def natural_order(path: str) -> list[tuple[int, int | str]]:
    """A key for ``sorted``.

    Examples
    --------
    >>> sorted(["s10.png", "s9.png", "s.png"], key=natural_order)
    ['s9.png', 's10.png', 's.png']
    """
    return [(0, int(p)) if p.isdigit() else (1, p) for p in re.split(r"(\d+)", path)]
