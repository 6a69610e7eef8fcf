"""CodeableConcept and Coding → codes such as ``loinc//1988-5``."""

from collections.abc import MutableMapping

from workbench.data.sources.fhir.json_shape import Json, children, text

_TERMINOLOGY = "terminology.hl7.org/CodeSystem/"
_SHORT = {
    "snomed.info/sct": "snomed",
    "loinc.org": "loinc",
    "www.nlm.nih.gov/research/umls/rxnorm": "rxnorm",
    "hl7.org/fhir/sid/cvx": "cvx",
    "hl7.org/fhir/sid/icd-10-cm": "icd10cm",
    "hl7.org/fhir/sid/icd-10": "icd10",
    "hl7.org/fhir/sid/icd-9-cm": "icd9cm",
    "hl7.org/fhir/sid/icd-o-3": "icdo3",
    "fhir.de/CodeSystem/bfarm/icd-10-gm": "icd10gm",
    "fhir.de/CodeSystem/dimdi/icd-10-gm": "icd10gm",
    "fhir.de/CodeSystem/bfarm/ops": "ops",
    "fhir.de/CodeSystem/dimdi/ops": "ops",
    "hl7.org/fhir/sid/ndc": "ndc",
    "www.cms.gov/Medicare/Coding/ICD10": "icd10pcs",
    "www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets": "hcpcs",
    "www.ama-assn.org/go/cpt": "cpt",
    "www.whocc.no/atc": "atc",
    "unitsofmeasure.org": "ucum",
    "dicom.nema.org/resources/ontology/DCM": "dcm",
    f"{_TERMINOLOGY}v3-ActCode": "act",
    f"{_TERMINOLOGY}icd-o-3": "icdo3",
    "urn:oid:2.16.840.1.113883.6.96": "snomed",
    "urn:oid:2.16.840.1.113883.6.1": "loinc",
    "urn:oid:2.16.840.1.113883.6.88": "rxnorm",
    "urn:oid:2.16.840.1.113883.12.292": "cvx",
    "urn:oid:2.16.840.1.113883.6.90": "icd10cm",
    "urn:oid:2.16.840.1.113883.6.3": "icd10",
    "urn:oid:2.16.840.1.113883.6.103": "icd9cm",
    "urn:oid:2.16.840.1.113883.6.69": "ndc",
    "urn:oid:2.16.840.1.113883.6.4": "icd10pcs",
    "urn:oid:2.16.840.1.113883.6.12": "cpt",
    "urn:oid:2.16.840.1.113883.6.73": "atc",
}
_ABSENT = {f"{_TERMINOLOGY}v3-NullFlavor", f"{_TERMINOLOGY}data-absent-reason"}
"""Systems whose codes say that nothing is known."""


def concept_codes(concept: Json | None, names: MutableMapping[str, str]) -> list[str]:
    """Every code of a CodeableConcept, as they stand there; each once.

    A concept that is coded in two systems has two codes: a cohort that asks in either finds it.

    Parameters
    ----------
    concept
        The element; None has no codes.
    names
        Takes the display of each code that has no name yet.
    """
    if concept is None:
        return []
    codes = [coding_code(coding, names) for coding in children(concept, "coding")]
    return list(dict.fromkeys(code for code in codes if code is not None))


def coding_code(coding: Json, names: MutableMapping[str, str]) -> str | None:
    """``system//code`` of a Coding; None where it has no code, or only the reason for having none.

    A system without a short name keeps its address, and one that is not named is ``local``.
    """
    code = text(coding, "code")
    system = _plain(text(coding, "system") or "local")
    if code is None or system in _ABSENT:
        return None
    written = f"{_SHORT.get(system, system)}//{code}"
    display = text(coding, "display")
    if display is not None:
        names.setdefault(written, display)
    return written


def _plain(system: str) -> str:
    """Address without what differs between writings of one system."""
    return system.split("|")[0].removeprefix("https://").removeprefix("http://").rstrip("/")
