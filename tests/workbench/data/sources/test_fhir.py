"""FHIR R4: what happened becomes events, what cannot be read is named by file, place and reason."""

import gzip
import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.data.events import BIRTH, DAY, DEATH
from workbench.data.records import Records
from workbench.data.sources.fhir import read_fhir
from workbench.errors import RecordsError

Json = dict[str, Any]
EPOCH = datetime(1970, 1, 1)
PATIENT: Json = {
    "resourceType": "Patient",
    "id": "p",
    "gender": "female",
    "birthDate": "1950-05-01",
}
LOINC = {"system": "http://loinc.org", "code": "1988-5", "display": "CRP"}
FOR_P = {"reference": "Patient/p"}


def micro(*when: int) -> int:
    return (datetime(*when) - EPOCH) // timedelta(microseconds=1)


def observation(identity: str = "o", **more: Any) -> Json:
    return {
        "resourceType": "Observation",
        "id": identity,
        "status": "final",
        "code": {"coding": [LOINC]},
        "subject": FOR_P,
        "effectiveDateTime": "2020-02-29T23:30:00-05:00",
        **more,
    }


def condition(identity: str = "c", **more: Any) -> Json:
    return {
        "resourceType": "Condition",
        "id": identity,
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "44054006"}]},
        "subject": FOR_P,
        "onsetDateTime": "2020-01-01",
        **more,
    }


def medication(resource_type: str, **more: Any) -> Json:
    codes = [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "860975"}]
    when = {"authoredOn": "2020-01-01"}
    if resource_type != "MedicationRequest":
        when = {"effectivePeriod": {"start": "2020-01-01", "end": "2020-01-03"}}
    return {
        "resourceType": resource_type,
        "id": "m",
        "status": "completed",
        "medicationCodeableConcept": {"coding": codes},
        "subject": FOR_P,
        **when,
        **more,
    }


def bundle(*resources: Json, **more: Any) -> Json:
    entries = [{"resource": resource} for resource in resources]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries, **more}


def write(folder: Path, *resources: Json, name: str = "all.json") -> Path:
    file = folder / name
    file.write_text(json.dumps(bundle(*resources)), encoding="utf-8")
    return file


def read(folder: Path, *resources: Json, **options: bool) -> Records:
    return read_fhir(write(folder, *resources), **options)


def codes_of(records: Records) -> set[str]:
    return set(records.events.code_counts().index) - {BIRTH, DEATH}


def warns(records: Records, words: str) -> bool:
    return any(words in warning for warning in records.warnings)


def test_patient_and_observation(tmp_path: Path) -> None:
    value = {"value": 12.5, "unit": "mg/L", "code": "mg/L"}
    records = read(tmp_path, PATIENT, observation(valueQuantity=value))
    assert records.patients.loc["p"].tolist() == [pd.Timestamp(1950, 5, 1), "female"]
    crp = records.events.rows(["loinc//1988-5"])
    assert crp.number.tolist() == [12.5]
    assert crp.text.tolist() == ["mg/L"]
    assert records.vocabulary is not None
    assert records.vocabulary.names["loinc//1988-5"] == "CRP"
    assert records.observation is None
    assert warns(records, "under observation")
    assert (records.source.kind, records.source.name) == ("fhir", tmp_path.name)


@pytest.mark.parametrize(
    ("written", "first"),
    [
        ("2020-02-29T23:30:00-05:00", micro(2020, 2, 29, 23, 30)),
        ("2020-02-29T23:30:00Z", micro(2020, 2, 29, 23, 30)),
        ("2020-03-01T00:30:00+14:00", micro(2020, 3, 1, 0, 30)),
        ("2020-03-01T00:30:00.1234567+01:00", micro(2020, 3, 1, 0, 30, 0, 123456)),
        ("2016-12-31T23:59:60Z", micro(2017, 1, 1)),
        ("2020-03-01T10:15", micro(2020, 3, 1, 10, 15)),
        ("2000-02-29", micro(2000, 2, 29)),
        ("2020-02", micro(2020, 2, 1)),
        ("2020", micro(2020, 1, 1)),
        ("1800-01-01", micro(1800, 1, 1)),
    ],
)
def test_time_is_the_wall_clock_as_written(tmp_path: Path, written: str, first: int) -> None:
    records = read(tmp_path, PATIENT, observation(effectiveDateTime=written))
    event = records.events.rows(["loinc//1988-5"])
    assert event.time.tolist() == event.end.tolist() == [first]
    assert warns(records, "known only to the month or year") == (len(written) < 10)


