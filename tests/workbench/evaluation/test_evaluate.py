"""From predictions to numbers: equal to the plain functions, true on a known cohort, honest."""

import json
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.stats import norm

from workbench.errors import SurvivalError
from workbench.evaluation import discrimination, evaluate
from workbench.evaluation.accuracy import brier_draws, calibration_draws, integrated_brier_draws
from workbench.evaluation.alignment import align
from workbench.evaluation.discrimination import auc_sums, harrell_sums, uno_sums
from workbench.survival import (
    brier_score,
    calibration,
    censoring_curve,
    dynamic_auc,
    harrell_c,
    integrated_brier_score,
    uno_c,
)

HORIZONS = [5.0, 15.0]


@pytest.fixture(scope="module")
def groups(cohort):
    high = cohort.clinical > 0
    return {"high": high, "low": ~high, "first": np.arange(len(high)) < 150}


@pytest.fixture(scope="module")
def evaluation(cohort, groups):
    return evaluate(cohort, cohort.ladder(), horizons=HORIZONS, groups=groups, n_bootstrap=200)


def row_of(rows, model, group="all", **place):
    wanted = {"model": model, "group": group, **place}
    [found] = [row for row in rows if all(row[key] == value for key, value in wanted.items())]
    return found


# ---- equal to the plain functions ---------------------------------------------------------------


def test_estimates_equal_the_plain_functions(cohort, groups, evaluation):
    time, event = cohort.patients["time"].to_numpy(), cohort.patients["event"].to_numpy()
    stratum = np.where(groups["high"], 0, 1)
    score, fold = cohort.log_hazard, cohort.fold
    ladder = cohort.ladder()
    row = row_of(evaluation.ladder, "selected")
    selected, null = ladder["selected"], ladder["null"]
    grid = selected.horizons <= 15
    briers = [
        brier_score(time, event, each.at(15.0), horizons=[15.0], stratum=stratum)[0]
        for each in (selected, null)
    ]
    integrated = integrated_brier_score(
        time,
        event,
        selected.survival[:, grid],
        horizons=selected.horizons[grid],
        stratum=stratum,
    )
    each_fold = [harrell_c(time[fold == f], event[fold == f], score[fold == f]) for f in range(4)]
    expected = {
        "harrell_c": harrell_c(time, event, score, fold=fold),
        "harrell_c_fold_mean": np.mean(each_fold),
        "uno_c": uno_c(time, event, score, tau=15, fold=fold, stratum=stratum),
        "ibs": integrated,
        "ipa": 1 - briers[0] / briers[1],
    }
    assert row["tau"] == 15
    for name, value in expected.items():
        assert_allclose(row[name]["estimate"], value, rtol=1e-9, err_msg=name)

    at_5 = row_of(evaluation.at_horizons, "selected", horizon=5)
    plain = calibration(time, event, selected.at(5.0), horizon=5, stratum=stratum)
    auc = dynamic_auc(time, event, score, horizons=[5.0], fold=fold, stratum=stratum)
    assert_allclose(at_5["auc"]["estimate"], auc[0], rtol=1e-9)
    assert_allclose(at_5["calibration_intercept"]["estimate"], plain.intercept, rtol=1e-6)
    assert_allclose(at_5["calibration_slope"]["estimate"], plain.slope, rtol=1e-6)
    assert_allclose(at_5["observed_expected"]["estimate"], plain.observed_expected, rtol=1e-9)
    curve = row_of(evaluation.calibration_curves, "selected", horizon=5)
    assert_allclose(curve["observed"], plain.curve.observed, rtol=1e-6)
    assert_allclose([b["observed"] for b in curve["bins"]], [b.observed for b in plain.bins])


