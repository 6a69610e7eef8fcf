"""Criteria of circe on one domain → queries of events."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from workbench.cohort.circe.findings import Findings
from workbench.cohort.criteria import Criterion, EventQuery, Range, col
from workbench.cohort.criteria.coded import Coded
from workbench.cohort.criteria.criterion import Several
from workbench.data.concepts import Concept, ConceptSet
from workbench.data.events import DEATH
from workbench.data.sources.omop_tables import UNIT, VALUE
from workbench.errors import WorkbenchError

CODE_DOMAINS = {
    "ConditionOccurrence": "condition",
    "DrugExposure": "drug",
    "ProcedureOccurrence": "procedure",
    "Measurement": "measurement",
    "Observation": "observation",
    "VisitOccurrence": "visit",
    "VisitDetail": "visit_detail",
    "DeviceExposure": "device",
    "Specimen": "specimen",
    "ConditionEra": "condition_era",
    "DrugEra": "drug_era",
    "DoseEra": "dose_era",
}
"""Domain of circe → what stands before the concept in a code."""
ALWAYS_ENDING = frozenset({"VisitOccurrence", "VisitDetail", "ConditionEra", "DrugEra", "DoseEra"})
"""Domains whose end the CDM requires; of others circe makes up an absent end."""
_NUMBERS = {
    "Measurement": "ValueAsNumber",
    "Observation": "ValueAsNumber",
    "DrugExposure": "DaysSupply",
    "ProcedureOccurrence": "Quantity",
    "DeviceExposure": "Quantity",
    "Specimen": "Quantity",
    "ConditionEra": "OccurrenceCount",
    "DrugEra": "OccurrenceCount",
    "DoseEra": "DoseValue",
}
"""Which attribute is the number of an event."""
_CODED = {
    "Unit": (UNIT, frozenset({"Measurement", "Observation", "Specimen", "DoseEra"})),
    "ValueAsConcept": (VALUE, frozenset({"Measurement", "Observation"})),
}
"""Attribute that is a concept → what stands before it in the text of an event, and of which."""
_NONE = "concept 0 stands for none"
_LENGTHS = ("VisitLength", "VisitDetailLength", "EraLength")
_AGES = ("Age", "AgeAtStart")
SEXES = {8507: "male", 8532: "female"}
AGE_BY_YEAR = "age_by_year"
"""Year of the index date minus year of birth."""

Group = Callable[[Mapping[str, Any], str, EventQuery], Criterion | None]


@dataclass(frozen=True)
class Events:
    """Translates domain criteria; ``group`` translates what must surround an event."""

    sets: Mapping[int, Mapping[str, Any]]
    findings: Findings
    group: Group

    def query(self, criterion: Mapping[str, Any], path: str) -> EventQuery | None:
        """One criterion, such as ``{"Death": {…}}``; None where it does not map."""
        ((domain, parts),) = criterion.items()
        path = f"{path}.{domain}"
        start = self._codes(domain, parts, path)
        if start is None:
            return None
        known = {"CodesetId", "First", "CorrelatedCriteria", "Gender", *_AGES, *_LENGTHS}
        known.add(_NUMBERS.get(domain, ""))
        units, answers = (self._coded(domain, parts, name, path) for name in _CODED)
        unit, answer = (self._of_set(domain, parts, name, path) for name in _CODED)
        for name, (_, domains) in _CODED.items():
            known |= {name, f"{name}CS"} if domain in domains else set()
        for key, part in parts.items():
            excludes_nothing = key.endswith("Exclude") and not parts.get(
                key.removesuffix("Exclude")
            )
            if key not in known and part is not False and part != [] and not excludes_nothing:
                self.findings.lacks(f"{path}.{key}", "events carry no such attribute")
        where = self._conditions(parts, path)
        value = self._range(parts, _NUMBERS.get(domain, ""), path)
        lasting = next((self._range(parts, key, path) for key in _LENGTHS if key in parts), None)
        first = bool(parts.get("First"))
        if first and (value or lasting or where):
            self.findings.warn(
                "of several first events on one day, circe takes the one with the lowest row "
                "number; here it is the earliest by time, then by code"
            )
        settings: dict[str, Any] = {
            "value": value,
            "lasting": lasting,
            "first_ever": first,
            "units": units,
            "answers": answers,
            "unit": unit,
            "answer": answer,
        }
        plain = _with(start, **settings)
        if "CorrelatedCriteria" in parts:
            surroundings = self.group(
                parts["CorrelatedCriteria"], f"{path}.CorrelatedCriteria", plain
            )
            where += [surroundings] if surroundings is not None else []
        return _with(start, **settings, where=all_of(where))

    def _codes(self, domain: str, parts: Mapping[str, Any], path: str) -> EventQuery | None:
        if domain == "Death":
            if "CodesetId" in parts:
                self.findings.lacks(f"{path}.CodesetId", "events of death carry no cause to ask")
            return EventQuery(codes=(DEATH,), title="death")
        if domain not in CODE_DOMAINS:
            self.findings.lacks(path, f"{domain} is no event")
            return None
        prefix = CODE_DOMAINS[domain]
        if "CodesetId" not in parts:
            return EventQuery(prefixes=(f"{prefix}//",))
        number = parts["CodesetId"]
        concepts = self._concept_set(number, f"{path}.CodesetId")
        return None if concepts is None else EventQuery(concepts=concepts, domain=prefix)

    def _concept_set(self, number: int, path: str) -> ConceptSet | None:
        items = self.sets[number]["expression"]["items"]
        if any(item.get("includeMapped") for item in items):
            self.findings.lacks(path, f"concept set {number} includes mapped concepts")
            return None
        lines = (
            Concept(
                str(item["concept"]["CONCEPT_ID"]),
                descendants=bool(item.get("includeDescendants")),
                excluded=bool(item.get("isExcluded")),
            )
            for item in items
        )
        name = self.sets[number].get("name", "").strip() or f"concept set {number}"
        try:
            return ConceptSet(name, tuple(sorted(set(lines))))
        except WorkbenchError:
            self.findings.lacks(path, f"concept set {number} includes nothing")
            return None

    def _coded(
        self, domain: str, parts: Mapping[str, Any], name: str, path: str
    ) -> tuple[str, ...]:
        """A unit or a coded answer, as the text of an event has it; empty for any."""
        before, domains = _CODED[name]
        if domain not in domains:
            return ()
        ids = {concept["CONCEPT_ID"] for concept in parts.get(name) or ()}
        if 0 in ids:
            self.findings.lacks(f"{path}.{name}", _NONE)
        return tuple(sorted(f"{before}{i}" for i in ids))

    def _of_set(self, domain: str, parts: Mapping[str, Any], name: str, path: str) -> Coded | None:
        """A unit or a coded answer out of a concept set; None for any."""
        selection = parts.get(f"{name}CS")
        if domain not in _CODED[name][1] or selection is None or "CodesetId" not in selection:
            return None
        path, number = f"{path}.{name}CS", selection["CodesetId"]
        concepts = self._concept_set(number, path)
        if concepts is None:
            return None
        none_of = bool(selection.get("IsExclusion"))
        if any(concept.concept_id == "0" for concept in concepts.concepts):
            self.findings.lacks(path, _NONE)
        if none_of:
            self.findings.warn(
                "for circe concept 0 is a unit or an answer that is none of a set; here it stands "
                "for none, and the event does not count"
            )
        return Coded(concepts, none_of)

    def _conditions(self, parts: Mapping[str, Any], path: str) -> list[Criterion]:
        """What must hold of the patient on the day of the event."""
        found = [self.age(parts[key], f"{path}.{key}") for key in _AGES if key in parts]
        if parts.get("Gender"):
            found.append(self.sex(parts["Gender"], f"{path}.Gender"))
        return [criterion for criterion in found if criterion is not None]

    def age(self, written: Mapping[str, Any], path: str) -> Criterion | None:
        """Age as ATLAS counts it: the difference of two calendar years."""
        value, other = int(written["Value"]), int(written.get("Extent", 0))
        age = col(AGE_BY_YEAR)
        match written["Op"]:
            case "bt":
                return age.between(value, other)
            case "!bt":
                return ~age.between(value, other)
            case "eq":
                return age == value
            case "!eq":
                return age != value
            case "lt":
                return age < value
            case "lte":
                return age <= value
            case "gt":
                return age > value
            case "gte":
                return age >= value
        self.findings.lacks(path, f"no comparison {written['Op']}")
        return None

    def sex(self, concepts: list[Mapping[str, Any]], path: str) -> Criterion | None:
        """Sex by concepts of gender."""
        ids = [concept["CONCEPT_ID"] for concept in concepts]
        if not set(ids) <= SEXES.keys():
            self.findings.lacks(path, "a gender other than 8507 (male) and 8532 (female)")
            return None
        return col("sex").isin(sorted({SEXES[i] for i in ids}))

    def _range(self, parts: Mapping[str, Any], key: str, path: str) -> Range | None:
        if key not in parts:
            return None
        written = parts[key]
        value, operator = written["Value"], written["Op"]
        ends: dict[str, tuple[Any, ...]] = {
            "lt": (None, value, True, False),
            "lte": (None, value),
            "eq": (value, value),
            "gt": (value, None, False),
            "gte": (value, None),
            "bt": (value, written.get("Extent")),
        }
        if operator not in ends:
            self.findings.lacks(f"{path}.{key}", "a range is one piece, not all but a piece")
            return None
        try:
            return Range(*ends[operator])
        except WorkbenchError as error:
            self.findings.lacks(f"{path}.{key}", str(error))
            return None


def all_of(criteria: list[Criterion]) -> Criterion | None:
    """All of them; None for none, the one alone."""
    if len(criteria) < 2:
        return criteria[0] if criteria else None
    return Several(len(criteria), tuple(criteria))


def _with(query: EventQuery, **settings: Any) -> EventQuery:
    return replace(query, **settings)
