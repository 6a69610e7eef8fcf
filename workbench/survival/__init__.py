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
from workbench.survival.competing.aalen_johansen import AalenJohansen, aalen_johansen
from workbench.survival.competing.accuracy import competing_auc, competing_brier, competing_ipa
from workbench.survival.competing.cause_specific import cause_specific, incidence_from_hazards
from workbench.survival.competing.fine_gray import FineGray, fine_gray
from workbench.survival.competing.gray import GrayTest, gray_test
from workbench.survival.competing.overstatement import Overstatement, kaplan_meier_overstatement
from workbench.survival.concordance import dynamic_auc, harrell_c, uno_c
from workbench.survival.kaplan_meier import KaplanMeier, Median, kaplan_meier
from workbench.survival.logrank import LogRank, log_rank

__all__ = [
    "AalenJohansen",
    "Calibration",
    "CensoringCurve",
    "CurvePoints",
    "FineGray",
    "GrayTest",
    "KaplanMeier",
    "LogRank",
    "Median",
    "Overstatement",
    "RiskBin",
    "aalen_johansen",
    "brier_score",
    "calibration",
    "cause_specific",
    "censoring_curve",
    "competing_auc",
    "competing_brier",
    "competing_ipa",
    "dynamic_auc",
    "fine_gray",
    "gray_test",
    "harrell_c",
    "incidence_from_hazards",
    "integrated_brier_score",
    "kaplan_meier",
    "kaplan_meier_overstatement",
    "log_rank",
    "uno_c",
]
