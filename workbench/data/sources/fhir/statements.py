"""One clinical resource → what happened, to whom and when."""

from collections import Counter
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import NamedTuple

from workbench.data.sources.fhir.codings import coding_code, concept_codes
from workbench.data.sources.fhir.dates import Moment, read_moment
from workbench.data.sources.fhir.imaging import modality_codes
from workbench.data.sources.fhir.json_shape import Json, Misshapen, child, children, text, truth
from workbench.data.sources.fhir.references import patient_reference
from workbench.data.sources.fhir.rules import (
    NOT_ORDERS,
    NOT_SURE,
    NOT_TRUE,
    RULES,
    VERIFIED,
    Rule,
)
from workbench.data.sources.fhir.values import Value, quantity, read_value


class Event(NamedTuple):
    """A code with its value."""

    code: str
    number: float | None = None
    text: str | None = None


@dataclass(frozen=True)
class Statement:
    """What one resource says happened.

    ``time`` and ``end`` are µs of the calendar. ``medication`` refers to the resource that has the
    code, where this one has not; its one event then lacks it.
    """

    patient: str
    time: int
    end: int
    events: tuple[Event, ...]
    medication: str | None = None


def read_statement(
    resource_type: str, resource: Json, names: MutableMapping[str, str], notes: Counter[str]
) -> Statement | None:
    """Read one resource of a type that :data:`RULES` names; None where nothing happened.

    Parameters
    ----------
    resource_type, resource
        The resource.
    names
        Takes names of codes.
    notes
        Counts what a reader must know, such as states that make a resource no event.

    Raises
    ------
    Misshapen
        If an element is not what R4 says, or a ``modifierExtension`` may reverse its meaning.
    """
    rule = RULES[resource_type]
    if children(resource, "modifierExtension"):
        raise Misshapen("a modifierExtension, which may reverse its meaning")
    if not _happened(resource_type, resource, rule, notes):
        return None
    patient = patient_reference(resource, rule.subject)
    if patient is None:
        notes[f"{resource_type} resources are of a group, a device or a place: not events"] += 1
        return None
    span = _span(resource_type, resource, rule, notes)
    if span is None:
        notes[f"{resource_type} resources have no date: not events"] += 1
        return None
    events, medication = _events(resource_type, resource, rule, names, notes)
    if not events and medication is None:
        notes[f"{resource_type} resources have no code, or no known value: not events"] += 1
        return None
    if len({event.code for event in events}) > 1 and resource_type in ("Condition", "Procedure"):
        notes[f"{resource_type} resources are coded more than once: an event a code"] += 1
    return Statement(patient, *span, tuple(events), medication)


def _happened(resource_type: str, resource: Json, rule: Rule, notes: Counter[str]) -> bool:
    if rule.happened:
        status = text(resource, "status")
        if status not in rule.happened | rule.not_happened:
            raise Misshapen("no status" if status is None else "a status that R4 does not have")
        happened = status in rule.happened
        if resource_type == "MedicationRequest":
            intent = text(resource, "intent")
            happened &= intent not in NOT_ORDERS and truth(resource, "doNotPerform") is not True
        if not happened:
            notes[f"{resource_type} resources did not happen, or were errors: not events"] += 1
        return happened
    concept = child(resource, "verificationStatus")
    codes = [] if concept is None else children(concept, "coding")
    verified = {code for coding in codes if (code := text(coding, "code"))}
    if verified - VERIFIED:
        raise Misshapen("a verificationStatus that R4 does not have")
    if verified & NOT_TRUE:
        notes[f"{resource_type} resources were refuted, or were errors: not events"] += 1
        return False
    if verified & NOT_SURE:
        notes[f"{resource_type} resources are not confirmed: events all the same"] += 1
    return True


