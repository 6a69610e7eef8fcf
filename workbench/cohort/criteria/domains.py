"""The first part of codes: a mistyped one would silently find nobody."""

from collections.abc import Collection, Iterable, Iterator

from workbench.cohort.written import shown
from workbench.data.card import did_you_mean
from workbench.data.events import BIRTH, DEATH
from workbench.data.sources.omop_tables import EVENT_TABLES
from workbench.errors import CohortError

CDM_DOMAINS = frozenset(table.domain for table in EVENT_TABLES if table.concept is not None)


def domains_of(codes: Iterable[str], prefixes: Iterable[str], domain: str) -> Iterator[str]:
    """What stands before the first ``//`` of codes and their beginnings, and before concepts."""
    for text in (*codes, *prefixes):
        if "//" in text:
            yield text.partition("//")[0]
    if domain:
        yield domain


def check_cdm(
    codes: Iterable[str], prefixes: Iterable[str], domain: str, there: Collection[str] = ()
) -> None:
    """Refuse what cannot be a code of a Common Data Model.

    Parameters
    ----------
    codes, prefixes, domain
        As of :class:`workbench.cohort.criteria.EventQuery`.
    there
        Codes that occur in any case.

    Raises
    ------
    CohortError
        If a domain is none of the model, or a code has none.
    """
    for code in codes:
        if "//" not in code and code not in (BIRTH, DEATH) and code not in there:
            raise CohortError(
                f"code {shown(code)}: codes of a CDM begin with their domain, such as "
                "condition//201826"
            )
    odd = [name for name in domains_of(codes, prefixes, domain) if name not in CDM_DOMAINS]
    odd = [name for name in odd if not any(code.startswith(f"{name}//") for code in there)]
    if odd:
        raise CohortError(
            f"a CDM has no domain {shown(odd[0])}{did_you_mean(odd[0][:60], CDM_DOMAINS)}; there "
            f"are {', '.join(sorted(CDM_DOMAINS))}"
        )


def absent_domains(names: Iterable[str], codes: Iterable[str]) -> tuple[str, ...]:
    """A sentence for each domain that no event has."""
    there = {code.partition("//")[0] for code in codes if "//" in code}
    return tuple(
        f"no event here has a code that begins with {shown(name + '//')}, so that whatever asks "
        f"for it finds nobody{did_you_mean(name[:60], there)}"
        for name in sorted(set(names) - there)
    )
