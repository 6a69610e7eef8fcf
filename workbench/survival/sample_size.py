"""How many patients a prediction model of a time to event needs before it is developed."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, exp, isfinite, log, pi, sqrt

import numpy as np
from scipy.special import ndtri

from workbench.errors import SurvivalError

Z = float(ndtri(0.975))


@dataclass(frozen=True)
class Criterion:
    """What one criterion asks for.

    Parameters
    ----------
    name
        Of the criterion, in words.
    n_patients
        Fewest patients that meet it.
    n_events
        Events expected among them.
    events_per_parameter
        ``n_events`` over the number of predictor parameters.
    shrinkage
        Expected uniform shrinkage with so many patients; None where the criterion sets none.
    """

    name: str
    n_patients: int
    n_events: float
    events_per_parameter: float
    shrinkage: float | None


@dataclass(frozen=True)
class SampleSize:
    """Fewest patients to develop a model with, and why.

    Parameters
    ----------
    n_patients, n_events, events_per_parameter
        The largest that any criterion asks for.
    criteria
        Small overfitting; small optimism in R²; a precise overall risk.
    largest_r_squared
        Largest Cox-Snell R² that so many events allow.
    overall_risk, risk_lower, risk_upper
        Risk of everybody (by the horizon under a constant rate, where there is time), and its
        limits with ``n_patients``.
    """

    n_patients: int
    n_events: float
    events_per_parameter: float
    criteria: tuple[Criterion, ...]
    largest_r_squared: float
    overall_risk: float
    risk_lower: float
    risk_upper: float

    @property
    def sentence(self) -> str:
        """The result in words."""
        binding = max(self.criteria, key=lambda each: each.n_patients)
        return (
            f"At least {self.n_patients:,} patients with {self.n_events:,.0f} events "
            f"({self.events_per_parameter:.1f} a parameter) are needed, set by {binding.name}; the "
            f"overall risk of {self.overall_risk:.3f} would be known within {self.risk_lower:.3f} "
            f"to {self.risk_upper:.3f}."
        )


def sample_size(
    n_parameters: int,
    *,
    r_squared: float,
    rate: float,
    mean_follow_up: float,
    horizon: float,
    shrinkage: float = 0.9,
    optimism: float = 0.05,
    margin: float = 0.05,
) -> SampleSize:
    r"""Minimum sample size of Riley et al. for a model of a time to event.

    With p parameters, anticipated Cox-Snell R² and phi = rate x mean follow-up events a patient:

    1. overfitting is small (uniform shrinkage S, .9):
       :math:`n = p / \{(S - 1) \log(1 - R^2 / S)\}`;
    2. apparent and adjusted Nagelkerke R² differ by at most ``optimism``: the same with
       :math:`S = R^2 / (R^2 + optimism \cdot R^2_{max})`,
       :math:`R^2_{max} = 1 - \exp\{2 (\varphi \log \varphi - \varphi)\}`;
    3. the overall risk at the horizon, 1 - exp(-rate t), is known to within ``margin`` on both
       sides, with 95 % limits of rate ± 1.96 sqrt(rate / person-time).

    Parameters
    ----------
    n_parameters
        Candidate predictor parameters (a category of k levels has k - 1), at least 1.
    r_squared
        Anticipated Cox-Snell R² adjusted for optimism, in (0, 1); see ``r_squared_from_c``.
    rate
        Events a patient and unit of time, above 0.
    mean_follow_up, horizon
        In that unit, above 0.
    shrinkage, optimism, margin
        What the criteria ask for, each in (0, 1).

    Raises
    ------
    SurvivalError
        A value out of its range; more than one event a patient; an R² above the largest possible
        or above the shrinkage.

    References
    ----------
    Riley, Snell, Ensor et al., Stat Med 2019;38:1276-1296 (part II). Riley, Ensor, Snell et al.,
    BMJ 2020;368:m441. The R and Stata program ``pmsampsize`` rounds
    events up before criterion 2 (a patient more or less), and reports the precision of criterion 3
    with the patients of the other two; here it can ask for more.

    Examples
    --------
    The example of recurrent venous thromboembolism in ``pmsampsize``: 5143 patients, 23.07 events
    a parameter.

    >>> found = sample_size(30, r_squared=0.051, rate=0.065, mean_follow_up=2.07, horizon=2)
    >>> found.n_patients, round(found.events_per_parameter, 2), round(found.largest_r_squared, 3)
    (5143, 23.07, 0.555)
    """
    _check_positive(rate=rate, mean_follow_up=mean_follow_up, horizon=horizon)
    check_fractions(r_squared=r_squared, shrinkage=shrinkage, optimism=optimism, margin=margin)
    events_a_patient = rate * mean_follow_up
    if events_a_patient > 1:
        raise SurvivalError(
            f"rate x mean_follow_up must be at most 1, got {events_a_patient:g}: a patient has one "
            "event and is followed until then; use one unit of time"
        )

    def risk(n_patients: int) -> tuple[float, float, float]:
        lower, upper = _risk_limits(rate, horizon, n_patients * mean_follow_up)
        return 1 - exp(-rate * horizon), lower, upper

    return criteria_met(
        n_parameters,
        r_squared=r_squared,
        largest=largest_r_squared(events_a_patient),
        events_a_patient=events_a_patient,
        shrinkage=shrinkage,
        optimism=optimism,
        by_margin=_by_margin(rate, mean_follow_up, horizon, margin),
        risk=risk,
    )


def criteria_met(
    n_parameters: int,
    *,
    r_squared: float,
    largest: float,
    events_a_patient: float,
    shrinkage: float,
    optimism: float,
    by_margin: int,
    risk: Callable[[int], tuple[float, float, float]],
) -> SampleSize:
    """The three criteria together; see :func:`sample_size`.

    Parameters
    ----------
    largest
        Largest Cox-Snell R² that so many events allow.
    by_margin
        Fewest patients with whom the overall risk is precise.
    risk
        Patients → overall risk, and its limits with so many.

    Raises
    ------
    SurvivalError
        No whole number of parameters; an R² above the largest possible or above the shrinkage.
    """
    if isinstance(n_parameters, bool) or n_parameters != int(n_parameters) or n_parameters < 1:
        raise SurvivalError(
            f"n_parameters must be a whole number from 1, got {n_parameters}: count the predictor "
            "parameters, k - 1 for a category of k levels"
        )
    if r_squared >= min(largest, shrinkage):
        raise SurvivalError(
            f"r_squared must lie below {min(largest, shrinkage):.3f} (the largest possible, and "
            f"the shrinkage), got {r_squared:g}: pass the Cox-Snell R², not Nagelkerke's"
        )
    second = r_squared / (r_squared + optimism * largest)
    asked = (
        ("small overfitting", _by_shrinkage(n_parameters, r_squared, shrinkage), shrinkage),
        ("small optimism in R²", _by_shrinkage(n_parameters, r_squared, second), second),
        ("a precise overall risk", by_margin, None),
    )
    criteria = tuple(
        Criterion(name, n, n * events_a_patient, n * events_a_patient / n_parameters, shrunk)
        for name, n, shrunk in asked
    )
    most = max(criteria, key=lambda each: each.n_patients)
    overall, lower, upper = risk(most.n_patients)
    return SampleSize(
        n_patients=most.n_patients,
        n_events=most.n_events,
        events_per_parameter=most.events_per_parameter,
        criteria=criteria,
        largest_r_squared=largest,
        overall_risk=overall,
        risk_lower=lower,
        risk_upper=upper,
    )


def largest_r_squared(events_a_patient: float) -> float:
    """Largest Cox-Snell R²: of an exponential model without predictors, Riley 2019, equation 23."""
    return 1 - exp(2 * (events_a_patient * log(events_a_patient) - events_a_patient))


def r_squared_from_c(c: float, *, events_a_patient: float) -> float:
    r"""Cox-Snell R² that an anticipated concordance index suggests.

    .. math:: D = 5.50 (C - .5) + 10.26 (C - .5)^3, \quad
        R^2_D = \frac{\pi D^2 / 8}{\pi^2 / 6 + \pi D^2 / 8}, \quad
        R^2_{OQ} = \frac{-\frac{\pi^2}{6} R^2_D}{(1 - \frac{\pi^2}{6}) R^2_D - 1}, \quad
        R^2 = 1 - (1 - R^2_{OQ})^{E / n}

    An approximation by a normal risk score; prefer a published R² or likelihood ratio.

    Parameters
    ----------
    c
        Concordance index, in (0.5, 1).
    events_a_patient
        Events over patients, in (0, 1].

    Raises
    ------
    SurvivalError
        A value out of its range.

    References
    ----------
    Jinks, Royston and Parmar, BMC Med Res Methodol 2015;15:82 (D from C). Royston, Stata J
    2006;6:83-96 (R² of O'Quigley from that of D). Riley et al., Stat Med 2019;38:1276-1296.

    Examples
    --------
    C of .7 gives D = 1.182, R² of D .250, of O'Quigley .354; with one event in five patients:

    >>> round(r_squared_from_c(0.7, events_a_patient=0.2), 4)
    0.0838
    """
    if not 0.5 < c < 1:
        raise SurvivalError(f"c must lie in (0.5, 1), got {c:g}: pass a concordance index")
    if not 0 < events_a_patient <= 1:
        raise SurvivalError(
            f"events_a_patient must lie in (0, 1], got {events_a_patient:g}: pass n_events / n"
        )
    d = 5.50 * (c - 0.5) + 10.26 * (c - 0.5) ** 3
    explained = pi * d**2 / 8
    royston = explained / (pi**2 / 6 + explained)
    quigley = -(pi**2 / 6) * royston / ((1 - pi**2 / 6) * royston - 1)
    return 1 - (1 - quigley) ** events_a_patient


def _by_shrinkage(n_parameters: int, r_squared: float, shrinkage: float) -> int:
    return ceil(n_parameters / ((shrinkage - 1) * log(1 - r_squared / shrinkage)))


def _by_margin(rate: float, mean_follow_up: float, horizon: float, margin: float) -> int:
    """Fewest patients with whom neither limit lies further than ``margin`` from the risk.

    The lower limit is the further one: exp(-rate t) (exp(error t) - 1) is at most the margin.
    """
    error = float(np.logaddexp(0, log(margin) + rate * horizon)) / horizon
    return max(1, ceil(rate / mean_follow_up * (Z / error) ** 2))


def _risk_limits(rate: float, horizon: float, person_time: float) -> tuple[float, float]:
    error = Z * sqrt(rate / person_time)
    return 1 - exp(-max(rate - error, 0.0) * horizon), 1 - exp(-(rate + error) * horizon)


def _check_positive(**values: float) -> None:
    for name, value in values.items():
        if not (isfinite(value) and value > 0):
            raise SurvivalError(f"{name} must be above 0, got {value:g}: use one unit of time")


def check_fractions(**values: float) -> None:
    """Refuse what is no fraction.

    Raises
    ------
    SurvivalError
        A value outside (0, 1).
    """
    for name, value in values.items():
        if not 0 < value < 1:
            raise SurvivalError(f"{name} must lie in (0, 1), got {value:g}: pass a fraction")
