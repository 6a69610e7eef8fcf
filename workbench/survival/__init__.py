"""Survival statistics: pure functions of arrays, ``time, event, risk_score`` first.

Nothing here knows a cohort, a model or a file.
"""

from workbench.survival.brier import brier_score, integrated_brier_score
from workbench.survival.calibration import (
    Calibration,
    CurvePoints,
    RiskBin,
    calibration,
)
from workbench.survival.censoring import CensoringCurve, censoring_curve
from workbench.survival.concordance import dynamic_auc, harrell_c, uno_c
from workbench.survival.cox_regression.design import Design, Term, design
from workbench.survival.cox_regression.effect_curve import (
    EffectCurve,
    effect_curve,
    nonlinearity_test,
)
from workbench.survival.cox_regression.fit import cox
from workbench.survival.cox_regression.parametric import ParametricRegression, parametric
from workbench.survival.cox_regression.proportional_hazards import (
    ProportionalHazards,
    Smooth,
    proportional_hazards,
)
from workbench.survival.cox_regression.record import BaselineHazard, ChiSquareTest, CoxRegression
from workbench.survival.cox_regression.residuals import (
    SchoenfeldResiduals,
    deviance_residuals,
    dfbeta,
    martingale_residuals,
    scaled_schoenfeld_residuals,
    schoenfeld_residuals,
    score_residuals,
)
from workbench.survival.cox_regression.splines import Spline, restricted_cubic_spline
from workbench.survival.kaplan_meier import KaplanMeier, Median, kaplan_meier
from workbench.survival.logrank import LogRank, log_rank

__all__ = [
    "BaselineHazard",
    "Calibration",
    "CensoringCurve",
    "ChiSquareTest",
    "CoxRegression",
    "CurvePoints",
    "Design",
    "EffectCurve",
    "KaplanMeier",
    "LogRank",
    "Median",
    "ParametricRegression",
    "ProportionalHazards",
    "RiskBin",
    "SchoenfeldResiduals",
    "Smooth",
    "Spline",
    "Term",
    "brier_score",
    "calibration",
    "censoring_curve",
    "cox",
    "design",
    "deviance_residuals",
    "dfbeta",
    "dynamic_auc",
    "effect_curve",
    "harrell_c",
    "integrated_brier_score",
    "kaplan_meier",
    "log_rank",
    "martingale_residuals",
    "nonlinearity_test",
    "parametric",
    "proportional_hazards",
    "restricted_cubic_spline",
    "scaled_schoenfeld_residuals",
    "schoenfeld_residuals",
    "score_residuals",
    "uno_c",
]
