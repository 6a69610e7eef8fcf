"""Log-rank test against R."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import chi2
from sksurv.compare import compare_survival
from sksurv.util import Surv

from workbench.survival import log_rank


def test_equals_r_for_three_groups(inputs, reference):
    test = log_rank(*(inputs[c].to_numpy() for c in ("time", "event", "group")))
    assert_allclose(test.statistic, reference("simulated:log_rank"), rtol=1e-10)
    assert_allclose(test.expected, reference("simulated:expected"), rtol=1e-10)
    assert_allclose(test.observed.sum(), test.expected.sum())
    assert test.degrees_of_freedom == 2
    assert_allclose(test.p_value, chi2.sf(test.statistic, 2))


def test_equals_scikit_survival(inputs):
    outcome = Surv.from_arrays(inputs["event"], inputs["time"])
    statistic, p_value = compare_survival(outcome, inputs["group"])
    test = log_rank(*(inputs[c].to_numpy() for c in ("time", "event", "group")))
    assert_allclose([test.statistic, test.p_value], [statistic, p_value], rtol=1e-10)


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "time", "status", "died", "group"),
    [
        ("pbc", "time", "status", 2, "edema"),
        ("colon", "time", "status", 1, "rx"),
        ("rotterdam", "dtime", "death", 1, "grade"),
    ],
)
def test_equals_r_on_public_tables(public_table, reference, name, time, status, died, group):
    table = public_table(name)
    if name == "colon":
        table = table[table["etype"] == 2]
    labels = table[group].to_numpy()
    labels = labels.astype(str) if labels.dtype == object else labels
    test = log_rank(table[time].to_numpy(), (table[status] == died).to_numpy(), labels)
    assert_allclose(test.statistic, reference(f"{name}:log_rank"), rtol=1e-9)
    assert_allclose(test.expected, reference(f"{name}:expected"), rtol=1e-9)


def test_copies_of_one_group_do_not_differ(inputs):
    time, event = np.tile(inputs["time"], 2), np.tile(inputs["event"], 2)
    test = log_rank(time, event, np.repeat(["a", "b"], len(inputs)))
    assert_allclose([test.statistic, test.p_value], [0, 1], atol=1e-12)


def test_two_groups_have_one_degree_of_freedom_however_sums_round() -> None:
    # A covariance whose rows sum to 0 but for the last bit must not count as of full rank.
    for seed in range(300):
        generator = np.random.default_rng(seed)
        n_patients = int(generator.integers(20, 400))
        time = generator.exponential(size=n_patients)
        event = generator.random(n_patients) < 0.6
        group = (np.arange(n_patients) + generator.integers(0, 2, n_patients)) % 2
        test = log_rank(time, event, group)
        assert test.degrees_of_freedom == 1
        assert test.statistic == pytest.approx(
            (test.observed - test.expected)[0] ** 2 / test.covariance[0, 0], rel=1e-9, abs=1e-12
        )
