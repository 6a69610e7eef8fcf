"""Tasks: what they learn from the outcome, what they predict, and that networks learn them."""

from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from fusion.baseline_hazard import breslow
from fusion.batch_gradient import predict_outputs
from fusion.network import NetworkConfig, build_network
from fusion.network_inputs import NetworkInputs
from fusion.network_training import NetworkTrainingConfig, train_network
from fusion.tasks import (
    CompetingRisksTask,
    ContinuousTask,
    CoxTask,
    DiscreteHazardTask,
    FittedCompetingRisks,
    FittedDiscreteHazard,
    FittedTask,
    HorizonRiskTask,
    Measurement,
    Task,
    TimeToEvent,
)

TIME = np.array([1.0, 2, 3, 4, 5, 6, 7, 8])
EVENT = np.array([1, 1, 0, 1, 1, 1, 0, 1], dtype=bool)
CAUSE = np.array([1, 2, 0, 1, 2, 1, 0, 2])
SURVIVAL = TimeToEvent(TIME, EVENT, CAUSE)
VALUES = Measurement(np.array([3.0, 1, 4, 1, 5, 9, 2, 6]))
TASKS = [
    (CoxTask(), SURVIVAL),
    (DiscreteHazardTask(3), SURVIVAL),
    (CompetingRisksTask(2, 3), SURVIVAL),
    (HorizonRiskTask(4.5), SURVIVAL),
    (ContinuousTask(), VALUES),
]
CUTS = np.array([2.0, 5.0, 10.0])
LOGITS = st.lists(st.floats(-8, 4), min_size=6, max_size=6).map(
    lambda numbers: np.array(numbers).reshape(1, 2, 3)
)


def overfitted(task: Task[Any], outcome: Any) -> tuple[np.ndarray, FittedTask[Any]]:
    """Outputs of a network without dropout after many steps on eight patients of noise."""
    generator = torch.Generator().manual_seed(0)
    features = {
        "clinical": torch.randn(8, 3, generator=generator),
        "rna": torch.randn(8, 6, generator=generator),
    }
    everyone = torch.ones(8, dtype=torch.bool)
    inputs = NetworkInputs(features, {"clinical": everyone, "rna": everyone}, "clinical")
    shape = NetworkConfig(embed=16, keep_probability=1.0)
    torch.manual_seed(0)
    kinds = {"clinical": "ehr", "rna": "genomics"}
    network = build_network({"clinical": 3, "rna": 6}, kinds, shape, task.head(16))
    fitted, accelerator = task.fit(outcome), Accelerator(cpu=True)
    train_network(
        network,
        inputs,
        fitted,
        fitted.targets(outcome),
        shape=shape,
        config=NetworkTrainingConfig(
            max_steps=400, learning_rate=2e-2, weight_decay=0.0, modality_keep=1.0
        ),
        accelerator=accelerator,
        progress=False,
    )
    return predict_outputs(network, inputs, micro_batch=8, accelerator=accelerator), fitted


def test_cox_overfits_eight_patients():
    """The earlier the event, the higher the risk, and above all who outlive it."""
    outputs, fitted = overfitted(CoxTask(), SURVIVAL)
    score = fitted.risk_score(outputs)
    assert all((score[i] > score[TIME[i] < TIME]).all() for i in np.flatnonzero(EVENT))


def test_discrete_hazards_overfit_eight_patients():
    outputs, fitted = overfitted(DiscreteHazardTask(3), SURVIVAL)
    assert isinstance(fitted, FittedDiscreteHazard)
    survival = fitted.survival(outputs, fitted.cuts)
    survived = TIME[:, None] > fitted.cuts
    known = EVENT[:, None] | (TIME[:, None] >= fitted.cuts)
    assert_allclose(survival[known], survived[known], atol=0.05)


def test_competing_risks_overfit_eight_patients():
    outputs, fitted = overfitted(CompetingRisksTask(2, 3), SURVIVAL)
    assert isinstance(fitted, FittedCompetingRisks)
    incidence = fitted.cumulative_incidence(outputs, fitted.cuts[-1:])[:, :, 0]
    assert_allclose(incidence[EVENT], np.eye(3)[CAUSE[EVENT], 1:], atol=0.05)


def test_risk_by_a_horizon_overfits_eight_patients():
    outputs, fitted = overfitted(HorizonRiskTask(4.5), SURVIVAL)
    known = EVENT | (TIME > 4.5)
    assert_allclose(
        fitted.survival(outputs, np.array([4.5]))[known, 0], TIME[known] > 4.5, atol=0.05
    )


