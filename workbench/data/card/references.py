"""Names in a card that refer to nothing in it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from workbench.data.card.columns import Observed
from workbench.data.card.modalities import EhrModality, GenomicsModality
from workbench.data.card.names import did_you_mean

if TYPE_CHECKING:
    from workbench.data.card.schema import Card


class DanglingReferencesError(ValueError):
    """Names in a card that refer to nothing: ``problems`` holds (place, message) each."""

    def __init__(self, problems: list[tuple[tuple[str, ...], str]]) -> None:
        super().__init__("; ".join(f"{'.'.join(place)}: {text}" for place, text in problems))
        self.problems = problems


_Found = Iterator[tuple[tuple[str, ...], str]]


def dangling(card: "Card") -> _Found:
    """Each name in the card that refers to nothing in it."""

    def file(place: tuple[str, ...], name: str) -> _Found:
        if name not in card.files:
            yield place, f"no file is called {name!r}{did_you_mean(name, card.files)}"

    def column(place: tuple[str, ...], name: str) -> _Found:
        if name not in card.columns:
            yield (
                place,
                f"no column is called {name!r}{did_you_mean(name, card.columns)}",
            )

    def observed(place: tuple[str, ...], when: Observed | None) -> _Found:
        if when is not None and when.column is not None:
            place = (*place, "observed_at", "column")
            yield from column(place, when.column)
            if when.column in card.columns and card.columns[when.column].type != "numeric":
                yield place, f"{when.column} must be a numeric column, of days"

    places = {**card.files, **card.modalities}
    for name in card.population:
        if name not in places:
            near = did_you_mean(name, places)
            yield ("population",), f"no file or modality is called {name!r}{near}"
    for name, spec in card.columns.items():
        yield from file(("columns", name, "file"), spec.file)
        yield from observed(("columns", name), spec.observed_at)
        for other in spec.fill.when if spec.fill else ():
            yield from column(("columns", name, "fill", "when"), other)
    for name, outcome in card.outcomes.items():
        yield from file(("outcomes", name, "file"), outcome.file)
    for name, modality in card.modalities.items():
        if isinstance(modality, EhrModality):
            for member in modality.columns:
                yield from column(("modalities", name, "columns"), member)
            continue
        yield from observed(("modalities", name), modality.observed_at)
        if isinstance(modality, GenomicsModality):
            yield from file(("modalities", name, "file"), modality.file)
        elif modality.owners is not None:
            yield from file(("modalities", name, "owners", "file"), modality.owners.file)
    for name, events in card.events.items():
        yield from file(("events", name, "file"), events.file)
    for name in card.splits.keys() & card.columns.keys():
        yield ("splits", name), "a split and a column cannot share a name"
    for name, edges in card.privacy.quasi_identifiers.items():
        place = ("privacy", "quasi_identifiers", name)
        yield from column(place, name)
        if edges and name in card.columns and card.columns[name].type != "numeric":
            yield place, "edges cut numbers, and this column holds none: leave the list empty"
        if list(edges) != sorted(set(edges)):
            yield place, "edges must ascend without repeats"
    for name in card.markers:
        yield from column(("markers",), name)
    for name, group in card.groups.items():
        for kind, member in _mentioned(group.criteria):
            if kind == "column":
                yield from column(("groups", name, "criteria"), member)
            elif member not in card.modalities:
                near = did_you_mean(member, card.modalities)
                yield (
                    ("groups", name, "criteria"),
                    f"no modality is called {member!r}{near}",
                )


def _mentioned(criteria: Any) -> Iterator[tuple[str, str]]:
    """The columns and modalities that nested criteria name, as (``column`` or ``has``, name)."""
    if isinstance(criteria, dict):
        for key, value in criteria.items():
            if key in ("column", "has"):
                yield key, str(value)
            else:
                yield from _mentioned(value)
    elif isinstance(criteria, list | tuple):
        for item in criteria:
            yield from _mentioned(item)
