"""The language of circe: what a cohort definition of ATLAS may hold.

As the OHDSI project's circe-be [1] defines it, and as its Python form reads it.

References
----------
[1] Schuemie, M. et al. "The Book of OHDSI", chapter 10. https://ohdsi.github.io/TheBookOfOhdsi
"""

from typing import Any

from workbench.cohort.circe.shapes import (
    Place,
    Shape,
    anything,
    choice,
    concept_number,
    count,
    day,
    days,
    flag,
    listing,
    number,
    one_of,
    record,
    set_number,
    some_days,
    whole,
    words,
)


def group(value: Any, place: Place) -> dict[str, Any] | None:
    """Criteria of which all, any, at least or at most some must hold."""
    return _group(value, place)


def criterion(value: Any, place: Place) -> dict[str, Any] | None:
    """Events of one domain, such as ``{"ConditionOccurrence": {…}}``."""
    return _criterion(value, place)


_COUNTED = (
    "DAYS_SUPPLY", "DOMAIN_CONCEPT", "DOMAIN_SOURCE_CONCEPT", "DURATION", "END_DATE",
    "ERA_OCCURRENCES", "GAP_DAYS", "QUANTITY", "RANGE_HIGH", "RANGE_LOW", "REFILLS", "START_DATE",
    "UNIT", "VALUE_AS_NUMBER", "VISIT_ID", "VISIT_DETAIL_ID",
)  # fmt: skip
limit = record({"Type": choice("First", "Last", "All")})
window_bound = record({"Days": some_days, "Coeff": whole(-1, 1)}, ("Coeff",))
window = record(
    {"Start": window_bound, "End": window_bound, "UseIndexEnd": flag, "UseEventEnd": flag},
    ("Start", "End"),
)
occurrence = record(
    {
        "Type": whole(0, 2),
        "Count": count,
        "IsDistinct": flag,
        "CountColumn": choice(*_COUNTED),
    },
    ("Type", "Count"),
)
correlated = record(
    {
        "Criteria": criterion,
        "StartWindow": window,
        "EndWindow": window,
        "Occurrence": occurrence,
        "RestrictVisit": flag,
        "IgnoreObservationPeriod": flag,
    },
    ("Criteria", "Occurrence"),
)

concept = record(
    {
        "CONCEPT_ID": concept_number,
        "CONCEPT_NAME": words,
        "CONCEPT_CODE": words,
        "VOCABULARY_ID": words,
        "DOMAIN_ID": words,
        "CONCEPT_CLASS_ID": words,
        "STANDARD_CONCEPT": anything,
        "STANDARD_CONCEPT_CAPTION": anything,
        "INVALID_REASON": anything,
        "INVALID_REASON_CAPTION": anything,
    },
    ("CONCEPT_ID",),
)
concepts = listing(concept)
selection = record({"CodesetId": set_number, "IsExclusion": flag}, ("CodesetId",))
concept_set_item = record(
    {"concept": concept, "isExcluded": flag, "includeDescendants": flag, "includeMapped": flag},
    ("concept",),
)
concept_set = record(
    {
        "id": set_number,
        "name": words,
        "description": anything,
        "expression": record({"items": listing(concept_set_item)}, ("items",)),
    },
    ("id", "expression"),
)

_OPERATORS = ("lt", "lte", "eq", "!eq", "gt", "gte", "bt", "!bt")


def _range(of: Shape) -> Shape:
    plain = record({"Op": choice(*_OPERATORS), "Value": of, "Extent": of}, ("Op", "Value"))

    def read(value: Any, place: Place) -> dict[str, Any] | None:
        clean = plain(value, place)
        if clean and str(clean.get("Op")).endswith("bt") and "Extent" not in clean:
            place.problems.append(f"{place.path}.Extent is missing: between needs two ends")
        return clean

    return read


