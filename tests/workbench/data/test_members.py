"""Collections of cohorts: members are what lies on disk, whatever it holds."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion.cross_fit import cross_fit
from fusion.models import RidgeCox
from workbench.data.card import Collection, Column
from workbench.data.check import check_card
from workbench.data.columns import FEWEST_OF_LEVEL, OTHER, type_values
from workbench.data.download import get
from workbench.data.members import MEMBER, find_members, split_name
from workbench.data.modalities import available_patients, lacking_modalities, read_modality
from workbench.data.open_card import DataCard, card_members, list_cards, list_datasets, open_card
from workbench.data.store import read_outcome, read_patients
from workbench.errors import DataCardError
from workbench.materialisation import materialise
from workbench.study_settings import Study

NINE = ("blca", "brca", "coadread", "gbmlgg", "hnsc", "lihc", "luad", "lusc", "ucec")
STAGES = {
    "Stage I": 1.33, "Stage IA": 1.0, "Stage IB2": 1.33, "IIa": 2.0, "Stage IIIC2": 3.67,
    "Stage IVC": 4.67, "IVb": 4.33, "Stage X": None, "Stage 0": None, "I/II NOS": None,
    "Stage IS": None, "IS": None, "Stage V": None,
}  # fmt: skip
GRADES = {
    "G1": 1, "G2": 2, "G3": 3, "G4": 4, "High Grade": 3, "Low Grade": 1, "GX": None, "GB": None,
    "[Unknown]": None, "G5": None, "moderately differentiated": None,
}  # fmt: skip


def odd_cancer(n_patients: int = 60) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A table and its endpoints: no expression, no copy number, no stage, one sex, three folds."""
    rng = np.random.default_rng(3)
    ids = [f"TCGA-{'AB'[i % 2]}{i % 3}-{i:04d}" for i in range(n_patients)]
    months = rng.exponential(30, n_patients) + 0.5
    died = np.arange(n_patients) % 4 < 2
    omics = pd.DataFrame(
        {
            "age": rng.integers(20, 90, n_patients).astype(float),
            "site": "A",
            "survival_months": months,
            "censorship": 1 - died.astype(float),
            "is_female": 0.0,
            "oncotree_code": ["XYZ1"] * 40 + ["XYZ2"] * 15 + ["NEW", "NEW", "ODD", "RARE", "ODD"],
            "fold": np.arange(n_patients) % 3,
            "TP53_mut": rng.integers(0, 2, n_patients).astype("float32"),
            "KRAS_mut": rng.integers(0, 2, n_patients).astype("float32"),
        },
        index=pd.Index(ids, name="patient_id"),
    )
    endpoints = pd.DataFrame(
        {
            "bcr_patient_barcode": ids,
            "type": "XYZ",
            "ajcc_pathologic_tumor_stage": "[Not Applicable]",
            "clinical_stage": "[Not Available]",
            "histological_grade": [list(GRADES)[i % len(GRADES)] for i in range(n_patients)],
            "initial_pathologic_dx_year": 2000.0 + np.arange(n_patients) % 10,
            "PFI": died.astype(float),
            "PFI.time": np.ceil(months * 20),
        }
    )
    others = ("race", "vital_status", "tumor_status", "treatment_outcome_first_course")
    later = ("new_tumor_event_type", "new_tumor_event_dx_days_to", "last_contact_days_to")
    return omics, endpoints.assign(**dict.fromkeys((*others, *later, "death_days_to"), np.nan))


@pytest.fixture
def odd(tmp_path: Path) -> Callable[..., DataCard]:
    """Write ``odd.parquet`` and its endpoints, changed, and open it by the card of tcga_omics."""

    def make(change: Callable[[pd.DataFrame, pd.DataFrame], Any] = lambda o, e: None) -> DataCard:
        omics, endpoints = odd_cancer()
        change(omics, endpoints)
        folder = tmp_path / "tcga_omics"
        folder.mkdir(exist_ok=True)
        omics.to_parquet(folder / "odd.parquet")
        endpoints.to_csv(folder / "clinical_endpoints.csv.gz", index=False)
        return open_card("tcga_omics:odd", data_dir=tmp_path)

    return make