@pytest.mark.parametrize(
    "written",
    ["2019-02-29", "1900-02-29", "0000-01-01", "9999-12-31", "2020-13-01", "2020-00", "2020-1-1",
     "2020-01-01T24:00:00Z", "2020-01-01T10:61:00Z", "２０２０-01-01", "01.02.2020", "20200101",
     "2020-01-01 10:00:00", "1799-12-31", "2020-01-01T10:00:00+0100"],
)  # fmt: skip
def test_dates_that_are_none_are_named(tmp_path: Path, written: str) -> None:
    resources = [PATIENT, observation("good"), observation("bad", effectiveDateTime=written)]
    with pytest.raises(RecordsError, match=r"all.json, entry\[2\]: Observation: ") as refused:
        read(tmp_path, *resources)
    assert written not in str(refused.value)
    records = read(tmp_path, *resources, skip_bad=True)
    assert records.events.code_counts()["loinc//1988-5"] == 1
    assert warns(records, "1 row was left out: Observation: ")


def test_a_period_ends_with_its_last_day(tmp_path: Path) -> None:
    ended = condition(onsetDateTime="2020-01-01T10:00:00Z", abatementDateTime="2020-01-01")
    event = read(tmp_path, PATIENT, ended).events.rows(["snomed//44054006"])
    assert event.time.tolist() == [micro(2020, 1, 1, 10)]
    assert event.end.tolist() == [micro(2020, 1, 2) - 1]
    wrong = condition(onsetDateTime="2020-01-02", abatementDateTime="2020-01-01")
    with pytest.raises(RecordsError, match="Condition: ends before it begins"):
        read(tmp_path, PATIENT, wrong)


@pytest.mark.parametrize(
    ("written", "day"),
    [("1950", (1950, 6, 15)), ("1952", (1952, 6, 15)), ("1950-07", (1950, 7, 1))],
)
def test_a_partial_birth_is_placed_as_omop_does(
    tmp_path: Path, written: str, day: tuple[int, int, int]
) -> None:
    records = read(tmp_path, {**PATIENT, "birthDate": written})
    assert records.patients["birth"].tolist() == [pd.Timestamp(*day)]
    assert warns(records, "1 births or deaths are known only to the month or year")


@pytest.mark.parametrize(
    ("died", "day"),
    [("2020-02", (2020, 2, 29)), ("2020", (2020, 12, 31)), ("2020-02-29", (2020, 2, 29))],
)
def test_death(tmp_path: Path, died: str, day: tuple[int, int, int]) -> None:
    death = read(tmp_path, {**PATIENT, "deceasedDateTime": died}).events.rows([DEATH])
    assert death.time.tolist() == [micro(*day)]


def test_death_without_a_date_is_no_event(tmp_path: Path) -> None:
    records = read(tmp_path, {**PATIENT, "deceasedBoolean": True})
    assert DEATH not in records.events.code_counts()
    assert warns(records, "1 patients are dead, nobody says since when")
    assert not warns(read(tmp_path, {**PATIENT, "deceasedBoolean": False}), "dead")


def test_death_before_birth_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordsError, match="Patient: a death before birth"):
        read(tmp_path, {**PATIENT, "deceasedDateTime": "1949"})


