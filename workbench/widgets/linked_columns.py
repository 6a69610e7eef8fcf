"""Columns of a selection as bars: which may be shown, what each asks, how many are in a bin."""

from collections.abc import Sequence
from typing import Any

from workbench.cohort.crossfilter import Dimension, Shown, cover
from workbench.errors import printable
from workbench.widgets.clause_words import clause_words
from workbench.widgets.column_views import column_view, names_patients
from workbench.widgets.cross_filter_still import count_rows
from workbench.widgets.selection import MODALITIES, Selection


def asked_words(selection: Selection) -> str:
    """What is asked of the patients, in one sentence's words; empty where nothing is."""
    return "; ".join(words for _, words in LinkedColumns(selection).asked)


class LinkedColumns:
    """What is always said of a column is written once, and again where its bins change.

    Parameters
    ----------
    selection
        Whose columns; what one asks stands under its name.
    """

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self._views: dict[str, tuple[Dimension, dict[str, Any]]] = {}

    @property
    def offered(self) -> dict[str, str]:
        """Columns that may be shown, and their titles."""
        index = self._selection.index
        return {
            name: self.title(name)
            for name, each in index.dimensions.items()
            if not names_patients(each, index.n_patients)
        }

    @property
    def refused(self) -> list[str]:
        """Titles of the columns whose values tell patients apart."""
        hidden = set(self._selection.index.dimensions) - set(self.offered)
        return [self.title(name) for name in sorted(hidden)]

    def title(self, name: str) -> str:
        """What a person calls a column."""
        return "Modalities" if name == MODALITIES else self._selection.title(name)

    def dimension(self, name: str) -> Dimension:
        """Its bins."""
        return self._selection.index.dimensions[name]

    @property
    def asked(self) -> list[tuple[str, str]]:
        """What every view asks: its name, and words."""
        brushes = self._selection.brushes
        return [
            (view, f"{self.title(getattr(clause, 'column', MODALITIES))}: {clause_words(clause)}")
            for view, clause in brushes.present
        ]

    def chosen(self, name: str) -> list[bool] | None:
        """Bins that the column's own clause holds for; None where it has none."""
        clause = self._selection.brushes.clauses.get(name)
        return cover(self.dimension(name), clause).chosen.tolist() if clause else None

    def bars(self, names: Sequence[str], shown: Shown) -> list[dict[str, Any]]:
        """Each column as JSON for the page: bins in words, counts, and what it asks."""
        clauses = self._selection.brushes.clauses
        return [
            {
                **self._view(name),
                "total": list(shown.views[name].total),
                "selected": list(shown.views[name].selected),
                "chosen": self.chosen(name),
                "asks": printable(clause_words(clauses[name])) if name in clauses else "",
            }
            for name in names
        ]

    def rows(self, names: Sequence[str], shown: Shown) -> list[tuple[str, ...]]:
        """Column, value, selected and all of each bar that somebody is in."""
        return [
            row
            for name in names
            for row in count_rows(self.title(name), shown.views[name], self.chosen(name))
        ]

    def _view(self, name: str) -> dict[str, Any]:
        dimension, known = self.dimension(name), self._views.get(name)
        if known is None or known[0] is not dimension:
            known = (dimension, column_view(dimension, self.title(name)))
            self._views[name] = known
        return known[1]
