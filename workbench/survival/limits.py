"""Pointwise confidence limits of a survival curve, on the scale that the reader asked for."""

from typing import Literal

import numpy as np
from scipy.special import ndtri

from workbench.errors import SurvivalError

Limits = Literal["log-log", "log", "plain"]
LIMITS: tuple[Limits, ...] = ("log-log", "log", "plain")


def normal_quantile(confidence: float) -> float:
    """z such that a standard normal variable lies within -z to z with probability ``confidence``.

    Raises
    ------
    SurvivalError
        ``confidence`` is not in (0, 1).
    """
    if not 0 < confidence < 1:
        raise SurvivalError(
            f"confidence must lie between 0 and 1, got {confidence}: pass 0.95 for 95% limits"
        )
    return float(ndtri(0.5 + confidence / 2))


def check_limits(limits: str, known: tuple[str, ...] = LIMITS) -> None:
    """Refuses a scale of confidence limits that is not ``known``."""
    if limits not in known:
        raise SurvivalError(
            f"limits must be one of {', '.join(known)}, got {limits!r}: name one of them"
        )


def survival_limits(
    survival: np.ndarray, standard_error: np.ndarray, z: float, limits: Limits
) -> tuple[np.ndarray, np.ndarray]:
    r"""Limits of ``survival`` (any shape) given its standard errors.

    .. math:: \text{log-log: } \hat S^{\exp(\pm z \hat\sigma / \log \hat S)}, \quad
        \text{log: } \hat S \exp(\pm z \hat\sigma), \quad
        \text{plain: } \hat S \pm z \hat S \hat\sigma

    with :math:`\hat\sigma` the error of log survival, that of survival over survival. The last two
    are cut to [0, 1]. Where survival is 1 both limits are 1; where it is 0 or NaN both are NaN:
    there the data say nothing of its precision.
    """
    inside = (survival > 0) & (survival < 1)
    survival_inside, error = survival[inside], standard_error[inside]
    lower = np.where(survival == 1, 1.0, np.nan)
    upper = lower.copy()
    lower[inside], upper[inside] = _inside(survival_inside, error / survival_inside, z, limits)
    return lower, upper


def _inside(
    survival: np.ndarray, log_error: np.ndarray, z: float, limits: Limits
) -> tuple[np.ndarray, np.ndarray]:
    if limits == "plain":
        spread = z * survival * log_error
        return np.maximum(survival - spread, 0), np.minimum(survival + spread, 1)
    if limits == "log":
        factor = np.exp(z * log_error)
        return survival / factor, np.minimum(survival * factor, 1)
    log_survival = np.log(survival)
    factor = z * log_error
    factor /= log_survival
    np.exp(factor, out=factor)  # below 1
    lower = log_survival / factor
    factor *= log_survival
    return np.exp(lower, out=lower), np.exp(factor, out=factor)
