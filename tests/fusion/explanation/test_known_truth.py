"""On patients of whom it is known what carries risk, explanations say so.

The script ``tests/benchmarks/tabular_explanation.py`` measures the same on many cohorts.
"""

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fusion.dataset import PatientDataset
from fusion.explanation.checks import failed
from fusion.explanation.explain import ExplainedFolds, explain_folds
from fusion.explanation.feature_groups import gene_set_sums
from fusion.explanation.importance import feature_importance
from fusion.explanation.out_of_fold import explain_out_of_fold
from fusion.explanation.patterns import feature_patterns
from fusion.models import RidgeCox
from workbench.evaluation.explained_cohort import important_genes

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "tabular_explanation.py"


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(SCRIPT))


@pytest.fixture(scope="module")
def made(script) -> tuple[PatientDataset, Any]:
    return script["cohort"](600, 0)


@pytest.fixture(scope="module")
def fitted_folds(script, made):
    return script["fit_folds"](script["STACK"], made[0], n_folds=3)


@pytest.fixture(scope="module")
def explained(fitted_folds) -> ExplainedFolds:
    return explain_folds(*fitted_folds)


@pytest.mark.slow
def test_the_first_genes_of_the_pattern_are_causal(script, made, explained, fitted_folds):
    runs, parts = list(explained.by_fold.values()), list(fitted_folds[1].values())
    assert script["causal_share"](feature_patterns(runs, parts), made[1]) >= 0.8
    assert failed(explained.whole.checks) == ()
    with pytest.raises(ValueError, match="other patients"):
        feature_patterns(runs, parts[::-1])


@pytest.mark.slow
def test_the_genes_that_a_report_calls_most_important_are_causal(
    script, made, explained, fitted_folds
):
    runs, parts = list(explained.by_fold.values()), list(fitted_folds[1].values())
    listed = [row["name"] for row in important_genes(runs, parts) if row["modality"] == "rna"]
    assert len(listed) == 20
    share = len(set(listed) & set(made[1].causal_genes)) / 20
    assert share >= 0.8
    assert script["causal_share"](feature_importance(runs), made[1]) < share


@pytest.mark.slow
def test_causal_pathways_come_first(made, explained):
    sums = gene_set_sums(explained.whole.features["rna"])
    size = dict(zip(sums.names, np.abs(sums.values[0]).mean(axis=0), strict=True))
    first = sorted(size, key=lambda name: -size[name])[:3]
    assert set(first) == set(made[1].causal_pathways)


@pytest.mark.slow
def test_modalities_stand_as_they_were_made(script, made, fitted_folds):
    assert script["shapley_order"](*fitted_folds) == script["true_order"](made[1])


def test_patients_who_only_train_are_not_explained(script, simulate):
    dataset = simulate(120)
    fold = np.repeat([-1, 0, 1], 40)
    found = explain_out_of_fold(RidgeCox("clinical", ("clinical",)), dataset, fold)
    assert found.whole.patient_id.tolist() == dataset.patient_id[40:].tolist()
    assert sorted(found.by_fold) == [0, 1]
    with pytest.raises(ValueError, match=r"fold must have shape \(120,\)"):
        explain_out_of_fold(RidgeCox("clinical", ("clinical",)), dataset, fold[:50])
