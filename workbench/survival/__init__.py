"""Survival statistics: pure functions of arrays, ``time, event, risk_score`` first.

Nothing here knows a cohort, a model or a file.
"""

from workbench.survival.bootstrap import bootstrap_draws
from workbench.survival.brier import brier_score, integrated_brier_score
from workbench.survival.calibration import (
    Calibration,
    CalibrationIntervals,
    calibration,
    competing_calibration,
)
from workbench.survival.calibration_bins import RiskBin
from workbench.survival.calibration_curve import CalibrationError, CurvePoints
from workbench.survival.censoring import CensoringCurve, censoring_curve
from workbench.survival.concordance import dynamic_auc, harrell_c, uno_c
from workbench.survival.decision_curve import competing_decision_curve, decision_curve
from workbench.survival.kaplan_meier import KaplanMeier, Median, kaplan_meier
from workbench.survival.logrank import LogRank, log_rank
from workbench.survival.net_benefit import Band, DecisionCurve
from workbench.survival.optimism import Optimism, correct_optimism
from workbench.survival.sample_size import (
    Criterion,
    SampleSize,
    r_squared_from_c,
    sample_size,
)

__all__ = [
    "Band",
    "Calibration",
    "CalibrationError",
    "CalibrationIntervals",
    "CensoringCurve",
    "Criterion",
    "CurvePoints",
    "DecisionCurve",
    "KaplanMeier",
    "LogRank",
    "Median",
    "Optimism",
    "RiskBin",
    "SampleSize",
    "bootstrap_draws",
    "brier_score",
    "calibration",
    "censoring_curve",
    "competing_calibration",
    "competing_decision_curve",
    "correct_optimism",
    "decision_curve",
    "dynamic_auc",
    "harrell_c",
    "integrated_brier_score",
    "kaplan_meier",
    "log_rank",
    "r_squared_from_c",
    "sample_size",
    "uno_c",
]