@pytest.mark.parametrize(
    ("value", "number", "text"),
    [
        ({"valueQuantity": {"value": 5, "comparator": "<", "unit": "ng/L"}}, 5.0, "< ng/L"),
        ({"valueQuantity": {"value": 5, "code": "%"}}, 5.0, "%"),
        ({"valueQuantity": {"unit": "%"}}, None, None),
        ({"valueCodeableConcept": {"coding": [LOINC], "text": "x"}}, None, "loinc//1988-5"),
        ({"valueCodeableConcept": {"text": "positive"}}, None, "positive"),
        ({"valueString": "weak"}, None, "weak"),
        ({"valueBoolean": True}, 1.0, "true"),
        ({"valueBoolean": False}, 0.0, "false"),
        ({"valueInteger": 3}, 3.0, None),
        ({"valueRange": {"low": {"value": 1, "unit": "kg"}, "high": {"value": 2}}}, None, "1–2 kg"),
        ({"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 4}}}, 0.25, None),
        ({"valueDateTime": "2020-01-01"}, None, "2020-01-01"),
        ({"valueTime": "10:00:00"}, None, "10:00:00"),
        ({"valuePeriod": {"start": "2020", "end": "2021"}}, None, "2020/2021"),
        ({}, None, None),
    ],
)
def test_values(tmp_path: Path, value: Json, number: float | None, text: str | None) -> None:
    event = read(tmp_path, PATIENT, observation(**value)).events.rows(["loinc//1988-5"])
    assert [None if np.isnan(n) else n for n in event.number] == [number]
    assert [None if pd.isna(t) else t for t in event.text] == [text]


def test_components_are_events_of_their_own(tmp_path: Path) -> None:
    def part(code: str, **more: Any) -> Json:
        return {"code": {"coding": [{"system": "http://loinc.org", "code": code}]}, **more}

    parts = [
        part("8480-6", valueQuantity={"value": 120, "unit": "mmHg"}),
        part("8462-4", valueQuantity={"value": 80, "unit": "mmHg"}),
        part("8478-0", dataAbsentReason={"text": "unknown"}),
    ]
    records = read(tmp_path, PATIENT, observation(component=parts))
    assert codes_of(records) == {"loinc//1988-5", "loinc//8480-6", "loinc//8462-4"}
    assert records.events.rows(["loinc//8480-6", "loinc//8462-4"]).number.tolist() == [80, 120]
    assert warns(records, "1 components of an observation have no known value")


@pytest.mark.parametrize(
    ("resource", "note"),
    [
        (observation(status="entered-in-error"), "1 Observation resources did not happen"),
        (observation(status="cancelled"), "1 Observation resources did not happen"),
        (observation(status="registered"), "1 Observation resources did not happen"),
        (medication("MedicationRequest", status="draft"), "1 MedicationRequest resources did not"),
        (medication("MedicationRequest", intent="plan"), "1 MedicationRequest resources did not"),
        (medication("MedicationRequest", doNotPerform=True), "1 MedicationRequest resources did"),
        (medication("MedicationStatement", status="not-taken"), "1 MedicationStatement resources"),
        (medication("MedicationAdministration", status="not-done"), "1 MedicationAdministration"),
        (observation(dataAbsentReason={"text": "unknown"}), "1 Observation resources have no code"),
        (observation(subject={"reference": "Group/1"}), "of a group, a device or a place"),
        (observation(effectiveDateTime=None), "1 Observation resources have no date"),
        (observation(code={"text": "words only"}), "1 Observation resources have no code"),
        ({"resourceType": "DocumentReference", "id": "d"}, "1 DocumentReference resources are not"),
        ({"resourceType": "Media", "id": "d"}, "1 Media resources are not read"),
    ]
    + [
        (condition(verificationStatus={"coding": [{"code": code}]}), "1 Condition resources were")
        for code in ("refuted", "entered-in-error")
    ],
)
def test_what_did_not_happen_is_no_event_but_counted(
    tmp_path: Path, resource: Json, note: str
) -> None:
    records = read(tmp_path, PATIENT, resource)
    assert codes_of(records) == set()
    assert warns(records, note)


@pytest.mark.parametrize("code", ["provisional", "differential", "unconfirmed", "confirmed"])
def test_conditions_that_are_not_confirmed_are_counted(tmp_path: Path, code: str) -> None:
    records = read(tmp_path, PATIENT, condition(verificationStatus={"coding": [{"code": code}]}))
    assert codes_of(records) == {"snomed//44054006"}
    assert warns(records, "1 Condition resources are not confirmed") == (code != "confirmed")


def test_the_time_of_the_record_stands_in_and_is_counted(tmp_path: Path) -> None:
    late = condition(onsetDateTime=None, onsetAge={"value": 60}, recordedDate="2020-05-05")
    records = read(tmp_path, PATIENT, late)
    assert records.events.rows(["snomed//44054006"]).time.tolist() == [micro(2020, 5, 5)]
    assert warns(records, "1 Condition resources have no date but that of their record: used")


@pytest.mark.parametrize(
    ("recorded", "begins", "words"),
    [
        ("2015-01-10", (2015, 1, 10), "1 Condition resources have no beginning but that of their"),
        ("2021-01-10", (2020, 6, 30), "1 Condition resources have no beginning: they begin when"),
        (None, (2020, 6, 30), "1 Condition resources have no beginning: they begin when"),
    ],
)
def test_an_end_is_no_beginning_where_the_record_was_written_before_it(
    tmp_path: Path, recorded: str | None, begins: tuple[int, int, int], words: str
) -> None:
    past = condition(onsetDateTime=None, abatementDateTime="2020-06-30", recordedDate=recorded)
    records = read(tmp_path, PATIENT, past)
    assert records.events.rows(["snomed//44054006"]).time.tolist() == [micro(*begins)]
    assert warns(records, words)


def test_codes_of_two_systems_are_both_found(tmp_path: Path) -> None:
    codings = [
        {"system": "http://snomed.info/sct", "code": "44054006", "display": "Diabetes"},
        {"system": "http://hl7.org/fhir/sid/icd-10-cm|2020", "code": "E11.9"},
        {"system": "https://hospital.example/codes/", "code": "D2"},
        {"code": "x"},
        {"system": "http://terminology.hl7.org/CodeSystem/v3-NullFlavor", "code": "UNK"},
        {"system": "urn:oid:2.16.840.1.113883.6.96", "code": "44054006"},
    ]
    records = read(tmp_path, PATIENT, condition(code={"coding": codings}))
    assert codes_of(records) == {
        "snomed//44054006",
        "icd10cm//E11.9",
        "hospital.example/codes//D2",
        "local//x",
    }
    assert (records.events.code_counts() == 1).all()
    assert warns(records, "1 Condition resources are coded more than once")


def test_medications_by_concept_by_reference_and_contained(tmp_path: Path) -> None:
    code = {"coding": [{"system": "http://www.whocc.no/atc", "code": "A10BA02"}]}
    elsewhere = {"resourceType": "Medication", "id": "d", "code": code}
    inside = {**elsewhere, "id": "in"}
    dose = {"dose": {"value": 500, "unit": "mg"}}
    none: Json = {"medicationCodeableConcept": None}
    resources = [
        medication("MedicationRequest", id="1"),
        medication("MedicationRequest", id="2", **none, medicationReference={"reference": "#in"},
                   contained=[inside]),
        medication("MedicationAdministration", id="3", **none, dosage=dose,
                   medicationReference={"reference": "Medication/d"}),
    ]  # fmt: skip
    write(tmp_path, PATIENT, *resources)
    write(tmp_path, elsewhere, name="a.json")
    records = read_fhir(tmp_path)
    assert records.events.code_counts()["atc//A10BA02"] == 2
    assert records.events.code_counts()["rxnorm//860975"] == 1
    given_dose = records.events.rows(["atc//A10BA02"])
    assert np.nanmax(given_dose.number) == 500
    assert max(given_dose.end - given_dose.time) == 3 * DAY - 1
    (tmp_path / "a.json").unlink()
    with pytest.raises(RecordsError, match=r"entry\[3\]: refers to a medication that is not in"):
        read_fhir(tmp_path)


def test_encounters_immunizations_procedures_and_reports(tmp_path: Path) -> None:
    act = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
    period = {"start": "2020-01-01T10:00:00+01:00", "end": "2020-01-03"}
    snomed = {"coding": [{"system": "http://snomed.info/sct", "code": "1"}]}
    cvx = {"coding": [{"system": "http://hl7.org/fhir/sid/cvx", "code": "140"}]}
    records = read(
        tmp_path,
        PATIENT,
        {"resourceType": "Encounter", "id": "1", "status": "finished", "subject": FOR_P,
         "class": {"system": act, "code": "IMP"}, "period": period},
        {"resourceType": "Immunization", "id": "2", "status": "completed", "patient": FOR_P,
         "vaccineCode": cvx, "occurrenceDateTime": "2020-01-01"},
        {"resourceType": "Procedure", "id": "3", "status": "completed", "subject": FOR_P,
         "code": snomed, "performedPeriod": period},
        {**observation("4"), "resourceType": "DiagnosticReport"},
    )  # fmt: skip
    assert codes_of(records) == {"act//IMP", "cvx//140", "snomed//1", "loinc//1988-5"}
    stay = records.events.rows(["act//IMP"])
    assert stay.time.tolist() == [micro(2020, 1, 1, 10)]
    assert stay.end.tolist() == [micro(2020, 1, 4) - 1]


def test_imaging_by_dicom_modality(tmp_path: Path) -> None:
    def study(identity: str, *modalities: str) -> Json:
        series = [{"uid": "1", "modality": {"code": code}} for code in modalities]
        return {"resourceType": "ImagingStudy", "id": identity, "status": "available",
                "subject": FOR_P, "started": "2020-01-01", "series": series}  # fmt: skip

    records = read(tmp_path, PATIENT, study("1", "MR", "MR", "SEG"), study("2", "CR"), study("3"))
    assert records.events.code_counts()["imaging//MR"] == 1
    assert records.modalities == {"mri": ("imaging//MR",), "radiograph": ("imaging//CR",)}
    assert "imaging//SEG" in codes_of(records)
    assert warns(records, "1 ImagingStudy resources have no code")


@pytest.mark.parametrize(
    ("reference", "full_url", "known"),
    [
        ("Patient/p", None, True),
        ("Patient/p/_history/3", None, True),
        ("urn:uuid:p", None, True),
        ("urn:uuid:p", "urn:uuid:p", True),
        ("urn:uuid:other", "urn:uuid:other", True),
        ("https://a.example/fhir/Patient/p", None, True),
        ("https://a.example/fhir/Patient/p", "https://a.example/fhir/Patient/p", True),
        ("https://b.example/fhir/Patient/p", "https://a.example/fhir/Patient/p", False),
        ("Patient/q", None, False),
        ("Patient?identifier=p", None, False),
    ],
)
def test_references_within_and_across_files(
    tmp_path: Path, reference: str, full_url: str | None, known: bool
) -> None:
    of_patient = bundle()
    of_patient["entry"] = [{"resource": PATIENT, **({"fullUrl": full_url} if full_url else {})}]
    (tmp_path / "z.json").write_text(json.dumps(of_patient), encoding="utf-8")
    write(tmp_path, observation(subject={"reference": reference}), name="a.json")
    if known:
        assert codes_of(read_fhir(tmp_path)) == {"loinc//1988-5"}
    else:
        with pytest.raises(RecordsError, match=r"a.json, entry\[0\]: refers to no patient of"):
            read_fhir(tmp_path)


def test_a_patient_without_id_is_known_by_the_address_in_the_bundle(tmp_path: Path) -> None:
    nameless = {"resourceType": "Patient", "gender": "male"}
    content = bundle()
    content["entry"] = [
        {"fullUrl": "urn:uuid:1f", "resource": nameless},
        {"fullUrl": "urn:uuid:2f", "resource": observation(subject={"reference": "urn:uuid:1f"})},
    ]
    (tmp_path / "a.json").write_text(json.dumps(content), encoding="utf-8")
    records = read_fhir(tmp_path)
    assert list(records.patients.index) == ["1f"]
    assert codes_of(records) == {"loinc//1988-5"}


def test_the_same_resource_twice_counts_once_and_another_is_refused(tmp_path: Path) -> None:
    records = read(tmp_path, PATIENT, PATIENT, observation(), observation())
    assert records.events.code_counts()["loinc//1988-5"] == 1
    assert warns(records, "1 Observation resources stand more than once: read once")
    assert warns(records, "1 Patient resources stand more than once: read once")
    with pytest.raises(RecordsError, match=r"entry\[2\]: Observation: an id that stands before"):
        read(tmp_path, PATIENT, observation(), observation(valueInteger=3))
    with pytest.raises(RecordsError, match=r"entry\[1\]: Patient: an id that stands before"):
        read(tmp_path, PATIENT, {**PATIENT, "gender": "male"})


def test_records_of_two_patients_are_never_joined(tmp_path: Path) -> None:
    other = {**PATIENT, "id": "q"}
    # One id for two people: neither is kept, for nobody knows whose the record is.
    for twin in ({"gender": "male"}, {"identifier": [{"value": "2"}]}):
        two = read(tmp_path, PATIENT, {**PATIENT, **twin}, other, observation(), skip_bad=True)
        assert list(two.patients.index) == ["q"]
        assert codes_of(two) == set()
        assert warns(two, "1 row was left out: refers to no patient of the source, or to several")
    # Two files that both call their patient `urn:uuid:1`.
    for person in (PATIENT, other):
        said = observation(f"of-{person['id']}", subject={"reference": "urn:uuid:1"})
        content = bundle(person, said)
        content["entry"][0]["fullUrl"] = "urn:uuid:1"
        (tmp_path / f"{person['id']}.json").write_text(json.dumps(content), encoding="utf-8")
    (tmp_path / "all.json").unlink()
    with pytest.raises(RecordsError, match="2 × refers to no patient of the source, or to several"):
        read_fhir(tmp_path)


SPOILT: list[tuple[Json | list[Any] | None, str]] = [
    (observation(None), "Observation: no id"),
    (observation(status=None), "Observation: no status"),
    (observation(status="Final"), "Observation: a status that R4 does not have"),
    (observation(subject=None), "Observation: no reference to a patient"),
    (observation(subject={"display": "x"}), "Observation: no reference to a patient"),
    (observation(subject={"reference": "#p"}), "Observation: its patient is contained in it"),
    (observation(subject=[]), "Observation: subject: expected an object, got a list"),
    (observation(code="x"), "Observation: code: expected an object, got text"),
    (observation(code={"coding": {}}), "Observation: coding: expected a list, got an object"),
    (observation(code={"coding": [3]}), "Observation: coding: expected a list of objects only"),
    (observation(component=[[]]), "Observation: component: expected a list of objects only"),
    (observation(valueQuantity={"value": "NaN"}), "Observation: value: expected a number, got te"),
    (observation(valueQuantity={"value": True}), "Observation: value: expected a number, got tru"),
    (observation(valueQuantity={"value": 10**400}), "Observation: value: a number too large"),
    (observation(valueBoolean="true"), "Observation: valueBoolean: expected true or false, got te"),
    (observation(modifierExtension=[{"url": "x"}]), "Observation: a modifierExtension"),
    (observation(valueString="\ud800"), "Observation: valueString: half a surrogate pair"),
    ({**PATIENT, "id": None}, "Patient: no id"),
    ({**PATIENT, "id": "q", "gender": "M"}, "Patient: gender: expected male, female, other"),
    (condition(verificationStatus={"coding": [{"code": "x"}]}), "a verificationStatus that R4"),
    ({"resourceType": "Observatoin"}, "a resourceType that R4 does not have"),
    ({"id": "x"}, "no resourceType"),
    ({"resourceType": ["Patient"]}, "resourceType: expected text, got a list"),
    ([], "no resource: expected a JSON object"),
    (None, "no resource: expected a JSON object"),
    (bundle(type="history"), "a history bundle holds several states"),
    (medication("MedicationRequest", medicationReference={"reference": "#x"}), "does not contain"),
]


@pytest.mark.parametrize(("resource", "reason"), SPOILT)
@pytest.mark.parametrize("lines", [False, True])
def test_faults_are_named_with_their_place(
    tmp_path: Path, resource: Any, reason: str, lines: bool
) -> None:
    resources = [PATIENT, resource, observation("good")]
    if lines:
        file = tmp_path / "all.ndjson"
        file.write_text("\n".join(map(json.dumps, resources)), encoding="utf-8")
        place = "all.ndjson, line 2"
    else:
        file, place = write(tmp_path, *resources), "all.json, entry[1]"
    with pytest.raises(RecordsError) as refused:
        read_fhir(file)
    first = str(refused.value).splitlines()[1]
    assert place in first
    assert reason in first
    records = read_fhir(file, skip_bad=True)
    assert records.events.code_counts()["loinc//1988-5"] == 1
    assert warns(records, reason)


GOOD = "\n".join(json.dumps(r) for r in (PATIENT, observation("good")))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (GOOD.encode("utf-16"), "the whole file: UTF-16, expected UTF-8"),
        (GOOD.encode() + '\n{"é": 1}'.encode("latin-1"), "line 3: not UTF-8"),
        (GOOD.encode() + b'\n{"resourceType": "Obs', "line 3: not JSON, or cut short"),
        (GOOD.encode() + b"\n" + b"[" * 200_000, "line 3: nested too deeply"),
        (GOOD.encode() + b'\n{"a": ' + b"9" * 5000 + b"}", "line 3: a number that JSON does not"),
        (GOOD.encode() + b'\n{"a": NaN}', "line 3: a number that JSON does not have"),
        (GOOD.encode() + b"\n\x00\x01\x02", "line 3: not JSON"),
    ],
)
def test_lines_that_cannot_be_read(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "x.ndjson").write_bytes(content)
    (tmp_path / "y.ndjson").write_text(GOOD, encoding="utf-8-sig")
    with pytest.raises(RecordsError, match=f"x.ndjson, {reason}"):
        read_fhir(tmp_path)
    assert codes_of(read_fhir(tmp_path, skip_bad=True)) == {"loinc//1988-5"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (json.dumps(bundle(PATIENT), indent=1).encode()[:-9], "not JSON, or cut short at line"),
        (json.dumps(bundle(PATIENT)).encode("utf-16"), "UTF-16, expected UTF-8"),
        (b'{"resourceType": "Bundle",\n "x": "\xe9"}', "not UTF-8 at line 2"),
        (b"", "not JSON, or cut short"),
        (gzip.compress(json.dumps(bundle(PATIENT)).encode())[:-12], "the gzip file is damaged"),
        (b'{"resourceType": "Bundle", "entry": ' + b"[" * 200_000, "nested too deeply"),
    ],
)
def test_documents_that_cannot_be_read(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "x.json").write_bytes(content)
    write(tmp_path, PATIENT, observation())
    with pytest.raises(RecordsError, match=f"x.json, the whole file: {reason}"):
        read_fhir(tmp_path)
    assert codes_of(read_fhir(tmp_path, skip_bad=True)) == {"loinc//1988-5"}