def test_many_patients_are_counted_and_few_multiplied_to_the_same(cohort, groups, monkeypatch):
    """Above LARGEST_MATRIX no pair matrix is built; the sums of every draw stay the same."""
    aligned = align(
        cohort, cohort.ladder(), horizons=HORIZONS, groups=groups, n_bootstrap=7, seed=5
    )
    statistics = (
        lambda: harrell_sums(aligned, "first"),
        lambda: uno_sums(aligned, "all", 15.0),
        lambda: auc_sums(aligned, "all", 5.0),
    )
    multiplied = [statistic() for statistic in statistics]
    monkeypatch.setattr(discrimination, "LARGEST_MATRIX", 0)
    monkeypatch.setattr(discrimination, "BATCH", 300)  # a few draws at once, the last batch short
    monkeypatch.setattr(discrimination.Pairs, "matrix", None)
    for statistic, expected in zip(statistics, multiplied, strict=True):
        counted = statistic()
        assert_allclose(counted.comparable, expected.comparable, rtol=1e-12)
        for model in expected.concordant:
            assert_allclose(counted.concordant[model], expected.concordant[model], rtol=1e-12)


def test_each_bootstrap_equals_its_patients_written_out(cohort, groups):
    """The products of counts and pair matrices are the statistic of the resampled patients."""
    ladder = cohort.ladder()
    aligned = align(cohort, ladder, horizons=HORIZONS, groups=groups, n_bootstrap=4, seed=5)
    selected = ladder["selected"]
    group, weighting = groups["first"], {"censoring": aligned.censoring}
    sums = {
        "harrell": harrell_sums(aligned, "first"),
        "uno": uno_sums(aligned, "first", 15.0),
        "auc": auc_sums(aligned, "first", 5.0),
    }
    brier = brier_draws(aligned, "first", selected, 5.0)
    integrated = integrated_brier_draws(aligned, "first", selected, 15.0)
    calibrated = calibration_draws(aligned, "first", selected, 5.0)
    grid = selected.horizons <= 15
    for draw in range(5):
        index = np.repeat(np.arange(400), (aligned.draws[draw] * group).astype(int))
        outcome = aligned.time[index], aligned.event[index]
        score, fold = selected.risk_score[index], aligned.fold[index]
        strata = {**weighting, "stratum": aligned.stratum[index]}
        assert_allclose(
            [sums[name].pooled("selected")[draw] for name in ("harrell", "uno", "auc")],
            [
                harrell_c(*outcome, score, fold=fold),
                uno_c(*outcome, score, tau=15, fold=fold, **strata),
                dynamic_auc(*outcome, score, horizons=[5.0], fold=fold, **strata)[0],
            ],
        )
        plain = calibration(*outcome, selected.at(5.0)[index], horizon=5, **strata)
        assert_allclose(
            [
                brier[draw],
                integrated[draw],
                calibrated.observed_expected[draw],
                calibrated.intercept[draw],
                calibrated.slope[draw],
            ],
            [
                brier_score(*outcome, selected.at(5.0)[index], horizons=[5.0], **strata)[0],
                integrated_brier_score(
                    *outcome,
                    selected.survival[np.ix_(index, grid)],
                    horizons=selected.horizons[grid],
                    **strata,
                ),
                plain.observed_expected,
                plain.intercept,
                plain.slope,
            ],
            rtol=1e-6,
        )


# ---- true on a known cohort ---------------------------------------------------------------------


def test_the_true_model_has_the_concordance_it_must_have(make_cohort):
    """Of two exponential patients the one of hazard a dies first with chance a / (a + b)."""
    spread = np.sqrt(2 * (0.7**2 + 0.7**2))  # of the difference of two log hazards
    known, _ = quad(lambda d: 2 * norm.pdf(d, 0, spread) / (1 + np.exp(-d)), 0, 12)
    cohort = make_cohort(n_patients=1500, seed=4, censored=np.inf)
    row = row_of(
        evaluate(cohort, cohort.ladder(), horizons=[5.0], n_bootstrap=100).ladder, "selected"
    )
    assert row["harrell_c"]["lower"] < known < row["harrell_c"]["upper"]
    assert_allclose(row["harrell_c"]["estimate"], known, atol=0.015)


