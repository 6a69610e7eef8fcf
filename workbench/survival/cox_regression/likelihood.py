"""The partial likelihood of a Cox model, its slope and its bend."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workbench.survival.cox_regression.risk_sets import RiskSets


@dataclass(frozen=True)
class CoxData:
    """What a Cox regression is fitted to; rows in the order of ``sets``.

    Parameters
    ----------
    sets
        Who is at risk when.
    features
        Uncorrelated columns of mean 0 and variance 1, (feature, row).
    weights
        Case weights, (row,).
    offset
        Added to the linear predictor, (row,).
    efron
        Whether tied events leave the risk set one after another (Efron) or all at once (Breslow).
    """

    sets: RiskSets
    features: np.ndarray
    weights: np.ndarray
    offset: np.ndarray
    efron: bool

    @cached_property
    def term_weight(self) -> np.ndarray:
        """Mean case weight of the events tied with each event, (event row,)."""
        tied = self.sets.event_sums(self.weights[self.sets.event_rows]) / self.sets.n_tied
        return tied[self.sets.event_group]

    @cached_property
    def gone(self) -> np.ndarray:
        """Share of the tied events that have left before each event's term, (event row,)."""
        if not self.efron:
            return np.zeros(len(self.sets.event_rows))
        group, n_tied = self.sets.event_group, self.sets.n_tied
        starts = np.append(0, np.cumsum(n_tied)[:-1])
        return (np.arange(len(group)) - starts[group]) / n_tied[group]

    def predictor(self, coefficients: np.ndarray) -> np.ndarray:
        """Log relative hazard of each row."""
        return coefficients @ self.features + self.offset


@dataclass(frozen=True)
class AtRisk:
    """The risk sets at given coefficients.

    Parameters
    ----------
    data
        What they are sets of.
    predictor
        Log relative hazard, (row,), less its largest value so that none overflows.
    shift
        What was subtracted.
    hazard
        Case weight times relative hazard, (row,).
    total
        Sum of ``hazard`` at risk for the term of each event, (event row,).
    """

    data: CoxData
    predictor: np.ndarray
    shift: float
    hazard: np.ndarray
    total: np.ndarray

    @cached_property
    def log_likelihood(self) -> float:
        """Log partial likelihood; minus infinity where a risk set underflows."""
        sets, weights = self.data.sets, self.data.weights
        if not (self.total > 0).all():
            return -np.inf
        at_event = weights[sets.event_rows] @ self.predictor[sets.event_rows]
        return float(at_event - self.data.term_weight @ np.log(self.total))

    @cached_property
    def increment(self) -> np.ndarray:
        """Step of the cumulative hazard at the term of each event, (event row,)."""
        return self.data.term_weight / self.total

    def expected(self, increment: np.ndarray) -> np.ndarray:
        """Cumulative hazard that each row lived through, relative hazard left out, (row,).

        A row that ends with one of d tied events lives through parts of its own time only.
        """
        sets = self.data.sets
        lived = sets.lived_sums(sets.event_sums(increment))
        lived[sets.event_rows] -= sets.event_sums(increment * self.data.gone)[sets.event_group]
        return lived

    @cached_property
    def feature_sums(self) -> tuple[np.ndarray, np.ndarray]:
        """Hazard-weighted features at risk, and of the tied events, (feature, event time) each."""
        sets = self.data.sets
        weighted = self.data.features * self.hazard
        if not self.data.gone.any():
            return sets.at_risk_sums(weighted), np.zeros((len(weighted), len(sets.time)))
        return sets.at_risk_sums(weighted), sets.event_sums(weighted[:, sets.event_rows])

    @cached_property
    def means(self) -> np.ndarray:
        """Mean features of the risk set over each event time's terms, (feature, event time)."""
        sets, at_risk, of_events = self.data.sets, *self.feature_sums
        share = sets.event_sums(1 / self.total) / sets.n_tied
        share_gone = sets.event_sums(self.data.gone / self.total) / sets.n_tied
        return at_risk * share - of_events * share_gone

    @cached_property
    def gradient(self) -> np.ndarray:
        """Slope of the log likelihood, (feature,)."""
        residual = self.data.weights * self.data.sets.event
        residual = residual - self.hazard * self.expected(self.increment)
        return self.data.features @ residual

    @cached_property
    def information(self) -> np.ndarray:
        """Minus the second derivative of the log likelihood, (feature, feature)."""
        return self.information_by(np.ones(len(self.total)))

    def information_by(self, factor: np.ndarray) -> np.ndarray:
        r"""The information with each event's share times ``factor``, (feature, feature).

        With a the cumulative hazard that each row lived through, one product of matrices over the
        rows and one over the event times:

        .. math:: \sum_i r_i a_i x_i x_i^\top - \sum_k w_k \bar x_k \bar x_k^\top

        Parameters
        ----------
        factor
            A number for each event, the same for tied events, (event row,).
        """
        data, sets = self.data, self.data.sets
        at_risk, of_events = self.feature_sums
        lived = self.hazard * self.expected(factor * self.increment)
        square = factor * self.increment / self.total
        both, cross, tied = (
            sets.event_sums(square * part) for part in (1.0, data.gone, data.gone**2)
        )
        outer = _outer_sum(at_risk, both)
        if data.gone.any():
            several = sets.n_tied > 1
            at_risk, of_events = at_risk[:, several], of_events[:, several]
            mixed = (at_risk * cross[several]) @ of_events.T
            outer += _outer_sum(of_events, tied[several]) - mixed - mixed.T
        return _outer_sum(data.features, lived) - outer


def at_risk(data: CoxData, coefficients: np.ndarray) -> AtRisk:
    """The risk sets of ``data`` at ``coefficients``."""
    sets = data.sets
    predictor = data.predictor(coefficients)
    shift = float(predictor.max())
    predictor = predictor - shift
    hazard = data.weights * np.exp(predictor)
    total = sets.at_risk_sums(hazard)[sets.event_group]
    if data.gone.any():
        total = total - data.gone * sets.event_sums(hazard[sets.event_rows])[sets.event_group]
    return AtRisk(data, predictor, shift, hazard, total)


def _outer_sum(vectors: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted sum of the outer products of columns, (feature, feature)."""
    if (weights >= 0).all():
        # Of a matrix with itself BLAS computes one triangle only.
        vectors = vectors * np.sqrt(weights)
        return vectors @ vectors.T
    return (vectors * weights) @ vectors.T
