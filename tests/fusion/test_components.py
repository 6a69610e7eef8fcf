"""Features are made ready from training rows alone."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import ndtri

from fusion.components import fit_components, normal_scores
from fusion.dataset import Modality

EVERYONE = np.ones(160, dtype=bool)
TRAINING = np.arange(160) % 4 != 0


@pytest.fixture
def modalities(simulate):
    return simulate().modalities


def with_values(modality: Modality, values: np.ndarray) -> Modality:
    return replace(modality, values=np.where(modality.present[:, None], values, 0.0))


@pytest.mark.parametrize("name", ["clinical", "rna", "mutations"])
def test_rows_outside_training_are_not_looked_at(modalities, name):
    """The fault that makes results too good: a limit, mean or direction learned from held-out rows.

    Held-out rows get values far outside the training range, and gaps.
    """
    modality = modalities[name]
    spoiled = modality.values.copy()
    spoiled[~TRAINING] = 1e4 * spoiled[~TRAINING] + 77
    spoiled[~TRAINING, 0] = np.nan
    before = fit_components(modality, TRAINING)
    after = fit_components(with_values(modality, spoiled), TRAINING)
    for part in ("lower", "upper", "quantiles", "center", "scale", "loadings"):
        assert_array_equal(getattr(before, part), getattr(after, part), err_msg=part)
    outside = fit_components(with_values(modality, spoiled), EVERYONE)
    assert not np.array_equal(before.center, outside.center), "the planted fault must show"


@given(
    factor=st.floats(1e-12, 1e9), shift=st.floats(-5, 5), name=st.sampled_from(["clinical", "rna"])
)
@settings(deadline=None, max_examples=40)
def test_the_unit_of_a_feature_does_not_matter(simulate, factor, shift, name):
    modality = simulate(80).modalities[name]
    training = TRAINING[:80]
    spread = np.nanstd(modality.values[:, 0])
    values = modality.values.copy()
    values[:, 0] = factor * (values[:, 0] + shift * spread)
    other = with_values(modality, values)
    before = fit_components(modality, training).transform(modality)
    after = fit_components(other, training).transform(other)
    assert_allclose(np.abs(after), np.abs(before), atol=1e-7)


def test_a_missing_value_counts_as_the_training_mean(modalities):
    clinical = modalities["clinical"]
    fitted = fit_components(clinical, TRAINING)
    gaps = np.isnan(clinical.values)
    filled = with_values(clinical, np.where(gaps, fitted.center, clinical.values))
    assert gaps.any()
    assert_allclose(fitted.transform(clinical), fitted.transform(filled), atol=1e-12)
    assert not fitted.transform(clinical)[gaps].any()


@pytest.mark.parametrize("name", ["clinical", "rna", "mutations"])
@pytest.mark.parametrize("value", [0.1, -3e7, 0.0])
def test_a_constant_column_has_no_effect(modalities, name, value):
    """Constant in training; a held-out patient who differs is not thrown far away."""
    values = modalities[name].values.copy()
    values[TRAINING, 2] = value
    constant = with_values(modalities[name], values)
    other = values.copy()
    other[~TRAINING, 2] += 1000
    fitted = fit_components(constant, TRAINING)
    assert np.isinf(fitted.scale[2])
    transformed = fitted.transform(with_values(constant, other))
    assert_allclose(transformed, fitted.transform(constant), atol=1e-12)


@pytest.mark.parametrize("name", ["clinical", "rna", "mutations"])
def test_a_column_that_nobody_has_measured_has_no_effect(modalities, name):
    values = modalities[name].values.copy()
    values[TRAINING, 1] = np.nan
    values[5] = np.nan
    gappy = with_values(modalities[name], values)
    scores = fit_components(gappy, TRAINING).transform(gappy)
    assert np.isfinite(scores).all()
    assert not scores[5].any()


@pytest.mark.parametrize("name", ["rna", "mutations"])
def test_absent_rows_are_zero(modalities, name):
    modality = modalities[name]
    scores = fit_components(modality, TRAINING).transform(modality)
    assert not scores[~modality.present].any()
    assert scores[modality.present].any(axis=1).all()


def test_a_modality_that_no_training_patient_has_gives_zeros(modalities):
    rna = modalities["rna"]
    scores = fit_components(rna, ~rna.present).transform(rna)
    assert np.isfinite(scores).all()
    assert not scores.any()


@pytest.mark.parametrize("n_training", [20, 150])
def test_principal_components_equal_a_singular_value_decomposition(simulate, n_training):
    """Both Gram matrices: fewer patients than genes, and more."""
    rna = simulate(gene_effect=0).modalities["rna"]
    rows = np.flatnonzero(rna.present)[: min(n_training, rna.present.sum())]
    training = np.isin(np.arange(160), rows)
    fitted = fit_components(rna, training)
    scaled = fitted.standardised(rna)[training]
    _, singular, directions = np.linalg.svd(scaled, full_matrices=False)
    total = (scaled**2).sum() / (training.sum() - 1)
    rank = int((singular > 1e-5 * singular[0]).sum())
    assert fitted.n_components == rank
    expected = np.abs(scaled @ directions[:rank].T) / np.sqrt(total)
    assert_allclose(np.abs(fitted.transform(rna)[training]), expected, atol=1e-6)
    variance = (fitted.transform(rna)[training] ** 2).sum(0) / (training.sum() - 1)
    assert_allclose(variance, singular[:rank] ** 2 / (singular**2).sum(), rtol=1e-6)
    assert variance.sum() == pytest.approx(1)


def test_an_extreme_gene_counts_as_the_training_maximum(modalities):
    rna = modalities["rna"]
    fitted = fit_components(rna, TRAINING)
    wild = rna.values.copy()
    wild[~TRAINING] = 1e9
    largest = np.where(TRAINING[:, None], rna.values, fitted.quantiles[:, -1])
    assert_allclose(
        fitted.transform(with_values(rna, wild)), fitted.transform(with_values(rna, largest))
    )


def test_an_embedding_unlike_all_others_is_clipped():
    """An image of another kind must not get a risk score of another order of magnitude."""
    values = np.random.default_rng(0).normal(size=(160, 4))
    values[-1] = 1e6
    modality = Modality("mri", "embedding", values, EVERYONE, ("a", "b", "c", "d"))
    training = np.arange(160) < 150
    fitted = fit_components(modality, training)
    scores = fitted.transform(modality)
    assert np.abs(scores[-1]).max() < 3 * np.abs(scores[:-1]).max()
    inside = (values[:-1] > fitted.lower) & (values[:-1] < fitted.upper)
    assert 0.96 < inside.mean() < 1
    expected = (values[:-1] - fitted.center) / fitted.scale
    assert_allclose(fitted.standardised(modality)[:-1][inside], expected[inside])


@pytest.mark.parametrize("change", [np.exp, lambda x: x**3, lambda x: 1e4 * x - 7])
def test_any_monotone_change_of_a_gene_changes_nothing(modalities, change):
    """Logged or not, in any unit: only ranks count."""
    rna = modalities["rna"]
    values = np.where(rna.present[:, None], rna.values, 0.0)
    changed = np.where(rna.present[:, None], change(values), 0.0)
    before = fit_components(rna, TRAINING).transform(with_values(rna, values))
    after = fit_components(with_values(rna, changed), TRAINING)
    assert_allclose(
        after.transform(with_values(rna, changed))[TRAINING], before[TRAINING], atol=1e-7
    )


def test_normal_scores_of_ties_are_their_mean():
    quantiles = np.array([[0.0, 0.0, 0.0, 5.0], [1.0, 2.0, 3.0, 4.0]])
    known = ndtri((np.arange(4) + 0.5) / 4)
    scores = normal_scores(np.array([[0.0, 1.5], [5.0, -9.0], [np.nan, 4.0]]), quantiles)
    expected = [[known[:3].mean(), known[:2].mean()], [known[3], known[0]], [np.nan, known[3]]]
    assert_allclose(scores, expected, atol=1e-12)


def test_a_gene_that_never_varies_has_no_effect(modalities):
    rna = modalities["rna"]
    flat = rna.values.copy()
    flat[:, 0] = np.where(rna.present, 3.7, 0.0)
    fitted = fit_components(with_values(rna, flat), TRAINING)
    assert fitted.scale[0] == np.inf
    assert not fitted.standardised(with_values(rna, rna.values))[:, 0].any()


def test_other_features_are_refused(modalities):
    rna = modalities["rna"]
    fitted = fit_components(rna, TRAINING)
    reordered = replace(rna, names=rna.names[::-1])
    with pytest.raises(ValueError, match="rna: the model was fitted on 30 .* order changed$"):
        fitted.transform(reordered)
    renamed = replace(rna, names=("TP53", *rna.names[1:]))
    with pytest.raises(ValueError, match="2 differ .* such as 'TP53'"):
        fitted.transform(renamed)
    fewer = replace(rna, values=rna.values[:, 1:], names=rna.names[1:])
    with pytest.raises(ValueError, match="30 features and 29 came; 1 differ .*'gene 0'"):
        fitted.transform(fewer)


def test_images_are_refused(discs):
    with pytest.raises(ValueError, match="images must be encoded"):
        fit_components(discs(8), np.ones(8, dtype=bool))