def test_bundles_in_bundles_end_somewhere(tmp_path: Path) -> None:
    inner = bundle(PATIENT, observation())
    assert codes_of(read(tmp_path, inner)) == {"loinc//1988-5"}
    for _ in range(40):
        inner = bundle(inner)
    with pytest.raises(RecordsError, match="nested too deeply"):
        read(tmp_path, inner)


def test_a_gzip_export_that_is_cut_short_gives_its_first_lines(tmp_path: Path) -> None:
    lines = [PATIENT, *(observation(f"o{i}", issued=str(i * 7919)) for i in range(3000))]
    packed = gzip.compress("\n".join(map(json.dumps, lines)).encode())
    (tmp_path / "x.ndjson.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(RecordsError, match="line [0-9]+: the gzip file is damaged or cut short"):
        read_fhir(tmp_path)
    n_read = read_fhir(tmp_path, skip_bad=True).events.code_counts()["loinc//1988-5"]
    assert 500 < n_read < 3000


def test_one_broken_line_in_a_hundred(tmp_path: Path) -> None:
    lines = [json.dumps(observation(f"o{i}")) for i in range(5000)]
    broken = range(50, 5000, 100)
    for i in broken:
        lines[i] = lines[i][:-1]
    text = "\n".join([json.dumps(PATIENT), *lines])
    (tmp_path / "x.ndjson").write_text(text, encoding="utf-8")
    with pytest.raises(RecordsError) as refused:
        read_fhir(tmp_path)
    said = str(refused.value).splitlines()
    assert said[0] == "50 rows cannot be read:"
    assert said[1] == "  x.ndjson, line 52: not JSON, or cut short"
    assert len(said) == 1 + 20 + 1 + 1 + 1
    records = read_fhir(tmp_path, skip_bad=True)
    assert records.events.code_counts()["loinc//1988-5"] == 5000 - len(broken)
    assert "50 rows were left out: not JSON, or cut short" in records.warnings


def test_sources_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(RecordsError, match="no such file or folder"):
        read_fhir(tmp_path / "absent")
    with pytest.raises(RecordsError, match="not a FHIR export"):
        read_fhir(tmp_path)
    (tmp_path / "a.zip").write_bytes(b"PK")
    with pytest.raises(RecordsError, match="unpack archives"):
        read_fhir(tmp_path / "a.zip")
    (tmp_path / "manifest.json").write_text('{"transactionTime": "x", "output": []}', "utf-8")
    with pytest.raises(RecordsError, match="no Patient resource"):
        read_fhir(tmp_path)


stays = st.tuples(
    st.sampled_from(["a", "b", "c-1"]),
    st.datetimes(datetime(1850, 1, 1), datetime(2200, 1, 1)),
    st.timedeltas(timedelta(0), timedelta(days=4000)),
    st.text("AB1.-é", min_size=1, max_size=5),
    st.none() | st.floats(-1e300, 1e300),
    st.sampled_from([None, "mg/L", "µmol"]),
    st.sampled_from(["Z", "+00:00", "-11:30", "+14:00"]),
)


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(written=st.lists(stays, max_size=20), lines=st.booleans(), zipped=st.booleans())
def test_what_is_written_is_read(
    tmp_path: Path, written: list[tuple[Any, ...]], lines: bool, zipped: bool
) -> None:
    folder = tmp_path / "written"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    resources = [{"resourceType": "Patient", "id": p} for p in ("a", "b", "c-1")]
    wanted = []
    for i, (patient, start, lasted, code, number, unit, zone) in enumerate(written):
        period = {"start": start.isoformat() + zone, "end": (start + lasted).isoformat() + zone}
        value = {} if number is None else {"valueQuantity": {"value": number, "unit": unit}}
        resources.append(
            observation(
                str(i),
                subject={"reference": f"Patient/{patient}"},
                code={"coding": [{"system": "http://loinc.org", "code": code}]},
                effectiveDateTime=None,
                effectivePeriod=period,
                **value,
            )
        )
        micros = [(t - EPOCH) // timedelta(microseconds=1) for t in (start, start + lasted)]
        unit = unit if value else None
        wanted.append((patient, *micros, f"loinc//{code}", repr(number), repr(unit)))
    if lines:
        content, name = "\n".join(map(json.dumps, resources)), "x.ndjson"
    else:
        content, name = json.dumps(bundle(*resources)), "x.json"
    packed = gzip.compress(content.encode()) if zipped else content.encode()
    (folder / (name + ".gz" * zipped)).write_bytes(packed)
    records = read_fhir(folder)
    rows = records.events.rows(records.events.code_counts().index)
    got = [
        (records.patients.index[p], int(t), int(e), c,
         repr(None if np.isnan(n) else float(n)), repr(None if pd.isna(x) else x))
        for p, t, e, c, n, x in zip(
            rows.patient, rows.time, rows.end, rows.code, rows.number, rows.text, strict=True
        )
    ]  # fmt: skip
    assert sorted(got) == sorted(wanted)


@pytest.mark.shared_data
def test_the_synthetic_patients_of_synthea(shared_data: Path) -> None:
    records = read_fhir(shared_data / "formats" / "fhir_synthea")
    assert len(records.patients) == 8
    assert int(records.events.code_counts()[DEATH]) == 2
    assert records.modalities == {"radiograph": ("imaging//DX",)}
    assert int(records.events.code_counts()["loinc//8480-6"]) == 39
    assert not warns(records, "left out")
