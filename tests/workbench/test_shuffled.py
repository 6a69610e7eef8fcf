"""Nothing is found where there is nothing: outcomes shuffled through the whole path."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest

import fusion.cross_fit
import workbench as wb
from fusion.dataset import PatientDataset
from fusion.models import RiskModel, ladder
from workbench import study_steps as steps
from workbench.cohort.cohort import Cohort
from workbench.survival import harrell_c

pytestmark = [pytest.mark.slow, pytest.mark.shared_data]

N_SHUFFLES = 20
FARTHEST = 0.02
"""Largest distance of the mean C from 1/2."""


@dataclass(frozen=True)
class Glioma:
    """The glioma study's patients, arrays and judged model, its network and images trained shortly.

    ``half``, (patient,) 0 or 1: each half is predicted by models that saw the other alone. The
    same patients are predicted as with five folds, in fewer and larger comparisons, by a fifth of
    the training.
    """

    cohort: Cohort
    dataset: PatientDataset
    half: np.ndarray
    judged: RiskModel


@pytest.fixture(scope="module")
def glioma(short_training: None) -> Glioma:
    card = wb.open_card("tcga_glioma")
    if card.missing_files():
        pytest.skip("the files of tcga_glioma are not here: set WORKBENCH_DATA to their folder")
    study = wb.Study.of_card(card, "os")
    cohort = study.split.apply(card.cohort(study.outcome))
    models = ladder(
        ["concatenation", "stack", "fusion_net", "selected"],
        clinical="clinical",
        added=[m for m in study.modalities if m != "clinical"],
        leave_one_out=False,
    )
    half = np.random.default_rng(0).permutation(cohort.n_patients) % 2
    return Glioma(cohort, steps.load(study, cohort), half, models["selected"])


def shuffled(cohort: Cohort, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes exchanged between patients of one site and one tumour type."""
    generator = np.random.default_rng(seed)
    order = np.arange(cohort.n_patients)
    strata = cohort.patients.groupby(["site", "type"], observed=True).indices
    for rows in strata.values():
        order[rows] = generator.permutation(rows)
    patients = cohort.patients.iloc[order]
    return patients["time"].to_numpy(float), patients["event"].to_numpy(bool)


def concordances(glioma: Glioma, seeds: Sequence[int]) -> np.ndarray:
    """C of the judged model within each tumour type, (shuffle, type)."""
    groups = glioma.cohort.group_masks(["type"])
    found = []
    for seed in seeds:
        time, event = shuffled(glioma.cohort, seed)
        score = fusion.cross_fit.cross_fit(
            {"selected": glioma.judged},
            replace(glioma.dataset, time=time, event=event),
            glioma.half,
            np.array([365.0]),
            embedder=steps.embedder("outlines"),
        )["selected"].risk_score
        found.append(
            [harrell_c(time[m], event[m], score[m], fold=glioma.half[m]) for m in groups.values()]
        )
    return np.array(found, dtype=float)


def test_shuffled_outcomes_carry_no_risk(glioma: Glioma) -> None:
    """Twenty times the whole path on outcomes shuffled within site and tumour type."""
    by_shuffle = concordances(glioma, range(N_SHUFFLES)).mean(axis=1)
    standard_error = by_shuffle.std(ddof=1) / N_SHUFFLES**0.5
    # A mean that far off is no accident, and one within it says something.
    assert standard_error < FARTHEST / 2
    assert abs(by_shuffle.mean() - 0.5) <= FARTHEST


def test_a_leak_of_shuffled_outcomes_is_seen(
    glioma: Glioma, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same measure where models are trained on those they predict, images left out."""
    known = {n: m for n, m in glioma.dataset.modalities.items() if m.kind != "image"}
    models = ladder(
        ["concatenation", "stack", "selected"],
        clinical="clinical",
        added=["rna", "mutations", "copy_number"],
        leave_one_out=False,
    )
    leaking = replace(
        glioma,
        dataset=replace(glioma.dataset, modalities=known),
        judged=models["selected"],
    )
    honest = fusion.cross_fit.cross_fit
    fit_all = fusion.cross_fit.fit_all
    everyone: list[PatientDataset] = []

    def remembering(models, dataset, fold, horizons, **rest):
        everyone[:] = [dataset]
        return honest(models, dataset, fold, horizons, **rest)

    monkeypatch.setattr(fusion.cross_fit, "cross_fit", remembering)
    monkeypatch.setattr(
        fusion.cross_fit, "fit_all", lambda models, _, *, seed: fit_all(models, everyone[0])
    )
    assert concordances(leaking, range(3)).mean() > 0.5 + 2 * FARTHEST
