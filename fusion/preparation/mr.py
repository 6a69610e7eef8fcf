"""MR: an arbitrary unit, and a field that is not even."""

from itertools import product

import numpy as np
from jaxtyping import Bool, Float
from monai.transforms.intensity.array import NormalizeIntensity
from numpy.polynomial.legendre import legvander

DEGREE = 3
N_ROUNDS = 4
OUTLIER = 2.0
MOST_VOXELS = 40_000


def mr_standardised(volume: Float[np.ndarray, "*space"]) -> Float[np.ndarray, "*space"]:
    """Mean 0 and variance 1 over what is not background, which stays 0.

    Background is what is exactly 0, as skull stripping and scanners leave it.
    """
    return np.asarray(NormalizeIntensity(nonzero=True)(volume), dtype=np.float32)


def bias_corrected(
    volume: Float[np.ndarray, "*space"], inside: Bool[np.ndarray, "*space"]
) -> Float[np.ndarray, "*space"]:
    """The volume over a smooth field of gain, whose mean logarithm inside is 0.

    The field is a polynomial of third degree along each axis, fitted to the logarithm of the tissue
    by least squares, in rounds that leave out voxels far from it (lesions, fluid, vessels). It
    removes the slow shading of surface coils; :func:`n4_corrected` follows finer fields.

    Parameters
    ----------
    volume
        Not negative.
    inside
        True in tissue.

    Raises
    ------
    ValueError
        If nothing inside is positive.

    References
    ----------
    Dawant, B. et al. (1993). Correction of intensity variations in MR images for computer-aided
    tissue classification. IEEE Trans Med Imaging 12:770.
    """
    used = np.argwhere(inside & (volume > 0))
    if not len(used):
        raise ValueError("no positive value inside: pass a mask of tissue, and values as scanned")
    log = np.log(volume[tuple(used.T)].astype(float))
    thin = used[:: max(1, len(used) // MOST_VOXELS)]
    kept_log = log[:: max(1, len(used) // MOST_VOXELS)]
    basis = _basis(thin, volume.shape)
    kept = np.ones(len(thin), dtype=bool)
    weights = np.zeros(basis.shape[1])
    for _ in range(N_ROUNDS):
        weights, *_ = np.linalg.lstsq(basis[kept], kept_log[kept], rcond=None)
        off = kept_log - basis @ weights
        kept = np.abs(off - np.median(off)) <= OUTLIER * (off.std() + 1e-12)
    everywhere = np.argwhere(np.ones(volume.shape, dtype=bool))
    field = (_basis(everywhere, volume.shape) @ weights).reshape(volume.shape)
    field -= field[tuple(used.T)].mean()
    # Far from tissue a polynomial says nothing: it may not blow up the background.
    low, high = field[tuple(used.T)].min(), field[tuple(used.T)].max()
    return (volume / np.exp(field.clip(low, high))).astype(np.float32)


def n4_corrected(
    volume: Float[np.ndarray, "i j k"], inside: Bool[np.ndarray, "i j k"], *, shrink: int = 4
) -> Float[np.ndarray, "i j k"]:
    """The volume over a field of gain by N4, whose mean logarithm inside is 0.

    Parameters
    ----------
    volume
        Not negative.
    inside
        True in tissue.
    shrink
        By how much the grid is thinned to estimate the field, which is smooth.

    Raises
    ------
    ImportError
        Without SimpleITK, the extra ``registration``.
    ValueError
        If nothing inside is positive.

    References
    ----------
    Tustison, N. J. et al. (2010). N4ITK: improved N3 bias correction. IEEE Trans Med Imaging
    29:1310.
    """
    try:
        import SimpleITK as itk
    except ImportError:
        raise ImportError(
            "N4 needs SimpleITK: pip install 'precision-workbench[registration]', or take "
            "bias_corrected"
        ) from None

    used = inside & (volume > 0)
    if not used.any():
        raise ValueError("no positive value inside: pass a mask of tissue, and values as scanned")
    image = itk.GetImageFromArray(volume.astype(np.float32))
    tissue = itk.GetImageFromArray(used.astype(np.uint8))
    steps = [max(1, min(shrink, n // 8)) for n in image.GetSize()]
    n4 = itk.N4BiasFieldCorrectionImageFilter()
    n4.Execute(itk.Shrink(image, steps), itk.Shrink(tissue, steps))
    field = itk.GetArrayFromImage(n4.GetLogBiasFieldAsImage(image))
    return (volume / np.exp(field - field[used].mean())).astype(np.float32)


def _basis(places: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Products of Legendre polynomials whose degrees sum to ``DEGREE`` at most, (voxel, term)."""
    scaled = 2 * places / np.maximum(np.array(shape) - 1, 1) - 1
    along = [legvander(scaled[:, axis], DEGREE) for axis in range(len(shape))]
    terms = [d for d in product(range(DEGREE + 1), repeat=len(shape)) if sum(d) <= DEGREE]
    return np.column_stack(
        [np.prod([along[a][:, d] for a, d in enumerate(degrees)], axis=0) for degrees in terms]
    )
