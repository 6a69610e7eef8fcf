"""The words of a claim follow from its interval alone."""

import numpy as np
import pytest

from workbench.evaluation import Interval, evaluate
from workbench.evaluation.compare import verdict

UNLIKELY = "a gain of .01 or more is unlikely"


@pytest.mark.parametrize(
    ("lower", "upper", "words"),
    [
        (0.002, 0.05, "better"),
        (-0.01, 0.05, "inconclusive"),
        (0.0, 0.05, "inconclusive"),
        (-0.05, 0.0, f"inconclusive; {UNLIKELY}"),
        (-0.01, 0.0099, f"inconclusive; {UNLIKELY}"),
        (-0.01, 0.01, "inconclusive"),
        (0.001, 0.009, f"better; {UNLIKELY}"),
        (-0.05, -0.001, "worse"),
    ],
)
def test_the_rule(lower, upper, words):
    assert verdict(Interval((lower + upper) / 2, lower, upper)) == words


def test_a_real_gain_is_claimed_with_counts_and_accuracy_beside_it(cohort):
    [claim] = evaluate(cohort, cohort.ladder(), horizons=[5.0], n_bootstrap=200).claims
    gain, accuracy = claim["delta_harrell_c"], claim["delta_ipa"]
    n_events = int(cohort.patients["event"].sum())
    assert claim["verdict"] == "better"
    assert claim["sentence"] == (
        f"Overall, selected changed C by {gain['estimate']:+.3f} ({gain['lower']:+.3f} to "
        f"{gain['upper']:+.3f}; 400 patients, {n_events} events) over clinical: better. "
        f"ΔIPA at 5 is {accuracy['estimate']:+.3f} ({accuracy['lower']:+.3f} to "
        f"{accuracy['upper']:+.3f})."
    )


def test_noise_added_to_the_clinical_model_is_no_gain(cohort):
    noise = np.random.default_rng(1).normal(0, 1.5, len(cohort.fold))
    ladder = cohort.ladder() | {"selected": cohort.predictions("selected", cohort.clinical + noise)}
    [claim] = evaluate(cohort, ladder, horizons=[5.0], n_bootstrap=200).claims
    assert claim["verdict"] == "worse"


def test_a_model_that_chose_the_clinical_one_changes_nothing(cohort):
    ladder = cohort.ladder() | {"selected": cohort.predictions("selected", cohort.clinical)}
    [claim] = evaluate(cohort, ladder, horizons=[5.0], n_bootstrap=50).claims
    assert claim["delta_harrell_c"] == {"estimate": 0, "lower": 0, "upper": 0}
    assert claim["verdict"] == f"inconclusive; {UNLIKELY}"


def test_known_markers_are_a_second_comparator(cohort):
    ladder = cohort.ladder()
    ladder["clinical_markers"] = cohort.predictions("clinical_markers", cohort.log_hazard)
    groups = {"even": np.arange(400) % 2 == 0}
    claims = evaluate(
        cohort,
        ladder,
        horizons=[5.0],
        groups=groups,
        markers="clinical_markers",
        n_bootstrap=100,
    ).claims
    found = [(claim["over"], claim["group"]) for claim in claims]
    assert found == [
        ("clinical", "all"),
        ("clinical", "even"),
        ("clinical_markers", "all"),
        ("clinical_markers", "even"),
    ]
    assert "better" in claims[0]["verdict"]
    assert "inconclusive" in claims[2]["verdict"]
    assert claims[3]["sentence"].startswith("In even, selected changed C by +0.000")


def test_paired_differences_are_narrower_than_unpaired_ones(cohort):
    """The same draws for both models: what makes a patient hard for both cancels."""
    table = evaluate(cohort, cohort.ladder(), horizons=[5.0], n_bootstrap=300).table
    rows = table.set_index("model")
    width = rows["harrell_c_upper"] - rows["harrell_c_lower"]
    paired = (
        rows.loc["selected", "delta_harrell_c_upper"]
        - rows.loc["selected", "delta_harrell_c_lower"]
    )
    assert paired < np.hypot(width["selected"], width["clinical"])
