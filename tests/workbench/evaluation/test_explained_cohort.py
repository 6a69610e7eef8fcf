"""An explanation over a cohort: planted effects are told, and nobody who is protected is."""

from typing import Any

import numpy as np
import pytest

from fusion.dataset import Modality, PatientDataset
from fusion.explanation.attribution import Attribution, FeatureAttribution
from workbench.evaluation.explained_cohort import MOST_POINTS, ExplainedCohort

N = 300
GENES = tuple(f"G{i}" for i in range(6))
FOLD = np.arange(N) % 3
GBM = np.arange(N) < 100


@pytest.fixture(scope="module")
def dataset() -> PatientDataset:
    """Age, grade in two columns, and genes that two thirds of the patients have."""
    rng = np.random.default_rng(0)
    has = np.arange(N) % 3 != 0
    genes = np.where(has[:, None], rng.normal(size=(N, 6)), 0.0)
    grade = rng.integers(0, 3, N)
    clinical = np.column_stack([rng.integers(30, 80, N), grade == 1, grade == 2]).astype(float)
    clinical[:20, 0] = np.nan
    everyone = np.ones(N, dtype=bool)
    return PatientDataset(
        np.array([f"P{i}" for i in range(N)]),
        rng.exponential(500, N) + 1,
        rng.random(N) < 0.6,
        "days",
        {
            "clinical": Modality(
                *("clinical", "ehr", clinical, everyone, ("age", "grade=G3", "grade=G4")),
                {"grade": ("grade=G3", "grade=G4")},
            ),
            "rna": Modality("rna", "genomics", genes, has, GENES, {"RTK": ("G0", "G1")}),
        },
    )


@pytest.fixture(scope="module")
def attribution(dataset: PatientDataset) -> Attribution:
    """Risk rises with age, falls with G0; G1 matters in GBM alone, G5 never."""
    clinical, rna = (dataset.modalities[name].values for name in ("clinical", "rna"))
    weight = np.array([-0.8, 0.0, 0.3, 0.2, 0.1, 0.0])
    moved = rna * weight
    moved[:, 1] = np.where(GBM, 3.0 * rna[:, 1], 0.0)
    by_variable = np.nan_to_num(clinical - [55, 0, 0]) * [0.01, 0.1, 0.2]
    parts = {
        "clinical": FeatureAttribution(
            *(("age", "grade=G3", "grade=G4"), by_variable[None]),
            dataset.modalities["clinical"].groups,
        ),
        "rna": FeatureAttribution(GENES, moved[None], dataset.modalities["rna"].groups),
    }
    modalities = np.stack([p.values.sum(axis=2) for p in parts.values()], axis=-1)
    return Attribution(
        method="linear terms",
        target="log_hazard",
        horizons=np.array([]),
        reference="the mean training patient",
        patient_id=dataset.patient_id,
        modality_names=("clinical", "rna"),
        modalities=modalities,
        total=modalities.sum(axis=2),
        features=parts,
    )


def summary(dataset: PatientDataset, attribution: Attribution, minimum: int = 0) -> dict[str, Any]:
    from fusion.explanation.feature_groups import readable

    over_time = Attribution(
        method="Shapley values",
        target="survival",
        horizons=np.array([365.0, 730.0]),
        reference="nothing known",
        patient_id=dataset.patient_id,
        modality_names=("clinical", "rna"),
        modalities=np.concatenate([attribution.modalities * -0.1, attribution.modalities * -0.3]),
    )
    rows = [fold == FOLD for fold in range(3)]
    found = ExplainedCohort(
        whole=readable(attribution, dataset),
        over_time=over_time,
        dataset=dataset,
        runs=tuple(attribution.take(each) for each in rows),
        patients=tuple(dataset.take(each) for each in rows),
        minimum=minimum,
        single_patients=minimum == 0,
    ).summary(groups={"GBM": GBM, "rare": np.arange(N) < 5}, horizon=365.0, seed=0)
    return dict(found)


def test_planted_effects_stand_first_with_their_direction(
    dataset: PatientDataset, attribution: Attribution
) -> None:
    found = summary(dataset, attribution)
    rows = {row["name"]: row for row in found["features"]}
    assert list(rows)[:2] == ["G1", "G0"]
    assert rows["G0"]["direction"] == pytest.approx(-1.0)
    assert rows["age"]["direction"] == pytest.approx(1.0)
    assert rows["grade"]["direction"] is None
    assert rows["G0"]["n_patients"] == 200
    assert rows["G5"]["mean_absolute"]["estimate"] == 0.0
    # Fold 0 holds nobody with genes: their importance is over those who have them.
    has = dataset.modalities["rna"].present
    size = np.abs(attribution.features["rna"].values[0, has, 0]).mean()
    assert rows["G0"]["mean_absolute"]["estimate"] == pytest.approx(size, rel=0.05)
    assert [row["name"] for row in found["gene_sets"]] == ["RTK"]
    assert found["genes"][0]["name"] == "G0"  # Most patients are no GBM.
    within = {group["group"]: group["features"] for group in found["within"]}
    assert within["GBM"][0]["name"] == "G1"


def test_groups_differ_where_they_were_made_to(
    dataset: PatientDataset, attribution: Attribution
) -> None:
    found = summary(dataset, attribution)
    rows = {(row["group"], row["modality"]): row for row in found["group_differences"]}
    assert rows["GBM", "rna"]["lower"] > 0.5
    assert rows["GBM", "clinical"]["lower"] < 0 < rows["GBM", "clinical"]["upper"]
    assert summary(dataset, attribution, 10)["groups_withheld"] == ["rare"]
    times = {row["modality"]: row["mean_absolute"] for row in found["over_time"]["modalities"]}
    assert times["rna"][1] == pytest.approx(3 * times["rna"][0])


def test_points_are_shown_only_where_patients_may_be_seen(
    dataset: PatientDataset, attribution: Attribution
) -> None:
    open_to_all, protected = (summary(dataset, attribution, n) for n in (0, 12))
    assert len(open_to_all["points"][0]["place"]) == 200 <= MOST_POINTS
    assert protected["points"] == []
    counts = [n for row in protected["dependence"] for n in row["n_patients"]]
    assert min(counts) >= 12
    assert min(row["n_patients"] for row in protected["profiles"]) >= 12
    age = next(row for row in protected["dependence"] if row["name"] == "age")
    assert sum(age["n_patients"]) == N - 20
    assert np.diff(age["median"]).min() > 0