def test_a_continuous_outcome_overfits_eight_patients():
    outputs, fitted = overfitted(ContinuousTask(), VALUES)
    assert_allclose(fitted.predicted_mean(outputs), VALUES.value, atol=0.2)


@pytest.mark.parametrize(("task", "outcome"), TASKS)
def test_additive_tasks_sum_over_patients_and_cox_does_not(task, outcome):
    fitted = task.fit(outcome)
    targets = fitted.targets(outcome)
    torch.manual_seed(0)
    outputs = task.head(4)(torch.randn(8, 4)).double().detach()

    def loss(rows: slice) -> float:
        return float(fitted.loss(outputs[rows], {k: v[rows] for k, v in targets.items()}))

    apart, together = loss(slice(0, 3)) + loss(slice(3, 8)), loss(slice(0, 8))
    assert (apart == pytest.approx(together, abs=1e-9)) == fitted.additive


@pytest.mark.parametrize(("task", "outcome"), TASKS)
def test_a_fitted_task_holds_only_what_can_be_saved(task, outcome):
    def leaves(value: object) -> list[object]:
        if is_dataclass(value):
            return [leaf for f in fields(value) for leaf in leaves(getattr(value, f.name))]
        return [value]

    found = leaves(task.fit(outcome))
    assert all(isinstance(leaf, np.ndarray | float | int | str) for leaf in found), found


def test_coxs_survival_comes_from_the_calibrated_baseline():
    score = np.linspace(1, -1, 8)
    before = CoxTask().fit(SURVIVAL)
    after = before.calibrate(score, SURVIVAL)
    horizons = np.array([2.0, 6.0])
    assert_allclose(
        before.survival(np.zeros(8), horizons)[0],
        np.exp([-(1 / 8 + 1 / 7), -(1 / 8 + 1 / 7 + 1 / 5 + 1 / 4 + 1 / 3)]),
    )
    expected = breslow(TIME, EVENT, score).survival(score, horizons)
    assert_allclose(after.survival(score, horizons), expected)


def test_a_constant_of_its_own_in_each_network_changes_no_survival_of_coxs():
    """Cox's likelihood cannot see one: neither that of the network tried nor of the final one."""
    score, horizons = np.linspace(1, -1, 8), np.array([2.0, 6.0])

    def said(of_tried: float, of_final: float) -> np.ndarray:
        task = CoxTask().fit(SURVIVAL).centred(score[:6] + of_tried)
        task = task.calibrate(score + of_tried, SURVIVAL).centred(score + of_final)
        return task.survival(score + of_final, horizons)

    assert_allclose(said(3.0, -2.0), said(0.0, 0.0))


def test_discrete_survival_by_hand():
    """Hazards .2, .5, 0+: linear inside an interval, flat after the last cut."""
    task = FittedDiscreteHazard(CUTS)
    outputs = np.array([[np.log(0.2 / 0.8), 0.0, -800.0]])
    horizons = np.array([1.0, 2.0, 3.5, 5.0, 99.0])
    assert_allclose(task.survival(outputs, horizons)[0], [0.9, 0.8, 0.6, 0.4, 0.4])
    assert_allclose(task.risk_score(outputs), np.log(-np.log(0.4)))


def test_cumulative_incidence_by_hand():
    """Causes take .2 and .3 of those left, then half and nothing; the rest survive."""
    task = FittedCompetingRisks(CUTS[:2], 2)
    outputs = np.log(np.array([[[0.2 / 0.5, 1.0], [0.3 / 0.5, 1e-300]]]))
    incidence = task.cumulative_incidence(outputs, np.array([1.0, 2.0, 5.0]))[0]
    assert_allclose(incidence, [[0.1, 0.2, 0.45], [0.15, 0.3, 0.3]], atol=1e-12)
    assert_allclose(task.survival(outputs, np.array([5.0])), [[0.25]])
    assert_allclose(task.risk_score(outputs), np.log(-np.log(1 - 0.45)))


@given(LOGITS, st.lists(st.floats(0.1, 20), min_size=1, max_size=6, unique=True).map(sorted))
@settings(deadline=None)
def test_incidences_rise_and_leave_survival(logits, horizons):
    task, at = FittedCompetingRisks(CUTS, 2), np.array(horizons)
    incidence, survival = task.cumulative_incidence(logits, at), task.survival(logits, at)
    assert (np.diff(incidence, axis=2) >= -1e-12).all()
    assert incidence.min() >= 0
    assert survival.min() >= -1e-12
    one_cause = FittedCompetingRisks(CUTS, 1).cumulative_incidence(logits[:, :1], at)[:, 0]
    assert_allclose(
        one_cause, 1 - FittedDiscreteHazard(CUTS).survival(logits[:, 0], at), atol=1e-12
    )


