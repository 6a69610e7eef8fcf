"""Optimism: R's Cox model on the same bootstraps, and models whose optimism is known."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter
from numpy.testing import assert_allclose

from workbench.errors import SurvivalError
from workbench.survival import correct_optimism, harrell_c

COLUMNS = ["log_hazard", "other", "stratum", "group"]
BOOTSTRAPS = Path(__file__).parents[2] / "reference" / "calibration" / "bootstraps.csv"


def cox_of(table):
    """Fits lifelines' Cox model to rows of a table."""

    def fit(rows):
        model = CoxPHFitter()
        training = table.iloc[rows][[*COLUMNS, "time", "event"]]
        model.fit(training, "time", "event", fit_options={"precision": 1e-12})
        return lambda asked: (
            table.iloc[asked][COLUMNS].to_numpy() @ model.params_[COLUMNS].to_numpy()
        )

    return fit


def test_equals_r(calibration_inputs, calibration_reference):
    """lifelines rounds its Cox to 1e-6, which orders no pair otherwise."""
    table = calibration_inputs
    found = correct_optimism(
        table["time"].to_numpy(),
        table["event"].to_numpy(),
        fit=cox_of(table),
        metrics={"C": harrell_c},
        rows=pd.read_csv(BOOTSTRAPS).to_numpy(),
    )["C"]
    values = (found.apparent, found.optimism, *found.corrected)
    assert_allclose(values, calibration_reference("optimism"), rtol=1e-9)
    assert found.n_bootstrap == 25


NOISE = np.random.default_rng(4)
N_PATIENTS = 80
TIME = NOISE.exponential(1, N_PATIENTS)
EVENT = NOISE.random(N_PATIENTS) < 0.7
FEATURES = NOISE.normal(size=(N_PATIENTS, 30))


def best_column(rows):
    """A model that picks the one of thirty noise columns that looks best: pure optimism."""
    c = [harrell_c(TIME[rows], EVENT[rows], column) for column in FEATURES[rows].T]
    chosen = int(np.argmax(c))
    return lambda asked: FEATURES[asked, chosen]


def test_selection_from_noise_is_corrected_towards_one_half():
    found = correct_optimism(
        TIME, EVENT, fit=best_column, metrics={"C": harrell_c}, n_bootstrap=60, seed=1
    )["C"]
    assert found.apparent > 0.6
    assert found.optimism > 0.04
    assert found.corrected.estimate == found.apparent - found.optimism
    assert abs(found.corrected.estimate - 0.5) < abs(found.apparent - 0.5) / 2
    assert found.corrected.lower < found.corrected.estimate < found.corrected.upper


def test_a_seed_gives_the_same_and_progress_is_told():
    told = []
    one, again, other = (
        correct_optimism(
            TIME,
            EVENT,
            fit=best_column,
            metrics={"C": harrell_c, "double": lambda *of: 2 * harrell_c(*of)},
            n_bootstrap=5,
            seed=seed,
            progress=lambda done, total: told.append((done, total)),
        )
        for seed in (0, 0, 1)
    )
    assert one == again
    assert one["C"] != other["C"]
    assert told[:5] == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]
    assert_allclose(one["double"].optimism, 2 * one["C"].optimism, rtol=1e-12)


def test_words():
    found = correct_optimism(TIME, EVENT, fit=best_column, metrics={"C": harrell_c}, n_bootstrap=5)[
        "C"
    ]
    assert found.sentence("Harrell’s C").startswith(
        f"Harrell’s C is {found.corrected.estimate:.3f} ({found.corrected.lower:.3f} to "
    )
    assert found.sentence("C").endswith(f"(apparent {found.apparent:.3f}; 5 bootstraps).")


def test_few_undefined_bootstraps_are_left_out_and_many_are_refused():
    calls = []

    def sometimes(n_failing):
        def metric(time, event, prediction):
            calls.append(len(prediction))
            if 1 < len(calls) <= 1 + n_failing:  # a failing bootstrap is asked once
                raise SurvivalError("undefined here")
            return harrell_c(time, event, prediction)

        calls.clear()
        return metric

    asked = {"fit": best_column, "n_bootstrap": 20}
    found = correct_optimism(TIME, EVENT, metrics={"C": sometimes(2)}, **asked)
    assert found["C"].n_bootstrap == 18
    with pytest.raises(SurvivalError, match=r"C must be defined .* got 17 of 20"):
        correct_optimism(TIME, EVENT, metrics={"C": sometimes(3)}, **asked)


def test_other_errors_pass_through():
    def broken(rows):
        if len(np.unique(rows)) < N_PATIENTS:
            raise RuntimeError("a fault of the model")
        return lambda asked: FEATURES[asked, 0]

    with pytest.raises(RuntimeError, match="a fault of the model"):
        correct_optimism(TIME, EVENT, fit=broken, metrics={"C": harrell_c}, n_bootstrap=3)


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"n_bootstrap": 1}, "n_bootstrap must be at least 2"),
        ({"rows": np.zeros((3, 5), dtype=int)}, "rows must have shape"),
        ({"rows": np.full((3, N_PATIENTS), N_PATIENTS)}, "rows must be whole numbers from 0 to 79"),
        ({"rows": np.zeros((3, N_PATIENTS))}, "rows must be whole numbers from 0 to 79"),
        ({"event": np.zeros(N_PATIENTS, dtype=bool)}, "concordance is undefined"),
        ({"fit": lambda rows: lambda asked: FEATURES[:3, 0]}, "one prediction a row"),
    ],
)
def test_input_that_cannot_be_judged_is_refused(changed, match):
    asked = {"event": EVENT, "fit": lambda rows: lambda each: FEATURES[each, 0]} | changed
    with pytest.raises(ValueError, match=match):
        correct_optimism(TIME, asked.pop("event"), metrics={"C": harrell_c}, **asked)
