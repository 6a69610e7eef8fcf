"""How many patients a prediction model of an outcome without a time needs."""

from math import ceil, exp, log, sqrt

from workbench.survival.sample_size import SampleSize, Z, check_fractions, criteria_met


def binary_sample_size(
    n_parameters: int,
    *,
    r_squared: float,
    prevalence: float,
    shrinkage: float = 0.9,
    optimism: float = 0.05,
    margin: float = 0.05,
) -> SampleSize:
    r"""Minimum sample size of Riley et al. for a logistic model.

    The first two criteria are those of :func:`sample_size`, with the largest Cox-Snell R² of a
    binary outcome; the third asks that the overall risk is known to within ``margin``:
    :math:`n = (1.96 / margin)^2 \varphi (1 - \varphi)`.

    Parameters
    ----------
    n_parameters
        Candidate predictor parameters (a category of k levels has k - 1), at least 1.
    r_squared
        Anticipated Cox-Snell R² adjusted for optimism, in (0, 1).
    prevalence
        Share of patients with the outcome, in (0, 1).
    shrinkage, optimism, margin
        What the criteria ask for, each in (0, 1).

    Raises
    ------
    SurvivalError
        A value out of its range; an R² above the largest possible or above the shrinkage.

    References
    ----------
    Riley, Snell, Ensor et al., Stat Med 2019;38:1276-1296 (part II). Riley, Ensor, Snell et al.,
    BMJ 2020;368:m441.

    Examples
    --------
    The example of ``pmsampsize``: 662 patients.

    >>> found = binary_sample_size(24, r_squared=0.288, prevalence=0.174)
    >>> [each.n_patients for each in found.criteria], round(found.events_per_parameter, 1)
    ([623, 662, 221], 4.8)
    """
    check_fractions(
        r_squared=r_squared,
        prevalence=prevalence,
        shrinkage=shrinkage,
        optimism=optimism,
        margin=margin,
    )
    variance = prevalence * (1 - prevalence)

    def risk(n_patients: int) -> tuple[float, float, float]:
        error = Z * sqrt(variance / n_patients)
        return prevalence, max(prevalence - error, 0.0), min(prevalence + error, 1.0)

    return criteria_met(
        n_parameters,
        r_squared=r_squared,
        largest=largest_r_squared_of_binary(prevalence),
        events_a_patient=prevalence,
        shrinkage=shrinkage,
        optimism=optimism,
        by_margin=max(1, ceil(variance * (Z / margin) ** 2)),
        risk=risk,
    )


def largest_r_squared_of_binary(prevalence: float) -> float:
    """Largest Cox-Snell R²: of a logistic model without predictors (Riley 2019)."""
    return 1 - exp(2 * (prevalence * log(prevalence) + (1 - prevalence) * log(1 - prevalence)))
