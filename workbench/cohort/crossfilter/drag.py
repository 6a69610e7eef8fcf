"""A brush in motion: counts made once when it is taken up, so that each move is a subtraction.

For the view that is brushed (the active one) every other view gets a tile: patients by active bin
and its own bin, given the clauses of all third views. Sums over neighbouring active bins are
differences of cumulative tiles.

References
----------
Moritz, Howe, Heer. "Falcon: Balancing Interactive Latency and Resolution Sensitivity for Scalable
Linked Visualizations." CHI 2019. Liu, Jiang, Heer. "imMens." EuroVis 2013.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from workbench.cohort.crossfilter.clauses import Clause
from workbench.cohort.crossfilter.counting import count_codes, in_threads, joint_counts
from workbench.cohort.crossfilter.cover import Cover, cover
from workbench.cohort.crossfilter.index import OUTCOME
from workbench.cohort.crossfilter.masks import dimension_of
from workbench.cohort.crossfilter.selection import (
    Counts,
    Selection,
    brushed,
    curves,
    select,
)
from workbench.errors import CohortError


@dataclass(frozen=True, eq=False)
class Drag:
    """A brush on one view, taken up while all other clauses stand still.

    Parameters
    ----------
    selection
        The moment at which it was taken up.
    view
        The active view.
    own
        What the active view shows throughout, (bin + 1,) int.
    cumulative
        All tiles side by side, summed over active bins up to each, (active bin + 2, cell) int64:
        row ``i`` holds the bins before ``i``.
    places
        View → its cells; OUTCOME → those of time and event.
    fixed
        Other views with a clause → the bins that stand for it.
    """

    selection: Selection
    view: str
    own: np.ndarray
    cumulative: np.ndarray
    places: Mapping[str, slice]
    fixed: Mapping[str, np.ndarray]

    def move(self, clause: Clause | None) -> Counts:
        """What the views show with the brush at ``clause``; None: no brush.

        Exact as long as the limits of the brush are edges of bins; where they are not, the
        nearest edges are taken and ``exact`` is False, until :func:`select` judges each patient.

        Raises
        ------
        CohortError
            A clause on another column.
        """
        chosen, exact = self._cover(clause)
        return self._counts(chosen, self._sum(chosen), int(self.own[chosen].sum()), exact)

    def release(self, clause: Clause | None) -> Selection:
        """Lets go of the brush at ``clause``: each patient is judged, and all counts are exact.

        Where the brush cuts through bins, only the patients whom the bins nearest to it have too
        many or too few are counted again.
        """
        before, index = self.selection.brushes, self.selection.index
        if clause is None:
            after = select(index, before.without(self.view), self.selection)
            return replace(after, counted=self.move(None))
        chosen, exact = self._cover(clause)
        after = select(index, before.with_clause(self.view, clause), self.selection)
        cells = self._sum(chosen)
        n_selected = int(self.own[chosen].sum())
        if not exact:
            nearest = chosen[index.dimensions[self.view].codes]
            holds = after.masks[self.view]
            for sign, wrong in ((1, holds & ~nearest), (-1, nearest & ~holds)):
                rows = np.flatnonzero(wrong)
                for name, place in self.places.items():
                    of_this = rows[self.selection.passing(rows, self.view, name)]
                    codes, n_codes = index.coded(name)
                    cells[place] += sign * count_codes(codes, n_codes, of_this)
                n_selected += sign * int(self.selection.passing(rows, self.view).sum())
        return replace(after, counted=self._counts(chosen, cells, n_selected, exact=True))

    def _cover(self, clause: Clause | None) -> Cover:
        index = self.selection.index
        dimension = index.dimensions[self.view]
        if clause is not None and dimension_of(index.dimensions, clause) is not dimension:
            raise CohortError(f"the brush on {self.view} moves on that column alone")
        return cover(dimension, clause)

    def _counts(
        self, chosen: np.ndarray, cells: np.ndarray, n_selected: int, exact: bool
    ) -> Counts:
        index = self.selection.index
        selected = {name: cells[place] for name, place in self.places.items() if name != OUTCOME}
        selected[self.view] = self.own
        return Counts(
            {name: selected[name] for name in index.dimensions},
            self.fixed if chosen.all() else {**self.fixed, self.view: chosen},
            n_selected,
            *curves(index, cells[self.places[OUTCOME]]),
            exact=exact,
        )

    def _sum(self, chosen: np.ndarray) -> np.ndarray:
        """Cells of the chosen active bins: a difference for each run of neighbours."""
        turns = np.flatnonzero(np.diff(chosen, prepend=False, append=False))
        cells = np.zeros(self.cumulative.shape[1], np.int64)
        for first, end in turns.reshape(-1, 2):
            cells += self.cumulative[end]
            cells -= self.cumulative[first]
        return cells


def take_up(selection: Selection, view: str) -> Drag:
    """Count the tiles for a brush on ``view``.

    Parameters
    ----------
    selection
        The moment at which the brush is taken up; a clause that the view already has is ignored.
    view
        One of the views of the index.

    Raises
    ------
    CohortError
        There is no such view.
    """
    index = selection.index
    if view not in index.dimensions:
        raise CohortError(
            f"no view is called {view!r}: there are {', '.join(index.dimensions) or 'none'}"
        )
    active = index.dimensions[view]
    rows = selection.rows_without(view)
    jobs = [*(name for name in index.dimensions if name != view), OUTCOME]

    def tile(name: str) -> np.ndarray:
        of_this = selection.rows_without(view, name) if name in selection.masks else rows
        return joint_counts(active.codes, active.n_codes, *index.coded(name), of_this)

    tiles = in_threads(tile, jobs, index.n_threads)
    ends = np.cumsum([each.shape[1] for each in tiles]).tolist()
    cumulative = np.zeros((active.n_codes + 1, ends[-1]), np.int64)
    np.cumsum(np.concatenate(tiles, axis=1), axis=0, out=cumulative[1:])
    places = {
        name: slice(end - each.shape[1], end)
        for name, each, end in zip(jobs, tiles, ends, strict=True)
    }
    fixed = brushed(index, selection.brushes.without(view))
    own = tiles[-1].sum(axis=1)
    own.setflags(write=False)  # every move hands it out
    return Drag(selection, view, own, cumulative, places, fixed)
