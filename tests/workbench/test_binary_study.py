"""A study of an event that is there or not: the whole path, and nothing that speaks of times."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from fusion.predictions import Predictions
from tests.workbench.conftest import OF_TIMES, SmallStudy, binary
from workbench.errors import StudyError
from workbench.evaluation import bootstrap_weights, evaluate
from workbench.evaluation.words import STATES
from workbench.predict import predict
from workbench.report.read import read_document
from workbench.run_comparison import compare_runs, write_comparison
from workbench.study import StudyResult
from workbench.study_checks import check
from workbench.study_steps import choose
from workbench.survival import binary_sample_size, calibration
from workbench.survival.binary_sample_size import largest_r_squared_of_binary
from workbench.survival.calibration_regression import LOGIT, fit_recalibration, straight

PUBLISHED = "checklists"
"""The section whose items are others' words."""


def slow_auc(event: np.ndarray, score: np.ndarray, fold: np.ndarray) -> float:
    """Of every pair within a fold, one by one."""
    won = n = 0.0
    for i in range(len(event)):
        for j in range(len(event)):
            if fold[i] == fold[j] and event[i] and not event[j]:
                n += 1
                won += 1.0 if score[i] > score[j] else 0.5 if score[i] == score[j] else 0.0
    return won / n


def test_who_is_in(binary_run: tuple[SmallStudy, StudyResult]) -> None:
    cohort = binary_run[1].cohort
    assert cohort.n_patients == 115
    attrition = cohort.attrition
    assert attrition["step"].tolist() == ["population", "outcome known"]
    assert attrition["n_removed"].tolist() == [0, 5]


def test_the_numbers_are_those_of_the_definitions(
    binary_run: tuple[SmallStudy, StudyResult],
) -> None:
    result = binary_run[1]
    own, null = result.predictions["selected"], result.predictions["null"]
    event = result.cohort.patients.loc[own.patient_id.tolist(), "event"].to_numpy(bool)
    risk, none = 1 - own.survival[:, 0], 1 - null.survival[:, 0]
    [row] = [
        r for r in result.evaluation.at_horizons if (r["model"], r["group"]) == ("selected", "all")
    ]
    [rung] = [
        r for r in result.evaluation.ladder if (r["model"], r["group"]) == ("selected", "all")
    ]
    auc = slow_auc(event, own.risk_score, own.fold)
    assert rung["harrell_c"]["estimate"] == pytest.approx(auc, abs=1e-9)
    assert row["auc"]["estimate"] == pytest.approx(auc, abs=1e-9)
    assert auc > 0.6
    brier = ((event - risk) ** 2).mean()
    assert row["brier"]["estimate"] == pytest.approx(brier, abs=1e-9)
    skill = 1 - brier / ((event - none) ** 2).mean()
    assert rung["ipa"]["estimate"] == pytest.approx(skill, abs=1e-9)
    assert row["observed_expected"]["estimate"] == pytest.approx(event.sum() / risk.sum())
    assert rung["uno_c"] is None
    assert rung["ibs"] is None
    assert 0 < row["ici"]["estimate"] < 0.2
    for number in (rung["harrell_c"], row["calibration_slope"], row["ici"]):
        assert number["lower"] < number["estimate"] < number["upper"]


def test_the_size_of_the_sample_is_judged_for_a_logistic_model(
    binary_run: tuple[SmallStudy, StudyResult],
) -> None:
    result = binary_run[1]
    size = read_document(result.report.parent)["sample_size"]
    event = result.cohort.patients["event"].to_numpy(bool)
    needed = binary_sample_size(
        size["n_parameters"],
        r_squared=0.15 * largest_r_squared_of_binary(event.mean()),
        prevalence=event.mean(),
    )
    assert (size["n_patients"], size["n_events"]) == (len(event), event.sum())
    assert size["needed_patients"] == needed.n_patients
    assert size["sufficient"] == (len(event) >= needed.n_patients)
    page = result.report.read_text(encoding="utf-8")
    assert "asked for a logistic model with the" in page