def test_the_true_model_is_calibrated_and_half_of_it_is_not_too_bold(make_cohort):
    cohort = make_cohort(n_patients=3000, seed=8)
    ladder = cohort.ladder() | {"bold": cohort.predictions("bold", 2 * cohort.log_hazard)}
    rows = evaluate(cohort, ladder, horizons=HORIZONS, n_bootstrap=100).at_horizons
    for horizon in HORIZONS:
        true = row_of(rows, "selected", horizon=horizon)
        assert_allclose(true["calibration_slope"]["estimate"], 1, atol=0.1)
        assert_allclose(true["calibration_intercept"]["estimate"], 0, atol=0.1)
        assert_allclose(true["observed_expected"]["estimate"], 1, atol=0.05)
        bold = row_of(rows, "bold", horizon=horizon)
        assert_allclose(bold["calibration_slope"]["estimate"], 0.5, atol=0.07)
        assert bold["calibration_slope"]["upper"] < 0.65


def test_the_null_is_the_zero_of_every_scale(evaluation):
    row = row_of(evaluation.ladder, "null")
    assert row["harrell_c"] == row["uno_c"] == {"estimate": 0.5, "lower": 0.5, "upper": 0.5}
    assert row["ipa"] == {"estimate": 0, "lower": 0, "upper": 0}
    assert row["delta_harrell_c"] is None
    at_5 = row_of(evaluation.at_horizons, "null", horizon=5)
    assert at_5["calibration_slope"] is None
    assert_allclose(at_5["observed_expected"]["estimate"], 1, atol=0.05)


def test_shuffled_outcomes_have_no_concordance(make_cohort):
    found = []
    for seed in range(20):
        cohort = make_cohort(n_patients=200, seed=seed)
        order = np.random.default_rng(seed).permutation(200)
        shuffled = cohort.patients.iloc[order].set_axis(cohort.patients.index)
        ladder = cohort.ladder()
        evaluated = evaluate(
            replace(cohort, patients=shuffled), ladder, horizons=[5.0], n_bootstrap=1
        )
        found.append(row_of(evaluated.ladder, "selected")["harrell_c"]["estimate"])
    assert_allclose(np.mean(found), 0.5, atol=0.02)


def test_a_gap_between_groups_is_no_skill_within_them(make_cohort):
    """A model that knows only the group has pooled C well above .5 and .5 within each."""
    cohort = make_cohort(n_patients=400, seed=2)
    high = cohort.clinical > 0
    ladder = cohort.ladder() | {
        "selected": cohort.predictions("selected", np.where(high, 0.6, -0.6))
    }
    rows = evaluate(
        cohort, ladder, horizons=[5.0], groups={"high": high, "low": ~high}, n_bootstrap=20
    ).ladder
    assert row_of(rows, "selected")["harrell_c"]["estimate"] > 0.58
    for group in ("high", "low"):
        assert row_of(rows, "selected", group)["harrell_c"]["estimate"] == 0.5


# ---- planted faults -----------------------------------------------------------------------------


def test_scores_shifted_by_fold_change_no_concordance(cohort, evaluation, groups):
    shifted = {
        name: replace(each, risk_score=each.risk_score + 10.0 * each.fold)
        for name, each in cohort.ladder().items()
    }
    again = evaluate(cohort, shifted, horizons=HORIZONS, groups=groups, n_bootstrap=200)
    assert again.ladder == evaluation.ladder
    assert again.claims == evaluation.claims
    assert again.risk_groups == evaluation.risk_groups


def test_the_order_of_predictions_does_not_matter(cohort, evaluation, groups):
    order = np.random.default_rng(0).permutation(400)
    shuffled = {name: each.take(order) for name, each in cohort.ladder().items()}
    again = evaluate(cohort, shuffled, horizons=HORIZONS, groups=groups, n_bootstrap=200)
    assert again == evaluation


