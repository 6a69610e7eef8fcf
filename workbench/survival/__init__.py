"""Survival statistics: pure functions of arrays, ``time, event, risk_score`` first.

Nothing here knows a cohort, a model or a file.
"""

from workbench.survival.auc_interval import dynamic_auc_interval
from workbench.survival.brier import brier_score, integrated_brier_score
from workbench.survival.brier_interval import (
    brier_score_interval,
    index_of_prediction_accuracy,
    integrated_brier_score_interval,
)
from workbench.survival.calibration import (
    Calibration,
    CurvePoints,
    RiskBin,
    calibration,
)
from workbench.survival.censoring import CensoringCurve, censoring_curve
from workbench.survival.concordance import dynamic_auc, harrell_c, uno_c
from workbench.survival.concordance_interval import (
    Concordance,
    ConcordanceDifference,
    compare_concordance,
    harrell_c_interval,
    uno_c_interval,
)
from workbench.survival.horizon_estimates import (
    HorizonDifferences,
    HorizonEstimates,
    compare_at_horizons,
)
from workbench.survival.kaplan_meier import KaplanMeier, Median, kaplan_meier
from workbench.survival.logrank import LogRank, log_rank
from workbench.survival.time_dependent_c import antolini_c, antolini_c_interval

__all__ = [
    "Calibration",
    "CensoringCurve",
    "Concordance",
    "ConcordanceDifference",
    "CurvePoints",
    "HorizonDifferences",
    "HorizonEstimates",
    "KaplanMeier",
    "LogRank",
    "Median",
    "RiskBin",
    "antolini_c",
    "antolini_c_interval",
    "brier_score",
    "brier_score_interval",
    "calibration",
    "censoring_curve",
    "compare_at_horizons",
    "compare_concordance",
    "dynamic_auc",
    "dynamic_auc_interval",
    "harrell_c",
    "harrell_c_interval",
    "index_of_prediction_accuracy",
    "integrated_brier_score",
    "integrated_brier_score_interval",
    "kaplan_meier",
    "log_rank",
    "uno_c",
    "uno_c_interval",
]
