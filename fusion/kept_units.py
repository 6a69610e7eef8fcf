"""Hidden units under a dropout mask that is passed in, so that many networks train as one."""

from jaxtyping import Float
from torch import Tensor

SELU_FLOOR = -1.7580993408473766


def dropout(
    hidden: Float[Tensor, "*batch embed"],
    kept: Float[Tensor, "*#batch embed"] | None,
    keep_probability: float,
) -> Float[Tensor, "*batch embed"]:
    """Inverted dropout: what is kept is scaled up, so that the mean stays.

    Parameters
    ----------
    hidden
        Units.
    kept
        Mask of 0 and 1, drawn by the training loop; None outside training.
    keep_probability
        Of a unit, in (0, 1].
    """
    return hidden if kept is None else hidden * kept / keep_probability


def alpha_dropout(
    hidden: Float[Tensor, "*batch embed"],
    kept: Float[Tensor, "*#batch embed"] | None,
    keep_probability: float,
) -> Float[Tensor, "*batch embed"]:
    """Dropout for SELU units: dropped ones take SELU's floor, then mean 0 and variance 1 return.

    Parameters are those of :func:`dropout`.

    References
    ----------
    Klambauer, G. et al. (2017). Self-normalizing neural networks. NeurIPS.
    """
    if kept is None:
        return hidden
    keep, floor = keep_probability, SELU_FLOOR
    gain = (keep + floor**2 * keep * (1 - keep)) ** -0.5
    return gain * (hidden * kept + floor * (1 - kept)) - gain * (1 - keep) * floor
