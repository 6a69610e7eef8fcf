"""Adjusted curves: what weighting and averaging must recover, and what they refuse."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from workbench.errors import SurvivalError
from workbench.survival import (
    adjusted_kaplan_meier,
    g_computation,
    kaplan_meier,
    propensity_weights,
)
from workbench.survival.adjusted_curves import robust_curve


def confounded(n_patients, seed):
    """Group 1 is chosen for the frail; group itself does nothing: survival exp(-t x / 10)."""
    rng = np.random.default_rng(seed)
    frail = rng.random(n_patients) < 0.5
    propensity = np.where(frail, 0.8, 0.3)
    group = rng.random(n_patients) < propensity
    survived = rng.exponential(10 / np.where(frail, 2.0, 0.5))
    censored = rng.uniform(5, 25, n_patients)
    return np.minimum(survived, censored), survived <= censored, group, propensity


def truth(times):
    return (np.exp(-times * 0.2) + np.exp(-times * 0.05)) / 2


def test_weighting_recovers_the_survival_of_all_patients():
    times = np.array([2.0, 5, 10, 15])
    time, event, group, propensity = confounded(40_000, 1)
    found = adjusted_kaplan_meier(time, event, group, propensity)
    for label, curve in zip((False, True), found.curves, strict=True):
        assert_allclose(curve.at(times), truth(times), atol=0.015)
        plain = kaplan_meier(time[group == label], event[group == label]).at(times)
        assert (np.abs(plain - truth(times)) > 0.03).all()


def test_robust_limits_cover_as_often_as_they_say():
    covered = []
    for seed in range(300):
        found = adjusted_kaplan_meier(*confounded(200, seed))
        lower, upper = zip(*(curve.limits_at(5.0) for curve in found.curves), strict=True)
        covered.append((np.array(lower) <= truth(5.0)) & (truth(5.0) <= np.array(upper)))
    assert 0.91 <= np.mean(covered) <= 0.99


def influence_by_definition(time, event, entry, weights, at, step=1e-6):
    """Survival's derivative by each patient's weight, by differences; squares summed."""

    def survival(weights):
        return float(kaplan_meier(time, event, entry=entry, weights=weights).at(at))

    change = [
        (survival(weights + step * unit) - survival(weights - step * unit)) / (2 * step)
        for unit in np.eye(len(time))
    ]
    return np.sqrt(np.sum((weights * np.array(change)) ** 2))


@pytest.mark.parametrize("late", [True, False])
def test_robust_errors_are_sums_of_influences(late):
    rng = np.random.default_rng(4)
    time = np.ceil(rng.exponential(6, 40))
    event, weights = rng.random(40) < 0.7, rng.uniform(0.5, 3, 40)
    entry = np.where(rng.random(40) < 0.5, 0, np.floor(time * rng.uniform(0, 0.99, 40)))
    entry = np.minimum(entry, time - 0.5) if late else None
    curve = robust_curve(time, event, entry, weights, 0.95, "log")
    for at in (1.0, 3.0, 6.0):
        expected = influence_by_definition(time, event, entry, weights, at)
        assert_allclose(curve.standard_error_at(at), expected, rtol=1e-6)


def test_stabilising_changes_counts_and_no_curve():
    time, event, group, propensity = confounded(300, 2)
    one = adjusted_kaplan_meier(time, event, group, propensity)
    other = adjusted_kaplan_meier(time, event, group, propensity, stabilised=False)
    for a, b in zip(one.curves, other.curves, strict=True):
        assert_allclose(a.survival, b.survival, rtol=1e-10)
        assert_allclose(a.lower, b.lower, rtol=1e-10)
    assert_allclose(one.effective_n, other.effective_n)
    assert_allclose(one.weights.sum(), 300, rtol=0.1)
    assert (one.effective_n < one.n_patients).all()


def test_a_table_of_propensities_equals_that_of_the_second_group():
    _, _, group, propensity = confounded(50, 3)
    table = np.column_stack([1 - propensity, propensity])
    assert_allclose(propensity_weights(group, table), propensity_weights(group, propensity))
    three = np.tile([0.5, 0.3, 0.2], (3, 1))
    weights = propensity_weights(np.array(["a", "b", "c"]), three, stabilised=False)
    assert_allclose(weights, [2, 1 / 0.3, 5])


def test_standardised_curves_have_percentile_limits():
    rng = np.random.default_rng(6)
    predicted = {g: rng.uniform(0.2, 0.9, (30, 2)) for g in ("a", "b")}
    replicates = {g: rng.uniform(0.4, 0.6, (200, 2)) for g in ("a", "b")}
    found = g_computation(predicted, horizons=[1, 2], replicates=replicates, confidence=0.9)
    assert_allclose(found.survival[1], predicted["b"].mean(0))
    assert_allclose(found.lower[0], np.percentile(replicates["a"], 5, axis=0))
    assert_allclose(found.upper[0], np.percentile(replicates["a"], 95, axis=0))
    assert np.isnan(g_computation(predicted, horizons=[1, 2]).lower).all()


GROUP = np.array([0, 1, 0, 1])
TIME = np.array([1.0, 2, 3, 4])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: propensity_weights(GROUP, np.array([0, 0.5, 0.5, 1])), "got 2 patients of whom"),
        (lambda: propensity_weights(GROUP, np.full((4, 2), 0.4)), "sum to 1 .* got 4 patients"),
        (lambda: propensity_weights(GROUP, np.full(3, 0.4)), r"must have shape \(4,\)"),
        (lambda: propensity_weights(np.arange(4), np.full(4, 0.4)), r"must have shape \(4, 4\)"),
        (
            lambda: adjusted_kaplan_meier(TIME, TIME > 0, np.zeros(4), np.full(4, 0.5)),
            "two or more groups, got 1",
        ),
        (lambda: g_computation({}, horizons=[1]), "one group at least"),
        (
            lambda: g_computation({"a": np.full((4, 1), 1.5)}, horizons=[1]),
            r"survival must lie in \[0, 1\], got 4",
        ),
        (
            lambda: g_computation(
                {"a": np.full((4, 1), 0.5)}, horizons=[1], replicates={"b": np.full((9, 1), 0.5)}
            ),
            "replicates must have the labels",
        ),
        (
            lambda: g_computation({"a": np.full((4, 1), 0.5)}, horizons=[1], confidence=0),
            "confidence must lie between",
        ),
    ],
)
def test_what_adjusted_curves_refuse(call, message):
    with pytest.raises(SurvivalError, match=message):
        call()
