"""What a Cox regression says: hazard ratios, tests, baseline hazards, predicted survival."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import chdtrc

from workbench.errors import SurvivalError
from workbench.survival.cox_regression.basis import Basis
from workbench.survival.cox_regression.design import Term
from workbench.survival.cox_regression.likelihood import AtRisk
from workbench.survival.cox_regression.table import hazard_ratio_table
from workbench.survival.inputs import check_horizons, check_numbers

if TYPE_CHECKING:
    import pandas as pd

SMALLEST_SHARE = 1e-13  # of the largest eigenvalue: less is what arithmetic leaves of 0


class ChiSquareTest(NamedTuple):
    """A chi-square statistic, its degrees of freedom and its p value."""

    statistic: float
    degrees_of_freedom: int
    p_value: float


class BaselineHazard(NamedTuple):
    """Cumulative hazard of a stratum for a patient at the mean of every column.

    A step function: ``cumulative_hazard`` from each of ``time`` on, 0 before; ``last_time`` is
    the longest follow-up, beyond which nothing is known.
    """

    stratum: object
    time: np.ndarray
    cumulative_hazard: np.ndarray
    last_time: float


@dataclass(frozen=True)
class CoxFit:
    """The data of a fit at its maximum, for residuals and tests; holds patients' rows.

    Parameters
    ----------
    at_risk
        Risk sets at the maximum, of uncorrelated columns in sorted rows.
    basis
        The way back to the columns as passed.
    columns
        As passed, (row, column), without rows of weight 0.
    time, event, entry
        As passed, (row,), without rows of weight 0.
    labels
        Stratum of each code, (stratum,).
    """

    at_risk: AtRisk
    basis: Basis
    columns: np.ndarray
    time: np.ndarray
    event: np.ndarray
    entry: np.ndarray | None
    labels: np.ndarray


@dataclass(frozen=True)
class CoxRegression:
    """A fitted Cox regression.

    Parameters
    ----------
    names
        Name of each column.
    terms
        Characteristics that the columns stand for.
    coefficients
        Log hazard ratio a unit of each column, (column,).
    covariance
        Of the coefficients, (column, column): the sandwich where ``robust``.
    model_covariance
        Inverse of the information, (column, column).
    robust
        Whether ``covariance`` is the sandwich, over ``n_clusters`` clusters.
    log_likelihood_null, log_likelihood
        Log partial likelihood at coefficients 0 and at the maximum.
    wald, score, likelihood_ratio
        Tests of all coefficients being 0; Wald with ``covariance``, the others by the model.
    robust_score
        Score test with the sandwich, None where not ``robust``.
    n_rows, n_events
        Rows (one a patient, or one an interval of a patient) and events.
    n_clusters
        Clusters of the sandwich; ``n_rows`` where none were passed.
    ties
        "efron" or "breslow".
    center
        Mean of each column, at which ``baseline`` holds, (column,).
    baseline
        One a stratum, by its label.
    level_counts
        Rows and events with a column's level, (column, 2) int; meaningful for levels only.
    fit
        What residuals are computed from; not part of the printed record.
    """

    names: tuple[str, ...]
    terms: tuple[Term, ...]
    coefficients: np.ndarray
    covariance: np.ndarray
    model_covariance: np.ndarray
    robust: bool
    log_likelihood_null: float
    log_likelihood: float
    wald: ChiSquareTest
    score: ChiSquareTest
    likelihood_ratio: ChiSquareTest
    robust_score: ChiSquareTest | None
    n_rows: int
    n_events: int
    n_clusters: int
    ties: str
    center: np.ndarray
    baseline: tuple[BaselineHazard, ...]
    level_counts: np.ndarray
    fit: CoxFit = field(repr=False, compare=False)

    @property
    def standard_errors(self) -> np.ndarray:
        """Of the coefficients, (column,)."""
        return np.sqrt(np.diagonal(self.covariance))

    def term(self, name: str) -> Term:
        """The characteristic of that name."""
        for term in self.terms:
            if term.name == name:
                return term
        raise SurvivalError(
            f"'{name}' is none of the regression's characteristics: {[t.name for t in self.terms]}"
        )

    def table(self, confidence: float = 0.95) -> "pd.DataFrame":
        """Hazard ratios as a forest plot shows them, reference levels included.

        Parameters
        ----------
        confidence
            Coverage of the limits, in (0, 1).

        Returns
        -------
        DataFrame
            One row a column and one a reference level: ``term, level, n_rows, n_events,
            hazard_ratio, lower, upper, coefficient, standard_error, z, p_value``. A reference
            level has hazard ratio 1 and no limits; a number has the level "".
        """
        return hazard_ratio_table(self, confidence)

    def cumulative_hazard(
        self, features: np.ndarray, horizons: np.ndarray | list[float] | float, *,
        stratum: object = None, offset: np.ndarray | float = 0.0,
    ) -> np.ndarray:  # fmt: skip
        """Expected cumulative hazard of patients, (patient, horizon).

        Parameters
        ----------
        features
            (patient, column), columns as fitted.
        horizons
            Ascending positive times.
        stratum
            Label of the stratum whose baseline applies; needed where there is more than one.
        offset
            Added to the linear predictor, (patient,).

        Returns
        -------
        array
            NaN at horizons beyond the stratum's longest follow-up.
        """
        horizons = check_horizons(horizons)
        features = check_numbers("features", features, (-1, len(self.names)))
        baseline = self._baseline_of(stratum)
        position = np.searchsorted(baseline.time, horizons, side="right")
        reached = np.append(0.0, baseline.cumulative_hazard)[position]
        reached = np.where(horizons > baseline.last_time, np.nan, reached)
        relative = np.exp((features - self.center) @ self.coefficients + offset)
        return relative[:, None] * reached

    def predict_survival(
        self, features: np.ndarray, horizons: np.ndarray | list[float] | float, *,
        stratum: object = None, offset: np.ndarray | float = 0.0,
    ) -> np.ndarray:  # fmt: skip
        """Probability of no event by each horizon, (patient, horizon): exp(-cumulative hazard).

        Parameters as of :meth:`cumulative_hazard`.
        """
        return np.exp(-self.cumulative_hazard(features, horizons, stratum=stratum, offset=offset))

    def wald_test(self, columns: list[int] | tuple[int, ...]) -> ChiSquareTest:
        """Wald test that the coefficients of some columns are all 0."""
        chosen = list(columns)
        return wald_test(self.coefficients[chosen], self.covariance[np.ix_(chosen, chosen)])

    def _baseline_of(self, stratum: object) -> BaselineHazard:
        if stratum is None and len(self.baseline) == 1:
            return self.baseline[0]
        for baseline in self.baseline:
            if stratum is not None and baseline.stratum == stratum:
                return baseline
        raise SurvivalError(
            f"stratum must be one of the {len(self.baseline)} strata of the regression, got "
            f"{'none' if stratum is None else 'another'}: pass the label it was fitted with"
        )


def wald_test(coefficients: np.ndarray, covariance: np.ndarray) -> ChiSquareTest:
    """Chi-square of coefficients against 0; as many degrees of freedom as the covariance has rank.

    With fewer clusters than coefficients a sandwich has less than full rank.
    """
    scale = np.sqrt(np.diagonal(covariance))
    values, vectors = np.linalg.eigh(covariance / np.outer(scale, scale))
    seen = values > SMALLEST_SHARE * values[-1]
    z = vectors[:, seen].T @ (coefficients / scale)
    return chi_square(float(z**2 @ (1 / values[seen])), int(seen.sum()))


def chi_square(statistic: float, degrees_of_freedom: int) -> ChiSquareTest:
    """A statistic with the p value of its degrees of freedom."""
    p_value = float(chdtrc(degrees_of_freedom, max(statistic, 0.0)))
    return ChiSquareTest(statistic, degrees_of_freedom, p_value)