number_range = _range(number)
day_range = _range(day)
text_filter = record(
    {
        "Text": words,
        "Op": choice(
            "eq", "!eq", "startsWith", "!startsWith", "endsWith", "!endsWith", "contains",
            "!contains",
        ),
    },
    ("Text", "Op"),
)  # fmt: skip
period = record({"StartDate": day, "EndDate": day})
date_adjustment = record(
    {
        "StartOffset": days,
        "EndOffset": days,
        "StartWith": choice("START_DATE", "END_DATE"),
        "EndWith": choice("START_DATE", "END_DATE"),
    },
    ("StartOffset", "EndOffset"),
)

_ALL = {"DateAdjustment": date_adjustment, "CorrelatedCriteria": group}
_CODED = {**_ALL, "CodesetId": set_number}
_GENDER = {"Gender": concepts, "GenderCS": selection}
_DATED = {"OccurrenceStartDate": day_range, "OccurrenceEndDate": day_range}
_EVENT = {**_CODED, **_GENDER, **_DATED, "First": flag, "Age": number_range}
_CARE = {
    "ProviderSpecialty": concepts,
    "ProviderSpecialtyCS": selection,
    "VisitType": concepts,
    "VisitTypeCS": selection,
}
_PLACE = {
    "PlaceOfService": concepts,
    "PlaceOfServiceCS": selection,
    "PlaceOfServiceLocation": set_number,
    "ProviderSpecialty": concepts,
    "ProviderSpecialtyCS": selection,
}
_PERIOD = {
    **_ALL,
    "First": flag,
    "PeriodStartDate": day_range,
    "PeriodEndDate": day_range,
    "UserDefinedPeriod": period,
    "PeriodLength": number_range,
    "AgeAtStart": number_range,
    "AgeAtEnd": number_range,
}
_ERA = {
    **_CODED,
    **_GENDER,
    "First": flag,
    "EraStartDate": day_range,
    "EraEndDate": day_range,
    "EraLength": number_range,
    "AgeAtStart": number_range,
    "AgeAtEnd": number_range,
}


def _coded(*names: str) -> dict[str, Shape]:
    """Attributes that are concepts, with their form as a concept set."""
    return dict.fromkeys(names, concepts) | {f"{n}CS": selection for n in names}


def _typed(domain: str) -> dict[str, Shape]:
    return {
        **_coded(f"{domain}Type"),
        f"{domain}TypeExclude": flag,
        f"{domain}SourceConcept": set_number,
    }


DOMAINS: dict[str, dict[str, Shape]] = {
    "ConditionOccurrence": {
        **_EVENT,
        **_CARE,
        **_typed("Condition"),
        **_coded("ConditionStatus"),
        "StopReason": text_filter,
    },
    "DrugExposure": {
        **_EVENT,
        **_CARE,
        **_typed("Drug"),
        **_coded("RouteConcept", "DoseUnit"),
        "StopReason": text_filter,
        "LotNumber": text_filter,
        "Quantity": number_range,
        "DaysSupply": number_range,
        "Refills": number_range,
        "EffectiveDrugDose": number_range,
    },
    "ProcedureOccurrence": {
        **_EVENT,
        **_CARE,
        **_typed("Procedure"),
        **_coded("Modifier"),
        "Quantity": number_range,
    },
    "VisitOccurrence": {
        **_EVENT,
        **_PLACE,
        **_typed("Visit"),
        "VisitLength": number_range,
    },
    "VisitDetail": {
        **_CODED,
        **_GENDER,
        **_PLACE,
        **_typed("VisitDetail"),
        **_coded("DischargeTo"),
        "First": flag,
        "Age": number_range,
        "VisitDetailStartDate": day_range,
        "VisitDetailEndDate": day_range,
        "VisitDetailLength": number_range,
    },
    "Observation": {
        **_EVENT,
        **_CARE,
        **_typed("Observation"),
        **_coded("Unit", "ValueAsConcept", "Qualifier"),
        "ValueAsNumber": number_range,
        "ValueAsString": text_filter,
    },
    "Measurement": {
        **_EVENT,
        **_CARE,
        **_typed("Measurement"),
        **_coded("Operator", "Unit", "ValueAsConcept"),
        "ValueAsNumber": number_range,
        "RangeLow": number_range,
        "RangeHigh": number_range,
        "RangeLowRatio": number_range,
        "RangeHighRatio": number_range,
        "Abnormal": flag,
    },
    "DeviceExposure": {
        **_EVENT,
        **_CARE,
        **_typed("Device"),
        "UniqueDeviceId": text_filter,
        "Quantity": number_range,
    },
    "Specimen": {
        **_EVENT,
        **_typed("Specimen"),
        **_coded("Unit", "AnatomicSite", "DiseaseStatus"),
        "SourceId": text_filter,
        "Quantity": number_range,
    },
    "Death": {
        **_CODED,
        **_GENDER,
        **_typed("Death"),
        "Age": number_range,
        "OccurrenceStartDate": day_range,
        "CauseSourceConcept": set_number,
        "CauseSourceConceptCS": selection,
    },
    "ObservationPeriod": {**_PERIOD, **_coded("PeriodType")},
    "PayerPlanPeriod": {
        **_PERIOD,
        **_GENDER,
        **{
            f"{name}{kind}Concept": set_number
            for name in ("Payer", "Plan", "Sponsor", "StopReason")
            for kind in ("", "Source")
        },
    },
    "LocationRegion": {**_CODED},
    "ConditionEra": {**_ERA, "OccurrenceCount": number_range},
    "DrugEra": {**_ERA, "OccurrenceCount": number_range, "GapDays": number_range},
    "DoseEra": {**_ERA, **_coded("Unit"), "DoseValue": number_range},
}

