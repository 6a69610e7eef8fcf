"""Features made ready inside one training set: clipped, centred, scaled, projected.

Whatever is learned here (limits, means, directions) is learned from the training rows alone and
travels with the fitted model.
"""

from dataclasses import dataclass

import numpy as np

from fusion.dataset import Modality

CLIPPED_SHARE = 0.01


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
        Limits to which values are clipped, (feature,), unit of the feature.
    center, scale
        (feature,); a feature that was constant in training has infinite scale and so no effect.
    loadings
        Projection, (feature, component).
    """

    modality: str
    names: tuple[str, ...]
    lower: np.ndarray
    upper: np.ndarray
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
        return _standardised(modality.values, modality.present, self)

    def transform(self, modality: Modality) -> np.ndarray:
        """Component scores, (patient, component); 0 where the modality is absent."""
        return self.standardised(modality) @ self.loadings


def fit_components(modality: Modality, training: np.ndarray) -> Components:
    """Learn the transformation of one modality from its ``training`` rows.

    Clinical columns keep their own axes at unit variance. Genomics and embeddings are projected
    on all their principal directions, by descending variance: with more features than patients
    these are as many as patients, and ridge regression on them is ridge on every feature. They
    are scaled to a total variance of 1 over the modality, so that one penalty means the same
    prior spread of risk for every modality.

    Parameters
    ----------
    training
        (patient,) bool. Rows outside it are not looked at.
    """
    rows = training & modality.present
    if modality.kind == "image":
        raise ValueError(f"{modality.name}: images must be encoded before a linear model")
    n_features = len(modality.names)
    unlimited = np.full(n_features, np.inf)
    lower, upper = -unlimited, unlimited
    values = modality.values[rows]
    if modality.kind != "ehr" and modality.scaling == "standardise" and rows.any():
        lower, upper = _clip_limits(values)
        values = np.clip(values, lower, upper)
    center, scale = _moments(values, modality.scaling)
    identity = Components(
        modality.name, modality.names, lower, upper, center, scale, np.eye(n_features)
    )
    if modality.kind == "ehr":
        return identity
    return _project(identity, modality.values[rows])


def _clip_limits(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Order statistics near each end, by partition; NaN is left out where a column has any."""
    if np.isnan(values).any():
        measured = ~np.isnan(values).all(axis=0)
        limits = np.outer([-np.inf, np.inf], np.ones(values.shape[1]))
        shares = [CLIPPED_SHARE, 1 - CLIPPED_SHARE]
        limits[:, measured] = np.nanquantile(values[:, measured], shares, axis=0)
        return limits[0], limits[1]
    n = len(values)
    low = int(np.floor(CLIPPED_SHARE * (n - 1)))
    ordered = np.partition(values, [low, n - 1 - low], axis=0)
    return ordered[low], ordered[n - 1 - low]


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


def _standardised(values: np.ndarray, present: np.ndarray, fitted: Components) -> np.ndarray:
    scaled = (np.clip(values, fitted.lower, fitted.upper) - fitted.center) / fitted.scale
    return np.where(present[:, None] & ~np.isnan(scaled), scaled, 0.0)


def _project(identity: Components, values: np.ndarray) -> Components:
    """Principal components through the smaller of the two Gram matrices."""
    scaled = _standardised(values, np.ones(len(values), dtype=bool), identity)
    total = (scaled**2).sum() / max(len(scaled) - 1, 1)
    if total == 0:
        loadings = np.zeros((scaled.shape[1], 1))
    else:
        scaled = scaled / np.sqrt(total)
        loadings = _directions(scaled) / np.sqrt(total)
    return Components(
        identity.modality,
        identity.names,
        identity.lower,
        identity.upper,
        identity.center,
        identity.scale,
        loadings,
    )


def _directions(scaled: np.ndarray) -> np.ndarray:
    """Orthonormal principal directions, (feature, component), signs fixed."""
    n, p = scaled.shape
    gram = scaled @ scaled.T if n < p else scaled.T @ scaled
    variance, vectors = np.linalg.eigh(gram)
    keep = np.flatnonzero(variance > 1e-10 * variance[-1])[::-1]
    directions = vectors[:, keep]
    if n < p:
        directions = scaled.T @ (directions / np.sqrt(variance[keep]))
    largest = np.abs(directions).argmax(axis=0)
    return directions * np.sign(directions[largest, np.arange(len(keep))])
