"""Nothing is found where there is nothing: outcomes shuffled through the whole path."""

from dataclasses import replace

import numpy as np
import pytest

import workbench as wb
from fusion.cross_fit import cross_fit
from fusion.models import ladder
from workbench import study_steps as steps
from workbench.cohort.cohort import Cohort
from workbench.survival import harrell_c

pytestmark = pytest.mark.slow


def shuffled(cohort: Cohort, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes exchanged between patients of one site and one tumour type."""
    generator = np.random.default_rng(seed)
    order = np.arange(cohort.n_patients)
    strata = cohort.patients.groupby(["site", "type"], observed=True).indices
    for rows in strata.values():
        order[rows] = generator.permutation(rows)
    patients = cohort.patients.iloc[order]
    return patients["time"].to_numpy(float), patients["event"].to_numpy(bool)


@pytest.mark.shared_data
def test_shuffled_outcomes_carry_no_risk() -> None:
    """Twenty times the whole path on outcomes shuffled within site and tumour type."""
    card = wb.open_card("tcga_glioma")
    if card.missing_files():
        pytest.skip("the files of tcga_glioma are not here: set WORKBENCH_DATA to their folder")
    study = wb.Study.of_card(card, "os")
    cohort = study.split.apply(card.cohort(study.outcome))
    dataset = steps.load(study, cohort)
    models = ladder(
        ["concatenation", "stack", "fusion_net", "selected"],
        clinical="clinical",
        added=[m for m in study.modalities if m != "clinical"],
        leave_one_out=False,
    )
    fold = cohort.patients["fold"].to_numpy(int)
    groups = cohort.group_masks(["type"])
    found: dict[str, list[float]] = {title: [] for title in groups}
    for seed in range(20):
        time, event = shuffled(cohort, seed)
        there = replace(dataset, time=time, event=event)
        predictions = cross_fit(
            {"selected": models["selected"]},
            there,
            fold,
            np.array([365.0]),
            seed=study.seed,
            embedder=steps.embedder(),
        )["selected"]
        for title, member in groups.items():
            c = harrell_c(
                time[member], event[member], predictions.risk_score[member], fold=fold[member]
            )
            found[title].append(float(c))
    means = {title: float(np.mean(values)) for title, values in found.items()}
    pooled = float(np.mean(list(means.values())))
    assert abs(pooled - 0.5) <= 0.02, means
