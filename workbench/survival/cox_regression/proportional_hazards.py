"""Do hazard ratios stay what they are over time? Score tests, and the curves beside them."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from scipy.special import ndtri

from workbench.errors import SurvivalError
from workbench.survival.cox_regression.record import (
    ChiSquareTest,
    CoxFit,
    CoxRegression,
    chi_square,
)
from workbench.survival.cox_regression.residuals import SchoenfeldResiduals, schoenfeld_residuals
from workbench.survival.splines import spline_columns

Transform = Literal["km", "identity", "rank", "log"]

SMALLEST_SHARE = 1e-12  # of the variance of a score that is left once beta is fitted
SMOOTH_KNOTS = (0.0, 1 / 3, 2 / 3, 1.0)


class Smooth(NamedTuple):
    """A coefficient over time, all (point,); ``transformed`` is the axis of the test."""

    transformed: np.ndarray
    coefficient: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


@dataclass(frozen=True)
class ProportionalHazards:
    """Tests of proportional hazards and what is drawn beside them.

    Parameters
    ----------
    names
        Characteristics, (term,).
    tests
        One a characteristic: that its coefficients do not change linearly with transformed time.
    overall
        The same of all at once.
    transform
        How time was transformed.
    time, transformed
        Of each event, by stratum and rising time, (event,).
    residuals
        Scaled Schoenfeld residuals whose local mean estimates the coefficient, (event, term); of a
        characteristic of several columns, a multiple of its fitted effect (so 1 is "as fitted").
        NaN in strata where the characteristic does not vary.
    variance
        Of the residuals' mean times the events, for the limits of the curve, (term, term).
    """

    names: tuple[str, ...]
    tests: tuple[ChiSquareTest, ...]
    overall: ChiSquareTest
    transform: str
    time: np.ndarray
    transformed: np.ndarray
    residuals: np.ndarray
    variance: np.ndarray

    def smooth(self, name: str, *, n_points: int = 40, confidence: float = 0.95) -> Smooth:
        """Natural cubic spline through the residuals of a characteristic, as R draws it.

        Four degrees of freedom: inner knots at the thirds of the transformed times.

        Raises
        ------
        SurvivalError
            An unknown name, or fewer than four distinct event times.
        """
        if name not in self.names:
            raise SurvivalError(f"'{name}' is none of the characteristics: {list(self.names)}")
        term = self.names.index(name)
        grid = np.linspace(self.transformed.min(), self.transformed.max(), n_points)
        knots = np.quantile(np.concatenate([grid, self.transformed]), SMOOTH_KNOTS)
        seen = np.isfinite(self.residuals[:, term])
        design = _curve_columns(self.transformed[seen], knots)
        if len(np.unique(self.transformed[seen])) < design.shape[1]:
            raise SurvivalError(
                f"a curve over time needs 4 distinct event times, '{name}' has fewer: show the "
                "residuals alone"
            )
        q, r = np.linalg.qr(design)
        at_grid = np.linalg.solve(r.T, _curve_columns(grid, knots).T).T
        estimate = at_grid @ (q.T @ self.residuals[seen, term])
        error = np.sqrt(self.variance[term, term] * (at_grid**2).sum(1))
        spread = ndtri(0.5 + confidence / 2) * error
        return Smooth(grid, estimate, estimate - spread, estimate + spread)


def proportional_hazards(model: CoxRegression, transform: Transform = "km") -> ProportionalHazards:
    r"""Score tests of coefficients that change with time: :math:`\beta + \theta g(t)`.

    With :math:`V_k` the variance of the features in the risk set of event k, the score of theta
    at 0 is :math:`\sum_k g_k (x_k - \bar x_k)` and the information of beta and theta together has
    the blocks :math:`\sum V_k, \sum g_k V_k, \sum g_k^2 V_k`, with g centred on its mean over the
    events. Equal to ``cox.zph`` of R's survival 3 and later, which differs from the approximation
    of 1994 that older versions and most other software report.

    Parameters
    ----------
    model
        A fitted Cox regression.
    transform
        g: "km", one minus the left-continuous Kaplan-Meier estimate of all rows; "identity";
        "rank" of the rows' times; "log".

    Raises
    ------
    SurvivalError
        Another transform, or events at 0 with "log".

    References
    ----------
    Grambsch and Therneau, Biometrika 1994;81:515-526. Therneau, "A package for survival analysis
    in R", version 3.

    Examples
    --------
    Events at 1, 2, 3, 4 of patients with x = 1, 0, 0, 1: the hazard ratio is (sqrt(5) - 1)/2, the
    shares of x = 1 in the risk sets .382, .236, .382, 1, the residuals .618, -.236, -.382, 0. With
    g = -1.5, -.5, .5, 1.5 the score is -1, its variance .635 - .326^2/.653 = .472.

    >>> from workbench.survival.cox_regression.fit import cox
    >>> every = np.array([True, True, True, True])
    >>> model = cox(np.array([1.0, 2.0, 3.0, 4.0]), every, np.array([[1.0], [0], [0], [1]]))
    >>> round(proportional_hazards(model, "identity").overall.statistic, 4)
    2.118
    """
    g = _transformed(model.fit, transform)
    drift = _drift(model.fit, g)
    ways = [model.fit.basis.matrix[:, list(term.columns)] for term in model.terms]
    raw = schoenfeld_residuals(model)
    residuals, variance = _plot_residuals(model, raw)
    return ProportionalHazards(
        names=tuple(term.name for term in model.terms),
        tests=tuple(_test(drift, np.linalg.qr(way)[0]) for way in ways),
        overall=_test(drift, np.eye(len(model.names))),
        transform=transform,
        time=raw.time,
        transformed=g[raw.row],
        residuals=residuals,
        variance=variance,
    )


def _transformed(fit: CoxFit, transform: Transform) -> np.ndarray:
    """g of each row's time, in the caller's order, (row,)."""
    ways: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "km": lambda time: 1 - _survival_before(time, fit),
        "identity": lambda time: time,
        "rank": _ranks,
        "log": lambda time: np.log(np.maximum(time, np.finfo(float).tiny)),
    }
    if transform not in ways:
        raise SurvivalError(f"transform must be one of {list(ways)}, got {transform!r}")
    if transform == "log" and (fit.at_risk.data.sets.time <= 0).any():
        raise SurvivalError('the transform "log" needs events after 0, got some at 0: use "km"')
    return ways[transform](fit.time)


def _ranks(time: np.ndarray) -> np.ndarray:
    """From 1, ties at their mean, as R's ``rank``."""
    _, inverse, counts = np.unique(time, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]


