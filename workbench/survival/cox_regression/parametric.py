"""Accelerated failure time regressions: how many times longer a patient lives."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.errors import SurvivalError
from workbench.survival.cox_regression.accelerated import fit_location_scale
from workbench.survival.cox_regression.design import Design, as_design
from workbench.survival.cox_regression.distributions import DISTRIBUTIONS, generalised_gamma
from workbench.survival.cox_regression.generalised_gamma import fit_generalised_gamma
from workbench.survival.inputs import (
    check_entry,
    check_horizons,
    check_numbers,
    check_outcome,
    check_weights,
)


@dataclass(frozen=True)
class ParametricRegression:
    """A fitted accelerated failure time regression: log t = intercept + x'b + scale * error.

    Parameters
    ----------
    distribution
        Of the survival time.
    names
        "intercept", the columns, then "log_scale" and "shape" where the distribution has them.
    coefficients
        In the order of ``names``; exp of a column's is a ratio of times.
    covariance
        Inverse of the observed information.
    log_likelihood
        Of the times, at the maximum.
    aic
        Akaike's criterion: 2 (number of coefficients - log likelihood); lower is better.
    n_rows, n_events
        Rows and events.
    last_time
        Longest follow-up; predictions beyond it rest on the distribution alone.
    """

    distribution: str
    names: tuple[str, ...]
    coefficients: np.ndarray
    covariance: np.ndarray
    log_likelihood: float
    aic: float
    n_rows: int
    n_events: int
    last_time: float

    def predict_survival(
        self, features: np.ndarray, horizons: np.ndarray | list[float] | float
    ) -> np.ndarray:
        """Probability of no event by each horizon, (patient, horizon); columns as fitted."""
        horizons = check_horizons(horizons)
        n_columns = len(self.names) - 1 - ("log_scale" in self.names) - ("shape" in self.names)
        features = check_numbers("features", features, (-1, n_columns))
        location = self.coefficients[0] + features @ self.coefficients[1 : n_columns + 1]
        scale = float(np.exp(self._value("log_scale")))
        z = (np.log(horizons) - location[:, None]) / scale
        if self.distribution == "generalised-gamma":
            errors = generalised_gamma(self._value("shape"))
        else:
            errors = DISTRIBUTIONS[self.distribution]
        return np.exp(errors.log_survival(z).value)

    def _value(self, name: str) -> float:
        return float(self.coefficients[self.names.index(name)]) if name in self.names else 0.0


def parametric(
    time: np.ndarray,
    event: np.ndarray,
    features: np.ndarray | Design,
    distribution: str,
    *,
    names: Sequence[str] | None = None,
    entry: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> ParametricRegression:
    r"""Regression of the log survival time with an error of a given distribution.

    Maximises, with z = (log t - intercept - x'b) / scale,

    .. math:: \sum_i w_i \left[ \delta_i \log \frac{f(z_i)}{\sigma t_i} + (1 - \delta_i) \log S(z_i)
        - \log S(z_i^{\text{entry}}) \right]

    Parameters
    ----------
    time
        From index date to event or censoring, (row,), above 0.
    event
        True if the event was observed, (row,) bool.
    features
        (row, column) numbers, or the design of a table.
    distribution
        "exponential", "weibull", "log-normal", "log-logistic" (as R's ``survreg``) or
        "generalised-gamma", whose shape 0 is the log-normal and whose shape 1 the Weibull.
    names
        Name of each column; those of the design, else "x1", "x2", ...
    entry
        When the row came under observation, (row,), before time; None where all did at 0.
    weights
        Case weights, (row,), not negative.

    Raises
    ------
    SurvivalError
        Invalid input, a time of 0, no event, columns that are constant or determine each other, no
        maximum.

    References
    ----------
    Kalbfleisch and Prentice, The Statistical Analysis of Failure Time Data, 2nd ed. 2002, ch. 3.
    Prentice, Biometrika 1974;61:539-544 (generalised gamma).

    Examples
    --------
    Exponential, one level against another: 2 events in 6 years, 1 event in 9 years. The mean times
    are 3 and 9.

    >>> time, event = np.array([2.0, 4.0, 3.0, 6.0]), np.array([True, True, True, False])
    >>> model = parametric(time, event, np.array([[0.0], [0], [1], [1]]), "exponential")
    >>> np.exp(model.coefficients).round(6).tolist(), model.names
    ([3.0, 3.0], ('intercept', 'x1'))
    """
    time, event = check_outcome(time, event)
    made = as_design(features, names, len(time))
    columns, names = made.features, made.names
    entry = check_entry(entry, time)
    weights = check_weights(weights, len(time))
    kept = weights > 0
    time, event, columns, weights = time[kept], event[kept], columns[kept], weights[kept]
    entry = None if entry is None else entry[kept]
    if not event.any() or (time <= 0).any():
        raise SurvivalError(
            f"a parametric regression needs events and times above 0, got {int(event.sum())} "
            f"events and {int((time <= 0).sum())} times of 0: give those half the smallest unit"
        )
    if distribution == "generalised-gamma":
        found = fit_generalised_gamma(time, event, columns, names, entry, weights)
        more = ("log_scale", "shape")
    elif distribution in DISTRIBUTIONS:
        found = fit_location_scale(time, event, columns, distribution, names, entry, weights)
        more = () if distribution == "exponential" else ("log_scale",)
    else:
        known = [*DISTRIBUTIONS, "generalised-gamma"]
        raise SurvivalError(f"distribution must be one of {known}, got {distribution!r}")
    coefficients, covariance, log_likelihood = found
    return ParametricRegression(
        distribution=distribution,
        names=("intercept", *names, *more),
        coefficients=coefficients,
        covariance=covariance,
        log_likelihood=log_likelihood,
        aic=2 * (len(coefficients) - log_likelihood),
        n_rows=len(time),
        n_events=int(event.sum()),
        last_time=float(time.max()),
    )
