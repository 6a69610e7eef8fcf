"""Fit a Cox regression."""

import itertools
from collections.abc import Sequence
from typing import Literal

import numpy as np

from workbench.errors import SurvivalError
from workbench.survival.cox_regression.basis import uncorrelated
from workbench.survival.cox_regression.design import Design, as_design
from workbench.survival.cox_regression.likelihood import AtRisk, CoxData
from workbench.survival.cox_regression.newton import maximise
from workbench.survival.cox_regression.record import (
    BaselineHazard,
    ChiSquareTest,
    CoxFit,
    CoxRegression,
    chi_square,
    wald_test,
)
from workbench.survival.cox_regression.residuals import clustered, standard_scores
from workbench.survival.cox_regression.risk_sets import risk_sets
from workbench.survival.inputs import (
    check_entry,
    check_labels,
    check_numbers,
    check_outcome,
    check_weights,
)


def cox(
    time: np.ndarray,
    event: np.ndarray,
    features: np.ndarray | Design,
    *,
    names: Sequence[str] | None = None,
    entry: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    stratum: np.ndarray | None = None,
    cluster: np.ndarray | None = None,
    robust: bool = False,
    offset: np.ndarray | None = None,
    ties: Literal["efron", "breslow"] = "efron",
) -> CoxRegression:
    r"""Cox's proportional hazards regression.

    Maximises the partial likelihood; with d events tied at a time, of case weights w and mean
    weight :math:`\bar w`, the sums being over the patients at risk and over the tied events,

    .. math:: \sum_{i: \delta_i} w_i \eta_i - \sum_k \bar w_k \log\Bigl(
        \sum_{j \in R_k} w_j e^{\eta_j} - f_k \sum_{j \in D_k} w_j e^{\eta_j} \Bigr), \qquad
        \eta = x^\top \beta + \text{offset}

    with f = 0, 1/d, ..., (d - 1)/d for the tied events (Efron) or 0 (Breslow). A patient is at
    risk in (entry, time], so events at a time precede censorings and follow entries there. Times
    are tied where they are equal: round them first if they come from arithmetic. Time-varying
    characteristics are several rows of a patient with consecutive (entry, time] and the patient
    as ``cluster``.

    Parameters
    ----------
    time
        From index date to event or censoring, (row,), not negative.
    event
        True if the row ends with the event, (row,) bool.
    features
        (row, column) numbers, or the design of a table.
    names
        Name of each column; those of the design, else "x1", "x2", ...
    entry
        When the row came under observation, (row,), before time; None where all did at 0.
    weights
        Case weights, (row,), not negative; 0 leaves a row out, also of counts and residuals.
    stratum
        Label, (row,): each stratum has a baseline hazard of its own.
    cluster
        Label of what belongs together, (row,): standard errors are the sandwich over clusters.
    robust
        Whether standard errors are the sandwich; over rows where ``cluster`` is None.
    offset
        Added to the linear predictor, (row,).
    ties
        "efron" (as R) or "breslow".

    Raises
    ------
    SurvivalError
        Invalid input, no event, a column that is constant or determined by others, a coefficient
        without a finite maximum: each by the column's name.

    References
    ----------
    Cox, J R Stat Soc B 1972;34:187-220. Efron, J Am Stat Assoc 1977;72:557-565. Breslow,
    Biometrics 1974;30:89-99. Lin and Wei, J Am Stat Assoc 1989;84:1074-1078 (sandwich). Equal to
    R's ``survival::coxph``.

    Examples
    --------
    Four patients, x = 1 for those with events at 1 and 3, x = 0 for those at 2 and 4. With h the
    hazard ratio the likelihood is h/(2h + 2) x 1/(h + 2) x h/(h + 1), whose maximum solves
    2 = 2 h/(h + 1) + h/(h + 2), so h = (1 + sqrt(17))/2.

    >>> time, event = np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, True, True, True])
    >>> model = cox(time, event, np.array([[1.0], [0.0], [1.0], [0.0]]), names=["treated"])
    >>> model.table()["hazard_ratio"].round(4).tolist()
    [2.5616]
    """
    time, event = check_outcome(time, event)
    n_rows = len(time)
    made = as_design(features, names, n_rows)
    columns, names = made.features, made.names
    entry = check_entry(entry, time)
    weights = check_weights(weights, n_rows)
    offset = np.zeros(n_rows) if offset is None else check_numbers("offset", offset, (n_rows,))
    if ties not in ("efron", "breslow"):
        raise SurvivalError(f'ties must be "efron" or "breslow", got {ties!r}')
    codes = check_labels("stratum", stratum, n_rows)
    clusters = None if cluster is None else check_labels("cluster", cluster, n_rows)
    labels = np.array([None], dtype=object) if stratum is None else np.unique(stratum)
    kept = weights > 0
    if not kept.all():
        time, event, columns = time[kept], event[kept], columns[kept]
        weights, offset, n_rows = weights[kept], offset[kept], int(kept.sum())
        entry = None if entry is None else entry[kept]
        labels, codes = labels[np.unique(codes[kept])], check_labels("stratum", codes[kept], n_rows)
        clusters = None if clusters is None else check_labels("cluster", clusters[kept], n_rows)
    if not event.any():
        raise SurvivalError(
            f"a Cox regression needs events, got 0 among {n_rows} rows: check how the event is "
            "coded"
        )
    if clusters is not None and not clusters.any():
        raise SurvivalError(
            f"cluster must have 2 labels or more, got 1 of {n_rows} rows: leave it out"
        )

    z, basis = uncorrelated(columns, names)
    sets = risk_sets(time, event, entry, codes)
    data = CoxData(
        sets, np.take(z, sets.order, axis=1), weights[sets.order], offset[sets.order],
        ties == "efron",
    )  # fmt: skip
    coefficients, top, start = maximise(data, basis, names)
    inverse = np.linalg.inv(top.information)
    fit = CoxFit(top, basis, columns, time, event, entry, labels)
    covariance, robust_score = inverse, None
    if robust or clusters is not None:
        covariance = _sandwich(top, inverse, clusters)
        robust_score = _score_of(start, clusters)
    score = float(start.gradient @ np.linalg.solve(start.information, start.gradient))
    return CoxRegression(
        names=names,
        terms=made.terms,
        coefficients=basis.coefficients(coefficients),
        covariance=basis.covariance(covariance),
        model_covariance=basis.covariance(inverse),
        robust=robust_score is not None,
        log_likelihood_null=start.log_likelihood,
        log_likelihood=top.log_likelihood,
        wald=wald_test(coefficients, covariance),
        score=chi_square(score, len(names)),
        likelihood_ratio=chi_square(2 * (top.log_likelihood - start.log_likelihood), len(names)),
        robust_score=robust_score,
        n_rows=n_rows,
        n_events=int(event.sum()),
        n_clusters=n_rows if clusters is None else int(clusters.max()) + 1,
        ties=ties,
        center=basis.center,
        baseline=_baselines(top, time, codes, labels),
        level_counts=_level_counts(columns, event),
        fit=fit,
    )