def _survival_before(time: np.ndarray, fit: CoxFit) -> np.ndarray:
    """Kaplan-Meier estimate of all rows just before each time, strata and weights left out."""
    counted = np.empty(len(time), dtype=bool)
    counted[fit.at_risk.data.sets.order] = fit.at_risk.data.sets.event
    moments, n_events = np.unique(time[counted], return_counts=True)
    n_at_risk = len(time) - np.searchsorted(np.sort(time), moments)
    if fit.entry is not None:
        n_at_risk -= len(time) - np.searchsorted(np.sort(fit.entry), moments)
    survival = np.append(1.0, np.cumprod(1 - n_events / n_at_risk))
    return survival[np.searchsorted(moments, time)]


class _Drift(NamedTuple):
    """Score of theta at 0 and its variance with beta at its maximum, for uncorrelated columns."""

    score: np.ndarray
    variance: np.ndarray
    undiminished: np.ndarray


def _drift(fit: CoxFit, g: np.ndarray) -> _Drift:
    at_risk, data, sets = fit.at_risk, fit.at_risk.data, fit.at_risk.data.sets
    at_events = g[sets.order[sets.event_rows]]
    at_events = at_events - at_events.mean()
    gaps = data.features[:, sets.event_rows] - at_risk.means[:, sets.event_group]
    score = gaps @ (at_events * data.weights[sets.event_rows])
    both, two = (at_risk.information_by(at_events**power) for power in (1, 2))
    return _Drift(score, two - both @ np.linalg.solve(at_risk.information, both), two)


def _test(drift: _Drift, way: np.ndarray) -> ChiSquareTest:
    """Test of theta within the span of the columns ``way``, (column, dimension), orthonormal."""
    variance = way.T @ drift.variance @ way
    undiminished = np.trace(way.T @ drift.undiminished @ way)
    if not np.linalg.eigvalsh(variance)[0] > SMALLEST_SHARE * undiminished:
        raise SurvivalError(
            "a test of proportional hazards needs three or more distinct event times at which the "
            "features vary: leave it out"
        )
    score = way.T @ drift.score
    return chi_square(float(score @ np.linalg.solve(variance, score)), way.shape[1])


def _plot_residuals(
    model: CoxRegression, raw: SchoenfeldResiduals
) -> tuple[np.ndarray, np.ndarray]:
    """Residuals a characteristic, and the variance behind the limits of their curve."""
    used = _events_used(model)
    for term in model.terms:
        columns = list(term.columns)
        used[:, columns] = used[:, columns].max(1, keepdims=True)
    shared = np.minimum(used[:, :, None], used[:, None, :]).sum(0)
    basis = model.fit.basis
    information = basis.values(basis.values(model.fit.at_risk.information).T)
    mean_variance = information / np.where(shared == 0, 1, shared)
    combine = np.zeros((len(model.names), len(model.terms)))
    for position, term in enumerate(model.terms):
        columns = list(term.columns)
        combine[columns, position] = 1.0 if len(columns) == 1 else model.coefficients[columns]
    residuals = raw.values @ combine
    mean_variance = combine.T @ mean_variance @ combine
    used = used[:, [term.columns[0] for term in model.terms]]
    bounds = np.searchsorted(raw.stratum, np.arange(len(used) + 1))
    for code in range(len(used)):
        rows = np.arange(bounds[code], bounds[code + 1])
        varies = np.flatnonzero(used[code] > 0)
        block = np.ix_(rows, varies)
        residuals[block] = np.linalg.solve(
            mean_variance[np.ix_(varies, varies)], residuals[block].T
        ).T
        residuals[np.ix_(rows, np.flatnonzero(used[code] == 0))] = np.nan
    fitted = [
        model.coefficients[term.columns[0]] if len(term.columns) == 1 else 1.0
        for term in model.terms
    ]
    return residuals + fitted, np.linalg.inv(mean_variance)


def _events_used(model: CoxRegression) -> np.ndarray:
    """Events of each stratum, 0 where a column does not vary in it, (stratum, column) int."""
    sets, columns = model.fit.at_risk.data.sets, model.fit.columns
    used = np.zeros((len(model.fit.labels), len(model.names)), dtype=np.int64)
    bounds = np.searchsorted(sets.stratum, np.arange(len(used) + 1))
    for code, (first, last) in enumerate(itertools.pairwise(bounds)):
        if last > first:
            rows = columns[sets.order[sets.present.begin[first] : sets.present.end[last - 1]]]
            used[code] = np.where(np.ptp(rows, axis=0) > 0, sets.n_tied[first:last].sum(), 0)
    return used


def _curve_columns(x: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Columns of a natural cubic spline in units of its range, the intercept among them."""
    unit = (x - knots[0]) / (knots[-1] - knots[0])
    placed = (knots - knots[0]) / (knots[-1] - knots[0])
    return np.column_stack([np.ones(len(x)), spline_columns(unit, placed)])
