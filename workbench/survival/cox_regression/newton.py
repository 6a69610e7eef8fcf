"""The coefficients that maximise the partial likelihood, or the reason why there are none."""

from collections.abc import Sequence

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from workbench.errors import SurvivalError
from workbench.survival.cox_regression.basis import DEPENDENT, Basis, check_distinct, listed
from workbench.survival.cox_regression.likelihood import AtRisk, CoxData, at_risk

MOST_STEPS = 60
MOST_HALVINGS = 30
SOLVED = 1e-11
"""Newton decrement at which the step at hand is the last: what is left is about its square."""

SUSPECT = 1e-8
"""Newton decrement below which a step that still moves the predictor is a flight to infinity."""

FLIGHT = 0.1
"""Change of the log hazard, across a column's range, that counts as moving."""

FARTHEST = 300.0
"""Range of the log hazard over patients that no estimate reaches; sums would underflow."""


def maximise(
    data: CoxData, basis: Basis, names: Sequence[str]
) -> tuple[np.ndarray, AtRisk, AtRisk]:
    """Coefficients of the uncorrelated columns, the risk sets at them and at 0.

    Newton's method from 0; a step is halved until the log likelihood, which is concave, does not
    fall.

    Raises
    ------
    SurvivalError
        Columns that do not vary among patients at risk together or that determine each other
        there; a coefficient that grows without bound; no convergence.
    """
    coefficients = np.zeros(len(data.features))
    start = current = at_risk(data, coefficients)
    _check_information(start, basis, names)
    for _ in range(MOST_STEPS):
        try:
            step = cho_solve(cho_factor(current.information), current.gradient)
        except np.linalg.LinAlgError:
            flat = np.linalg.eigh(current.information)[1][:, 0]
            raise _no_maximum(basis.coefficients(flat), basis, names) from None
        decrement = float(current.gradient @ step)
        if decrement < SUSPECT:
            moved = basis.coefficients(step)
            if (np.abs(moved) * basis.span).max() > FLIGHT:
                raise _no_maximum(moved, basis, names)
        coefficients, current = _ascend(coefficients, step, current)
        if np.ptp(current.predictor) > FARTHEST:
            raise _no_maximum(basis.coefficients(coefficients), basis, names)
        if decrement < SOLVED:
            return coefficients, current, start
    raise SurvivalError(
        f"the Cox regression did not converge in {MOST_STEPS} Newton steps: look for extreme "
        "values in the features"
    )


def _check_information(start: AtRisk, basis: Basis, names: Sequence[str]) -> None:
    """Refuse, by name, columns whose coefficients the risk sets cannot tell."""
    information = basis.standard_information(start.information)
    smallest = DEPENDENT * start.data.term_weight.sum()
    still = np.flatnonzero(np.diagonal(information) <= smallest)
    if len(still):
        raise SurvivalError(
            f"features must vary among patients at risk together, {listed(names, still)} does not "
            "at any event time: leave it out (a stratum needs no coefficient)"
        )
    check_distinct(information, names)


def _ascend(
    coefficients: np.ndarray, step: np.ndarray, current: AtRisk
) -> tuple[np.ndarray, AtRisk]:
    allowed = current.log_likelihood - 1e-9 * (1 + abs(current.log_likelihood))
    for _ in range(MOST_HALVINGS):
        moved = at_risk(current.data, coefficients + step)
        if moved.log_likelihood >= allowed:
            return coefficients + step, moved
        step = step / 2
    raise SurvivalError(
        "the Cox regression cannot climb: look for extreme values in the features or the offset"
    )


def _no_maximum(direction: np.ndarray, basis: Basis, names: Sequence[str]) -> SurvivalError:
    """The refusal of coefficients that run away along ``direction``, largest effect first."""
    reach = np.abs(direction) * basis.span
    order = np.argsort(-reach)
    growing = order[reach[order] > 0.1 * reach.max()]
    return SurvivalError(
        f"the likelihood has no maximum: the coefficient of {listed(names, growing)} grows without "
        "bound, as where no event (or every event) happens at one level: join levels, leave the "
        "feature out, or use a penalised model"
    )
