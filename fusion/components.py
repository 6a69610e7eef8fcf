"""Features made ready inside one training set: ranked, centred, scaled, projected.

Whatever is learned here (ranks, means, directions) is learned from the training rows alone and
travels with the fitted model.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from fusion.dataset import Modality

QUANTILES = 256
"""Most order statistics that describe a gene's distribution."""
CLIPPED_SHARE = 0.01
"""Share of training patients beyond each limit of an embedding."""


@dataclass(frozen=True)
class Components:
    """How one modality becomes the columns of a linear model.

    Parameters
    ----------
    modality
        Name of the modality.
    names
        Its features, (feature,), in the order the transformation expects.
    lower, upper
        Limits to which values are clipped, (feature,), unit of the feature; infinite where it is
        not clipped.
    quantiles
        Order statistics of each feature, ascending, (feature, quantile), unit of the feature;
        none where features keep their own scale.
    center, scale
        (feature,), after ranking; a feature that was constant in training has infinite scale and
        so no effect.
    loadings
        Projection, (feature, component).
    """

    modality: str
    names: tuple[str, ...]
    lower: np.ndarray
    upper: np.ndarray
    quantiles: np.ndarray
    center: np.ndarray
    scale: np.ndarray
    loadings: np.ndarray

    @property
    def n_components(self) -> int:
        return self.loadings.shape[1]

    def standardised(self, modality: Modality) -> np.ndarray:
        """Scaled features, (patient, feature); 0, the training mean, where missing or absent."""
        if modality.names != self.names:
            unknown = sorted(set(modality.names) ^ set(self.names))
            raise ValueError(
                f"{self.modality}: the model was fitted on {len(self.names)} features and "
                f"{len(modality.names)} came; {len(unknown)} differ or the order changed"
                + (f", such as {unknown[0]!r}" if unknown else "")
            )
        clipped = np.clip(modality.values, self.lower, self.upper)
        ranked = normal_scores(clipped, self.quantiles)
        return _standardised(ranked, modality.present, self.center, self.scale)

    def transform(self, modality: Modality) -> np.ndarray:
        """Component scores, (patient, component); 0 where the modality is absent."""
        return self.standardised(modality) @ self.loadings


def fit_components(modality: Modality, training: np.ndarray) -> Components:
    """Learn the transformation of one modality from its ``training`` rows.

    Clinical columns keep their own axes at unit variance. Genes are ranked into normal scores, so
    that neither a heavy tail nor the choice of logarithm counts; embeddings keep their scale and
    are clipped, so that an image unlike all others has no score beyond theirs. Both are projected
    on all their principal directions, by descending variance: with more features than patients
    these are as many as patients, and ridge regression on them is ridge on every feature. They
    are scaled to a total variance of 1 over the modality, so that one penalty means the same
    prior spread of risk for every modality.

    Parameters
    ----------
    training
        (patient,) bool. Rows outside it are not looked at.

    References
    ----------
    Blom, G. (1958). Statistical estimates and transformed beta-variables. Wiley.
    van de Wiel, M. et al. (2021). Fast cross-validation for multi-penalty high-dimensional ridge
    regression. J. Comput. Graph. Stat. 30.
    """
    rows = training & modality.present
    if modality.kind == "image":
        raise ValueError(f"{modality.name}: images must be encoded before a linear model")
    values = modality.values[rows]
    ranked = modality.kind == "genomics" and modality.scaling == "standardise" and len(values) > 0
    lower, upper = _clip_limits(values, modality.kind)
    quantiles = _order_statistics(values) if ranked else np.empty((values.shape[1], 0))
    values = normal_scores(np.clip(values, lower, upper), quantiles)
    center, scale = _moments(values, modality.scaling)
    if ranked:
        # The score of a lone rank is 0 up to rounding, which has no spread worth scaling.
        scale[quantiles[:, 0] == quantiles[:, -1]] = np.inf
    if modality.kind == "ehr":
        loadings = np.eye(len(modality.names))
    else:
        loadings = _loadings(_standardised(values, np.ones(len(values), bool), center, scale))
    return Components(
        modality.name, modality.names, lower, upper, quantiles, center, scale, loadings
    )