_criterion = one_of({name: record(parts) for name, parts in DOMAINS.items()})

demographic = record(
    {
        "Age": number_range,
        "Gender": concepts,
        "GenderCS": selection,
        "Race": concepts,
        "RaceCS": selection,
        "Ethnicity": concepts,
        "EthnicityCS": selection,
        "OccurrenceStartDate": day_range,
        "OccurrenceEndDate": day_range,
    }
)
_plain_group = record(
    {
        "Type": choice("ALL", "ANY", "AT_LEAST", "AT_MOST"),
        "Count": count,
        "CriteriaList": listing(correlated),
        "DemographicCriteriaList": listing(demographic),
        "Groups": listing(group),
    },
    ("Type",),
)


def _group(value: Any, place: Place) -> dict[str, Any] | None:
    clean = _plain_group(value, place)
    if clean and str(clean.get("Type")).startswith("AT_") and "Count" not in clean:
        place.problems.append(f"{place.path}.Count is missing: at least or at most how many?")
    return clean


end_strategy = one_of(
    {
        "DateOffset": record(
            {"DateField": choice("StartDate", "EndDate"), "Offset": days}, ("DateField", "Offset")
        ),
        "CustomEra": record(
            {
                "DrugCodesetId": set_number,
                "GapDays": some_days,
                "Offset": days,
                "DaysSupplyOverride": some_days,
            },
            ("DrugCodesetId", "GapDays", "Offset"),
        ),
    }
)

definition = record(
    {
        "Title": words,
        "cdmVersionRange": anything,
        "ConceptSets": listing(concept_set),
        "PrimaryCriteria": record(
            {
                "CriteriaList": listing(criterion),
                "ObservationWindow": record(
                    {"PriorDays": some_days, "PostDays": some_days}, ("PriorDays", "PostDays")
                ),
                "PrimaryCriteriaLimit": limit,
            },
            ("CriteriaList", "ObservationWindow"),
        ),
        "AdditionalCriteria": group,
        "QualifiedLimit": limit,
        "ExpressionLimit": limit,
        "InclusionRules": listing(
            record({"name": words, "description": words, "expression": group}, ("expression",))
        ),
        "EndStrategy": end_strategy,
        "CensoringCriteria": listing(criterion),
        "CollapseSettings": record({"CollapseType": choice("ERA"), "EraPad": some_days}),
        "CensorWindow": period,
    },
    ("PrimaryCriteria",),
)
