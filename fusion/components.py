"""Features made ready inside one training set: ranked, centred, scaled, projected.

Whatever is learned here (ranks, means, directions) is learned from the training rows alone and
travels with the fitted model.
"""

from dataclasses import dataclass

import numpy as np
import torch
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
    prior spread of risk for every modality. A modality with a direction of its own has that one
    alone, scaled likewise.

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
    return _learned(modality, training & modality.present)[0]


def fit_with_scores(modality: Modality) -> tuple[Components, np.ndarray]:
    """:func:`fit_components` on every patient, and their scores, (patient, component)."""
    components, standardised = _learned(modality, modality.present)
    scores = np.zeros((len(modality.present), components.n_components))
    scores[modality.present] = standardised @ components.loadings
    return components, scores


def _learned(modality: Modality, rows: np.ndarray) -> tuple[Components, np.ndarray]:
    """What ``rows`` teach, and their standardised features, (row, feature)."""
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
    standardised = _standardised(values, np.ones(len(values), bool), center, scale)
    loadings = _axes(modality, standardised)
    axes = lower, upper, quantiles, center, scale, loadings
    return Components(modality.name, modality.names, *axes), standardised


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
    known = torch.from_numpy(np.ascontiguousarray(quantiles))  # feature quantile
    column = torch.from_numpy(np.ascontiguousarray(values.T))  # feature patient
    score = torch.from_numpy(ndtri((np.arange(n_quantiles) + 0.5) / n_quantiles))
    above = torch.searchsorted(known, column).clamp_(max=n_quantiles - 1)
    below = (above - 1).clamp_(min=0)
    end = known.gather(1, above)
    start = known.gather(1, below)
    # Outside the known range there is no gap to share: the outermost score stays.
    share = ((column - start) / (end - start)).nan_to_num_(nan=1.0, posinf=1.0).clamp_(0.0, 1.0)
    between = score[below] + share * (score[above] - score[below])
    scores = torch.where(column == end, _tied_means(known, score).gather(1, above), between)
    return torch.where(column.isnan(), column, scores).T.numpy()


def _tied_means(known: torch.Tensor, score: torch.Tensor) -> torch.Tensor:
    """Mean score of the tie that each order statistic belongs to, (feature, quantile)."""
    position = torch.arange(known.shape[1]).expand_as(known)
    ends = torch.ones_like(known[:, :1], dtype=torch.bool)
    changes = known[:, 1:] != known[:, :-1]
    first = torch.where(torch.cat([ends, changes], 1), position, 0).cummax(1).values
    last = torch.where(torch.cat([changes, ends], 1), position, known.shape[1])
    last = last.flip(1).cummin(1).values.flip(1)
    total = torch.nn.functional.pad(score.cumsum(0), (1, 0))
    return (total[last + 1] - total[first]) / (last + 1 - first)


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


def _axes(modality: Modality, scaled: np.ndarray) -> np.ndarray:
    """Loadings of a modality by its standardised features, (feature, component)."""
    if modality.direction is not None:
        given = modality.direction[:, None]
        return _to_unit_variance(given, scaled @ given)
    if modality.kind == "ehr":
        return np.eye(len(modality.names))
    if not scaled.any():
        return np.zeros((scaled.shape[1], 1))
    return _to_unit_variance(_directions(scaled), scaled)


def _to_unit_variance(loadings: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Loadings over the root of the columns' total variance; 0 where they have none."""
    total = (columns**2).sum() / max(len(columns) - 1, 1)
    return loadings / np.sqrt(total) if total > 0 else np.zeros_like(loadings)


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
