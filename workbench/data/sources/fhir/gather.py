"""Resources one by one → patients, statements and what a reader must know."""

import json
from collections import Counter
from dataclasses import dataclass, field

from workbench.data.sources.fhir.codings import concept_codes
from workbench.data.sources.fhir.files import Found
from workbench.data.sources.fhir.json_shape import Misshapen, child
from workbench.data.sources.fhir.patients import Patient, read_patient
from workbench.data.sources.fhir.references import Addresses
from workbench.data.sources.fhir.rules import RULES
from workbench.data.sources.fhir.statements import Statement, read_statement


@dataclass
class Gathered:
    """What was read so far."""

    patients: dict[str, Patient] = field(default_factory=dict)
    """``patient_id`` → patient."""
    addresses: Addresses[str] = field(default_factory=Addresses[str])
    """Reference → ``patient_id``."""
    medications: Addresses[tuple[str, ...]] = field(default_factory=Addresses[tuple[str, ...]])
    """Reference → codes."""
    statements: list[tuple[str, str, Statement]] = field(default_factory=list)
    """File, place, and what the resource there says."""
    names: dict[str, str] = field(default_factory=dict)
    """Code → name."""
    notes: Counter[str] = field(default_factory=Counter)
    _seen: dict[str, int] = field(default_factory=dict)
    """Identity → hash of what was read under it."""

    def take(self, found: Found) -> None:
        """Read one resource.

        Raises
        ------
        Misshapen
            If it cannot be read.
        """
        if found.type == "Patient":
            patient = read_patient(found.resource)
            patient_id = found.identity.removeprefix("Patient/").removeprefix("urn:uuid:")
            person = json.dumps(found.resource.get("identifier"), sort_keys=True)
            try:
                new = self._is_new(found, (patient, person))
            except Misshapen:
                # Nobody knows whose the records are: of these two, neither is kept.
                self.patients.pop(patient_id, None)
                raise
            if new:
                self.patients[patient_id] = patient
                self.addresses.add(found.identity, found.full_url, patient_id)
        elif found.type == "Medication":
            codes = tuple(concept_codes(child(found.resource, "code"), self.names))
            try:
                new = self._is_new(found, codes)
            except Misshapen:
                self.medications.exclude(found.identity)
                raise
            if new:
                self.medications.add(found.identity, found.full_url, codes)
        elif found.type in RULES:
            statement = read_statement(found.type, found.resource, self.names, self.notes)
            if statement is not None and self._is_new(found, statement):
                self.statements.append((found.file, found.place, statement))
        else:
            self.notes[f"{found.type} resources are not read"] += 1

    def _is_new(self, found: Found, what: object) -> bool:
        """Whether its identity is new; the same content may stand twice, another one may not."""
        identity = found.identity
        known = self._seen.get(identity)
        if known is None:
            self._seen[identity] = hash(what)
            return True
        if known != hash(what):
            raise Misshapen("an id that stands before with other content")
        self.notes[f"{found.type} resources stand more than once: read once"] += 1
        return False
