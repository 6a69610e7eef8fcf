"""cBioPortal study folders → records."""

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.data.bad_rows import BadRows
from workbench.data.concepts import Vocabulary
from workbench.data.events import DEATH, STATIC, MemoryEvents
from workbench.data.records import ObservationPeriods, Records, SourceFacts
from workbench.data.sources.cbioportal.clinical import Attributes, read_attributes
from workbench.data.sources.cbioportal.columns import late_attributes, patient_table
from workbench.data.sources.cbioportal.happenings import (
    Row,
    death_rows,
    diagnosis_rows,
    mutation_rows,
    profile_rows,
    timeline_rows,
)
from workbench.data.sources.cbioportal.mutations import mutated_genes
from workbench.data.sources.cbioportal.profiles import Profile, of_known_samples, read_profile
from workbench.data.sources.cbioportal.samples import chosen_samples
from workbench.data.sources.cbioportal.study import DataFile, Study, read_study
from workbench.data.sources.cbioportal.survival import FollowUp, follow_up
from workbench.data.sources.cbioportal.tables import Table, read_table
from workbench.data.sources.cbioportal.timeline import TimelineEvent, read_timeline
from workbench.data.sources.folder import sha256_of_all, source_folder
from workbench.errors import RecordsError

_CLINICAL = ("PATIENT_ATTRIBUTES", "SAMPLE_ATTRIBUTES")


def read_cbioportal(folder: str | os.PathLike[str], *, skip_bad: bool = False) -> Records:
    """Read a study folder of cBioPortal into memory.

    - **Patients** are those of the clinical files, never samples. Where a patient has several, one
      stands for them: a primary tumour first, normal tissue last, then the one with most profiles,
      then the first of the file. Its attributes are columns, and its profiles and mutations events.
    - **Clock**: relative. Day 0 is the date of diagnosis, on which every patient has the event
      ``diagnosis``; timelines count whole days from it.
      ``OS_MONTHS`` counts from it too: it gives ``MEDS_DEATH``, and the observation of each
      patient, from day 0 to their last. Other outcomes such as ``DFS_MONTHS`` count from another
      zero, the initial treatment, and are not read.
    - **Columns**: attributes of the patient and of their sample, but for outcomes and for what by
      its name is known only later; a warning names those.
    - **Codes**: ``TREATMENT//Chemotherapy//Cisplatin`` and the like, each under its more general
      ones; ``profile//<stable_id>`` for each profile, at the time of its specimen if the timeline
      tells, else static; ``mutation//TP53`` likewise. Matrices themselves are not kept:
      describe them in a card; but each row is checked, and a bad one named.
    - **Modalities**: who has which profile, by the columns of matrices, and for mutations and
      structural variants by the case lists ``_sequenced`` and ``_sv`` and the gene panel matrix.

    Parameters
    ----------
    folder
        With ``meta_study.txt`` and its neighbours.
    skip_bad
        Leave out rows that cannot be read; ``Records.warnings`` then counts them.

    Raises
    ------
    RecordsError
        If meta files are not as they should be or lead out of the folder, there is no clinical file
        of samples, or rows cannot be read and ``skip_bad`` is False.
    """
    root = source_folder(Path(folder))
    study = read_study(root)
    bad, notes = BadRows(), Counter[str]()
    of_patients, samples = _clinical(study, bad, notes)
    patient_of = dict(samples.values["PATIENT_ID"])
    everyone = set(patient_of.values()) | set(
        () if of_patients is None else of_patients.values.index
    )
    profiles, members, mutations = _profiles(study, samples, everyone, bad, notes)
    n_profiles = pd.Series(
        [sum(sample in who for who in members.values()) for sample in patient_of],
        list(patient_of), dtype=int,
    )  # fmt: skip
    chosen = chosen_samples(samples.values, n_profiles)
    patients, facts = patient_table(of_patients, samples, chosen)
    late = [a for file in (of_patients, samples) if file for a in late_attributes(file.values)]
    notes[
        f"attributes are known only after the diagnosis, and are no columns: {', '.join(late)}"
    ] += len(late)
    notes["samples beside the one that stands for their patient are not read"] += len(
        patient_of
    ) - len(chosen)
    followed = None if of_patients is None else follow_up(of_patients.values)
    rows, taken = timeline_rows(_timeline(study, bad, notes), patient_of, patients.index, bad)
    molecular = [*profile_rows(members, chosen, taken), *mutation_rows(mutations, chosen, taken)]
    undated = {row.patient_id for row in molecular if row.time == STATIC}
    notes["patients have profiles of a specimen that no timeline dates: static"] += len(undated)
    left_out = bad.settle(skip_bad=skip_bad)
    rows += [*diagnosis_rows(patients.index), *molecular, *death_rows(followed)]
    events = pd.DataFrame(rows, columns=Row._fields)
    events = events.astype({"time": "int64", "end": "int64", "numeric_value": "float64"})
    source = MemoryEvents.from_frame(events, patients.index)
    codes = {str(code) for code in source.code_counts().index}
    _note_follow_up(followed, patients, notes)
    notes += Counter()  # Drops what did not occur.
    name = study.about.get("name") or study.about["cancer_study_identifier"]
    return Records(
        SourceFacts("cbioportal", name, "", sha256_of_all(study.files, root)),
        "relative",
        patients,
        facts,
        source,
        observation=_observation(followed, patients.index),
        vocabulary=_vocabulary(codes, profiles),
        modalities=_modalities(codes, profiles),
        warnings=(*left_out, *(f"{n} {note}" for note, n in sorted(notes.items()))),
    )