def test_a_seed_gives_the_same_evaluation_and_another_other_intervals(cohort, evaluation, groups):
    ladder = cohort.ladder()
    same = evaluate(cohort, ladder, horizons=HORIZONS, groups=groups, n_bootstrap=200)
    assert json.dumps(same.to_json()) == json.dumps(evaluation.to_json())
    other = evaluate(cohort, ladder, horizons=HORIZONS, groups=groups, n_bootstrap=200, seed=1)
    ours, theirs = (row_of(each.ladder, "selected")["harrell_c"] for each in (evaluation, other))
    assert ours["estimate"] == theirs["estimate"]
    assert ours["lower"] != theirs["lower"]


def test_everything_is_json_without_nan(evaluation):
    text = json.dumps(evaluation.to_json(), allow_nan=False)
    assert json.loads(text)["settings"]["n_bootstrap"] == 200


def test_the_table_is_the_ladder(evaluation):
    table = evaluation.table
    assert list(table["group"].unique()) == ["all", "high", "low", "first"]
    assert len(table) == 3 * 4
    row = row_of(evaluation.ladder, "selected", "low")
    found = table[(table["model"] == "selected") & (table["group"] == "low")].iloc[0]
    assert found["ipa_lower"] == row["ipa"]["lower"]
    assert found["n_events"] == row["n_events"]


# ---- censoring, horizons, groups ----------------------------------------------------------------


def test_groups_that_hold_everyone_once_stratify_the_censoring_curve(cohort, evaluation, groups):
    assert evaluation.settings["censoring_strata"] == ["high", "low"]
    overlapping = {"high": groups["high"], "first": groups["first"]}
    loose = evaluate(cohort, cohort.ladder(), horizons=[5.0], groups=overlapping, n_bootstrap=5)
    assert loose.settings["censoring_strata"] == []
    time, event = cohort.patients["time"].to_numpy(), cohort.patients["event"].to_numpy()
    expected = uno_c(
        time,
        event,
        cohort.log_hazard,
        tau=5,
        fold=cohort.fold,
        censoring=censoring_curve(time, event),
    )
    assert_allclose(row_of(loose.ladder, "selected")["uno_c"]["estimate"], expected)


def test_a_horizon_that_few_reach_is_refused_in_that_group(cohort):
    short = cohort.patients["time"].to_numpy() < 15
    kept = short | (np.cumsum(~short) <= 9)
    evaluation = evaluate(
        cohort, cohort.ladder(), horizons=HORIZONS, groups={"short": kept}, n_bootstrap=20
    )
    row = row_of(evaluation.at_horizons, "selected", "short", horizon=15)
    assert row["n_at_risk"] == 9
    assert row["refused"] == "9 at risk at 15 months; at least 10 are needed"
    assert row["brier"] is row["auc"] is row["calibration_slope"] is None
    assert row_of(evaluation.ladder, "selected", "short")["tau"] == 5
    assert row_of(evaluation.at_horizons, "selected", horizon=15)["refused"] is None
    assert any("9 patients are at risk at 15 months." in note for note in evaluation.notes)
    places = {(c["group"], c["horizon"]) for c in evaluation.calibration_curves}
    assert places == {("all", 5), ("all", 15), ("short", 5)}


def test_follow_up_that_ends_at_the_horizon_for_all_is_judged_by_every_patient(make_cohort):
    cohort = make_cohort(censored=np.inf)
    ladder, patients = cohort.ladder(), cohort.patients
    patients["event"] &= patients["time"] <= 15
    patients["time"] = patients["time"].clip(upper=15)
    happened, end = patients["event"].to_numpy(), 15.0
    evaluation = evaluate(cohort, ladder, horizons=HORIZONS, groups={}, n_bootstrap=20)
    row = row_of(evaluation.at_horizons, "selected", horizon=end)
    error, null = (
        ((~happened - ladder[name].at(end)) ** 2).mean() for name in ("selected", "null")
    )
    assert_allclose(row["brier"]["estimate"], error)
    assert_allclose(row["ipa"]["estimate"], 1 - error / null)
    observed = happened.mean() / (1 - ladder["selected"].at(end)).mean()
    assert_allclose(row["observed_expected"]["estimate"], observed)
    assert row["auc"]["estimate"] > 0.5


