"""The whole path on real patients; where the truth is known, ``tests/notebooks`` runs it."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

import workbench as wb
from workbench.study import StudyResult

pytestmark = pytest.mark.slow

Row = Mapping[str, Any]


def row(result: StudyResult, model: str, group: str = "all") -> Row:
    found = [r for r in result.evaluation.ladder if r["model"] == model and r["group"] == group]
    assert len(found) == 1, f"{model} in {group}"
    return found[0]


@pytest.fixture(scope="module")
def glioma(short_training: None, tmp_path_factory: pytest.TempPathFactory) -> StudyResult:
    card = wb.open_card("tcga_glioma")
    if card.missing_files():
        pytest.skip("the files of tcga_glioma are not here: set WORKBENCH_DATA to their folder")
    study = wb.Study.of_card(card, "os")
    # Hospitals in two groups, not five: all of them are held out as well, in less than half the
    # time.
    (sites,) = study.also_split
    study = study.model_copy(update={"also_split": (sites.model_copy(update={"k": 2}),)})
    return wb.run(study, tmp_path_factory.mktemp("glioma"))


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
    assert (sites["kind"], sites["title"]) == ("site", "whole sites held out")
    assert {r["n"] for r in sites["ladder"] if r["group"] == "all"} == {569}
    statuses = {item["status"] for item in numbers["inventory"]}
    assert statuses == {"used", "available, not used", "unavailable"}
