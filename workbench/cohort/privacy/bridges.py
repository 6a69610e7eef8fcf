"""Edges of a graph that lie on no cycle."""

import numpy as np


def bridges(edges: np.ndarray) -> np.ndarray:
    """Which edges of a bipartite graph are bridges, by one depth-first search.

    Parameters
    ----------
    edges
        (row, column) bool: whether the node of the row and that of the column are joined.

    Returns
    -------
    ndarray
        (row, column) bool.

    References
    ----------
    [1] Tarjan, R. E. "A note on finding the bridges of a graph." Information Processing Letters
        1974;2:160-161.

    Examples
    --------
    >>> bridges(np.array([[True, True, False], [True, True, True]])).astype(int)
    array([[0, 0, 0],
           [0, 0, 1]])
    """
    n_rows, n_columns = edges.shape
    rows, columns = np.nonzero(edges)
    joined: list[list[int]] = [[] for _ in range(n_rows + n_columns)]
    for row, column in zip(rows.tolist(), (columns + n_rows).tolist(), strict=True):
        joined[row].append(column)
        joined[column].append(row)
    entered, reached = [0] * len(joined), [0] * len(joined)
    found, clock = np.zeros_like(edges), 0
    for root in sorted(set(rows.tolist())):
        if entered[root]:
            continue
        clock += 1
        entered[root] = reached[root] = clock
        path = [(root, -1, iter(joined[root]))]
        while path:
            node, parent, rest = path[-1]
            other = next(rest, None)
            if other is None:
                path.pop()
                if path:
                    reached[parent] = min(reached[parent], reached[node])
                    if reached[node] > entered[parent]:
                        row, column = sorted((node, parent))
                        found[row, column - n_rows] = True
            elif other != parent and entered[other]:
                reached[node] = min(reached[node], entered[other])
            elif other != parent:
                clock += 1
                entered[other] = reached[other] = clock
                path.append((other, node, iter(joined[other])))
    return found
