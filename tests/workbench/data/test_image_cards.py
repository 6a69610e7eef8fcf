"""The cards of skin lesions and radiographs say what lies in their files."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench import study_checks
from workbench.data.card import ImageModality
from workbench.data.check import check_card
from workbench.data.image_files import ImageFile, by_patient, find_images
from workbench.data.modalities import available_patients
from workbench.data.open_card import DataCard, open_card
from workbench.errors import CohortError, StudyError
from workbench.study_settings import Study

AGES = ("under_45", "from_45_to_64", "from_65")
PLACES = ("head_and_neck", "trunk_of_body", "limbs")
ASKED_OF_SOME = (
    "sex, smoke, drink, pesticide, skin_cancer_history, cancer_history, has_piped_water, "
    "has_sewage_system, skin_type, diameter_1 and diameter_2"
)


def _images(card: DataCard, name: str) -> dict[str, list[ImageFile]]:
    modality = card.spec.modalities[name]
    assert isinstance(modality, ImageModality)
    return by_patient(find_images(card, modality))


@pytest.mark.shared_data
def test_lesions_of_ham10000_are_counted_and_their_copies_stay_in_one_fold(
    shared_data: Path,
) -> None:
    card = open_card("ham10000")
    study = Study.of_card(card)
    cohort = study.split.apply(card.cohort("malignant"))
    assert (cohort.n_patients, int(cohort.patients["event"].sum())) == (3267, 1169)
    assert int(card.cohort("melanoma").patients["event"].sum()) == 614
    images = _images(card, "dermoscopy")
    assert sum(map(len, images.values())) == 4795
    assert set(images) == set(cohort.patients.index)
    content: dict[str, set[str]] = {}
    for lesion, files in images.items():
        for image in files:
            digest = hashlib.sha256((shared_data / "ham10000" / image.path).read_bytes())
            content.setdefault(digest.hexdigest(), set()).add(lesion)
    assert len(content) == 4794
    assert {len(lesions) for lesions in content.values()} == {1}
    groups = cohort.group_masks(study.groups)
    assert len(groups) == 2 + 3 + 3
    ages = [groups[card.spec.groups[name].title] for name in AGES]
    assert np.sum(ages, axis=0).tolist() == cohort.patients["age"].notna().tolist()
    places = [groups[card.spec.groups[name].title] for name in PLACES]
    assert np.sum(places, axis=0).tolist() == cohort.patients["body_site"].notna().tolist()


@pytest.mark.shared_data
@pytest.mark.parametrize("column", ["diagnosis", "confirmed_by"])
def test_what_is_known_with_the_diagnosis_is_no_feature(shared_data: Path, column: str) -> None:
    card = open_card("ham10000")
    assert card.spec.unfit_features([column]) == {column: "is known only after the outcome"}


@pytest.mark.shared_data
def test_hannover_reads_the_first_radiograph_and_nothing_after_it(shared_data: Path) -> None:
    card = open_card("hannover_cxr")
    cohort = card.cohort("icu")
    assert (cohort.n_patients, int(cohort.patients["event"].sum())) == (71, 29)
    assert int(card.cohort("death").patients["event"].sum()) == 5
    table = pd.read_csv(shared_data / "hannover_cxr" / "data.csv", dtype=str)
    days = pd.to_numeric(table["admission_offset"])
    first = table[days == days.groupby(table["patient_id"]).transform("max")]
    images = _images(card, "radiograph")
    assert len(images) == len(available_patients(card, "radiograph")) == 71
    for patient, (image,) in images.items():
        assert Path(image.path).stem in set(first.loc[first["patient_id"] == patient, "image_id"])
    for lab in ("crp", "ldh", "lymphocytes", "neutrophils", "pco2", "po2"):
        late = (cohort.patients[f"{lab}_day"] > 0).to_numpy()
        assert late.any()
        assert cohort.patients.loc[late, lab].isna().all()
        assert not (cohort.patients[lab] < 0).any()
    early = cohort.patients["icu_admission_day"] <= 0
    assert int(early.sum()) == 23


@pytest.mark.shared_data
def test_a_study_of_five_deaths_is_refused(shared_data: Path) -> None:
    card = open_card("hannover_cxr")
    study = Study.of_card(card, "death")
    cohort = study.split.apply(card.cohort("death"))
    with pytest.raises((StudyError, CohortError), match="events"):
        study_checks.check(study, cohort)


@pytest.mark.shared_data
def test_the_leak_of_pad_ufes_is_found_and_its_fields_are_named(shared_data: Path) -> None:
    card = open_card("pad_ufes20")
    study = Study.of_card(card)
    cohort = study.split.apply(card.cohort("cancer"))
    with pytest.raises(StudyError) as refused:
        study_checks.check(study, cohort)
    assert f"whether {ASKED_OF_SOME} were recorded tells the outcome (AUC 0.87" in str(
        refused.value
    )
    assert "whether grew and changed were recorded tells the outcome" in str(refused.value)
    assert "\n" not in str(refused.value)
    found = [p for p in check_card(card) if p.level == "error"]
    assert any(p.message.startswith(f"Skin cancer: whether {ASKED_OF_SOME}") for p in found)
    study_checks.check(study.model_copy(update={"modalities": ("lesion",)}), cohort)
