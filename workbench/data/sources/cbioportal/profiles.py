"""Molecular profiles of a study: which samples have which."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from workbench.data.bad_rows import BadRows
from workbench.data.sources.cbioportal.matrices import read_matrix
from workbench.data.sources.cbioportal.study import DataFile, Study
from workbench.data.sources.cbioportal.tables import Table, known, read_table

PREFIX = "profile//"
_MODALITIES = {
    "MUTATION_EXTENDED": "mutations",
    "COPY_NUMBER_ALTERATION": "copy_number",
    "MRNA_EXPRESSION": "rna",
    "METHYLATION": "methylation",
    "PROTEIN_LEVEL": "protein",
    "STRUCTURAL_VARIANT": "structural_variants",
    "FUSION": "structural_variants",
}
_DERIVED = ("Z-SCORE", "P-VALUE", "GSVA-SCORE")
"""Computed from another profile: no measurement of their own."""
_SAMPLE_COLUMN = {
    "MAF": "Tumor_Sample_Barcode",
    "FUSION": "Tumor_Sample_Barcode",
    "SV": "Sample_Id",
    "DISCRETE_LONG": "Sample_Id",
    "SEG": "ID",
}
"""Files that are lists, not matrices, and their column with the sample."""
_NOT_SAMPLES = frozenset(
    ("Hugo_Symbol", "Entrez_Gene_Id", "Cytoband", "Gene Symbol", "Gene ID", "Locus ID",
     "Composite.Element.REF", "ENTITY_STABLE_ID", "geneset_id")
)  # fmt: skip
_LISTS = {
    "MUTATION_EXTENDED": ("sequenced", "all_cases_with_mutation_data"),
    "STRUCTURAL_VARIANT": ("sv", "all_cases_with_sv_data"),
    "FUSION": ("sv", "all_cases_with_sv_data"),
}
"""Case lists of what leaves no row where nothing was found: end of the stable id, and category."""


@dataclass(frozen=True)
class Profile:
    """One profile: its code, what kind of input it is, and the samples (or patients) that have it.

    ``complete`` says that samples without any finding are among them, as far as can be told.
    """

    code: str
    modality: str
    title: str
    members: frozenset[str]
    of_patients: bool = False
    complete: bool = True


def read_profile(
    data: DataFile, study: Study, panels: Table | None, mutations: Table | None, bad: BadRows
) -> Profile | None:
    """Who has one profile; None where the file holds none.

    In a matrix every column is a sample that was measured. A list of mutations or structural
    variants names only samples in which something was found; the others come from the case list
    ``_sequenced`` or ``_sv``, and from the gene panel matrix.

    Parameters
    ----------
    data
        Its data file.
    study, panels
        The study, and its gene panel matrix.
    mutations
        The rows of the MAF, if this is one, for they are read elsewhere too.
    bad
        Takes rows that cannot be read.
    """
    kind, datatype = data.kind
    modality = _MODALITIES.get(kind)
    if kind == "GENERIC_ASSAY":
        modality = data.about.get("generic_assay_type", "generic_assay").lower()
    if modality is None or datatype in _DERIVED:
        return None
    stable_id = data.about.get("stable_id") or datatype.lower()
    title = data.about.get("profile_name") or stable_id
    column = _SAMPLE_COLUMN.get(datatype)
    if column is None:
        members = frozenset(_matrix_columns(data, bad))
        of_patients = data.about.get("patient_level", "").lower() == "true"
        return Profile(f"{PREFIX}{stable_id}", modality, title, members, of_patients)
    table = mutations or read_table(data.file, data.name, (column,), bad)
    found = {sample for _, cells in table.rows if (sample := cells[column]) is not None}
    if kind not in _LISTS:
        return Profile(f"{PREFIX}{stable_id}", modality, title, frozenset(found))
    listed = _listed(study, *_LISTS[kind]) | _on_panel(panels, stable_id)
    members = frozenset(found | listed)
    return Profile(f"{PREFIX}{stable_id}", modality, title, members, complete=bool(listed))


def of_known_samples(
    profile: Profile, name: str, samples: Collection[str], bad: BadRows
) -> frozenset[str]:
    """Members that the clinical file has; the others are noted in ``bad``."""
    strangers = profile.members - set(samples)
    what = "patient" if profile.of_patients else "sample"
    bad.add_all(
        name, [profile.code] * len(strangers), f"a {what} that the clinical files do not have"
    )
    return profile.members - strangers


def _matrix_columns(data: DataFile, bad: BadRows) -> set[str]:
    described = data.about.get("generic_entity_meta_properties", "")
    others = _NOT_SAMPLES | {name.strip() for name in described.split(",")}
    return read_matrix(data, others, bad)


def _listed(study: Study, end: str, category: str) -> set[str]:
    prefix = study.about.get("cancer_study_identifier", "")
    return {
        sample
        for fields in study.case_lists
        if fields.get("stable_id") == f"{prefix}_{end}"
        or fields.get("case_list_category") == category
        for sample in _ids(fields)
    }


def _ids(fields: Mapping[str, str]) -> list[str]:
    ids = fields.get("case_list_ids", "").split("\t")
    return [sample for cell in ids if (sample := known(cell)) is not None]


def _on_panel(panels: Table | None, stable_id: str) -> set[str]:
    if panels is None:
        return set()
    return {
        sample
        for _, cells in panels.rows
        if (sample := cells["SAMPLE_ID"]) is not None and cells.get(stable_id) is not None
    }
