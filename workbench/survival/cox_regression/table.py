"""Hazard ratios as a forest plot shows them, reference levels included."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri

if TYPE_CHECKING:
    import pandas as pd

    from workbench.survival.cox_regression.design import Term
    from workbench.survival.cox_regression.record import CoxRegression


class HazardRatio(NamedTuple):
    """One line of a forest plot; a reference level has hazard ratio 1 and NaN beside it."""

    term: str
    level: str
    n_rows: int
    n_events: int
    hazard_ratio: float = 1.0
    lower: float = float("nan")
    upper: float = float("nan")
    coefficient: float = 0.0
    standard_error: float = float("nan")
    z: float = float("nan")
    p_value: float = float("nan")


def hazard_ratio_table(model: "CoxRegression", confidence: float) -> "pd.DataFrame":
    """One row a column and one a reference level, see :meth:`CoxRegression.table`."""
    import pandas as pd

    return pd.DataFrame([line for term in model.terms for line in _lines(model, term, confidence)])


def _lines(model: "CoxRegression", term: "Term", confidence: float) -> list[HazardRatio]:
    if not term.levels:
        several = len(term.columns) > 1
        return [
            _line(model, column, confidence)._replace(
                term=term.name, level=model.names[column] if several else ""
            )
            for column in term.columns
        ]
    counts = model.level_counts[list(term.columns)]
    n_rows, n_events = (np.array([model.n_rows, model.n_events]) - counts.sum(0)).tolist()
    lines = [HazardRatio(term.name, str(term.reference), n_rows, n_events)]
    for level, column, (n_rows, n_events) in zip(
        term.levels, term.columns, counts.tolist(), strict=True
    ):
        line = _line(model, column, confidence)
        lines.append(line._replace(term=term.name, level=level, n_rows=n_rows, n_events=n_events))
    return lines


def _line(model: "CoxRegression", column: int, confidence: float) -> HazardRatio:
    estimate, error = float(model.coefficients[column]), float(model.standard_errors[column])
    spread = ndtri(0.5 + confidence / 2) * error
    return HazardRatio(
        term="",
        level="",
        n_rows=model.n_rows,
        n_events=model.n_events,
        hazard_ratio=float(np.exp(estimate)),
        lower=float(np.exp(estimate - spread)),
        upper=float(np.exp(estimate + spread)),
        coefficient=estimate,
        standard_error=error,
        z=estimate / error,
        p_value=float(2 * ndtr(-abs(estimate / error))),
    )