def test_members_are_the_files_that_fit_the_pattern(tmp_path: Path) -> None:
    for name in ("b.parquet", "a-2.parquet", "c.csv", ".parquet", "d e.parquet", "x.parquet.part"):
        (tmp_path / name).touch()
    (tmp_path / "folder.parquet").mkdir()
    for member in ("one", "two"):
        (tmp_path / "deep" / member).mkdir(parents=True)
    (tmp_path / "deep" / "one" / "t[1].csv").touch()
    flat = Collection(name="cancer", pattern="{cancer}.parquet")
    deep = Collection(name="part", pattern="deep/{part}/t[1].csv")
    assert find_members(tmp_path, flat) == ("a-2", "b")
    assert find_members(tmp_path, deep) == ("one",)
    assert find_members(tmp_path / "nowhere", flat) == ()


@given(st.from_regex(MEMBER, fullmatch=True), st.sampled_from(["card", "/a/b.md", "C:\\x\\c.md"]))
def test_a_member_is_told_from_its_collection(member: str, card: str) -> None:
    assert split_name(f"{card}:{member}") == (card, member)
    assert split_name(card) == (card, None)


@pytest.mark.parametrize(
    ("collection", "message"),
    [
        ({"name": "cancer", "pattern": "a.parquet"}, "pattern must hold {cancer} once"),
        ({"name": "cancer", "pattern": "{cancer}/{cancer}.csv"}, "pattern must hold {cancer} once"),
        ({"name": "fold", "pattern": "{fold}.csv"}, "{fold} means something else"),
        ({"name": "cancer", "pattern": "../{cancer}.csv"}, "inside the data folder"),
    ],
)
def test_a_collection_that_finds_nothing_is_refused(collection: dict, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Collection(**collection)


def test_a_collection_is_opened_by_its_members(odd: Callable[..., DataCard]) -> None:
    card = odd()
    data_dir = card.folder.parent
    shutil.copy(card.folder / "odd.parquet", card.folder / "even.parquet")
    assert card_members("tcga_omics", data_dir) == ("even", "odd")
    assert (card.name, card.folder_name, card.folder.name) == (
        "tcga_omics:odd", "tcga_omics", "tcga_omics",
    )  # fmt: skip
    assert card.spec.files["omics"].path == "odd.parquet"
    assert card.spec.title == "TCGA odd: molecular and clinical variables"
    with pytest.raises(DataCardError, match="as in tcga_omics:even; there are even, odd$"):
        open_card("tcga_omics", data_dir)
    with pytest.raises(DataCardError, match="has no cancer 'evn'; .*; did you mean 'even'"):
        open_card("tcga_omics:evn", data_dir)
    with pytest.raises(DataCardError, match="simulated_glioma is one dataset and has no member"):
        open_card("simulated_glioma:odd")
    with pytest.raises(DataCardError, match="is one dataset, not a collection"):
        card_members("simulated_glioma")
    assert card.data_hash() != open_card("tcga_omics:even", data_dir).data_hash()


def test_a_collection_without_files_says_where_they_go(tmp_path: Path) -> None:
    (tmp_path / "tcga_omics").mkdir()
    assert card_members("tcga_omics", tmp_path) == ()
    with pytest.raises(DataCardError, match=r"holds none of its members: put files named \{cancer"):
        open_card("tcga_omics:brca", tmp_path)
    assert list_datasets(tmp_path) == [name for name in list_cards() if name != "tcga_omics"]


def test_members_are_listed_among_the_datasets(odd: Callable[..., DataCard]) -> None:
    data_dir = odd().folder.parent
    assert "tcga_omics:odd" in list_datasets(data_dir)
    for name in list_datasets(data_dir):
        assert open_card(name, data_dir).name == name


def test_members_are_looked_for_in_the_collections_folder(odd: Callable[..., DataCard]) -> None:
    card = odd()
    assert get(card, card.folder.parent, progress=False) == card.folder


def test_a_cancer_never_seen_is_read_without_an_error(odd: Callable[..., DataCard]) -> None:
    card = odd()
    problems = check_card(card)
    assert [p for p in problems if p.level == "error"] == []
    assert "modalities.rna" in {p.where for p in problems}
    patients = read_patients(card)
    assert patients["stage"].isna().all()
    assert set(patients["sex"].dropna()) == {"male"}
    expected = [list(GRADES.values())[i % len(GRADES)] for i in range(60)]
    by_number = patients["grade_number"].reindex(odd_cancer()[0].index)
    assert [None if np.isnan(g) else g for g in by_number] == expected
    assert patients["histology"].value_counts().to_dict() == {"XYZ1": 40, "XYZ2": 15, "other": 5}
    assert list(patients["histology"].cat.categories) == ["XYZ1", "XYZ2", "other"]


def test_a_modality_that_a_member_lacks_is_one_that_nobody_has(
    odd: Callable[..., DataCard],
) -> None:
    card = odd()
    patients = read_patients(card)
    assert available_patients(card, "rna") == set()
    assert lacking_modalities(card) == ("rna", "copy_number")
    rna = read_modality(card, "rna", patients.index.to_numpy(str), patients)
    assert rna.values.shape == (60, 0)
    assert not rna.present.any()
    assert Study.of_card(card).modalities == ("clinical_staged", "mutations")


def test_a_matrix_that_is_not_optional_must_be_there(odd: Callable[..., DataCard]) -> None:
    card = odd()
    rna = card.spec.modalities["rna"].model_copy(update={"optional": False})
    strict = card.spec.model_copy(update={"modalities": {**card.spec.modalities, "rna": rna}})
    with pytest.raises(DataCardError, match=r"no column of files.omics matches"):
        available_patients(DataCard(strict, "", card.path, card.folder), "rna")


def test_constant_and_empty_clinical_columns_do_not_stop_training(
    odd: Callable[..., DataCard],
) -> None:
    cohort = odd().cohort("os").split("given")
    assert sorted(set(cohort.folds[0])) == [0, 1, 2]
    dataset = materialise(cohort, ["clinical_staged", "rna"])
    models = {"clinical": RidgeCox("clinical", ("clinical_staged",))}
    found = cross_fit(models, dataset, cohort.folds[0], np.array([12.0, 24.0]))["clinical"]
    assert np.ptp(found.risk_score) > 0


def test_optional_columns_may_be_absent(odd: Callable[..., DataCard]) -> None:
    card = odd(lambda omics, _: omics.drop(columns=["fold", "oncotree_code"], inplace=True))
    assert [p for p in check_card(card) if p.level == "error"] == []
    cohort = card.cohort("os")
    assert cohort.patients["histology"].isna().all()
    assert cohort.published_folds["fold"].isna().all()
    assert materialise(cohort, ["clinical_staged"]).modalities["clinical_staged"].names == (
        "age", "sex=male", "stage_number", "grade_number",
    )  # fmt: skip


def test_a_required_column_may_not_be_absent(odd: Callable[..., DataCard]) -> None:
    card = odd(lambda omics, _: omics.drop(columns="is_female", inplace=True))
    assert "has no column 'is_female'" in str(check_card(card)[0])
    with pytest.raises(DataCardError, match="no column 'is_female'"):
        read_patients(card)


def test_every_spelling_of_stage_has_its_place(odd: Callable[..., DataCard]) -> None:
    def stages(_: pd.DataFrame, endpoints: pd.DataFrame) -> None:
        written = list(STAGES)
        endpoints["ajcc_pathologic_tumor_stage"] = [written[i % len(written)] for i in range(60)]
        endpoints.loc[0, "ajcc_pathologic_tumor_stage"] = "[Discrepancy]"
        endpoints.loc[0, "clinical_stage"] = "Stage IIIB"
        endpoints.loc[1, "clinical_stage"] = "Stage IV"

    patients = read_patients(odd(stages)).reindex(odd_cancer()[0].index)
    numbers = [None if np.isnan(n) else n for n in patients["stage_number"]]
    expected = [list(STAGES.values())[i % len(STAGES)] for i in range(60)]
    # Clinical stage only where pathologic stage is missing.
    assert numbers == [3.33, *expected[1:]]
    roman = {None: None, 1: "I", 2: "II", 3: "III", 4: "IV"}
    given = patients["stage"].astype(object).where(patients["stage"].notna(), None)
    assert list(given) == [roman[n and int(n)] for n in numbers]


def test_outcomes_of_a_card_share_their_unit(odd: Callable[..., DataCard]) -> None:
    card = odd()
    index = odd_cancer()[0].index
    days = odd_cancer()[1]["PFI.time"].to_numpy()
    pfi, os_ = (read_outcome(card, name, index) for name in ("pfi", "os"))
    np.testing.assert_allclose(pfi["time"], days / 30.4375)
    np.testing.assert_allclose(os_["time"], odd_cancer()[0]["survival_months"])
    assert os_["event"].tolist() == pfi["event"].tolist()  # 0 is death in one, 1 in the other.


def test_an_outcome_behind_otherwise_is_no_feature(odd: Callable[..., DataCard]) -> None:
    card = odd()
    grade = card.spec.columns["grade"].model_copy(update={"otherwise": "PFI"})
    spec = card.spec.model_copy(update={"columns": {**card.spec.columns, "grade": grade}})
    assert card.spec.unfit_features(["grade"]) == {}
    assert spec.unfit_features(["grade"]) == {"grade": "is the outcome itself"}


@given(st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=80))
def test_levels_from_data_keep_every_patient(codes: list[str]) -> None:
    column = Column(file="f", meaning="m", type="categorical", role="feature", levels="from_data")
    raw = pd.Series(codes)
    typed, problems = type_values(raw, column)
    counts = raw.value_counts()
    frequent = counts[counts >= FEWEST_OF_LEVEL]
    levels = list(typed.cat.categories)
    assert problems == []
    assert typed.notna().all()
    assert {level for level in levels if level != OTHER} == set(frequent.index)
    assert (typed == OTHER).sum() == len(raw) - frequent.sum()
    sizes = [int((typed == level).sum()) for level in levels if level != OTHER]
    assert sizes == sorted(sizes, reverse=True)
    assert OTHER not in levels[:-1]