def _weighted_scores(at_risk: AtRisk, clusters: np.ndarray | None) -> np.ndarray:
    """Sums of the weighted score residuals, (cluster, column)."""
    data = at_risk.data
    scores = (standard_scores(at_risk) * data.weights).T
    return clustered(scores, None if clusters is None else clusters[data.sets.order])


def _sandwich(top: AtRisk, inverse: np.ndarray, clusters: np.ndarray | None) -> np.ndarray:
    moved = _weighted_scores(top, clusters) @ inverse
    return moved.T @ moved


def _score_of(start: AtRisk, clusters: np.ndarray | None) -> ChiSquareTest:
    """Score test with the sandwich, at coefficients 0."""
    scores = _weighted_scores(start, clusters)
    return wald_test(scores.sum(0), scores.T @ scores)


def _baselines(
    top: AtRisk, time: np.ndarray, codes: np.ndarray, labels: np.ndarray
) -> tuple[BaselineHazard, ...]:
    sets = top.data.sets
    steps = sets.event_sums(top.increment) * np.exp(-top.shift)
    last_time = np.zeros(len(labels))
    np.maximum.at(last_time, codes, time)
    bounds = np.searchsorted(sets.stratum, np.arange(len(labels) + 1))
    parts = [slice(first, last) for first, last in itertools.pairwise(bounds)]
    return tuple(
        BaselineHazard(label, sets.time[part][::-1], np.cumsum(steps[part][::-1]), float(last))
        for label, part, last in zip(labels, parts, last_time, strict=True)
    )


def _level_counts(columns: np.ndarray, event: np.ndarray) -> np.ndarray:
    """Rows and events where each column is 1, (column, 2)."""
    at_level = columns == 1
    return np.column_stack([at_level.sum(0), at_level[event].sum(0)])
