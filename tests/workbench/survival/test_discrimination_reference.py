"""Discrimination and accuracy as R reports them (tests/reference/discrimination)."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from workbench.survival import (
    antolini_c,
    antolini_c_interval,
    brier_score,
    brier_score_interval,
    compare_at_horizons,
    compare_concordance,
    dynamic_auc,
    dynamic_auc_interval,
    harrell_c,
    harrell_c_interval,
    index_of_prediction_accuracy,
    uno_c,
    uno_c_interval,
)

FOLDER = Path(__file__).parents[2] / "reference" / "discrimination"
REFERENCE = pd.read_csv(FOLDER / "reference.csv", dtype={"at": str}).set_index(["name", "at"])
TABLES = pd.read_csv(FOLDER / "tables.csv", dtype={"event_is": str}).set_index("table")
MODELS = pd.read_csv(FOLDER / "models.csv", dtype={"event_is": str}).set_index("table")
HORIZONS = np.array([1.5, 4.5, 8.5, 14.5])
ROLES = ("entry", "score", "other", "stratum", "weight", "cluster")


def in_r(name):
    """R's values of a name in the order it wrote them."""
    found = REFERENCE.loc[name, "value"].to_numpy()
    assert len(found), f"discrimination.R wrote nothing named {name}"
    return found


def simulated():
    table = pd.read_csv(FOLDER / "inputs.csv").rename(columns={"risk_score": "score"})
    return table.assign(event=table["event"] == 1)


def prepared(raw, name):
    """A public table's patients as discrimination.R takes them."""
    spec = TABLES.loc[name]
    table = pd.DataFrame(
        {"time": raw[spec["time"]], "event": raw[spec["event"]].astype(str) == spec["event_is"]}
    )
    for role in ROLES:
        if isinstance(spec[role], str):
            table[role] = raw[spec[role]]
    table = table.dropna().assign(**({} if "weight" in table else {"weight": 1.0}))
    return table[table["entry"] < table["time"]] if "entry" in table else table


def columns(table):
    return SimpleNamespace(**{name: table[name].to_numpy() for name in table})


def values(found):
    return found.estimate, found.standard_error


def check_harrell(of, name):
    outcome, entry = (of.time, of.event), getattr(of, "entry", None)
    assert (len(of.time), of.event.sum()) == tuple(in_r(f"{name}:n"))
    for variant, given in {
        "harrell": {},
        "harrell_stratified": {"stratum": of.stratum},
        "harrell_weighted": {"weights": of.weight},
    }.items():
        found = harrell_c_interval(*outcome, of.score, entry=entry, **given)
        assert_allclose(values(found), in_r(f"{name}:{variant}"), rtol=1e-9)
        alone = harrell_c(*outcome, of.score, entry=entry, **given)
        assert_allclose(alone, found.estimate, rtol=1e-12)
    clustered = harrell_c_interval(*outcome, of.score, entry=entry, cluster=of.cluster)
    assert_allclose(values(clustered), in_r(f"{name}:harrell_clustered"), rtol=1e-9)
    first, second = (harrell_c_interval(*outcome, s, entry=entry) for s in (of.score, of.other))
    difference = values(compare_concordance(first, second))
    assert_allclose(difference, in_r(f"{name}:harrell_difference"), rtol=1e-9, atol=1e-14)


def check_uno(of, name, tau):
    outcome = of.time, of.event
    first, second = (uno_c_interval(*outcome, s, tau=tau) for s in (of.score, of.other))
    assert_allclose(values(first), in_r(f"{name}:uno"), rtol=1e-9)
    assert_allclose(uno_c(*outcome, of.score, tau=tau), first.estimate, rtol=1e-12)
    clustered = uno_c_interval(*outcome, of.score, tau=tau, cluster=of.cluster)
    assert_allclose(values(clustered), in_r(f"{name}:uno_clustered"), rtol=1e-9)
    difference = values(compare_concordance(first, second))
    assert_allclose(difference, in_r(f"{name}:uno_difference"), rtol=1e-9, atol=1e-14)


