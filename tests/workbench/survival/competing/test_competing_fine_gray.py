"""Fine-Gray: R's cmprsk::crr, the definition written out, invariances, refusals."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from workbench.errors import SurvivalError
from workbench.survival import fine_gray

NAMES = ["x1", "x2", "x3"]


def assert_equals_r(model, r_value, name, features, rtol=1e-6):
    """To 1e-6; coefficients near 0 to a millionth of their error, as near as crr converges."""
    nearly = 1e-6 * model.standard_error.min()
    assert_allclose(model.coefficients, r_value(f"{name}:coefficient"), rtol=rtol, atol=nearly)
    likelihoods = model.log_likelihood_null, model.log_likelihood
    assert_allclose(likelihoods, r_value(f"{name}:log_likelihood"), rtol=1e-10)
    for label, quantile in (("low", 0.25), ("high", 0.75)):
        expected = r_value(f"{name}:predicted_{label}")
        asked = np.quantile(features, quantile, axis=0, method="inverted_cdf")[None]
        found = model.predict(asked, expected.index.to_numpy())[0]
        assert_allclose(found, expected, rtol=rtol)


@pytest.mark.parametrize("cause", [1, 2])
@pytest.mark.parametrize("times", ["tied", "untied"])
def test_equals_r(patients, r_value, times, cause):
    features = patients[NAMES].to_numpy()
    time = patients["untied" if times == "untied" else "time"].to_numpy()
    model = fine_gray(time, patients["cause"].to_numpy(), features, of=cause)
    assert_equals_r(model, r_value, f"{times}_{cause}", features)
    expected = r_value(f"{times}_{cause}:variance")
    assert_allclose(model.covariance.ravel(), expected, rtol=1e-6)


@pytest.mark.parametrize(("name", "longest"), [("stratified", 40), ("short_stratum", 12)])
def test_equals_r_with_strata_of_the_censoring(patients, r_value, name, longest):
    """All but the variance, in which crr lets each stratum's curve weigh the others' patients."""
    kept = patients[(patients["stratum"] == 0) | (patients["time"] <= longest)]
    features = kept[NAMES].to_numpy()
    outcome = kept["time"].to_numpy(), kept["cause"].to_numpy()
    model = fine_gray(*outcome, features, stratum=kept["stratum"].to_numpy())
    assert_equals_r(model, r_value, name, features)


@pytest.mark.shared_data
@pytest.mark.parametrize(
    "name", ["mgus2", "pbc", "transplant", "colon", "rotterdam", "myeloid", "flchain"]
)
def test_equals_r_on_public_tables(competing_table, r_value, name):
    table = competing_table(name)
    known = ~np.isnan(table.features).any(1)
    features = table.features[known]
    model = fine_gray(table.time[known], table.cause[known], features)
    assert_equals_r(model, r_value, name, features)
    assert_allclose(model.covariance.ravel(), r_value(f"{name}:variance"), rtol=1e-6)


def by_definition(time, cause, features, code, coefficients):
    """Score and sandwich of Fine and Gray as they stand in the paper: sums over all pairs."""
    n = len(time)

    def uncensored(one, at):  # G(at-) of a stratum
        own, product = code == one, 1.0
        for u in np.unique(time[own & (cause == 0)]):
            if u < at:
                product *= 1 - (own & (cause == 0) & (time == u)).sum() / (own & (time >= u)).sum()
        return product

    events = np.flatnonzero(cause == 1)
    weight = np.zeros((n, len(events)))
    for i in range(n):
        for column, s in enumerate(time[events]):
            if time[i] >= s:
                weight[i, column] = 1
            elif cause[i] == 2 and s <= time[code == code[i]].max():
                weight[i, column] = uncensored(code[i], s) / uncensored(code[i], time[i])
    risk = weight * np.exp(features @ coefficients)[:, None]
    total = risk.sum(0)
    mean = (risk.T @ features) / total[:, None]
    gap = features[:, None, :] - mean  # patient event feature
    influence = -np.einsum("ie,iek->ik", risk / total, gap)
    influence[events] += gap[events, np.arange(len(events))]
    score = influence.sum(0)
    information = np.einsum("ie,iek,iel->kl", risk / total, gap, gap)
    for i in range(n):
        for u in np.unique(time[cause == 0]):
            own = code == code[i]
            at_risk, leaving = (own & (time >= u)).sum(), (own & (cause == 0) & (time == u)).sum()
            if not leaving or u > time[i]:
                continue
            jumped = float(cause[i] == 0 and time[i] == u) - leaving / at_risk
            moved = (own & (cause == 2) & (time < u))[:, None] * (time[events] >= u)
            q = np.einsum("ie,iek->k", moved * risk / total, gap)
            influence[i] += q * jumped / at_risk
    bread = np.linalg.inv(information)
    return score, bread @ (influence.T @ influence) @ bread


@pytest.mark.parametrize("stratified", [False, True])
def test_equals_its_definition(patients, stratified):
    some = patients.head(70)
    time, cause = some["time"].to_numpy(), some["cause"].to_numpy()
    features = some[["x1", "x2"]].to_numpy()
    code = some["stratum"].to_numpy() if stratified else np.zeros(70, dtype=int)
    model = fine_gray(time, cause, features, stratum=code)
    score, covariance = by_definition(time, cause, features, code, model.coefficients)
    assert_allclose(score, 0, atol=1e-9)
    assert_allclose(model.covariance, covariance, rtol=1e-8)


def test_units_and_origin_of_a_feature_do_not_matter(patients):
    features = patients[NAMES].to_numpy()
    outcome = patients["time"].to_numpy(), patients["cause"].to_numpy()
    factor = np.array([1e-9, 1.0, 1e6])
    moved = features * factor + np.array([0, 1950.0, 0])
    model, rescaled = fine_gray(*outcome, features), fine_gray(*outcome, moved)
    assert_allclose(rescaled.coefficients * factor, model.coefficients, rtol=1e-7)
    assert_allclose(rescaled.standard_error * factor, model.standard_error, rtol=1e-7)
    horizons = [5.0, 20.0]
    assert_allclose(rescaled.predict(moved, horizons), model.predict(features, horizons), rtol=1e-7)


def test_the_order_of_patients_does_not_matter(patients):
    features = patients[NAMES].to_numpy()
    time, cause = patients["time"].to_numpy(), patients["cause"].to_numpy()
    model = fine_gray(time, cause, features)
    shuffled = fine_gray(time[::-1], cause[::-1], features[::-1])
    assert_allclose(shuffled.coefficients, model.coefficients, rtol=1e-9)
    assert_allclose(shuffled.covariance, model.covariance, rtol=1e-9)


def test_predicted_incidence_rises_in_time_and_stays_a_probability(patients):
    features = patients[NAMES].to_numpy()
    model = fine_gray(patients["time"].to_numpy(), patients["cause"].to_numpy(), features)
    predicted = model.predict(features * 1e4, [0.5, 3.0, 9.0, 40.0])
    assert_array_equal(predicted[:, 0], 0)
    assert (np.diff(predicted, axis=1) >= 0).all()
    assert predicted.max() == 1
    with pytest.raises(SurvivalError, match=r"follow-up ended at 40, before the horizon 41"):
        model.predict(features, [41.0])
    with pytest.raises(SurvivalError, match=r"features must have shape"):
        model.predict(features[:, :2], [5.0])


def test_the_table_says_ratios_with_wald_limits(patients):
    model = fine_gray(
        patients["time"].to_numpy(),
        patients["cause"].to_numpy(),
        patients[NAMES].to_numpy(),
        names=["age", "dose", "male"],
    )
    table = model.table(0.9)
    assert list(table.index) == ["age", "dose", "male"]
    ratio, error = np.exp(model.coefficients), model.standard_error
    assert_allclose(table["lower"], ratio * np.exp(-1.6448536269514722 * error))
    assert_allclose(table["upper"], ratio * np.exp(1.6448536269514722 * error))
    assert_allclose(table["p_value"]["age"], 1.711171e-10, rtol=1e-6)  # R: summary(crr(...))
    with pytest.raises(SurvivalError, match="confidence must lie in"):
        model.table(95)


TIME = np.arange(1.0, 9.0)
CAUSE = np.array([1, 2, 1, 0, 1, 2, 0, 1])
X = np.array([0.3, 1.0, -0.4, 0.2, 0.9, -1.3, 0.8, 0.1])


@pytest.mark.parametrize(
    ("features", "options", "message"),
    [
        (np.column_stack([X, np.ones(8)]), {}, r"same value in all 8 patients in x2"),
        (
            np.column_stack([X, X**2, 2 * X - 1]),
            {"names": ["a", "b", "c"]},
            r"combinations of each other, but a, c are",
        ),
        # Whoever has the cause has the largest value among those at risk: no finite maximum.
        (
            np.column_stack([np.where(CAUSE == 1, 10 - TIME, 0), X**2]),
            {"names": ["rank", "b"]},
            r"no maximum: along rank",
        ),
        ((np.arange(8) == 3)[:, None] * 1.0, {"names": ["rare"]}, r"no maximum: along rare"),
        (X[:, None], {"of": 3}, r"none of cause 3"),
        (X[:, None], {"names": ["a", "b"]}, r"names must be 1 different names"),
        (np.empty((8, 0)), {}, r"at least one column"),
        (X, {}, r"features must have shape"),
        (X[:, None] * np.nan, {}, r"features must be finite, got 8"),
        (X[:, None], {"stratum": np.zeros(3)}, r"stratum must have shape \(8,\)"),
    ],
)
def test_a_model_that_has_no_answer_is_refused_by_name(features, options, message):
    with pytest.raises(SurvivalError, match=message):
        fine_gray(TIME, CAUSE, features, **options)
