"""cBioPortal studies: patients, never samples; bad rows are named by file, row and reason."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import workbench as wb
from workbench.data.events import DAY, DEATH, STATIC
from workbench.data.sources.cbioportal import read_cbioportal
from workbench.errors import RecordsError

PATIENTS = """\
#Patient\tSex\tAge\tSmoker\tStatus\tMonths\tDFS\tDFS months
#Identifier\tSex\tAge at diagnosis\tEver smoked\tOverall survival\tMonths lived\tDisease\tMonths
#STRING\tSTRING\tNUMBER\tBOOLEAN\tSTRING\tNUMBER\tSTRING\tNUMBER
#1\t1\t1\t1\t1\t1\t1\t1
PATIENT_ID\tSEX\tAGE\tSMOKER\tOS_STATUS\tOS_MONTHS\tDFS_STATUS\tDFS_MONTHS
P1\tFemale\t61.5\ttrue\t1:DECEASED\t12\t1:Recurred/Progressed\t3
P2\tM\t>89\tNo\t0:LIVING\t24.5\t0:DiseaseFree\t24.5
P3\t[Not Available]\tNA\t\tLIVING\t1\t\t
"""
SAMPLES = """\
#Patient\tSample\tType\tSubtype
#Identifier\tIdentifier\tType\tSubtype
#STRING\tSTRING\tSTRING\tSTRING
#1\t1\t1\t1
PATIENT_ID\tSAMPLE_ID\tSAMPLE_TYPE\tSUBTYPE
P1\tP1-M\tMetastasis\tB
P1\tP1-T\tPrimary\tA
P2\tP2-N\tNormal\tnone
P2\tP2-A\tRecurrence\tB
P2\tP2-B\tRecurrence\tA
P3\tP3-T\tPrimary\tA
"""
TIMELINE = """\
PATIENT_ID\tSTART_DATE\tSTOP_DATE\tEVENT_TYPE\tSAMPLE_ID\tSUBTYPE\tAGENT\tTEST\tRESULT\tNOTE
P1\t-3\t\tSPECIMEN\tP1-T\t\t\t\t\tx
P1\t0\t20\tTreatment\t\tChemotherapy\tCisplatin\t\t\tx
P2\t5\t\tLAB_TEST\t\t\t\tPSA\t4.5\t
P2\t6\t\tLAB_TEST\t\t\t\tPSA\ttrace\t
"""
MAF = """\
#version 2.4
Hugo_Symbol\tEntrez_Gene_Id\tVariant_Classification\tTumor_Sample_Barcode\tHGVSp_Short
TP53\t7157\tMissense_Mutation\tP1-T\tp.R175H
TP53\t7157\tMissense_Mutation\tP1-M\tp.R273H
KRAS\t3845\tSilent\tP1-T\tp.G12=
TERT\t7015\t5'Flank\tP2-B\t
"""
META = "cancer_study_identifier: small\ngenetic_alteration_type: {}\ndatatype: {}\n"


def _meta(kind: str, datatype: str, data: str, **more: str) -> str:
    fields = {"data_filename": data, **more}
    return META.format(kind, datatype) + "".join(f"{k}: {v}\n" for k, v in fields.items())


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Three patients with six samples, a timeline, mutations and two matrices."""
    folder = tmp_path / "study"
    (folder / "case_lists").mkdir(parents=True)
    files = {
        "meta_study.txt": "cancer_study_identifier: small\nname: Small study: one\n",
        "meta_patient.txt": _meta("CLINICAL", "PATIENT_ATTRIBUTES", "patient.txt"),
        "patient.txt": PATIENTS,
        "meta_sample.txt": _meta("CLINICAL", "SAMPLE_ATTRIBUTES", "sample.txt"),
        "sample.txt": SAMPLES,
        "meta_timeline.txt": _meta("CLINICAL", "TIMELINE", "timeline.txt"),
        "timeline.txt": TIMELINE,
        "meta_maf.txt": _meta("MUTATION_EXTENDED", "MAF", "maf.txt", stable_id="mutations"),
        "maf.txt": MAF,
        "meta_rna.txt": _meta(
            "MRNA_EXPRESSION", "CONTINUOUS", "rna.txt", stable_id="mrna", profile_name="RNA"
        ),
        "rna.txt": "Hugo_Symbol\tEntrez_Gene_Id\tP1-T\tP2-B\nTP53\t7157\t1\t2\n",
        "meta_z.txt": _meta("MRNA_EXPRESSION", "Z-SCORE", "rna.txt", stable_id="mrna_z"),
        "case_lists/sequenced.txt": (
            "cancer_study_identifier: small\nstable_id: small_sequenced\ncase_list_ids: P1-T\tP3-T"
        ),
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


Edit = Callable[[str, str, str], None]


@pytest.fixture
def edit(study: Path) -> Edit:
    """Replace a text in a file of the study."""

    def replace(name: str, old: str, new: str) -> None:
        text = (study / name).read_text(encoding="utf-8")
        assert old in text
        (study / name).write_text(text.replace(old, new), encoding="utf-8")

    return replace


def warns(records, words: str) -> bool:
    return any(words in warning for warning in records.warnings)


def test_patients_and_their_columns(study: Path) -> None:
    records = read_cbioportal(study)
    assert records.clock == "relative"
    assert records.source.name == "Small study: one"
    assert list(records.patients.index) == ["P1", "P2", "P3"]
    assert "birth" not in records.patients
    assert records.patients["sex"].astype(object).tolist()[:2] == ["female", "male"]
    assert records.patients["sex"].isna().tolist() == [False, False, True]
    assert records.patients["age"].tolist()[:2] == [61.5, 89.0]
    assert warns(records, "1 numbers are written as bounds")
    assert records.patients["smoker"].tolist() == [True, False, pd.NA]
    assert records.columns["age"].meaning == "Age at diagnosis"


def test_what_is_known_only_later_is_no_column(study: Path, edit: Edit) -> None:
    edit("sample.txt", "SUBTYPE", "TUMOR_STATUS")
    edit("patient.txt", "\tSMOKER", "\tSURVEY_MONTHS")
    edit("patient.txt", "\tBOOLEAN", "\tSTRING")
    records = read_cbioportal(study)
    assert set(records.patients) == {"sex", "age", "survey_months", "sample_id", "sample_type"}
    assert records.columns["survey_months"].unit == "months"
    assert warns(
        records,
        "5 attributes are known only after the diagnosis, and are no columns: DFS_MONTHS, "
        "DFS_STATUS, OS_MONTHS, OS_STATUS, TUMOR_STATUS",
    )
    assert int(records.events.code_counts()[DEATH]) == 1


def test_one_sample_stands_for_a_patient(study: Path) -> None:
    records = read_cbioportal(study)
    # A primary before a metastasis; of two recurrences the one with RNA; never normal tissue.
    assert records.patients["sample_id"].tolist() == ["P1-T", "P2-B", "P3-T"]
    assert records.patients["subtype"].tolist() == ["A", "A", "A"]
    assert warns(records, "3 samples beside the one that stands for their patient are not read")
    tp53 = records.events.rows(["mutation//TP53"])
    assert tp53.text.tolist() == ["p.R175H"]


def test_tcga_barcodes_tell_the_kind_of_sample(study: Path) -> None:
    head = "".join(SAMPLES.splitlines(keepends=True)[:5]).replace("\tSUBTYPE", "\tGRADE")
    head = head.replace("SAMPLE_TYPE", "SITE")
    ids = [f"TCGA-AA-000{i}-{kind}" for i in (1, 2, 3) for kind in ("11A", "06", "01A")][:8]
    rows = "".join(f"P{s[11]}\t{s}\tx\ty\n" for s in ids)
    (study / "sample.txt").write_text(head + rows, encoding="utf-8")
    records = read_cbioportal(study, skip_bad=True)
    assert [s[-3:] for s in records.patients["sample_id"]] == ["01A", "01A", "-06"]


def test_time_counts_whole_days_from_diagnosis(study: Path) -> None:
    records = read_cbioportal(study)
    chemo = records.events.rows(["TREATMENT//Chemotherapy//Cisplatin"])
    assert chemo.time.tolist() == [0]
    assert chemo.end.tolist() == [21 * DAY - 1]
    specimen = records.events.rows(["SPECIMEN"])
    assert specimen.time.tolist() == specimen.end.tolist() == [-3 * DAY]
    assert specimen.day.tolist() == [-3]
    psa = records.events.rows(["LAB_TEST//PSA"])
    assert psa.number[0] == 4.5
    assert pd.isna(psa.text).tolist() == [True, False]
    assert psa.text[1] == "trace"
    assert warns(records, "1 columns of timelines are not read: NOTE")


def test_codes_lie_under_more_general_ones(study: Path) -> None:
    records = read_cbioportal(study)
    assert records.vocabulary is not None
    above = records.vocabulary.ancestors
    code = "TREATMENT//Chemotherapy//Cisplatin"
    assert set(above.loc[above["descendant"] == code, "ancestor"]) == {
        "TREATMENT",
        "TREATMENT//Chemotherapy",
    }
    assert records.vocabulary.names["profile//mrna"] == "RNA"


def test_death_and_follow_up(study: Path) -> None:
    records = read_cbioportal(study)
    death = records.events.rows([DEATH])
    assert death.patient.tolist() == [0]
    assert death.day.tolist() == [round(12 * 30.4375)]
    observation = records.observation
    assert observation is not None
    assert observation.patient.tolist() == [0, 1, 2]
    assert observation.start.tolist() == [0, 0, 0]
    assert ((observation.end + 1) // DAY - 1).tolist() == [365, 746, 30]


def test_survival_from_diagnosis_as_the_portal_draws_it(study: Path) -> None:
    records = read_cbioportal(study)
    index = records.events.rows(["diagnosis"])
    assert index.patient.tolist() == [0, 1, 2]
    assert index.day.tolist() == [0, 0, 0]
    cohort = records.cohort(wb.entry(wb.event("diagnosis")), outcome=wb.death())
    assert cohort.patients["time"].tolist() == [365, 746, 30]
    assert cohort.patients["event"].tolist() == [True, False, False]


def test_who_has_which_profile(study: Path) -> None:
    records = read_cbioportal(study)
    assert records.modalities == {"mutations": ("profile//mutations",), "rna": ("profile//mrna",)}
    mutations = records.events.rows(records.modalities["mutations"])
    # P3 is in the case list without a mutation; P2's promoter mutation stands in the MAF alone.
    assert mutations.patient.tolist() == [0, 1, 2]
    assert mutations.time.tolist() == [-3 * DAY, STATIC, STATIC]
    assert records.events.rows(records.modalities["rna"]).patient.tolist() == [0, 1]
    assert warns(records, "2 patients have profiles of a specimen that no timeline dates")
    assert warns(records, "1 rows of the MAF are silent")
    assert "mutation//KRAS" not in records.events.code_counts()
    assert records.events.code_counts()["mutation//TERT"] == 1


def test_a_panel_matrix_tells_who_was_sequenced(study: Path) -> None:
    (study / "case_lists" / "sequenced.txt").unlink()
    assert warns(read_cbioportal(study), "1 profiles name only samples in which something was")
    meta = _meta("GENE_PANEL_MATRIX", "GENE_PANEL_MATRIX", "panels.txt")
    (study / "meta_panels.txt").write_text(meta, encoding="utf-8")
    panels = "SAMPLE_ID\tmutations\nP3-T\tIMPACT\nP2-A\tNA\n"
    (study / "panels.txt").write_text(panels, encoding="utf-8")
    records = read_cbioportal(study)
    assert not warns(records, "name only samples in which")
    assert records.events.rows(["profile//mutations"]).patient.tolist() == [0, 1, 2]


def test_patients_without_a_row_or_without_a_sample_are_kept(study: Path, edit: Edit) -> None:
    edit("sample.txt", "P3\tP3-T", "P4\tP3-T")
    edit("case_lists/sequenced.txt", "\tP3-T", "")
    records = read_cbioportal(study)
    assert list(records.patients.index) == ["P1", "P2", "P3", "P4"]
    assert records.patients["sample_id"].isna().tolist() == [False, False, True, False]
    assert warns(records, "1 patients have a sample and no row in the file of patients")
    assert warns(records, "1 patients have no sample")
    (study / "meta_patient.txt").unlink()
    edit("timeline.txt", "P2\t", "P4\t")
    records = read_cbioportal(study)
    assert list(records.patients.index) == ["P1", "P2", "P4"]
    assert records.observation is None
    assert warns(records, "3 patients without OS_STATUS and OS_MONTHS: no follow-up")


BAD: list[tuple[str, str, str, str]] = [
    ("patient.txt", "P3\t[Not", "P1\t[Not", "patient.txt, line 8: a PATIENT_ID that stands before"),
    ("patient.txt", "P3\t[Not", "\t[Not", "patient.txt, line 8: no PATIENT_ID"),
    ("patient.txt", "P3\t[Not", "P 3\t[Not", "patient.txt, line 8: no PATIENT_ID"),
    ("patient.txt", "61.5", "old", "patient.txt, line 6: AGE: expected number"),
    ("patient.txt", "61.5", "1e999", "patient.txt, line 6: AGE: expected number"),
    ("patient.txt", "61.5", "nan", "patient.txt, line 6: AGE: expected number"),
    ("patient.txt", "true", "perhaps", "patient.txt, line 6: SMOKER: expected boolean"),
    ("patient.txt", "\t12\t", "\t", "patient.txt, line 6: another number of cells than the header"),
    ("sample.txt", "P2-A", "P2-B", "sample.txt, line 10: a SAMPLE_ID that stands before"),
    ("timeline.txt", "P2\t6", "P9\t6", "timeline.txt, line 5: a patient that the clinical files"),
    ("timeline.txt", "P2\t6", "P2\tsoon", "timeline.txt, line 5: expected whole days"),
    ("timeline.txt", "P2\t6", "P2\t6.5", "timeline.txt, line 5: expected whole days"),
    ("timeline.txt", "P2\t6", "P2\t999999", "timeline.txt, line 5: expected whole days"),
    ("timeline.txt", "P2\t6\t", "P2\t6\t5", "timeline.txt, line 5: stops before it starts"),
    (
        "timeline.txt",
        "P2\t6\t\tLAB_TEST",
        "P2\t6\t\t",
        "timeline.txt, line 5: no PATIENT_ID, or no",
    ),
    ("timeline.txt", "P1-T", "P2-A", "timeline.txt, line 2: a sample that is not of this"),
    ("maf.txt", "P1-M", "XX", "maf.txt, profile//mutations: a sample that the clinical files"),
    ("maf.txt", "P1-M", "", "maf.txt, line 4: no Tumor_Sample_Barcode, or no gene"),
    ("rna.txt", "P2-B", "XX", "rna.txt, profile//mrna: a sample that the clinical files"),
    ("rna.txt", "\t2\n", "\thigh\n", "rna.txt, line 2: expected a number of every sample"),
    ("rna.txt", "\t2\n", "\t1_0\n", "rna.txt, line 2: expected a number of every sample"),
    ("rna.txt", "\t2\n", "\n", "rna.txt, line 2: another number of cells than the header"),
    ("rna.txt", "TP53\t7157", "NA\t", "rna.txt, line 2: nothing says what the row is of"),
]


@pytest.mark.parametrize(("file", "old", "new", "message"), BAD)
def test_a_bad_row_is_named_and_left_out_only_with_consent(
    study: Path, edit: Edit, file: str, old: str, new: str, message: str
) -> None:
    edit(file, old, new)
    with pytest.raises(RecordsError) as refused:
        read_cbioportal(study)
    assert message in str(refused.value)
    records = read_cbioportal(study, skip_bad=True)
    assert warns(records, message.partition(": ")[2])
    assert len(records.patients) >= 2


@pytest.mark.parametrize(
    ("datatype", "good", "bad"),
    [
        ("CONTINUOUS", ["1.5", "-3e-2", "NA", "", "[Not Available]"], ["1,5", "three", ">8"]),
        ("DISCRETE", ["-2", "-1.5", "-1", "0", "1", "2", "NA"], ["3", "0.5", "amp"]),
        ("LIMIT-VALUE", ["8", ">8.00", "<0.1", ">=3", "NA"], ["> much", "8<"]),
        ("BINARY", ["true", "No", "NA"], ["1", "perhaps"]),
        ("CATEGORICAL", ["1", "anything", ""], []),
    ],
)
def test_every_row_of_a_matrix_holds_what_its_datatype_says(
    study: Path, datatype: str, good: list[str], bad: list[str]
) -> None:
    fields = {"stable_id": "assay", "generic_assay_type": "ASSAY"}
    meta = _meta("GENERIC_ASSAY", datatype, "assay.txt", **fields)
    (study / "meta_assay.txt").write_text(meta, encoding="utf-8")
    rows = [f"E{k}\t{cell}\tNA\n" for k, cell in enumerate([*good, *bad])]
    written = "ENTITY_STABLE_ID\tP1-T\tP2-B\n" + "".join(rows)
    (study / "assay.txt").write_text(written, encoding="utf-8")
    records = read_cbioportal(study, skip_bad=True)
    assert int(records.events.code_counts()["profile//assay"]) == 2
    if bad:
        with pytest.raises(RecordsError) as refused:
            read_cbioportal(study)
        lines = range(len(good) + 2, len(good) + len(bad) + 2)
        assert [f"line {n}" in str(refused.value) for n in lines] == [True] * len(bad)
        assert f"{len(bad)} row" in str(refused.value)


def test_one_line_in_another_encoding(study: Path) -> None:
    with (study / "patient.txt").open("ab") as file:
        file.write("P4\té\t\t\t\t\t\t\n".encode("latin-1"))
    with pytest.raises(RecordsError, match="patient.txt, line 9: not UTF-8"):
        read_cbioportal(study)
    assert warns(read_cbioportal(study, skip_bad=True), "1 row was left out: not UTF-8")


@pytest.mark.parametrize(
    "reference",
    ["../out.txt", "/etc/hostname", "a/../../out.txt", "..\\out.txt", "C:\\out.txt",
     "\\\\host\\out.txt", ""],
)  # fmt: skip
def test_references_that_leave_the_folder_are_refused(
    study: Path, edit: Edit, reference: str
) -> None:
    (study.parent / "out.txt").write_text(PATIENTS, encoding="utf-8")
    edit("meta_patient.txt", "data_filename: patient.txt", f"data_filename: {reference}")
    with pytest.raises(RecordsError, match="meta_patient.txt: data_filename .* outside its folder"):
        read_cbioportal(study, skip_bad=True)


def test_a_link_that_leaves_the_folder_is_refused(study: Path) -> None:
    (study.parent / "out.txt").write_text(PATIENTS, encoding="utf-8")
    (study / "patient.txt").unlink()
    (study / "patient.txt").symlink_to(study.parent / "out.txt")
    with pytest.raises(RecordsError, match="through a link to a file outside"):
        read_cbioportal(study)


SPOILT: list[tuple[str, str, str, str]] = [
    ("meta_patient.txt", "patient.txt", "gone.txt", "refers to a file that is not there"),
    ("meta_patient.txt", "datatype: P", "datatype P", "line 3: expected `field: value`"),
    (
        "meta_patient.txt",
        "datatype",
        "cancer_study_identifier",
        "line 3: a field that stands before",
    ),
    ("meta_patient.txt", "identifier: small", "identifier: other", "belong to 2 studies"),
    ("meta_sample.txt", "SAMPLE_ATTRIBUTES", "PATIENT_ATTRIBUTES", "found 0 and 2"),
    ("patient.txt", "#1\t1\t1\t1\t1\t1\t1\t1\n", "", "expected four lines that start with #"),
    ("patient.txt", "#1\t1\t1\t1", "#1\t1", "expected four lines that start with #"),
    ("patient.txt", "\tNUMBER\tBOOLEAN", "\tREAL\tBOOLEAN", "the datatype of AGE is none of"),
    ("patient.txt", "\tAGE\t", "\tSEX\t", "1 columns have the name of another"),
    ("sample.txt", "\tSAMPLE_ID", "\tSAMPLE", "no column SAMPLE_ID among 4"),
    ("timeline.txt", "START_DATE", "START", "no column START_DATE"),
]


@pytest.mark.parametrize(("file", "old", "new", "message"), SPOILT)
def test_a_study_that_is_none_is_refused_whole(
    study: Path, edit: Edit, file: str, old: str, new: str, message: str
) -> None:
    edit(file, old, new)
    with pytest.raises(RecordsError, match=message):
        read_cbioportal(study, skip_bad=True)


def test_files_that_are_no_text(study: Path) -> None:
    (study / "patient.txt").write_text(PATIENTS, encoding="utf-16")
    with pytest.raises(RecordsError, match="patient.txt: no header: an empty file, or not UTF-8"):
        read_cbioportal(study)
    (study / "patient.txt").write_text(PATIENTS, encoding="utf-8-sig")
    assert len(read_cbioportal(study).patients) == 3
    with pytest.raises(RecordsError, match="not a cBioPortal study"):
        read_cbioportal(study / "case_lists")


def test_impossible_follow_up_is_missing_and_counted(study: Path, edit: Edit) -> None:
    edit("patient.txt", "1:DECEASED\t12", "1:DECEASED\tNA")
    edit("patient.txt", "0:LIVING\t24.5", "0:LIVING\t-2")
    edit("patient.txt", "\tLIVING\t1", "\tGONE\t1")
    records = read_cbioportal(study)
    assert records.observation is not None
    assert len(records.observation) == 0
    for words in (
        "1 patients died, nobody says when",
        "1 values of OS_STATUS",
        "1 values of OS_MO",
    ):
        assert warns(records, words)


cells = st.text("ABC-é 1", min_size=1, max_size=6).map(str.strip).filter(bool)
days = st.integers(-20_000, 20_000)
treatments = st.tuples(
    st.sampled_from(["P1", "P2", "P3"]), days, st.none() | st.integers(0, 900), cells, cells
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(written=st.lists(treatments, max_size=25))
def test_a_timeline_that_is_written_is_read(study: Path, written: list) -> None:
    lines = ["PATIENT_ID\tSTART_DATE\tSTOP_DATE\tEVENT_TYPE\tSUBTYPE\tAGENT"]
    wanted = []
    for patient, start, lasted, subtype, agent in written:
        stop = "" if lasted is None else str(start + lasted)
        lines.append(f"{patient}\t{start}\t{stop}\tTREATMENT\t{subtype}\t{agent}")
        end = start * DAY if lasted is None else (start + lasted + 1) * DAY - 1
        wanted.append((patient, start * DAY, end, f"TREATMENT//{subtype}//{agent}"))
    (study / "timeline.txt").write_text("\n".join(lines), encoding="utf-8")
    records = read_cbioportal(study)
    codes = [c for c in records.events.code_counts().index if c.startswith("TREATMENT")]
    rows = records.events.rows(codes)
    got = [
        (records.patients.index[p], int(t), int(e), c)
        for p, t, e, c in zip(rows.patient, rows.time, rows.end, rows.code, strict=True)
    ]
    assert sorted(got) == sorted(wanted)


@pytest.mark.shared_data
def test_published_test_studies(shared_data: Path) -> None:
    folder = shared_data / "formats" / "cbioportal" / "tests" / "test_data"
    records = read_cbioportal(folder / "study_es_0")
    assert len(records.patients) == 841
    assert int(records.events.code_counts()[DEATH]) == 87
    assert {"mutations", "copy_number", "rna", "methylation"} <= set(records.modalities)
    assert warns(records, "4 samples beside the one that stands for their patient")
    assert records.observation is not None
    assert len(records.observation) == 808
    legacy = read_cbioportal(folder / "study_es_0_legacy_cna_discrete")
    assert len(legacy.patients) == 841
    with pytest.raises(RecordsError, match="9 rows cannot be read"):
        read_cbioportal(folder / "study_es_0_inc")
    increment = read_cbioportal(folder / "study_es_0_inc", skip_bad=True)
    assert int(increment.events.code_counts()["STATUS"]) == 2