def test_calibration_is_a_logistic_regression() -> None:
    """Intercept and slope as scikit-learn finds them without a penalty."""
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(2)
    x = rng.normal(size=400)
    event = rng.random(400) < 1 / (1 + np.exp(-(0.3 + 0.7 * x)))
    ones = np.ones((1, 400))
    found = fit_recalibration(
        event, ones[0], ones, straight(x), np.array([[0.0, 1.0]]), link=LOGIT
    )[0]
    theirs = LogisticRegression(C=np.inf, tol=1e-12, max_iter=1000).fit(x[:, None], event)
    np.testing.assert_allclose(found, [theirs.intercept_[0], theirs.coef_[0, 0]], atol=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_the_index_of_calibration_lies_in_its_interval(seed: int) -> None:
    """Limits are those of ``calibration`` with the same bootstraps, around the estimate."""
    rng = np.random.default_rng(seed)
    n_patients, fold, asked = 200, np.arange(200) % 4, {"n_bootstrap": 60, "seed": 3}
    x = rng.normal(-0.5, 1, n_patients)
    event = rng.random(n_patients) < LOGIT.risk(x)
    ids = np.array([f"p{each:03}" for each in range(n_patients)])
    patients = pd.DataFrame({"time": np.where(event, 1.0, 2.0), "event": event}, index=ids)
    survival = {"null": np.full(n_patients, 0.6), "clinical": 1 - LOGIT.risk(x)}
    predictions = {
        name: Predictions(name, ids, fold, -each, np.array([1.0]), each[:, None])
        for name, each in survival.items()
    }
    cohort = SimpleNamespace(patients=patients, time_unit=None)
    judged = evaluate(cohort, predictions, horizons=[1.0], judged="clinical", **asked)
    (row,) = (each for each in judged.at_horizons if each["model"] == "clinical")
    ici = row["ici"]
    assert 0 <= ici["lower"] < ici["estimate"] < ici["upper"]
    alone = calibration(
        patients["time"].to_numpy(),
        event,
        survival["clinical"],
        horizon=1.0,
        draws=bootstrap_weights(fold, **asked),
        link=LOGIT,
    ).error.ici
    np.testing.assert_allclose(list(ici.values()), alone, rtol=1e-5, atol=1e-9)


def said(folder: Path) -> str:
    """What a person reads on the page, drawings and published checklists left out."""
    page = (folder / "report.html").read_text(encoding="utf-8")
    page = re.sub(rf'<section[^>]*"{PUBLISHED}.*?</section>', "", page, flags=re.DOTALL)
    page = re.sub(r"<style.*?</style>|<script.*?</script>", "", page, flags=re.DOTALL)
    drawn = r'<svg.*?aria-label="([^"]*)".*?</svg>'
    return re.sub(r"<[^>]+>", "\n", re.sub(drawn, r"\1", page, flags=re.DOTALL))


def test_the_report_speaks_of_no_time(binary_run: tuple[SmallStudy, StudyResult]) -> None:
    folder = binary_run[1].report.parent
    text = said(folder)
    assert "AUC" in text
    assert "Clinical logistic model" in text
    found = {line.strip() for line in text.splitlines() if OF_TIMES.search(line)}
    # Titles of other outcomes and columns of the card are the card's own words.
    assert {line for line in found if "le Cessie" not in line} == set()


def test_its_numbers_hold_no_unit_of_time(binary_run: tuple[SmallStudy, StudyResult]) -> None:
    document = read_document(binary_run[1].report.parent)
    assert "time_unit" not in document["evaluation_settings"]
    assert "time_unit" not in document["outcome"]
    assert "horizons" not in document["study"]
    assert "follow_up" not in document
    assert document["contributions"]["target"] == "log_odds"
    claims = [claim["sentence"] for claim in document["claims"]]
    assert all("changed AUC by" in sentence for sentence in claims)
    assert not any(OF_TIMES.search(sentence) for sentence in [*claims, *document["notes"]])
    card = json.loads((binary_run[1].report.parent / "model_card.json").read_text("utf-8"))
    assert "probability of the event" in card["output"]


def test_new_patients_get_a_risk(binary_run: tuple[SmallStudy, StudyResult]) -> None:
    study, result = binary_run
    risks = predict(result.report.parent, wb.open_card(study.card))
    assert list(risks) == ["patient_id", "risk_score", "risk", "n_modalities"]
    assert risks["risk"].between(0, 1).all()
    kept = pd.read_parquet(result.report.parent / "predictions.parquet")
    assert {"risk_score", "risk"} <= set(kept)
    assert not [name for name in kept if name.startswith("survival")]


def test_a_run_compared_with_itself_differs_in_nothing(
    binary_run: tuple[SmallStudy, StudyResult], tmp_path: Path
) -> None:
    study, result = binary_run
    folder = result.report.parent
    comparison = compare_runs(folder, folder, card=str(study.card))
    assert {row["metric"] for row in comparison.numbers} == {"harrell_c", "ipa"}
    assert all(row["change"] in (0, None) for row in comparison.numbers)
    page = write_comparison(comparison, tmp_path / "compared").read_text(encoding="utf-8")
    assert "AUC" in page
    assert "Harrell" not in page


def test_a_finished_run_is_opened_again(binary_run: tuple[SmallStudy, StudyResult]) -> None:
    study, result = binary_run
    again = wb.run(wb.Study.from_file(study.study_file), result.report.parent)
    assert again.evaluation.ladder == result.evaluation.ladder
    assert list(again.attributions) == list(result.attributions)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"horizons": [365]}, "without a time: leave horizons out"),
        ({"models": ["null", "clinical", "stack", "fusion_net", "selected"]}, "fusion_net learns"),
    ],
)
def test_what_needs_times_is_refused(
    small_study: SmallStudy, change: dict[str, Any], message: str
) -> None:
    study = binary(small_study)
    study.study |= change
    study.save()
    asked = wb.Study.from_file(study.study_file)
    cohort = choose(asked, wb.open_card(study.card))
    with pytest.raises(StudyError, match=message):
        check(asked, cohort)


