"""Maps brought back from what a model saw to the image as it was taken."""

import numpy as np
from jaxtyping import Float
from PIL import Image
from scipy.ndimage import affine_transform


def onto_grid(
    values: Float[np.ndarray, "i j k"],
    affine: Float[np.ndarray, "4 4"],
    *,
    shape: tuple[int, int, int],
    onto: Float[np.ndarray, "4 4"],
) -> Float[np.ndarray, "x y z"]:
    """A map on the voxels of the original image, linear between its own, 0 outside them.

    Contributions become a density: each voxel has the value at its middle, so sums change with the
    number of voxels.

    Parameters
    ----------
    affine
        From position in ``values`` to mm.
    shape, onto
        Of the original image, and from its voxels to mm.

    Raises
    ------
    ValueError
        If an affine cannot be turned round.

    Examples
    --------
    >>> coarse = np.arange(8.0).reshape(2, 2, 2)
    >>> twice = np.diag([2.0, 2.0, 2.0, 1.0])
    >>> onto_grid(coarse, twice, shape=(3, 1, 1), onto=np.eye(4)).ravel().tolist()
    [0.0, 2.0, 4.0]
    """
    for name, each in (("affine", affine), ("onto", onto)):
        if not np.isfinite(each).all() or abs(np.linalg.det(each[:3, :3])) < 1e-12:
            raise ValueError(f"{name} must be finite and have three directions of its own")
    to_map = np.linalg.solve(affine, onto)
    return affine_transform(
        values.astype(float), to_map, output_shape=shape, order=1, mode="constant"
    )


def out_of_square(
    values: Float[np.ndarray, "side side"], *, height: int, width: int
) -> Float[np.ndarray, "height width"]:
    """A map of a picture that was centred on a square and resized, on the picture's own pixels.

    Parameters
    ----------
    height, width
        Of the picture.

    Examples
    --------
    >>> out_of_square(np.eye(2), height=1, width=2).shape
    (1, 2)
    """
    side = max(height, width)
    whole = Image.fromarray(values.astype(np.float32)).resize(
        (side, side), Image.Resampling.BILINEAR
    )
    top, left = (side - height) // 2, (side - width) // 2
    return np.asarray(whole, dtype=float)[top : top + height, left : left + width]