def test_a_study_of_a_card_by_its_path_keeps_the_member(
    odd: Callable[..., DataCard], tmp_path: Path
) -> None:
    card = odd()
    own = tmp_path / "tcga_omics" / "mine.md"
    own.write_text(card.path.read_text(encoding="utf-8").replace("tcga_omics\n", "mine\n", 1))
    opened = open_card(f"{own}:odd")
    assert opened.name == "mine:odd"
    study = Study.of_card(opened)
    assert open_card(study.card).name == "mine:odd"
    assert study.resolved(opened)["card"] == "mine:odd"
    asked = tmp_path / "tcga_omics" / "study.yaml"
    entries = "schema: 1\noutcome: os\nmodalities: [clinical]\nhorizons: [12]\nsplit: {kind: kfold}"
    asked.write_text(f'{entries}\nmodels: ["null", clinical, selected]\ncard: mine.md:odd\n')
    assert open_card(Study.from_file(asked).card).folder == tmp_path / "tcga_omics"
    asked.write_text(asked.read_text().replace("mine.md:odd", "mine.md:no"))
    with pytest.raises(DataCardError, match="mine has no cancer 'no'"):
        open_card(Study.from_file(asked).card)


@pytest.mark.shared_data
def test_the_nine_cancers_as_published(shared_data: Path) -> None:
    assert set(NINE) <= set(card_members("tcga_omics", shared_data))
    found = {}
    for name in NINE:
        card = open_card(f"tcga_omics:{name}", shared_data)
        cohort = card.cohort("os").split("given")
        assert cohort.patients["fold"].nunique() == 5
        found[name] = (cohort.n_patients, cohort.n_events, lacking_modalities(card))
    assert found == {
        "blca": (373, 169, ()),
        "brca": (956, 130, ()),
        "coadread": (340, 81, ()),
        "gbmlgg": (569, 187, ()),
        "hnsc": (416, 197, ()),
        "lihc": (333, 115, ()),
        "luad": (453, 158, ()),
        "lusc": (450, 192, ("copy_number",)),
        "ucec": (480, 75, ("rna",)),
    }


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["gbmlgg", "hnsc", "ucec"])
def test_a_real_member_has_no_error(shared_data: Path, name: str) -> None:
    card = open_card(f"tcga_omics:{name}", shared_data)
    assert [p for p in check_card(card) if p.level == "error"] == []


@pytest.mark.shared_data
def test_stage_and_grade_of_real_members(shared_data: Path) -> None:
    def patients(name: str) -> pd.DataFrame:
        return read_patients(open_card(f"tcga_omics:{name}", shared_data))

    hnsc, ucec, gbmlgg, blca = map(patients, ("hnsc", "ucec", "gbmlgg", "blca"))
    assert hnsc["stage"].notna().all()  # 44 of them by clinical stage
    whole_stages = ucec["stage_number"].astype(int).value_counts().to_dict()
    assert whole_stages == {1: 302, 2: 48, 3: 105, 4: 25}
    assert (ucec["stage_number"] == 1).sum() == 154  # IA
    assert ucec["sex"].value_counts().to_dict() == {"female": 480, "male": 0}
    assert gbmlgg["grade"].value_counts().to_dict() == {"G3": 249, "G2": 229, "G4": 90, "G1": 0}
    assert (gbmlgg.loc[gbmlgg["histology"] == "GBM", "grade_number"] == 4).all()
    assert blca["grade_number"].value_counts().to_dict() == {3: 351, 1: 20}
