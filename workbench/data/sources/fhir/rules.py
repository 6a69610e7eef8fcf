"""Which types of resource become events, and which of their states mean that something happened."""

from dataclasses import dataclass

_ERROR = "entered-in-error"


def _words(words: str) -> frozenset[str]:
    return frozenset(words.split())


@dataclass(frozen=True)
class Rule:
    """How one type becomes events.

    Parameters
    ----------
    code
        Element that says what happened.
    when
        Element with its time, such as ``onset`` for ``onsetDateTime`` and ``onsetPeriod``.
    recorded
        Element with the time at which it was written down, where the other is not known.
    until
        Element with its end, if that is one of its own.
    happened, not_happened
        States of ``status``; R4 has no others. Without any, the type has no status.
    subject
        Element with the patient.
    """

    code: str
    when: str
    recorded: str | None = None
    until: str | None = None
    happened: frozenset[str] = frozenset()
    not_happened: frozenset[str] = frozenset()
    subject: str = "subject"


_REPORT = _words("registered cancelled") | {_ERROR}

RULES = {
    "Condition": Rule("code", "onset", "recordedDate", "abatement"),
    "Observation": Rule(
        "code",
        "effective",
        "issued",
        happened=_words("preliminary final amended corrected unknown"),
        not_happened=_REPORT,
    ),
    "DiagnosticReport": Rule(
        "code",
        "effective",
        "issued",
        happened=_words("partial preliminary final amended corrected appended unknown"),
        not_happened=_REPORT,
    ),
    "Procedure": Rule(
        "code",
        "performed",
        happened=_words("in-progress on-hold stopped completed unknown"),
        not_happened=_words("preparation not-done") | {_ERROR},
    ),
    "MedicationRequest": Rule(
        "medication",
        "authoredOn",
        happened=_words("active on-hold completed stopped unknown"),
        not_happened=_words("cancelled draft") | {_ERROR},
    ),
    "MedicationAdministration": Rule(
        "medication",
        "effective",
        happened=_words("in-progress on-hold completed stopped unknown"),
        not_happened=_words("not-done") | {_ERROR},
    ),
    "MedicationStatement": Rule(
        "medication",
        "effective",
        "dateAsserted",
        happened=_words("active completed stopped on-hold unknown"),
        not_happened=_words("intended not-taken") | {_ERROR},
    ),
    "Encounter": Rule(
        "type",
        "period",
        happened=_words("arrived triaged in-progress onleave finished unknown"),
        not_happened=_words("planned cancelled") | {_ERROR},
    ),
    "Immunization": Rule(
        "vaccineCode",
        "occurrence",
        "recorded",
        happened=_words("completed"),
        not_happened=_words("not-done") | {_ERROR},
        subject="patient",
    ),
    "ImagingStudy": Rule(
        "modality",
        "started",
        happened=_words("available unknown"),
        not_happened=_REPORT,
    ),
}

NOT_ORDERS = _words("proposal plan option")
"""Intents of a MedicationRequest that ask for nothing yet."""
NOT_TRUE = _words("refuted") | {_ERROR}
"""Verification of a Condition that takes it back."""
NOT_SURE = _words("unconfirmed provisional differential")
VERIFIED = _words("confirmed") | NOT_SURE | NOT_TRUE

R4_TYPES = _words(
    """
    Account ActivityDefinition AdverseEvent AllergyIntolerance Appointment AppointmentResponse
    AuditEvent Basic Binary BiologicallyDerivedProduct BodyStructure Bundle CapabilityStatement
    CarePlan CareTeam CatalogEntry ChargeItem ChargeItemDefinition Claim ClaimResponse
    ClinicalImpression CodeSystem Communication CommunicationRequest CompartmentDefinition
    Composition ConceptMap Condition Consent Contract Coverage CoverageEligibilityRequest
    CoverageEligibilityResponse DetectedIssue Device DeviceDefinition DeviceMetric DeviceRequest
    DeviceUseStatement DiagnosticReport DocumentManifest DocumentReference
    EffectEvidenceSynthesis Encounter Endpoint EnrollmentRequest EnrollmentResponse
    EpisodeOfCare EventDefinition Evidence EvidenceVariable ExampleScenario
    ExplanationOfBenefit FamilyMemberHistory Flag Goal GraphDefinition Group GuidanceResponse
    HealthcareService ImagingStudy Immunization ImmunizationEvaluation
    ImmunizationRecommendation ImplementationGuide InsurancePlan Invoice Library Linkage List
    Location Measure MeasureReport Media Medication MedicationAdministration
    MedicationDispense MedicationKnowledge MedicationRequest MedicationStatement
    MedicinalProduct MedicinalProductAuthorization MedicinalProductContraindication
    MedicinalProductIndication MedicinalProductIngredient MedicinalProductInteraction
    MedicinalProductManufactured MedicinalProductPackaged MedicinalProductPharmaceutical
    MedicinalProductUndesirableEffect MessageDefinition MessageHeader MolecularSequence
    NamingSystem NutritionOrder Observation ObservationDefinition OperationDefinition
    OperationOutcome Organization OrganizationAffiliation Parameters Patient PaymentNotice
    PaymentReconciliation Person PlanDefinition Practitioner PractitionerRole Procedure
    Provenance Questionnaire QuestionnaireResponse RelatedPerson RequestGroup
    ResearchDefinition ResearchElementDefinition ResearchStudy ResearchSubject RiskAssessment
    RiskEvidenceSynthesis Schedule SearchParameter ServiceRequest Slot Specimen
    SpecimenDefinition StructureDefinition StructureMap Subscription Substance
    SubstanceNucleicAcid SubstancePolymer SubstanceProtein SubstanceReferenceInformation
    SubstanceSourceMaterial SubstanceSpecification SupplyDelivery SupplyRequest Task
    TerminologyCapabilities TestReport TestScript ValueSet VerificationResult
    VisionPrescription
    """
)
