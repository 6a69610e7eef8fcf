"""Concepts of a CDM in SQL: what lies under them, and whether the vocabulary knows them.

Which concept lies under which comes from ``concept_ancestor``; where there is none, or nothing in
it, from the closure of "Is a" and "Subsumes" in ``concept_relationship``, as when files are read.
"""

import re
from collections.abc import Collection

from sqlalchemy import BigInteger, SelectBase, Text, case, except_, false, func, or_, select, union
from sqlalchemy.sql import ColumnElement, Select, cast

from workbench.cohort.sql import bound
from workbench.cohort.sql.omop.cdm import Cdm, words
from workbench.data.concepts import Concept, ConceptSet
from workbench.errors import RecordsError

_CONCEPT = re.compile(r"0|[1-9][0-9]{0,17}")
_ABOVE, _BELOW = "Is a", "Subsumes"


def resolved(cdm: Cdm, concepts: ConceptSet, also: Collection[int] = ()) -> SelectBase:
    """Concepts of a set, with what lies under them and without what is taken out.

    Parameters
    ----------
    cdm
        Where the vocabulary is.
    concepts
        The set.
    also
        Concepts that are added in any case.

    Raises
    ------
    RecordsError
        If a concept is no whole number, or what lies under one is not known.
    """
    found: SelectBase = _with_descendants(
        cdm, [c for c in concepts.concepts if not c.excluded], concepts.name
    )
    excluded = [c for c in concepts.concepts if c.excluded]
    if excluded:
        found = except_(found, _with_descendants(cdm, excluded, concepts.name))
    return union(found, _each(also)) if also else found


def knows_concept(cdm: Cdm, concept_id: str) -> ColumnElement[bool]:
    """Whether the vocabulary has the concept."""
    concept = whole_number(concept_id)
    if concept is None or "concept" not in cdm:
        return false()
    names = cdm.table("concept")
    parts = [select(bound.ONE).where(names.c.concept_id == bound.whole(concept)).exists()]
    if "concept_ancestor" in cdm:
        for side in ("ancestor_concept_id", "descendant_concept_id"):
            below = cdm.table("concept_ancestor")
            parts.append(select(bound.ONE).where(below.c[side] == bound.whole(concept)).exists())
    return or_(*parts)


def resolves(cdm: Cdm, concepts: ConceptSet) -> ColumnElement[bool]:
    """Whether a concept set has any concept left.

    Raises
    ------
    RecordsError
        If there are no names of concepts, or as of :func:`resolved`.
    """
    if "concept" not in cdm:
        raise RecordsError(
            f"concept set {concepts.name!r}: this database has no table concept; name codes"
        )
    left = resolved(cdm, concepts).subquery("resolved")
    return select(bound.ONE).select_from(left).exists()


def whole_number(text: str) -> int | None:
    """A concept as the CDM writes it; None for anything else, also for ``+1`` and ``01``."""
    return int(text) if _CONCEPT.fullmatch(text) is not None else None


def _with_descendants(cdm: Cdm, concepts: list[Concept], name: str) -> SelectBase:
    named = _each({_number(c, name) for c in concepts})
    parents = {_number(c, name) for c in concepts if c.descendants}
    if not parents:
        return named
    if "concept_ancestor" in cdm:
        below = cdm.table("concept_ancestor")
        descendants = select(cast(below.c.descendant_concept_id, BigInteger())).where(
            below.c.ancestor_concept_id == func.any(bound.wholes(parents))
        )
        return union(named, descendants)
    if "concept_relationship" in cdm:
        return union(named, _closure(cdm, parents))
    raise RecordsError(
        f"concept set {name!r}: this database has nothing in concept_ancestor and no "
        "concept_relationship, so what lies under a concept is not known: load one of them, or "
        "name concepts without descendants"
    )


def _closure(cdm: Cdm, parents: Collection[int]) -> Select:
    """What lies under some concepts, step by step."""
    told = cdm.table("concept_relationship")
    kind = func.trim(cast(told.c.relationship_id, Text()))
    one, two = (cast(told.c[f"concept_id_{i}"], BigInteger()) for i in (1, 2))
    edges = select(
        case((kind == words(_ABOVE), two), else_=one).label("parent"),
        case((kind == words(_ABOVE), one), else_=two).label("child"),
    ).where(kind.in_([words(_ABOVE), words(_BELOW)]), one != two)
    if "invalid_reason" in told.c:
        reason = func.nullif(func.trim(cast(told.c.invalid_reason, Text())), words(""))
        edges = edges.where(reason.is_(None))
    edge = edges.subquery("edge")
    top = _each(parents).subquery("top")
    under = select(top.c.concept_id).cte(recursive=True)
    step = select(edge.c.child).where(edge.c.parent == under.c.concept_id)
    closed = under.union(step)
    return select(closed.c.concept_id)


def _each(numbers: Collection[int]) -> Select:
    return select(func.unnest(bound.wholes(numbers)).label("concept_id"))


def _number(concept: Concept, name: str) -> int:
    number = whole_number(concept.concept_id)
    if number is None:
        raise RecordsError(
            f"concept set {name!r}: concepts of a CDM are whole numbers, got "
            f"{concept.concept_id[:40]!r}"
        )
    return number
