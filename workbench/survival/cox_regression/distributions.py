"""Distributions of the log survival time, up to location and scale, with their derivatives."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from scipy.special import expit, gammainc, gammaincc, gammaln, log_ndtr


class Part(NamedTuple):
    """A function of z with its first and second derivative, all of the shape of z."""

    value: np.ndarray
    slope: np.ndarray
    bend: np.ndarray


class Distribution(NamedTuple):
    """Logarithm of the density and of the survival function at z = (log t - location) / scale."""

    log_density: Callable[[np.ndarray], Part]
    log_survival: Callable[[np.ndarray], Part]


NEARLY_NORMAL = 1e-6  # |shape| below which the generalised gamma is computed as its limit
LARGE_DEGREE = 100.0  # of the gamma distribution: from here Stirling's series has 13 digits
SMALLEST = 1e-300  # survival below this counts as this, so that its logarithm is finite
LARGEST = 300.0  # of z: exp of more overflows, and survival is 0 long before


def _extreme_density(z: np.ndarray) -> Part:
    hazard = np.exp(np.minimum(z, LARGEST))
    return Part(z - hazard, 1 - hazard, -hazard)


def _extreme_survival(z: np.ndarray) -> Part:
    hazard = np.exp(np.minimum(z, LARGEST))
    return Part(-hazard, -hazard, -hazard)


def _normal_density(z: np.ndarray) -> Part:
    return Part(-(z**2) / 2 - np.log(2 * np.pi) / 2, -z, -np.ones_like(z))


def _normal_survival(z: np.ndarray) -> Part:
    log_survival = log_ndtr(-z)
    hazard = np.exp(_normal_density(z).value - log_survival)
    return Part(log_survival, -hazard, -hazard * (hazard - z))


def _logistic_density(z: np.ndarray) -> Part:
    passed = expit(z)
    return Part(z - 2 * np.logaddexp(0, z), 1 - 2 * passed, -2 * passed * (1 - passed))


def _logistic_survival(z: np.ndarray) -> Part:
    passed = expit(z)
    return Part(-np.logaddexp(0, z), -passed, -passed * (1 - passed))


DISTRIBUTIONS: Mapping[str, Distribution] = {
    "exponential": Distribution(_extreme_density, _extreme_survival),
    "weibull": Distribution(_extreme_density, _extreme_survival),
    "log-normal": Distribution(_normal_density, _normal_survival),
    "log-logistic": Distribution(_logistic_density, _logistic_survival),
}
"""By the name of the survival time's distribution; the exponential has scale 1."""


def generalised_gamma(shape: float) -> Distribution:
    r"""Distribution of the log of a generalised gamma time, of a given shape Q.

    With :math:`k = Q^{-2}` the density at z is :math:`|Q| k^k / \Gamma(k) \exp(k (Qz - e^{Qz}))`.
    Q = 1 is the Weibull, Q = 0 the log-normal, Q = scale the gamma distribution.
    """
    if abs(shape) < NEARLY_NORMAL:
        return DISTRIBUTIONS["log-normal"]
    degree = shape**-2

    def log_density(z: np.ndarray) -> Part:
        u = np.minimum(shape * z, LARGEST)
        passed = np.exp(u)
        value = _log_constant(degree) + degree * _below_line(u)
        return Part(value, -np.expm1(u) / shape, -passed)

    def log_survival(z: np.ndarray) -> Part:
        upper = gammaincc if shape > 0 else gammainc
        survival = np.maximum(
            upper(degree, degree * np.exp(np.minimum(shape * z, LARGEST))), SMALLEST
        )
        density = log_density(z)
        hazard = np.exp(density.value) / survival
        return Part(np.log(survival), -hazard, -hazard * (density.slope + hazard))

    return Distribution(log_density, log_survival)


def _below_line(u: np.ndarray) -> np.ndarray:
    """1 + u - exp(u), by its series where the difference would lose its digits."""
    tail = 1 + u / 3 * (1 + u / 4 * (1 + u / 5 * (1 + u / 6 * (1 + u / 7 * (1 + u / 8)))))
    return np.where(np.abs(u) < 0.05, -(u**2) / 2 * tail, u - np.expm1(u))


def _log_constant(degree: float) -> float:
    r"""Log of :math:`|Q| k^k e^{-k} / \Gamma(k)` at degree k."""
    if degree < LARGE_DEGREE:
        return float((degree - 0.5) * np.log(degree) - degree - gammaln(degree))
    return float(-np.log(2 * np.pi) / 2 - 1 / (12 * degree) + 1 / (360 * degree**3))