@given(LOGITS, st.floats(0.01, 3))
@settings(deadline=None)
def test_higher_outputs_are_worse(logits, more):
    own, other = logits.copy(), logits.copy()
    own[:, 0] += more
    for task, low, high in (
        (FittedCompetingRisks(CUTS, 2), other, own),
        (FittedDiscreteHazard(CUTS), logits[:, 0], logits[:, 0] + more),
        (HorizonRiskTask(4.5).fit(SURVIVAL), logits[0, 0], logits[0, 0] + more),
        (CoxTask().fit(SURVIVAL), logits[0, 0], logits[0, 0] + more),
        (ContinuousTask().fit(VALUES), logits[0, 0], logits[0, 0] + more),
    ):
        assert (task.risk_score(high) > task.risk_score(low)).all()


def test_risk_scores_of_extreme_outputs_are_finite():
    for value in (-900.0, 900.0):
        single = np.full(1, value)
        scores = (
            FittedDiscreteHazard(CUTS).risk_score(np.full((1, 3), value)),
            FittedCompetingRisks(CUTS, 2).risk_score(np.full((1, 2, 3), value)),
            HorizonRiskTask(4.5).fit(SURVIVAL).risk_score(single),
        )
        assert np.isfinite(scores).all()


def test_targets_of_patients_followed_beyond_the_last_cut():
    """Their event lies in no interval: they survived all of them."""
    later = TimeToEvent(np.array([99.0, 10.0]), np.array([True, True]), np.array([2, 1]))
    discrete = FittedDiscreteHazard(CUTS).targets(later)
    assert discrete["n_survived"].tolist() == [3, 2]
    assert discrete["event"].tolist() == [False, True]
    assert FittedCompetingRisks(CUTS, 2).targets(later)["cause"].tolist() == [0, 1]


def test_a_continuous_outcome_is_standardised():
    fitted = ContinuousTask().fit(VALUES)
    value = fitted.targets(VALUES)["value"].numpy()
    assert_allclose([value.mean(), value.std()], [0, 1], atol=1e-12)
    assert_allclose(fitted.predicted_mean(value), VALUES.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TimeToEvent(TIME, EVENT.astype(int)), "event must be boolean, got int64"),
        (lambda: TimeToEvent(TIME, EVENT[:5]), r"got shapes \(8,\) and \(5,\)"),
        (lambda: TimeToEvent(TIME - 1, EVENT), "1 of 8 are not"),
        (lambda: TimeToEvent(TIME, EVENT, CAUSE + 1), "cause must be 0 for censored"),
        (lambda: TimeToEvent(TIME, EVENT, np.where(EVENT, CAUSE, -1)), "cause must be 0 for"),
        (lambda: Measurement(np.array([1.0, np.nan])), "with 1 not finite: leave"),
        (lambda: CoxTask().fit(TimeToEvent(TIME, EVENT & False)), "none of 8 training patients"),
        (lambda: DiscreteHazardTask(0), "n_intervals must be at least 1, got 0"),
        (lambda: CompetingRisksTask(0, 3), "n_causes must be at least 1, got 0"),
        (lambda: CompetingRisksTask(2, 3).fit(TimeToEvent(TIME, EVENT)), "cause of each event"),
        (lambda: CompetingRisksTask(1, 3).fit(SURVIVAL), "expected causes 1 to 1, got 2"),
        (lambda: CompetingRisksTask(3, 3).fit(SURVIVAL), "no training patient has an event of"),
        (lambda: HorizonRiskTask(-1.0), "horizon must be positive, got -1"),
        (lambda: HorizonRiskTask(0.5).fit(SURVIVAL), "0 of 8 training patients"),
        (lambda: ContinuousTask().fit(Measurement(np.ones(4))), "all 4 training patients have"),
        (
            lambda: HorizonRiskTask(4.5).fit(SURVIVAL).survival(np.zeros(2), np.array([3.0])),
            "knows the risk by 4.5 only, asked for 3",
        ),
    ],
)
def test_errors_say_what_to_do(make, message):
    with pytest.raises(ValueError, match=message):
        make()