def test_a_group_that_no_horizon_suits_keeps_its_concordance_only(cohort):
    early = cohort.patients["time"].to_numpy() < 4
    evaluation = evaluate(
        cohort, cohort.ladder(), horizons=HORIZONS, groups={"early": early}, n_bootstrap=20
    )
    row = row_of(evaluation.ladder, "selected", "early")
    assert row["tau"] is row["uno_c"] is row["ibs"] is row["ipa"] is row["delta_ipa"] is None
    assert row["harrell_c"]["estimate"] > 0.5
    claim = row_of(evaluation.claims, "selected", "early")
    assert claim["sentence"].endswith("ΔIPA is not estimable.")
    assert any("early: fewer than 10 patients at risk" in note for note in evaluation.notes)


def test_a_fold_without_events_raises_overall_and_is_noted_in_a_group(cohort):
    patients = cohort.patients.copy()
    patients.loc[cohort.fold == 2, "event"] = False
    with pytest.raises(SurvivalError, match="undefined in fold 2: 100 patients with 0 events"):
        evaluate(replace(cohort, patients=patients), cohort.ladder(), horizons=[5.0])

    some = cohort.fold != 2
    evaluation = evaluate(
        cohort, cohort.ladder(), horizons=[5.0], groups={"some": some}, n_bootstrap=20
    )
    row = row_of(evaluation.ladder, "selected", "some")
    assert row["harrell_c_fold_mean"] is None
    assert row["harrell_c"]["estimate"] > 0.6
    assert any("no comparable pair in folds 2" in note for note in evaluation.notes)


def test_an_empty_group_has_no_numbers(cohort):
    nobody = np.zeros(400, dtype=bool)
    evaluation = evaluate(
        cohort, cohort.ladder(), horizons=[5.0], groups={"nobody": nobody}, n_bootstrap=5
    )
    row = row_of(evaluation.ladder, "selected", "nobody")
    assert (row["n"], row["n_events"], row["harrell_c"]) == (0, 0, None)
    assert row_of(evaluation.claims, "selected", "nobody")["verdict"] == "not estimable"


# ---- refusals -----------------------------------------------------------------------------------


def dropped(name):
    return lambda ladder: {key: each for key, each in ladder.items() if key != name}


def changed(**changes):
    return lambda ladder: ladder | {"selected": replace(ladder["selected"], **changes)}


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        (dropped("null"), {}, "got none named null"),
        (dropped("clinical"), {}, "got none named clinical"),
        (dropped("selected"), {}, "got none named selected"),
        (dict, {"markers": "known"}, "got none named known"),
        (dict, {"horizons": [5.0, 99.0]}, "got none at 99"),
        (dict, {"horizons": [15.0, 5.0]}, "ascending"),
        (dict, {"groups": {"all": np.ones(400, dtype=bool)}}, "another name"),
        (dict, {"groups": {"g": np.ones(400)}}, "group g must be one boolean a patient"),
        (dict, {"groups": {"g": np.ones(3, dtype=bool)}}, r"shape \(3,\)"),
        (changed(fold=np.zeros(400, dtype=int)), {}, "stand in another fold"),
        (
            changed(patient_id=np.array([f"other-{i}" for i in range(400)])),
            {},
            "400 patients without one",
        ),
        (changed(patient_id=np.array(["same"] * 400)), {}, "got 399 repeats"),
        (
            lambda ladder: ladder | {"selected": ladder["selected"].take(np.arange(399))},
            {},
            "399 predictions and 1 patients without one",
        ),
    ],
)
def test_what_cannot_be_judged_is_refused(cohort, change, arguments, message):
    arguments = {"horizons": [5.0], "n_bootstrap": 2} | arguments
    with pytest.raises(SurvivalError, match=message):
        evaluate(cohort, change(cohort.ladder()), **arguments)
