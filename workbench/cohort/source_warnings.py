"""What a reader must know of a definition in these records: concepts, domains and units."""

from workbench.cohort.criteria.domains import absent_domains, domains_of
from workbench.cohort.criteria.units import mixed_units
from workbench.cohort.record_definition import RecordDefinition
from workbench.data.records import Records


def source_warnings(records: Records, definition: RecordDefinition) -> tuple[str, ...]:
    """Concepts that are unknown, domains of which there is nothing, units that are mixed."""
    queries = definition.queries()
    absent = absent_domains(
        (d for q in queries for d in domains_of(q.codes, q.prefixes, q.domain)),
        records.events.code_counts().index,
    )
    no_domain = () if records.source.kind == "omop" else absent
    return (*_concepts(records, definition), *no_domain, *mixed_units(records, queries))


def _concepts(records: Records, definition: RecordDefinition) -> tuple[str, ...]:
    found = {one for query in definition.queries() for one in query.concept_sets()}
    sets = sorted(found, key=lambda one: one.name)
    vocabulary = records.vocabulary
    if vocabulary is None:
        return ()
    unsaid = records.source.kind == "omop" and not len(vocabulary.ancestors)
    alone = tuple(
        f"concept set {one.name!r}: this CDM does not say what lies under a concept "
        "(concept_ancestor, concept_relationship): the set finds what it names, and no more"
        for one in sets
        if unsaid and any(concept.descendants for concept in one.concepts)
    )
    return alone + tuple(
        f"concept set {one.name!r}: {len(unknown)} of its {len(one.concepts)} concepts are unknown "
        f"to this source, and find nobody: {', '.join(unknown[:5])}{' …' if unknown[5:] else ''}"
        for one in sets
        if (unknown := vocabulary.unknown(one))
    )
