"""Whether an image is fit to learn from, with reasons for a person who can look at it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.ndimage import laplace


@dataclass(frozen=True)
class QualityLimits:
    """Where an image stops being fit; None asks nothing.

    Parameters
    ----------
    least_side
        Pixels along the shortest side.
    most_saturated
        Share of pixels at the lowest or at the highest value, each.
    least_sharpness
        Variance of the Laplacian over the variance of the image; a blurred image has little.
    most_empty
        Share of pixels that are exactly 0.
    """

    least_side: int | None = 32
    most_saturated: float | None = 0.9
    least_sharpness: float | None = 1e-3
    most_empty: float | None = 0.98


def quality_problems(
    image: Float[np.ndarray, "channel *space"], limits: QualityLimits | None = None
) -> tuple[str, ...]:
    """Why an image is not fit, one sentence a reason; nothing where it is.

    Parameters
    ----------
    image
        In any unit; the worst channel counts.
    limits
        The usual ones, if not given.
    """
    limits = limits or QualityLimits()
    problems = []
    side = min(image.shape[1:])
    if limits.least_side is not None and side < limits.least_side:
        problems.append(f"the shortest side has {side} pixels, needed are {limits.least_side}")
    broken = int((~np.isfinite(image)).sum())
    if broken:
        return (*problems, f"{broken} values are not finite: the file is damaged")
    if not image.size:
        return (*problems, "there are no pixels")
    constant = sum(1 for channel in image if channel.min() == channel.max())
    if constant:
        return (*problems, f"{constant} of {len(image)} channels hold one value throughout")
    return (*problems, *_grey_value_problems(image, limits))


def _grey_value_problems(image: np.ndarray, limits: QualityLimits) -> tuple[str, ...]:
    problems = []
    empty = max(float((channel == 0).mean()) for channel in image)
    if limits.most_empty is not None and empty > limits.most_empty:
        problems.append(f"{empty:.1%} of a channel are 0, at most {limits.most_empty:.0%} may be")
    white = max(float((channel == channel.max()).mean()) for channel in image)
    # An end at 0 is background, which is counted above.
    lowest = [float((channel == channel.min()).mean()) for channel in image if channel.min() != 0]
    saturated = max([white, *lowest])
    if limits.most_saturated is not None and saturated > limits.most_saturated:
        problems.append(
            f"{saturated:.1%} of a channel are at the end of its range, at most "
            f"{limits.most_saturated:.0%} may be: wrong exposure or window"
        )
    sharpness = min(float(laplace(c.astype(float)).var() / c.var()) for c in image)
    if limits.least_sharpness is not None and sharpness < limits.least_sharpness:
        problems.append(
            f"blurred: its sharpness is {sharpness:.1e}, needed is {limits.least_sharpness:.1e}"
        )
    return tuple(problems)