def check_scores(time, event, risks, horizons, name):
    """AUC, Brier score and IPA of two models, and the differences of the second from the first."""
    auc, brier = {}, {}
    for model, risk in risks.items():
        brier[model] = brier_score_interval(time, event, 1 - risk, horizons=horizons)
        assert_allclose(brier[model].estimate, in_r(f"{name}:{model}:brier"), rtol=1e-9)
        assert_allclose(brier[model].standard_error, in_r(f"{name}:{model}:brier:se"), rtol=1e-9)
        ipa = index_of_prediction_accuracy(time, event, 1 - risk, horizons=horizons)
        assert_allclose(ipa.estimate, in_r(f"{name}:{model}:ipa"), rtol=1e-9)
        scores = brier_score(time, event, 1 - risk, horizons=horizons)
        assert_allclose(scores, brier[model].estimate, rtol=1e-12)
        auc[model] = [
            dynamic_auc_interval(time, event, own, horizons=[h])
            for own, h in zip(risk.T, horizons, strict=True)
        ]
        found = np.array([values(each) for each in auc[model]])[..., 0].T
        assert_allclose(found[0], in_r(f"{name}:{model}:auc"), rtol=1e-9)
        assert_allclose(found[1], in_r(f"{name}:{model}:auc:se"), rtol=1e-9)
        alone = dynamic_auc(time, event, risk[:, 0], horizons=horizons[:1])
        assert_allclose(alone, found[0, :1], rtol=1e-12)
    of_brier = compare_at_horizons(brier["small"], brier["full"])
    assert_allclose(of_brier.estimate, in_r(f"{name}:difference:brier"), rtol=1e-8)
    assert_allclose(of_brier.standard_error, in_r(f"{name}:difference:brier:se"), rtol=1e-8)
    of_auc = [compare_at_horizons(*pair) for pair in zip(auc["small"], auc["full"], strict=True)]
    assert_allclose(
        [each.estimate[0] for each in of_auc], in_r(f"{name}:difference:auc"), rtol=1e-8
    )
    assert_allclose(
        [each.standard_error[0] for each in of_auc], in_r(f"{name}:difference:auc:se"), rtol=1e-8
    )


def test_concordance_of_simulated_patients():
    table = simulated()
    check_harrell(columns(table.drop(columns="entry")), "simulated")
    check_harrell(columns(table), "late_entry")
    check_uno(columns(table), "simulated", tau=20.5)


def test_scores_of_simulated_patients_with_ties():
    table = simulated()
    horizons = HORIZONS[1:]
    risks = {
        "full": 1 - table[[f"survival_{h:g}" for h in horizons]].to_numpy(),
        "small": 1 - np.exp(-np.outer(np.exp(0.7 * table["other"]), horizons / 15)),
    }
    of = columns(table)
    check_scores(of.time, of.event, risks, horizons, "simulated")


def test_antolini_equals_concordance_with_a_score_that_changes():
    table = simulated()
    survival = table[[f"survival_{h:g}" for h in HORIZONS]].to_numpy()
    given = table["time"].to_numpy(), table["event"].to_numpy(), survival
    found = antolini_c_interval(*given, horizons=HORIZONS)
    assert_allclose(values(found), in_r("simulated:antolini"), rtol=1e-9)
    assert_allclose(antolini_c(*given, horizons=HORIZONS), found.estimate, rtol=1e-12)


@pytest.mark.shared_data
@pytest.mark.parametrize("name", TABLES.index)
def test_concordance_of_public_tables(public_table, name):
    of = columns(prepared(public_table(name), name))
    check_harrell(of, name)
    if not hasattr(of, "entry"):
        check_uno(of, name, TABLES.loc[name, "tau"])


@pytest.mark.shared_data
@pytest.mark.parametrize("name", MODELS.index)
def test_scores_of_cox_models_on_public_tables(public_table, name):
    spec = MODELS.loc[name]
    raw = public_table(name)
    used = raw[spec["full"].split("+")]
    raw = raw[used.notna().all(axis=1) & raw[spec["time"]].notna()]
    time, event = (
        raw[spec["time"]].to_numpy(float),
        (raw[spec["event"]].astype(str) == spec["event_is"]).to_numpy(),
    )
    risks = {}
    for model in ("full", "small"):
        linear = raw[spec[model].split("+")].to_numpy(float) @ in_r(
            f"model:{name}:{model}:coefficient"
        )
        hazard = in_r(f"model:{name}:{model}:hazard")
        risks[model] = 1 - np.exp(-np.outer(np.exp(linear), hazard))
    horizons = spec[["horizon_1", "horizon_2", "horizon_3"]].to_numpy(float)
    check_scores(time, event, risks, horizons, f"model:{name}")
