"""What several sites say together, and what a further site may show."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from workbench.errors import SurvivalError
from workbench.survival.inputs import check_numbers

FEWEST_FOR_PREDICTION = 3


@dataclass(frozen=True)
class RandomEffects:
    """A random-effects summary of one number a site.

    Parameters
    ----------
    estimate, lower, upper
        Mean over sites and its limits.
    prediction_lower, prediction_upper
        Where the value of a further site is expected; NaN with fewer than three sites.
    tau_squared
        Variance between sites.
    i_squared
        Share of the spread that is between sites, in [0, 1].
    n_sites
        Sites that count.
    """

    estimate: float
    lower: float
    upper: float
    prediction_lower: float
    prediction_upper: float
    tau_squared: float
    i_squared: float
    n_sites: int


def random_effects(
    values: np.ndarray, standard_errors: np.ndarray, *, confidence: float = 0.95
) -> RandomEffects:
    r"""Random-effects mean with Hartung-Knapp limits and a prediction interval.

    .. math:: \hat\tau^2 = \max\left(0, \frac{Q - (k - 1)}{\sum w_i - \sum w_i^2 / \sum w_i}
        \right), \qquad \hat\mu = \frac{\sum w_i^* y_i}{\sum w_i^*}, \qquad
        s^2 = \max\left(\frac{\sum w_i^* (y_i - \hat\mu)^2}{k - 1},\ 1\right)
        \frac{1}{\sum w_i^*}

    with w = 1/se² (DerSimonian and Laird) and w* = 1/(se² + tau²). Limits are mu ± t(k - 1) s,
    the prediction interval is mu ± t(k - 2) sqrt(tau² + s²). The 1 is the floor of Knapp and
    Hartung (2003; metafor's ``test="adhoc"``): sites that agree by chance make no limits narrower
    than their own standard errors do.

    Parameters
    ----------
    values
        One a site, (site,), on a scale where they are near normal (the logit of C).
    standard_errors
        Theirs, (site,), above 0.
    confidence
        Coverage of both intervals, in (0, 1).

    Raises
    ------
    SurvivalError
        Fewer than two sites, a standard error of 0.

    References
    ----------
    DerSimonian and Laird, Control Clin Trials 1986;7:177-188. Hartung and Knapp, Stat Med
    2001;20:3875-3889. Knapp and Hartung, Stat Med 2003;22:2693-2710 (the floor). Higgins,
    Thompson and Spiegelhalter, J R Stat Soc A 2009;172:137-159 (prediction,
    t with k - 2). Debray et al., BMJ 2017;356:i6460 (of prediction models).

    Examples
    --------
    Two equally precise sites: the mean of 1 and 3, and s² = ((1 - 2)² + (3 - 2)²) / (1 x 2) = 1;
    t with 1 degree of freedom is 12.7.

    >>> found = random_effects(np.array([1.0, 3.0]), np.array([0.5, 0.5]))
    >>> found.estimate, round(found.upper, 1), found.tau_squared
    (2.0, 14.7, 1.75)
    """
    values = check_numbers("values", values, (-1,))
    errors = check_numbers("standard_errors", standard_errors, values.shape)
    n_sites = len(values)
    if n_sites < 2 or (errors <= 0).any():
        raise SurvivalError(
            f"a summary over sites needs two with a standard error above 0, got {n_sites} of which "
            f"{int((errors <= 0).sum())} have none: report the site alone"
        )
    weight = errors**-2
    fixed = weight @ values / weight.sum()
    spread = weight @ (values - fixed) ** 2
    tau_squared = max(
        0.0, (spread - (n_sites - 1)) / (weight.sum() - (weight**2).sum() / weight.sum())
    )
    weight = 1 / (errors**2 + tau_squared)
    mean = weight @ values / weight.sum()
    between = weight @ (values - mean) ** 2 / (n_sites - 1)
    variance = max(between, 1.0) / weight.sum()
    quantile = 0.5 + confidence / 2
    reach = student.ppf(quantile, n_sites - 1) * np.sqrt(variance)
    further = np.nan
    if n_sites >= FEWEST_FOR_PREDICTION:
        further = student.ppf(quantile, n_sites - 2) * np.sqrt(tau_squared + variance)
    return RandomEffects(
        estimate=float(mean),
        lower=float(mean - reach),
        upper=float(mean + reach),
        prediction_lower=float(mean - further),
        prediction_upper=float(mean + further),
        tau_squared=float(tau_squared),
        i_squared=float(max(0.0, 1 - (n_sites - 1) / spread)) if spread > 0 else 0.0,
        n_sites=n_sites,
    )
