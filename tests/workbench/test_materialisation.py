import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from workbench.cohort.cohort import Cohort
from workbench.cohort.criteria import col
from workbench.data.open_card import open_card
from workbench.errors import CohortError
from workbench.materialisation import materialise

EVERYTHING = ["clinical", "rna", "mutations", "imaging"]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        return open_card("simulated_glioma").cohort()


def test_rows_follow_the_cohort(cohort: Cohort) -> None:
    chosen = cohort.select(col("age") >= 50)
    dataset = materialise(chosen, EVERYTHING, strata="grade")
    assert dataset.patient_id.tolist() == chosen.patients.index.tolist()
    assert dataset.time.tolist() == chosen.patients["time"].tolist()
    assert dataset.n_events == chosen.n_events
    assert list(dataset.modalities) == EVERYTHING
    for name, modality in dataset.modalities.items():
        assert modality.present.tolist() == chosen.patients[f"has_{name}"].tolist()
    age = dataset.modalities["clinical"].names.index("age")
    assert dataset.modalities["clinical"].values[:, age].tolist() == chosen.patients["age"].tolist()
    assert dataset.strata is not None
    assert dataset.strata.tolist() == chosen.patients["grade"].astype(str).tolist()
    assert dataset.clinical == "clinical"
    assert dataset.time_unit == "days"


def test_what_was_cut_at_time_zero_never_reaches_the_arrays(cohort: Cohort) -> None:
    dataset = materialise(cohort, ["clinical"])
    crp = dataset.modalities["clinical"].values[
        :, dataset.modalities["clinical"].names.index("crp")
    ]
    late = (cohort.patients["crp_day"] > 0).to_numpy()
    assert late.sum() > 10
    assert np.isnan(crp[late]).all()
    assert np.isnan(crp).sum() == cohort.patients["crp"].isna().sum()


@pytest.mark.parametrize("column", ["best_response", "days_to_progression_confirmed"])
def test_a_planted_post_outcome_column_is_refused(
    cohort: Cohort, tmp_path: Path, column: str
) -> None:
    text = cohort.card.path.read_text()
    planted = tmp_path / "planted.md"
    planted.write_text(text.replace("columns: [age, sex,", f"columns: [{column}, age, sex,"))
    leaking = open_card(planted).cohort()
    with pytest.raises(CohortError, match=f"{column} cannot be a feature of clinical"):
        materialise(leaking, ["clinical"])


def test_a_modality_observed_after_the_index_date_is_refused(
    cohort: Cohort, tmp_path: Path
) -> None:
    late = tmp_path / "late.md"
    text = cohort.card.path.read_text()
    late.write_text(text.replace('{days: 0, basis: "simulated before treatment"}', "{days: 90}"))
    with pytest.raises(CohortError, match="imaging is observed 90 days after the index date"):
        materialise(open_card(late).cohort(), EVERYTHING)


def test_images_taken_after_the_index_date_are_absent(cohort: Cohort, tmp_path: Path) -> None:
    dated = tmp_path / "dated.md"
    text = cohort.card.path.read_text()
    dated.write_text(
        text.replace('{days: 0, basis: "simulated before treatment"}', "{column: crp_day}")
    )
    chosen = open_card(dated).cohort()
    images = materialise(chosen, EVERYTHING).modalities["imaging"]
    late = ~(chosen.patients["crp_day"] <= 0).to_numpy()
    assert not images.present[late].any()
    assert not images.values[late].any()
    assert images.present.sum() == (cohort.patients["has_imaging"].to_numpy() & ~late).sum()
    n_imaged = cohort.patients["has_imaging"].sum()
    assert chosen.warnings[-1].startswith(f"imaging: of {n_imaged} patients, ")


def test_what_cannot_be_loaded_is_refused(cohort: Cohort) -> None:
    with pytest.raises(CohortError, match="no modality is called 'rnaa'.*did you mean 'rna'"):
        materialise(cohort, ["clinical", "rnaa"])
    with pytest.raises(CohortError, match="nothing can be compared"):
        materialise(cohort, ["rna"])
    with pytest.raises(CohortError, match="'rna' is to anchor"):
        materialise(cohort, ["clinical"], clinical="rna")
    with pytest.raises(CohortError, match="each modality once"):
        materialise(cohort, ["clinical", "clinical"])
    with pytest.raises(CohortError, match="age is a number"):
        materialise(cohort, ["clinical"], strata="age")


def test_importing_the_workbench_loads_neither_torch_nor_pandas() -> None:
    script = (
        "import sys, workbench; assert not {'torch', 'pandas', 'pydantic'} & set(sys.modules); "
        "workbench.col, workbench.has, workbench.open_card; assert 'torch' not in sys.modules; "
        "assert 'materialise' in dir(workbench)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
