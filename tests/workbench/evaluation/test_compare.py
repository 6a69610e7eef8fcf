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
        f"Overall, the selected model changed C by {gain['estimate']:+.3f} "
        f"({gain['lower']:+.3f} to {gain['upper']:+.3f}; 400 patients, {n_events} events) over "
        f"the clinical Cox model: better. ΔIPA at 5 months is {accuracy['estimate']:+.3f} "
        f"({accuracy['lower']:+.3f} to {accuracy['upper']:+.3f})."
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
    assert "changed C by 0.000 (0.000 to 0.000; 400 patients" in claim["sentence"]


def test_a_modality_is_worth_what_the_combined_model_loses_without_it(cohort):
    ladder = cohort.ladder()
    ladder["stack"] = cohort.predictions("stack", cohort.log_hazard)
    ladder["without_mri"] = cohort.predictions("without_mri", cohort.clinical)
    has = np.arange(400) % 4 != 0
    evaluation = evaluate(
        cohort,
        ladder,
        horizons=[5.0],
        groups={"patients with mri": has},
        modality_value={"mri": ("stack", "without_mri", "patients with mri")},
        n_bootstrap=100,
    )
    [value] = evaluation.modality_value
    assert (value["modality"], value["model"], value["over"]) == ("mri", "stack", "without_mri")
    assert value["n"] == 300
    assert value["verdict"] == "better"
    rows = evaluation.table.set_index(["group", "model"])["harrell_c"]["patients with mri"]
    assert value["delta_harrell_c"]["estimate"] == pytest.approx(
        rows["stack"] - rows["without_mri"], abs=1e-9
    )
    head, tail = value["sentence"].split(" changed C by ")
    assert head == "In the 300 patients who have mri, the combined model with mri"
    assert ") against the same without mri: better. ΔIPA at 5 months is +" in tail


def test_a_modality_that_all_have_is_judged_in_all(cohort):
    ladder = cohort.ladder()
    ladder["stack"] = ladder["without_rna"] = ladder["selected"]
    [value] = evaluate(
        cohort,
        ladder,
        horizons=[5.0],
        modality_value={"rna": ("stack", "without_rna", "all")},
        n_bootstrap=20,
    ).modality_value
    assert value["sentence"].startswith("In all 400 patients, the combined model with rna changed")


def test_kaplan_meier_by_group_ranks_nobody_and_keeps_its_accuracy(cohort):
    ladder = cohort.ladder() | {"null_by_group": cohort.null()}
    rows = evaluate(cohort, ladder, horizons=[5.0], n_bootstrap=20).ladder
    by_group = next(row for row in rows if row["model"] == "null_by_group")
    assert by_group["delta_harrell_c"] is None
    assert by_group["delta_ipa"]["estimate"] < 0


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
    assert claims[3]["sentence"].startswith("In even, the selected model changed C by 0.000")


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