def test_a_time_needs_horizons(small_study: SmallStudy) -> None:
    del small_study.study["horizons"]
    small_study.save()
    asked = wb.Study.from_file(small_study.study_file)
    cohort = choose(asked, wb.open_card(small_study.card))
    with pytest.raises(StudyError, match="horizons is missing: os is a time"):
        check(asked, cohort)


def test_another_outcome_of_a_card_drops_its_horizons(small_study: SmallStudy) -> None:
    study = binary(small_study)
    card = wb.open_card(study.card)
    assert wb.Study.of_card(card, "early").horizons == ()
    assert wb.Study.of_card(card).horizons == (365, 1095)


def test_too_few_without_the_event_are_refused_before_training(small_study: SmallStudy) -> None:
    study = binary(small_study)
    study.edit("visits.csv", lambda t: t.assign(early=[0] * 12 + [1] * (len(t) - 12)))
    asked = wb.Study.from_file(study.study_file)
    cohort = choose(asked, wb.open_card(study.card))
    with pytest.raises(StudyError, match="patients without the event are left to train on"):
        check(asked, cohort)


def test_the_command_line_shows_who_is_in(
    small_study: SmallStudy, call: Callable[..., tuple[int, str, str]]
) -> None:
    study = binary(small_study)
    code, shown, _ = call("cohort", study.study_file)
    assert code == 0
    assert "known" in shown
    assert not OF_TIMES.search(shown)


def test_terms_hold_every_model_and_metric() -> None:
    assert not [words for words in STATES.models.values() if OF_TIMES.search(words)]
