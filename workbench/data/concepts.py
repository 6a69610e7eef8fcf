"""Concept sets: codes chosen by meaning, with what lies under them.

A concept set names concepts, says of each whether what lies under it belongs to it, and which are
taken out again. A vocabulary knows which concept lies under which.
"""

import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd

from workbench.data.card import did_you_mean
from workbench.errors import RecordsError


@dataclass(frozen=True, order=True)
class Concept:
    """One line of a concept set: a concept, with what lies under it or alone, in or out."""

    concept_id: str
    descendants: bool = True
    excluded: bool = False


@dataclass(frozen=True)
class ConceptSet:
    """Concepts that mean one thing, such as all codes of type 2 diabetes.

    Parameters
    ----------
    name
        What a sentence calls it.
    concepts
        In any order: what is excluded is taken out of all that is included.
    vocabulary_version
        Release of the vocabulary that it was written for; "" if nobody said.
    """

    name: str
    concepts: tuple[Concept, ...]
    vocabulary_version: str = ""

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise RecordsError("a concept set needs a name, for the sentences that use it")
        if all(concept.excluded for concept in self.concepts):
            raise RecordsError(f"concept set {self.name[:40]!r} includes nothing")

    def to_json(self) -> dict[str, Any]:
        """Canonical: concepts sorted, each once; equal sets give equal JSON."""
        concepts = [
            {"concept": c.concept_id, "descendants": c.descendants, "excluded": c.excluded}
            for c in sorted(set(self.concepts))
        ]
        version = {"vocabulary": self.vocabulary_version} if self.vocabulary_version else {}
        return {"name": self.name, "concepts": concepts, **version}

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        RecordsError
            If it is no concept set.
        """
        match written:
            case {"name": str(name), "concepts": list(lines), **rest} if rest.keys() <= {
                "vocabulary"
            }:
                version = rest.get("vocabulary", "")
                if not isinstance(version, str):
                    raise RecordsError("a concept set's vocabulary is its release, as text")
                return cls(name, tuple(map(_concept, lines)), version)
        raise RecordsError(
            "a concept set has a name, a list of concepts and at most a vocabulary; got "
            + (
                ", ".join(repr(entry)[:40] for entry in list(written)[:6])
                if isinstance(written, Mapping)
                else type(written).__name__
            )
        )


def concept_set(
    name: str, *concept_ids: str | int, exclude: Iterable[str | int] = ()
) -> ConceptSet:
    """Concepts with all that lies under them, without others and what lies under those.

    Examples
    --------
    >>> concept_set("diabetes", 201820, exclude=[201254]).to_json()["concepts"][0]
    {'concept': '201254', 'descendants': True, 'excluded': True}
    """
    included = [Concept(str(i)) for i in concept_ids]
    return ConceptSet(name, (*included, *(Concept(str(i), excluded=True) for i in exclude)))


@dataclass(frozen=True, eq=False, repr=False)
class Vocabulary:
    """Which concept lies under which, and what each is called.

    Parameters
    ----------
    names
        Concept id → name.
    ancestors
        ``ancestor``, ``descendant``: concept ids (str), the transitive closure. Each concept lies
        under itself, whether or not a row says so.
    version
        Release; "" if the source does not say.
    further
        Concepts that the vocabulary has beside those, (concept,) int64, sorted: of a large one,
        names and ancestors are kept only for what the records use.
    """

    names: Mapping[str, str]
    ancestors: pd.DataFrame
    version: str = ""
    further: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))

    @classmethod
    def from_parents(
        cls,
        parents: Iterable[tuple[str, str]],
        names: Mapping[str, str],
        version: str = "",
        further: np.ndarray | None = None,
    ) -> Self:
        """Close pairs of ``(parent, child)``.

        Raises
        ------
        RecordsError
            If a concept lies under itself by way of others.
        """
        children: dict[str, list[str]] = {}
        for parent, child in parents:
            if parent != child:
                children.setdefault(parent, []).append(child)
        pairs = []
        for top in children:
            below: set[str] = set()
            queue = deque(children[top])
            while queue:
                concept = queue.popleft()
                if concept == top:
                    raise RecordsError(
                        f"the vocabulary runs in a circle: concept {top} lies under itself; mend "
                        "the parents of its codes"
                    )
                if concept not in below:
                    below.add(concept)
                    queue.extend(children.get(concept, ()))
            pairs += [(top, concept) for concept in sorted(below)]
        closure = pd.DataFrame(pairs, columns=["ancestor", "descendant"], dtype=object)
        rest = np.empty(0, np.int64) if further is None else further
        return cls(names, closure, version, rest)

    def __repr__(self) -> str:
        return f"Vocabulary({len(self.names)} concepts, {len(self.ancestors)} pairs)"

    def __contains__(self, concept_id: object) -> bool:
        named = concept_id in self.names or concept_id in self._known
        return named or self._has_further(concept_id)

    def _has_further(self, concept_id: object) -> bool:
        if not isinstance(concept_id, str) or not re.fullmatch(r"[1-9]\d{0,17}", concept_id):
            return False
        number = int(concept_id)
        at = np.searchsorted(self.further, number)
        return bool(at < len(self.further) and self.further[at] == number)

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.ancestors["ancestor"]) | frozenset(self.ancestors["descendant"])

    def resolve(self, concepts: ConceptSet) -> frozenset[str]:
        """Ids of the concepts of a set.

        A concept that the vocabulary does not know adds and takes out itself alone; :meth:`unknown`
        names those.

        Raises
        ------
        RecordsError
            If none of the concepts that belong to it is known here, or nothing is left.
        """
        wanted = {c.concept_id for c in concepts.concepts if not c.excluded}
        unknown = sorted(wanted & set(self.unknown(concepts)))
        if len(unknown) == len(wanted):
            some = ", ".join(concept[:40] for concept in unknown[:5])
            raise RecordsError(
                f"concept set {concepts.name[:40]!r}: none of its {len(unknown)} concepts is known "
                f"to the vocabulary of this source ({self.version or 'release not given'}): "
                f"{some}{did_you_mean(unknown[0], self.names)}"
            )
        included = self._with_descendants([c for c in concepts.concepts if not c.excluded])
        found = included - self._with_descendants([c for c in concepts.concepts if c.excluded])
        if not found:
            raise RecordsError(
                f"concept set {concepts.name[:40]!r}: everything in it is taken out again"
            )
        return frozenset(found)

    def unknown(self, concepts: ConceptSet) -> tuple[str, ...]:
        """Concepts of a set that are not in the vocabulary, sorted."""
        return tuple(sorted({c.concept_id for c in concepts.concepts if c.concept_id not in self}))

    def _with_descendants(self, concepts: Iterable[Concept]) -> set[str]:
        concepts = list(concepts)
        parents = [c.concept_id for c in concepts if c.descendants]
        below = self.ancestors["descendant"][self.ancestors["ancestor"].isin(parents)]
        return {c.concept_id for c in concepts} | set(below)


def _concept(written: Any) -> Concept:
    match written:
        case {"concept": str() | int() as concept_id, **rest} if (
            not isinstance(concept_id, bool)
            and rest.keys() <= {"descendants", "excluded"}
            and all(isinstance(flag, bool) for flag in rest.values())
        ):
            return Concept(
                str(concept_id), rest.get("descendants", True), rest.get("excluded", False)
            )
    raise RecordsError(
        "a line of a concept set is a mapping such as {concept: 201826, descendants: true, "
        "excluded: false}"
    )