def _of_kind(study: Study, kind: str, datatype: str) -> list[DataFile]:
    return [data for data in study.data if data.kind == (kind, datatype)]


def _clinical(
    study: Study, bad: BadRows, notes: Counter[str]
) -> tuple[Attributes | None, Attributes]:
    found = [_of_kind(study, "CLINICAL", datatype) for datatype in _CLINICAL]
    if len(found[0]) > 1 or len(found[1]) != 1:
        raise RecordsError(
            f"expected a clinical file of samples and at most one of patients, found "
            f"{len(found[1])} and {len(found[0])} by their meta files"
        )
    patients = read_attributes(found[0][0], "PATIENT_ID", bad) if found[0] else None
    samples = read_attributes(found[1][0], "SAMPLE_ID", bad)
    if not len(samples.values):
        bad.settle(skip_bad=False)
        raise RecordsError(f"{found[1][0].name}: no sample")
    bounds = samples.bounds + (0 if patients is None else patients.bounds)
    notes["numbers are written as bounds, such as >89: read as the number"] += bounds
    if patients is not None:
        told, of_samples = set(patients.values.index), set(samples.values["PATIENT_ID"])
        notes["patients have a sample and no row in the file of patients"] += len(of_samples - told)
        notes["patients have no sample"] += len(told - of_samples)
    return patients, samples


def _profiles(
    study: Study, samples: Attributes, everyone: set[str], bad: BadRows, notes: Counter[str]
) -> tuple[list[Profile], dict[str, frozenset[str]], list[tuple[str, str, str | None]]]:
    """Profiles, the known members of each by its code, and the mutations of the MAF files."""
    matrices = _of_kind(study, "GENE_PANEL_MATRIX", "GENE_PANEL_MATRIX")
    tables = [read_table(data.file, data.name, ("SAMPLE_ID",), bad) for data in matrices]
    panels = tables[0] if tables else None
    profiles: list[Profile] = []
    members: dict[str, frozenset[str]] = {}
    mutations: list[tuple[str, str, str | None]] = []
    for data in study.data:
        maf = _maf(data, bad)
        profile = read_profile(data, study, panels, maf, bad)
        if profile is None:
            read = data.kind[0] in ("CLINICAL", "GENE_PANEL_MATRIX")
            notes["data files are not read, or computed from another"] += not read
            continue
        profiles.append(profile)
        known = everyone if profile.of_patients else set(samples.values.index)
        members[profile.code] = of_known_samples(profile, data.name, known, bad)
        if not profile.complete:
            notes["profiles name only samples in which something was found: add a case list"] += 1
        if maf is not None:
            found, left_out = mutated_genes(maf, bad)
            mutations += found
            notes["rows of the MAF are silent, non-coding or no mutation: not events"] += left_out
    return profiles, members, mutations


def _maf(data: DataFile, bad: BadRows) -> Table | None:
    if data.kind != ("MUTATION_EXTENDED", "MAF"):
        return None
    return read_table(data.file, data.name, ("Tumor_Sample_Barcode",), bad)


def _timeline(study: Study, bad: BadRows, notes: Counter[str]) -> list[TimelineEvent]:
    events: list[TimelineEvent] = []
    unread: set[str] = set()
    for data in _of_kind(study, "CLINICAL", "TIMELINE"):
        found, columns = read_timeline(data, bad)
        events += found
        unread |= columns
    if unread:
        notes[f"columns of timelines are not read: {', '.join(sorted(unread))}"] += len(unread)
    return events


def _note_follow_up(followed: FollowUp | None, patients: pd.DataFrame, notes: Counter[str]) -> None:
    if followed is None:
        notes["patients without OS_STATUS and OS_MONTHS: no follow-up"] += len(patients)
        return
    notes["values of OS_STATUS are neither 0:… nor 1:…: left missing"] += followed.odd
    notes[f"patients died, nobody says when: no {DEATH}"] += followed.undated
    notes["values of OS_MONTHS are negative or of more than 150 years: left missing"] += (
        followed.outside
    )


def _observation(followed: FollowUp | None, patients: pd.Index) -> ObservationPeriods | None:
    if followed is None:
        return None
    ends = followed.ends().reindex(patients).dropna()
    rows = np.flatnonzero(patients.isin(ends.index)).astype(np.int32)
    end = ends.to_numpy(np.int64)
    return ObservationPeriods(rows, np.zeros(len(rows), np.int64), end)


def _vocabulary(codes: set[str], profiles: list[Profile]) -> Vocabulary:
    """Each code under what stands before its last part, and named by its parts or its profile."""
    parents: dict[tuple[str, str], None] = {}
    names: dict[str, str] = {}
    titles = {profile.code: profile.title for profile in profiles}
    for code in sorted(codes):
        names[code] = titles.get(code, ": ".join(code.split("//")))
        while "//" in code:
            above = code.rpartition("//")[0]
            parents[above, code] = None
            names.setdefault(above, ": ".join(above.split("//")))
            code = above
    return Vocabulary.from_parents(parents, names)


def _modalities(codes: set[str], profiles: list[Profile]) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for profile in profiles:
        if profile.code in codes:
            found.setdefault(profile.modality, set()).add(profile.code)
    return {modality: tuple(sorted(found[modality])) for modality in sorted(found)}