def _clip_limits(values: np.ndarray, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Limits of each column, (feature,) twice: finite for embeddings alone."""
    if kind == "embedding" and len(values):
        shares = [CLIPPED_SHARE, 1 - CLIPPED_SHARE]
        measured = np.where(np.isnan(values).all(axis=0), 0.0, values)
        lower, upper = np.nanquantile(measured, shares, axis=0)
        return lower, upper
    unlimited = np.full(values.shape[1], np.inf)
    return -unlimited, unlimited


def _order_statistics(values: np.ndarray) -> np.ndarray:
    """Evenly spaced order statistics of each column's known values, (feature, quantile)."""
    n_quantiles = min(len(values), QUANTILES)
    n_known = (~np.isnan(values)).sum(axis=0)
    # Chosen, not interpolated: a monotone change of the values is the same choice.
    at = (((np.arange(n_quantiles) + 0.5) / n_quantiles)[:, None] * n_known).astype(int)
    statistics = np.take_along_axis(np.sort(values, axis=0), at, axis=0).T
    return np.where(n_known[:, None] > 0, statistics, 0.0)


def normal_scores(values: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    """Standard normal quantiles of the ranks that values take among ``quantiles``.

    Tied order statistics share their mean score; between two of them the score is interpolated,
    and beyond the outermost it stays.

    Parameters
    ----------
    values
        (patient, feature); NaN stays NaN.
    quantiles
        Ascending, (feature, quantile); with none, values are returned as they are.

    Examples
    --------
    >>> normal_scores(np.array([[1.0], [2.0], [2.5], [9.0]]), np.array([[1.0, 2.0, 3.0]])).round(2)
    array([[-0.97],
           [ 0.  ],
           [ 0.48],
           [ 0.97]])
    """
    n_quantiles = quantiles.shape[1]
    if not n_quantiles:
        return values
    scores = ndtri((np.arange(n_quantiles) + 0.5) / n_quantiles)
    total = np.concatenate([[0.0], scores.cumsum()])
    ranked = np.empty_like(values)
    for column, known in enumerate(quantiles):
        value = values[:, column]
        low, high = known.searchsorted(value, "left"), known.searchsorted(value, "right")
        between = np.interp(value, known, scores)
        tied = (total[high] - total[low]) / np.maximum(high - low, 1)
        ranked[:, column] = np.where(high > low, tied, between)
    return ranked


def _moments(values: np.ndarray, scaling: str) -> tuple[np.ndarray, np.ndarray]:
    known = ~np.isnan(values)
    n_known = known.sum(axis=0)
    filled = np.where(known, values, 0.0)
    center = filled.sum(axis=0) / np.maximum(n_known, 1)
    spread = np.where(known, values - center, 0.0)
    deviation = np.sqrt((spread**2).sum(axis=0) / np.maximum(n_known - 1, 1))
    # Relative to the mean: a feature in a tiny unit is no constant.
    constant = deviation <= 1e-9 * np.abs(center)
    scale = np.where(constant, np.inf, deviation if scaling == "standardise" else 1.0)
    return center, scale


def _standardised(
    values: np.ndarray, present: np.ndarray, center: np.ndarray, scale: np.ndarray
) -> np.ndarray:
    scaled = (values - center) / scale
    return np.where(present[:, None] & ~np.isnan(scaled), scaled, 0.0)


def _loadings(scaled: np.ndarray) -> np.ndarray:
    """Principal directions over the root of the total variance, (feature, component)."""
    total = (scaled**2).sum() / max(len(scaled) - 1, 1)
    if total == 0:
        return np.zeros((scaled.shape[1], 1))
    return _directions(scaled) / np.sqrt(total)


def _directions(scaled: np.ndarray) -> np.ndarray:
    """Orthonormal principal directions, (feature, component), signs fixed.

    Through the smaller of the two Gram matrices.
    """
    n, p = scaled.shape
    gram = scaled @ scaled.T if n < p else scaled.T @ scaled
    variance, vectors = np.linalg.eigh(gram)
    keep = np.flatnonzero(variance > 1e-10 * variance[-1])[::-1]
    directions = vectors[:, keep]
    if n < p:
        directions = scaled.T @ (directions / np.sqrt(variance[keep]))
    largest = np.abs(directions).argmax(axis=0)
    return directions * np.sign(directions[largest, np.arange(len(keep))])
