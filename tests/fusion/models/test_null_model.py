"""The null model is Kaplan–Meier."""

from dataclasses import replace

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from fusion.models import Null
from fusion.models.null import MIN_STRATUM

HORIZONS = np.array([50.0, 200.0, 700.0, 1500.0])


def kaplan_meier(time: np.ndarray, event: np.ndarray, horizon: float) -> float:
    """By definition: the product over event times of the share who survive them."""
    moments = np.unique(time[event & (time <= horizon)])
    steps = [1 - (event & (time == t)).sum() / (time >= t).sum() for t in moments]
    return float(np.prod(steps))


def test_survival_equals_kaplan_meier_with_ties(simulate):
    dataset = simulate()
    dataset = replace(dataset, time=np.ceil(dataset.time / 50) * 50)
    prediction = Null().fit(dataset).predict(dataset, HORIZONS)
    expected = [kaplan_meier(dataset.time, dataset.event, h) for h in HORIZONS]
    assert_allclose(prediction.survival, np.tile(expected, (160, 1)), rtol=1e-12)
    assert not prediction.risk_score.any()
    assert prediction.contributions == {}


def test_survival_equals_r(simulate, cox_inputs, cox_reference):
    dataset = simulate(len(cox_inputs))
    dataset = replace(
        dataset, time=cox_inputs["time"].to_numpy(), event=cox_inputs["event"].to_numpy()
    )
    expected = cox_reference("kaplan_meier")
    prediction = Null().fit(dataset).predict(dataset, expected.index.to_numpy())
    assert_allclose(prediction.survival[0], expected, rtol=1e-12)


def test_a_curve_that_reaches_zero_stays_there(simulate):
    dataset = simulate(40)
    dataset = replace(dataset, event=np.ones(40, dtype=bool))
    last = dataset.time.max()
    prediction = Null().fit(dataset).predict(dataset, np.array([last, 2 * last]))
    assert_array_equal(prediction.survival, np.zeros((40, 2)))


def test_by_group_each_has_its_own_curve(simulate):
    dataset = simulate()
    fitted = Null("null_by_group", stratified=True).fit(dataset)
    prediction = fitted.predict(dataset, HORIZONS)
    for label in ("north", "south"):
        rows = dataset.strata == label
        expected = [kaplan_meier(dataset.time[rows], dataset.event[rows], h) for h in HORIZONS]
        assert_allclose(prediction.survival[rows], np.tile(expected, (rows.sum(), 1)), rtol=1e-12)


def test_small_and_unknown_groups_get_everyones_curve(simulate):
    dataset = simulate()
    strata = dataset.strata.copy()
    strata[: MIN_STRATUM - 1] = "few"
    fitted = Null("null_by_group", stratified=True).fit(replace(dataset, strata=strata))
    new = replace(dataset, strata=np.array(["few", "new"] * 80))
    everyone = Null().fit(dataset).predict(dataset, HORIZONS)
    assert_allclose(fitted.predict(new, HORIZONS).survival, everyone.survival)
    ungrouped = fitted.predict(replace(dataset, strata=None), HORIZONS)
    assert_allclose(ungrouped.survival, everyone.survival)
