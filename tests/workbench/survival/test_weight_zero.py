"""A patient of weight 0 is not there: neither counted nor followed."""

from dataclasses import fields

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from workbench.errors import SurvivalError
from workbench.survival import (
    cox,
    harrell_c_interval,
    kaplan_meier,
    martingale_residuals,
    nelson_aalen,
    parametric,
    rmst,
    rmst_comparison,
)

N_PATIENTS = 60


@pytest.fixture
def weighted():
    """Time, event, group, entry and weights; those of weight 0 are followed longest."""
    rng = np.random.default_rng(0)
    time, event = rng.exponential(5, N_PATIENTS) + 0.1, rng.random(N_PATIENTS) < 0.7
    weights = rng.choice([1.0, 2.0], N_PATIENTS)
    weights[time > np.quantile(time, 0.8)] = 0
    return time, event, np.arange(N_PATIENTS) % 2, 0.3 * time, weights


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("estimate", [kaplan_meier, nelson_aalen])
def test_curves_end_with_those_who_count(weighted, estimate, late):
    time, event, _, entry, weights = weighted
    kept = weights > 0
    found = estimate(time, event, entry=entry if late else None, weights=weights)
    alone = estimate(
        time[kept], event[kept], entry=entry[kept] if late else None, weights=weights[kept]
    )
    for field in fields(alone):
        assert_array_equal(getattr(found, field.name), getattr(alone, field.name))
    assert found.time[-1] == time[kept].max()


def test_survival_is_unknown_after_the_last_who_counts():
    time, event = np.array([1.0, 2.0, 9.0]), np.array([True, False, False])
    curve = kaplan_meier(time, event, weights=np.array([1.0, 1.0, 0.0]))
    assert curve.at(2.0) == 0.5
    assert np.isnan(curve.at(5.0))


def test_restricted_means_end_with_those_who_count(weighted):
    time, event, group, _, weights = weighted
    kept = weights > 0
    tau = 0.9 * min(time[kept & (group == each)].max() for each in (0, 1))
    found = rmst(time, event, tau=tau, weights=weights)
    assert found == rmst(time[kept], event[kept], tau=tau, weights=weights[kept])
    assert found.n_patients == kept.sum()
    both = rmst_comparison(time, event, group, tau=tau, weights=weights)
    alone = rmst_comparison(time[kept], event[kept], group[kept], tau=tau, weights=weights[kept])
    assert both.means == alone.means
    assert both.difference == alone.difference
    with pytest.raises(SurvivalError, match="within the follow-up"):
        rmst(time, event, tau=time.max(), weights=weights)
    with pytest.raises(SurvivalError, match="within the follow-up"):
        rmst_comparison(time, event, group, tau=time.max(), weights=weights)
    with pytest.raises(SurvivalError, match="between two groups, got 1"):
        rmst_comparison(time, event, group, tau=tau, weights=weights * (group == 0))


def test_a_group_that_weighs_nothing_is_no_group(weighted):
    time, event, group, _, weights = weighted
    third = np.where(weights > 0, group, 2)
    tau = 0.9 * min(time[third == each].max() for each in (0, 1))
    found = rmst_comparison(time, event, third, tau=tau, weights=weights)
    assert found.groups.tolist() == [0, 1]


@pytest.mark.parametrize("robust", [False, True])
def test_cox_counts_and_follows_those_who_count(weighted, robust):
    time, event, group, entry, weights = weighted
    kept, features = weights > 0, group[:, None].astype(float)
    stratum = np.where(weights > 0, np.arange(N_PATIENTS) % 3, 9)
    cluster = np.arange(N_PATIENTS) // 2 if robust else None
    found = cox(
        time, event, features, entry=entry, weights=weights, stratum=stratum, cluster=cluster
    )
    alone = cox(
        time[kept],
        event[kept],
        features[kept],
        entry=entry[kept],
        weights=weights[kept],
        stratum=stratum[kept],
        cluster=None if cluster is None else cluster[kept],
    )
    assert_allclose(found.covariance, alone.covariance)
    for name in ("n_rows", "n_events", "n_clusters"):
        assert getattr(found, name) == getattr(alone, name)
    assert found.n_events == event[kept].sum()
    assert_array_equal(found.level_counts, alone.level_counts)
    for one, other in zip(found.baseline, alone.baseline, strict=True):
        assert (one.stratum, one.last_time) == (other.stratum, other.last_time)
    assert_array_equal(martingale_residuals(found), martingale_residuals(alone))


def test_parametric_regressions_too(weighted):
    time, event, group, _, weights = weighted
    kept, features = weights > 0, group[:, None].astype(float)
    found = parametric(time, event, features, "weibull", weights=weights)
    alone = parametric(time[kept], event[kept], features[kept], "weibull", weights=weights[kept])
    assert_allclose(found.coefficients, alone.coefficients)
    assert (found.n_rows, found.n_events, found.last_time) == (
        kept.sum(),
        event[kept].sum(),
        time[kept].max(),
    )


def test_concordance_counts_those_in_its_pairs(weighted):
    time, event, _, _, weights = weighted
    kept, score = weights > 0, -time + np.sin(7 * time)
    found = harrell_c_interval(time, event, score, weights=weights)
    alone = harrell_c_interval(time[kept], event[kept], score[kept], weights=weights[kept])
    assert (found.n_patients, found.n_events) == (alone.n_patients, alone.n_events)
    assert_allclose(found.standard_error, alone.standard_error)
    assert found.influence.shape == time.shape
