"""Regression on the cumulative incidence of one of several competing events."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from workbench.errors import SurvivalError
from workbench.survival.competing.counts import cause_seen
from workbench.survival.competing.newton import check_design, maximise
from workbench.survival.competing.risk_sets import censoring_influence, risk_sets
from workbench.survival.inputs import (
    check_cause,
    check_horizons,
    check_labels,
    check_numbers,
)

LARGEST_PREDICTOR = 500.0
"""From here on the predicted incidence is 1 to every digit, and exp would soon overflow."""


@dataclass(frozen=True)
class FineGray:
    """A fitted Fine-Gray model: log subdistribution hazard = baseline + features @ coefficients.

    Parameters
    ----------
    names
        Of the features, (feature,).
    coefficients
        Log subdistribution hazard ratios, (feature,).
    covariance
        Of the coefficients, robust, (feature, feature).
    log_likelihood_null, log_likelihood
        Partial log likelihood at coefficients 0 and at the maximum.
    time
        Distinct times of the cause, ascending, (time,).
    centre
        Means of the features, (feature,). The baseline is there and not at 0, which may lie far
        outside the data (a year of birth) and have no hazard that a number can hold.
    baseline_cumulative_hazard
        Cumulative subdistribution hazard at ``centre``, (time,).
    end_of_follow_up
        Last observed time.
    n_patients, n_events
        Patients, and events of the cause.
    """

    names: tuple[str, ...]
    coefficients: np.ndarray
    covariance: np.ndarray
    log_likelihood_null: float
    log_likelihood: float
    time: np.ndarray
    centre: np.ndarray
    baseline_cumulative_hazard: np.ndarray
    end_of_follow_up: float
    n_patients: int
    n_events: int

    @property
    def standard_error(self) -> np.ndarray:
        """Robust standard error of each coefficient, (feature,)."""
        return np.sqrt(np.diag(self.covariance))

    def table(self, confidence: float = 0.95) -> pd.DataFrame:
        """One row a feature: coefficient, standard error, hazard ratio, limits, z and p (Wald)."""
        if not 0 < confidence < 1:
            raise SurvivalError(f"confidence must lie in (0, 1), got {confidence:g}: pass 0.95")
        z = self.coefficients / self.standard_error
        reach = ndtri(0.5 + confidence / 2) * self.standard_error
        return pd.DataFrame(
            {
                "coefficient": self.coefficients,
                "standard_error": self.standard_error,
                "hazard_ratio": np.exp(self.coefficients),
                "lower": np.exp(self.coefficients - reach),
                "upper": np.exp(self.coefficients + reach),
                "z": z,
                "p_value": 2 * ndtr(-np.abs(z)),
            },
            index=pd.Index(self.names, name="feature"),
        )

    def predict(self, features: np.ndarray, horizons: np.ndarray | list[float]) -> np.ndarray:
        """Predicted cumulative incidence of the cause by each horizon, (patient, horizon).

        1 - exp(-H(t) exp((x - centre) b)), H being the baseline cumulative subdistribution hazard.

        Raises
        ------
        SurvivalError
            Features of another width, or a horizon after the end of follow-up.
        """
        features = check_numbers("features", features, (-1, len(self.names)))
        horizons = check_horizons(horizons)
        if horizons[-1] > self.end_of_follow_up:
            raise SurvivalError(
                f"follow-up ended at {self.end_of_follow_up:g}, before the horizon "
                f"{horizons[-1]:g}: nothing is known there, choose an earlier one"
            )
        position = np.searchsorted(self.time, horizons, side="right")
        hazard = np.append(0.0, self.baseline_cumulative_hazard)[position]
        predictor = (features - self.centre) @ self.coefficients
        risk = np.exp(np.minimum(predictor, LARGEST_PREDICTOR))
        return -np.expm1(-hazard * risk[:, None])


def fine_gray(
    time: np.ndarray,
    cause: np.ndarray,
    features: np.ndarray,
    *,
    of: int = 1,
    names: Sequence[str] | None = None,
    stratum: np.ndarray | None = None,
) -> FineGray:
    r"""Proportional hazards regression for the subdistribution of a competing event.

    Maximises the partial likelihood in which patients taken by a competing event at T stay at
    risk with a weight that falls as patients are censored,

    .. math:: \sum_{i:\,\text{cause}} \left[ x_i^\top \beta -
        \log \sum_j w_j(T_i)\, e^{x_j^\top \beta} \right], \qquad
        w_j(s) = 1(T_j \ge s) + 1(T_j < s,\ \text{competing})\,
        \frac{\hat G(s-)}{\hat G(T_j-)}

    by Newton's method with step halving, on features scaled inside. Each step costs n p^2 at
    most and nothing quadratic in n. The covariance is Fine and Gray's sandwich, which counts that
    G was estimated.

    Conventions are those of R's cmprsk::crr: Breslow's for tied events, and a censoring curve G in
    which patients with an event at a tied time are at risk of censoring there (so differs, under
    ties, from :func:`censoring_curve` and from R's survival::finegray). With strata of the
    censoring, G is 0 after a stratum's last observed time and coefficients are those of crr; its
    variance lets the curve of each stratum weigh the patients of all, ours only its own. A patient
    taken at time 0 has G(0-) = 1, where crr reads G(0).

    Parameters
    ----------
    time
        From index date to event or censoring, (patient,), not negative.
    cause
        What happened, (patient,) int: 0 censored, 1, 2, ... the competing events.
    features
        (patient, feature), finite; no column for an intercept.
    of
        The cause of interest.
    names
        Of the features; None: x1, x2, ...
    stratum
        Labels of groups that may be censored differently, (patient,); one curve G each.

    Raises
    ------
    SurvivalError
        No event of the cause, a feature that is constant or a combination of others, or a
        likelihood without a maximum (a feature separates who has the event). Names the features.

    References
    ----------
    Fine and Gray, J Am Stat Assoc 1999;94:496-509.

    Examples
    --------
    Cause 1 strikes x = 1, then 0; the one with x = 0 taken by cause 2 at 1.5 stays at risk, and
    nobody is censored. With h = exp(b) the likelihood is h / (2 h + 2) x 1 / (h + 2), largest
    where h^2 = 2.

    >>> model = fine_gray(np.array([1.0, 1.5, 2.0, 3.0]), np.array([1, 2, 1, 2]),
    ...                   np.array([[1.0], [0.0], [0.0], [1.0]]))
    >>> round(float(np.exp(model.coefficients[0]) ** 2), 6)
    2.0
    """
    time, cause = check_cause(time, cause)
    features = check_numbers("features", features, (len(time), -1))
    happened = cause_seen(cause, of)
    code = check_labels("stratum", stratum, len(time))
    names, scale = check_design(features, names)

    order = np.argsort(time, kind="stable")
    time, code = time[order], code[order]
    kind = np.where(happened, 1, np.where(cause > 0, 2, 0))[order]
    centre = features.mean(0)
    scaled = ((features - centre) / scale)[order]
    sets = risk_sets(time, kind, code)
    fit = maximise(sets, scaled, kind == 1, names)

    added = censoring_influence(sets, time, kind, fit.risk, scaled, fit.mean, fit.step)
    exposure = sets.exposure(np.column_stack([fit.step, fit.step[:, None] * fit.mean]))
    score = -fit.risk[:, None] * (exposure[:, :1] * scaled - exposure[:, 1:]) + added
    rows = np.flatnonzero(kind == 1)
    score[rows] += scaled[rows] - fit.mean[sets.n_seen[rows] - 1]
    bread = np.linalg.inv(fit.information)
    covariance = bread @ (score.T @ score) @ bread / np.outer(scale, scale)

    return FineGray(
        names=names,
        coefficients=fit.coefficients / scale,
        covariance=covariance,
        log_likelihood_null=fit.log_likelihood_null,
        log_likelihood=fit.log_likelihood,
        time=sets.event_time,
        centre=centre,
        baseline_cumulative_hazard=np.cumsum(fit.step) * np.exp(fit.log_level),
        end_of_follow_up=float(time[-1]),
        n_patients=len(time),
        n_events=int(happened.sum()),
    )
