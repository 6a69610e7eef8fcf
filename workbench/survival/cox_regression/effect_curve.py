"""The effect of a characteristic along its values, and whether it bends."""

from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from workbench.errors import SurvivalError
from workbench.survival.cox_regression.design import Term
from workbench.survival.cox_regression.record import ChiSquareTest, CoxRegression
from workbench.survival.inputs import check_numbers
from workbench.survival.splines import spline_columns


class EffectCurve(NamedTuple):
    """Log hazard against that at a reference value, with limits, all (value,)."""

    value: np.ndarray
    log_hazard_ratio: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


def effect_curve(
    model: CoxRegression,
    name: str,
    values: np.ndarray,
    *,
    reference: float,
    confidence: float = 0.95,
) -> EffectCurve:
    r"""Log hazard ratio of ``values`` of a characteristic against ``reference``.

    With b(x) its columns and V their covariance,
    :math:`(b(x) - b(x_0))^\top (\hat\beta \pm z V^{1/2})`: the limits close at the reference. Equal
    to ``rms::Predict`` with ``ref.zero``.

    Parameters
    ----------
    model
        A fitted Cox regression.
    name
        A characteristic that is a number: a spline, or a straight line.
    values
        Where to draw, (value,), in the characteristic's unit.
    reference
        Where the hazard ratio is 1.
    confidence
        Coverage of the pointwise limits, in (0, 1).

    Raises
    ------
    SurvivalError
        An unknown characteristic, or one of levels.

    Examples
    --------
    A straight line of coefficient b, two units from the reference, is 2 b.

    >>> from workbench.survival.cox_regression.fit import cox
    >>> every = np.array([True, True, True, True])
    >>> x = np.array([[1.0], [0.0], [1.0], [0.0]])
    >>> model = cox(np.array([1.0, 2.0, 3.0, 4.0]), every, x, names=["dose"])
    >>> curve = effect_curve(model, "dose", np.array([0.0, 2.0]), reference=0.0)
    >>> (curve.log_hazard_ratio / model.coefficients).tolist()
    [0.0, 2.0]
    """
    term = model.term(name)
    if term.levels:
        raise SurvivalError(f"'{name}' has levels and no curve: see the table of the regression")
    values = check_numbers("values", values, (-1,))
    columns = list(term.columns)
    moved = _columns(term, values) - _columns(term, np.array([float(reference)]))
    estimate = moved @ model.coefficients[columns]
    covariance = model.covariance[np.ix_(columns, columns)]
    error = np.sqrt(np.einsum("vi,ij,vj->v", moved, covariance, moved))
    spread = ndtri(0.5 + confidence / 2) * error
    return EffectCurve(values, estimate, estimate - spread, estimate + spread)


def nonlinearity_test(model: CoxRegression, name: str) -> ChiSquareTest:
    """Wald test that a spline is a straight line: all its bends are 0.

    Raises
    ------
    SurvivalError
        An unknown characteristic, or one that is no spline.
    """
    term = model.term(name)
    if not term.knots:
        raise SurvivalError(f"'{name}' is no spline, so it cannot bend: pass it in `splines`")
    return model.wald_test(term.columns[1:])


def _columns(term: Term, values: np.ndarray) -> np.ndarray:
    return spline_columns(values, np.array(term.knots)) if term.knots else values[:, None]
