"""Concept sets: codes chosen by meaning, with what lies under them.

A concept set names concepts, says of each whether its descendants belong to it, and which are
taken out again. A vocabulary knows which concept lies under which.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import pandas as pd

from workbench.errors import RecordsError


@dataclass(frozen=True)
class Concept:
    """One line of a concept set: a concept, with what lies under it or alone, in or out."""

    concept_id: str
    descendants: bool = True
    excluded: bool = False


@dataclass(frozen=True)
class ConceptSet:
    """Concepts that mean one thing, such as all codes of type 2 diabetes.

    ``name`` is what a sentence calls it; ``vocabulary_version`` is the release of the vocabulary
    that it was written for ("" if nobody said).
    """

    name: str
    concepts: tuple[Concept, ...]
    vocabulary_version: str = ""

    def to_json(self) -> dict[str, Any]:
        """Canonical: concepts sorted; equal sets give equal JSON."""
        raise NotImplementedError

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` wrote."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False, repr=False)
class Vocabulary:
    """Which concept lies under which, and what each is called.

    Parameters
    ----------
    names
        Concept id (str) → name.
    ancestors
        ``ancestor``, ``descendant`` (concept ids, str): the transitive closure, each concept
        under itself.
    version
        Release.
    """

    names: Mapping[str, str]
    ancestors: pd.DataFrame
    version: str = ""

    @classmethod
    def from_parents(
        cls, parents: Iterable[tuple[str, str]], names: Mapping[str, str], version: str = ""
    ) -> Self:
        """Close ``(parent, child)`` pairs; a cycle is refused by name."""
        raise NotImplementedError

    def resolve(self, concepts: ConceptSet) -> frozenset[str]:
        """Concept ids of a set; unknown ones are refused."""
        raise RecordsError("")
