"""Codes of the records that a query asks for; a code that would find nobody is refused."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from workbench.cohort.criteria.domains import check_cdm
from workbench.cohort.written import shown
from workbench.data.card import did_you_mean
from workbench.data.records import Records
from workbench.errors import CohortError

if TYPE_CHECKING:
    import pandas as pd

    from workbench.cohort.criteria.query import EventQuery


def find_codes(query: "EventQuery", records: Records) -> frozenset[str]:
    """Codes of the records that it asks for; see :meth:`EventQuery.find_codes`."""
    known = records.events.code_counts().index
    if records.source.kind == "omop":
        check_cdm(query.codes, query.prefixes, query.domain, known)
    _check_codes(query.codes, records, known)
    found = set(query.codes)
    for prefix in query.prefixes:
        found |= _beginning(prefix, known)
    return frozenset(found | _of_concepts(query, records, known))


def _check_codes(codes: Iterable[str], records: Records, known: "pd.Index") -> None:
    for code in codes:
        if code not in known and not _named(records, code):
            raise CohortError(
                f"no event has the code {shown(code)}, and no vocabulary here names it"
                f"{did_you_mean(code, _near(known, code))}"
            )


def _beginning(prefix: str, known: "pd.Index") -> set[str]:
    begins = known[known.str.startswith(prefix)] if len(known) else known
    if not len(begins) and prefix and not prefix.endswith("//"):
        raise CohortError(
            f"no code begins with {shown(prefix)}{did_you_mean(prefix, _near(known, prefix))}"
        )
    return set(begins)


def _of_concepts(query: "EventQuery", records: Records, known: "pd.Index") -> set[str]:
    if query.concepts is None:
        return set()
    if records.vocabulary is None:
        raise CohortError(
            f"concept set {shown(query.concepts.name)}: this source has no vocabulary; name codes"
        )
    ids = records.vocabulary.resolve(query.concepts)
    return {f"{query.domain}//{concept}" for concept in ids} & set(known)


def _named(records: Records, code: str) -> bool:
    """Whether the vocabulary knows the code, or what stands behind its domain."""
    return records.vocabulary is not None and (
        code in records.vocabulary or code.rpartition("//")[2] in records.vocabulary
    )


def _near(codes: Iterable[str], code: str) -> list[str]:
    """Codes that begin alike: comparing with every code of a large source would take seconds."""
    return [known for known in codes if known[:3].lower() == code[:3].lower()][:2000]
