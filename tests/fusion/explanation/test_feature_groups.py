"""Sums over groups of features: nothing is lost, and nothing counts twice unseen."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from fusion.dataset import Modality, PatientDataset
from fusion.explanation.attribution import Attribution, FeatureAttribution
from fusion.explanation.feature_groups import as_variables, gene_set_sums, readable

NAMES = ("age", "grade=G3", "grade=G4", "sex=male")


def part(groups: dict[str, tuple[str, ...]], seed: int = 0) -> FeatureAttribution:
    return FeatureAttribution(NAMES, np.random.default_rng(seed).normal(size=(2, 5, 4)), groups)


@settings(deadline=None)
@given(st.lists(st.sampled_from(["a", "b", ""]), min_size=4, max_size=4), st.integers(0, 99))
def test_variables_sum_to_what_their_columns_sum_to(labels: list[str], seed: int) -> None:
    groups = {
        name: tuple(n for n, label in zip(NAMES, labels, strict=True) if label == name)
        for name in set(labels) - {""}
    }
    given_part = part(groups, seed)
    found = as_variables(given_part)
    assert len(found.names) == len(groups) + labels.count("")
    assert_allclose(found.values.sum(axis=2), given_part.values.sum(axis=2), atol=1e-12)


def test_overlapping_sets_are_no_variables_but_gene_sets() -> None:
    overlapping = part({"one": ("age", "sex=male"), "two": ("sex=male",)})
    with pytest.raises(ValueError, match="gene_set_sums"):
        as_variables(overlapping)
    found = gene_set_sums(overlapping)
    assert found.names == ("one", "two")
    values = overlapping.values
    assert_allclose(found.values[..., 0], values[..., 0] + values[..., 3])
    assert_allclose(found.values[..., 1], values[..., 3])
    with pytest.raises(ValueError, match="no gene sets"):
        gene_set_sums(part({}))


def test_what_a_person_reads_are_variables_genes_and_images_as_a_whole() -> None:
    everyone, groups = np.ones(5, dtype=bool), {"grade": ("grade=G3", "grade=G4")}
    parts = {"clinical": part(groups), "rna": part({"one": ("age",)}, 1), "mri": part({}, 2)}
    kinds = {"clinical": "ehr", "rna": "genomics", "mri": "embedding"}
    dataset = PatientDataset(
        np.arange(5).astype(str),
        np.ones(5),
        everyone,
        "days",
        {n: Modality(n, kind, np.ones((5, 4)), everyone, NAMES) for n, kind in kinds.items()},
    )
    modalities = np.stack([each.values.sum(axis=2) for each in parts.values()], axis=-1)
    whole = Attribution(
        method="linear terms",
        target="risk",
        horizons=np.array([1.0, 2.0]),
        reference="the mean training patient",
        patient_id=dataset.patient_id,
        modality_names=tuple(parts),
        modalities=modalities,
        total=modalities.sum(axis=2),
        features=parts,
    )
    found = readable(whole, dataset)
    assert found.features["clinical"].names == ("age", "grade", "sex=male")
    assert found.features["rna"] == parts["rna"]
    assert "mri" not in found.features
    assert_allclose(found.modalities, modalities)
