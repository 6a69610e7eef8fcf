"""The whole path: what it finds where the truth is known, and on real patients."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import workbench as wb
from workbench.errors import CohortError
from workbench.study import StudyResult

pytestmark = pytest.mark.slow

Row = Mapping[str, Any]


def row(result: StudyResult, model: str, group: str = "all") -> Row:
    found = [r for r in result.evaluation.ladder if r["model"] == model and r["group"] == group]
    assert len(found) == 1, f"{model} in {group}"
    return found[0]


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> StudyResult:
    study = wb.Study.of_card(wb.open_card("simulated_glioma"))
    return wb.run(study, tmp_path_factory.mktemp("simulated"))


@pytest.fixture(scope="module")
def glioma(tmp_path_factory: pytest.TempPathFactory) -> StudyResult:
    card = wb.open_card("tcga_glioma")
    if card.missing_files():
        pytest.skip("the files of tcga_glioma are not here: set WORKBENCH_DATA to their folder")
    return wb.run(wb.Study.of_card(card, "os"), tmp_path_factory.mktemp("glioma"))


def test_the_judged_model_comes_close_to_the_truth(simulated: StudyResult) -> None:
    truth = json.loads((simulated.cohort.card.folder / "truth.json").read_text(encoding="utf-8"))
    judged = row(simulated, "selected")
    assert judged["harrell_c"]["estimate"] > truth["oracle_c"]["os"] - 0.03
    assert judged["harrell_c"]["estimate"] < truth["oracle_c"]["os"]
    assert judged["delta_harrell_c"]["lower"] > 0
    assert judged["delta_ipa"]["lower"] > 0


def test_what_carries_risk_by_construction_is_found(simulated: StudyResult) -> None:
    value = {entry["modality"]: entry for entry in simulated.evaluation.modality_value}
    assert value["imaging"]["delta_harrell_c"]["lower"] > 0
    assert value["rna"]["delta_harrell_c"]["lower"] > 0


def test_survival_of_the_judged_model_is_calibrated(simulated: StudyResult) -> None:
    for at in simulated.evaluation.at_horizons:
        if at["model"] == "selected" and at["group"] == "all":
            assert at["calibration_slope"]["lower"] < 1 < at["calibration_slope"]["upper"]
            assert 0.8 < at["observed_expected"]["estimate"] < 1.25


def test_what_a_run_leaves(simulated: StudyResult) -> None:
    folder = simulated.report.parent
    left = {path.name for path in folder.iterdir()}
    assert left == {"report.html", "report.json", "predictions.parquet", "model", "run.json"}
    table = pd.read_parquet(folder / "predictions.parquet")
    assert not table.duplicated(["patient_id", "model"]).any()
    assert {"fold", "risk_score", "survival_365", "survival_1095"} < set(table.columns)
    numbers = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert numbers["simulated"] is True
    assert "Simulated data" in simulated.report.read_text(encoding="utf-8")


def test_the_same_seed_gives_the_same_numbers(simulated: StudyResult, tmp_path: Path) -> None:
    again = wb.run(wb.Study.of_card(simulated.cohort.card), tmp_path / "again")
    before = simulated.report.with_name("report.json").read_bytes()
    assert again.report.with_name("report.json").read_bytes() == before


def test_a_column_known_only_later_is_refused(simulated: StudyResult) -> None:
    card = simulated.cohort.card
    later = [name for name, column in card.spec.columns.items() if column.role == "post_outcome"]
    assert later
    for name in later:
        with pytest.raises(CohortError, match="known only after the outcome"):
            card.cohort("os").select(wb.col(name) == 1)


@pytest.mark.shared_data
def test_published_folds_of_real_glioma(glioma: StudyResult) -> None:
    cohort = glioma.cohort
    assert (cohort.n_patients, cohort.n_events) == (569, 187)
    assert int((~cohort.patients["has_mri"]).sum()) == 464
    assert row(glioma, "clinical")["harrell_c_fold_mean"]["estimate"] >= 0.84
    assert row(glioma, "selected")["harrell_c_fold_mean"]["estimate"] >= 0.865


@pytest.mark.shared_data
def test_glioma_is_judged_within_groups(glioma: StudyResult) -> None:
    groups = {r["group"] for r in glioma.evaluation.ladder}
    assert {"all", "LGG", "GBM", "IDH1-mutant LGG", "patients with mri"} <= groups
    assert {c["over"] for c in glioma.evaluation.claims} == {"clinical", "clinical_markers"}
    refused = [
        at
        for at in glioma.evaluation.at_horizons
        if at["group"] == "GBM" and at["horizon"] == 1095 and at["model"] == "selected"
    ]
    assert "4 at risk" in refused[0]["refused"]
    imaging = next(v for v in glioma.evaluation.modality_value if v["modality"] == "mri")
    assert (imaging["n"], imaging["n_events"]) == (105, 31)
    numbers = json.loads(glioma.report.with_name("report.json").read_text(encoding="utf-8"))
    (sites,) = numbers["other_splits"]
    assert sites["title"] == "whole sites held out"
    assert {r["n"] for r in sites["ladder"] if r["group"] == "all"} == {569}
    statuses = {item["status"] for item in numbers["inventory"]}
    assert statuses == {"used", "available, not used", "unavailable"}
