"""How grey values of neighbours go together inside a lesion: the co-occurrence matrix.

Neighbours are the 26 around a voxel, in all 13 directions, merged into one matrix ("3D, merged").
Names in brackets are identifiers of the Image Biomarker Standardisation Initiative.

References
----------
Haralick, R. et al. (1973). Textural features for image classification. IEEE Trans SMC 3:610.
Zwanenburg, A. et al. (2020). The Image Biomarker Standardization Initiative. Radiology 295:328.
"""

from itertools import product

import numpy as np
from jaxtyping import Bool, Float, Int

N_LEVELS = 32


def grey_levels(
    values: Float[np.ndarray, "depth height width"],
    mask: Bool[np.ndarray, "depth height width"],
    n_levels: int = N_LEVELS,
) -> Int[np.ndarray, "depth height width"]:
    """Grey values of a lesion as levels 1 to ``n_levels`` of equal width; 0 outside.

    "Fixed bin number" of the initiative: the lesion's lowest value is in level 1, its highest in
    the last, so that gain and offset of the scanner do not matter.
    """
    levels = np.zeros(values.shape, dtype=int)
    if not mask.any():
        return levels
    inside = values[mask].astype(float)
    low, high = inside.min(), inside.max()
    if low == high:
        levels[mask] = 1
        return levels
    share = (inside - low) / (high - low)
    levels[mask] = np.minimum(np.floor(share * n_levels).astype(int) + 1, n_levels)
    return levels


def co_occurrence(
    levels: Int[np.ndarray, "depth height width"],
) -> Float[np.ndarray, "level level"]:
    """Probability that two neighbours have two levels, symmetric; 0 is outside and counts nothing.

    Without any pair of neighbours, all are 0.
    """
    n = int(levels.max())
    counts = np.zeros((n, n))
    for shift in product((-1, 0, 1), repeat=3):
        # One of each two opposite directions; the other is the transpose.
        if shift <= (0, 0, 0):
            continue
        here = levels[tuple(slice(max(-s, 0), min(-s, 0) or None) for s in shift)]
        there = levels[tuple(slice(max(s, 0), min(s, 0) or None) for s in shift)]
        both = (here > 0) & (there > 0)
        np.add.at(counts, (here[both] - 1, there[both] - 1), 1)
    counts += counts.T
    return counts / counts.sum() if counts.any() else counts


def texture_features(levels: Int[np.ndarray, "depth height width"]) -> dict[str, float]:
    """Features of the co-occurrence matrix, by name.

    Parameters
    ----------
    levels
        As :func:`grey_levels` gives them.

    Raises
    ------
    ValueError
        If no two neighbours are inside.
    """
    joint = co_occurrence(levels)
    if not joint.any():
        raise ValueError("no two neighbours are outlined: a single voxel has no texture")
    level = np.arange(1, len(joint) + 1)
    apart = np.abs(level[:, None] - level)
    marginal = joint.sum(axis=1)
    mean = marginal @ level
    variance = marginal @ (level - mean) ** 2
    shared = level @ joint @ level - mean**2
    some = joint[joint > 0]
    features = {
        "joint maximum (GYBY)": joint.max(),
        "joint variance (UR99)": variance,
        "joint entropy (TU9B)": -(some * np.log2(some)).sum(),
        "angular second moment (8ZQL)": (joint**2).sum(),
        "contrast (ACUI)": (joint * apart**2).sum(),
        "dissimilarity (8S9J)": (joint * apart).sum(),
        "inverse difference (IB1Z)": (joint / (1 + apart)).sum(),
        "inverse difference moment (WF0Z)": (joint / (1 + apart**2)).sum(),
        # A lesion of one level is as alike as can be.
        "correlation (NI2N)": shared / variance if variance > 0 else 1.0,
    }
    return {name: float(value) for name, value in features.items()}