def _span(
    resource_type: str, resource: Json, rule: Rule, notes: Counter[str]
) -> tuple[int, int] | None:
    """When it began and ended, in µs; None where there is no date."""
    start, end = _when(resource, rule.when)
    if rule.until is not None:
        begun, ended = _when(resource, rule.until)
        end = ended or begun
    if start is None and rule.recorded is not None:
        recorded, _ = _when(resource, rule.recorded)
        if recorded is not None and (end is None or recorded.first <= end.last):
            start = recorded
            what = "date" if end is None else "beginning"
            notes[f"{resource_type} resources have no {what} but that of their record: used"] += 1
    if start is None and end is not None:
        start = end
        notes[f"{resource_type} resources have no beginning: they begin when they end"] += 1
    if start is None:
        return None
    partial = sum(moment is not None and moment.partial for moment in (start, end))
    if partial:
        notes["times are known only to the month or year: first day of it, or last of an end"] += (
            partial
        )
    last = start.first if end is None else end.last
    if last < start.first:
        raise Misshapen("ends before it begins")
    return start.first, last


def _when(resource: Json, element: str) -> tuple[Moment | None, Moment | None]:
    """First and last moment of ``element[x]``, each None where it is not written."""
    for name in (element, f"{element}DateTime", f"{element}Instant"):
        if isinstance(resource.get(name), str):
            written = text(resource, name)
            return (None if written is None else read_moment(written)), None
    period = child(resource, element if element == "period" else f"{element}Period")
    if period is not None:
        ends = [text(period, "start"), text(period, "end")]
        start, end = (None if written is None else read_moment(written) for written in ends)
        return start, end
    timing = child(resource, f"{element}Timing") or {}
    moments = timing.get("event")
    if isinstance(moments, list) and moments and all(isinstance(m, str) for m in moments):
        return read_moment(moments[0]), read_moment(moments[-1])
    return None, None


def _events(
    resource_type: str,
    resource: Json,
    rule: Rule,
    names: MutableMapping[str, str],
    notes: Counter[str],
) -> tuple[list[Event], str | None]:
    """Events, and the medication resource that has their code, where it is another."""
    if resource_type == "Observation":
        return _observed(resource, names, notes), None
    if resource_type == "ImagingStudy":
        return [Event(code) for code in modality_codes(resource)], None
    if resource_type == "Encounter":
        kind = child(resource, "class")
        codes = [] if kind is None or (c := coding_code(kind, names)) is None else [c]
        codes += [c for t in children(resource, "type") for c in concept_codes(t, names)]
        return [Event(code) for code in sorted(set(codes))], None
    if rule.code != "medication":
        return [Event(code) for code in concept_codes(child(resource, rule.code), names)], None
    dose = quantity(child(resource, "dosage") or {}, "dose") if _is_given(resource_type) else None
    number, words = (None, None) if dose is None else (dose.number, dose.text)
    codes, elsewhere = _medication(resource, names)
    if elsewhere is not None:
        return [Event("", number, words)], elsewhere
    return [Event(code, number, words) for code in codes], None


def _is_given(resource_type: str) -> bool:
    """Whether ``dosage`` is one object; a statement has a list of them, which is not read."""
    return resource_type == "MedicationAdministration"


def _medication(resource: Json, names: MutableMapping[str, str]) -> tuple[list[str], str | None]:
    reference = child(resource, "medicationReference")
    written = None if reference is None else text(reference, "reference")
    if written is None:
        return concept_codes(child(resource, "medicationCodeableConcept"), names), None
    if not written.startswith("#"):
        return [], written
    for contained in children(resource, "contained"):
        if text(contained, "id") == written[1:]:
            return concept_codes(child(contained, "code"), names), None
    raise Misshapen("refers to a medication that it does not contain")


def _observed(resource: Json, names: MutableMapping[str, str], notes: Counter[str]) -> list[Event]:
    """The observation with its value, and each of its components with its own."""
    components = children(resource, "component")
    events = []
    for part in (resource, *components):
        value = read_value(part, names)
        absent = value is None and child(part, "dataAbsentReason") is not None
        if absent:
            if part is not resource:
                notes["components of an observation have no known value: not events"] += 1
            continue
        if "valueSampledData" in part:
            notes["waveforms are not read: their observations are events without a value"] += 1
        value = value or Value()
        if value.bound:
            notes["values are bounds, such as < 5: the number is the bound, text says so"] += 1
        codes = concept_codes(child(part, "code"), names)
        events += [Event(code, value.number, value.text) for code in codes]
    return events
