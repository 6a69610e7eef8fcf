"""FHIR R4 bundles and bulk exports → records [1].

Our own narrow reading of JSON: validating the eight bundles of the sample with fhir.resources takes
about 25 times as long as parsing them, wants 27 MB of models, and refuses a file whole.

References
----------
[1] HL7 FHIR R4, https://hl7.org/fhir/R4/.
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.data.bad_rows import BadRows
from workbench.data.concepts import Vocabulary
from workbench.data.events import BIRTH, DEATH, MemoryEvents
from workbench.data.records import ColumnFacts, Records, SourceFacts
from workbench.data.sources.fhir.files import fhir_files, found_resources
from workbench.data.sources.fhir.gather import Gathered
from workbench.data.sources.fhir.imaging import kinds_of
from workbench.data.sources.fhir.json_shape import Misshapen
from workbench.data.sources.folder import sha256_of_all
from workbench.data.sources.sex import SEX_FACTS, sex_column
from workbench.errors import RecordsError

_COLUMNS = ["patient_id", "time", "end", "code", "numeric_value", "text_value"]


def read_fhir(path: str | os.PathLike[str], *, skip_bad: bool = False) -> Records:
    """Read bundles (JSON) and bulk exports (NDJSON), also gzipped, into memory.

    Conditions, observations with their components, reports, procedures, medication requests,
    administrations and statements, encounters, immunizations and imaging studies become events;
    deaths become ``MEDS_DEATH``. Resources of other types, documents and media among them, are
    counted in the warnings, and so are those that did not happen, were refuted or entered in error.

    - **Code**: ``system//code``, such as ``snomed//44054006``; a resource coded in two systems is
      an event in each. Imaging is ``imaging//MR``, by DICOM modality.
    - **Time**: the wall clock as it was written; the time zone is dropped. Where only the time of
      recording is known it is used, and counted; without any date a resource is no event. A month
      or year begins on its first day and ends on its last.
    - **Value**: the number, its unit as text; a coded answer as text.

    ``observation`` is None: FHIR does not say when a patient was under observation.

    Parameters
    ----------
    path
        A file, or a folder of files; references are resolved across all of them.
    skip_bad
        Leave out what cannot be read; ``Records.warnings`` then counts it.

    Raises
    ------
    RecordsError
        If there is no file or no patient, or resources cannot be read and ``skip_bad`` is False.
    """
    root, files = fhir_files(Path(path))
    bad, gathered = BadRows(), Gathered()
    for found in found_resources(files, root, bad):
        try:
            gathered.take(found)
        except Misshapen as fault:
            bad.add(found.file, found.place, f"{found.type}: {fault}")
    events = _events(gathered, bad)
    left_out = bad.settle(skip_bad=skip_bad)
    if not gathered.patients:
        raise RecordsError("no Patient resource: export the patients with their records")
    patients = _patients(gathered)
    source = MemoryEvents.from_frame(events, patients.index)
    codes = source.code_counts().index
    names = {str(code): gathered.names.get(str(code), str(code)) for code in codes}
    # The folder names the source: reports show it, and names of files may name patients.
    return Records(
        SourceFacts("fhir", root.resolve().name, "R4", sha256_of_all(files, root)),
        "calendar",
        patients,
        {"birth": ColumnFacts("date", "day of birth"), "sex": SEX_FACTS},
        source,
        vocabulary=Vocabulary.from_parents([], names),
        modalities=kinds_of(codes),
        warnings=(
            *left_out,
            "FHIR does not say when a patient was under observation: no rule can ask for prior "
            "observation",
            *(f"{n} {note}" for note, n in sorted(gathered.notes.items())),
        ),
    )


def _events(gathered: Gathered, bad: BadRows) -> pd.DataFrame:
    """Statements whose patient and medication were found, births and deaths, as a table."""
    rows = []
    for file, place, said in gathered.statements:
        patient_id = gathered.addresses.find(said.patient)
        if patient_id is None or patient_id not in gathered.patients:
            bad.add(file, place, "refers to no patient of the source, or to several")
            continue
        events = said.events
        if said.medication is not None:
            codes = gathered.medications.find(said.medication)
            if codes is None:
                bad.add(file, place, "refers to a medication that is not in the source")
                continue
            if not codes:
                gathered.notes["medications have no code: not events"] += 1
            events = tuple(event._replace(code=code) for event in events for code in codes)
        rows += [(patient_id, said.time, said.end, *event) for event in events]
    for patient_id, patient in gathered.patients.items():
        for code, time in ((BIRTH, patient.birth), (DEATH, patient.death)):
            if time is not None:
                rows.append((patient_id, time, time, code, None, None))
        gathered.notes["births or deaths are known only to the month or year"] += patient.partial
        gathered.notes[f"patients are dead, nobody says since when: no {DEATH}"] += (
            patient.dead_since
        )
        gathered.notes["patients are to be replaced by another record: kept apart"] += (
            patient.replaced
        )
    gathered.notes += {}  # Drops what did not occur.
    table = pd.DataFrame(rows, columns=_COLUMNS)
    return table.astype({"time": "int64", "end": "int64", "numeric_value": "float64"})


def _patients(gathered: Gathered) -> pd.DataFrame:
    index = pd.Index(sorted(gathered.patients), name="patient_id", dtype=object)
    ordered = [gathered.patients[patient_id] for patient_id in index]
    births = [np.iinfo(np.int64).min if p.birth is None else p.birth for p in ordered]
    return pd.DataFrame(
        {
            "birth": np.array(births, np.int64).view("datetime64[us]"),
            "sex": sex_column(pd.Series([p.sex for p in ordered], index, dtype=object)),
        },
        index=index,
    )
