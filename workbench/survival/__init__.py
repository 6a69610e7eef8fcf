"""Survival statistics: pure functions of arrays, ``time, event, risk_score`` first.

Nothing here knows a cohort, a model or a file.
"""

from workbench.survival.adjusted_curves import (
    AdjustedCurves,
    adjusted_kaplan_meier,
    propensity_weights,
)
from workbench.survival.brier import brier_score, integrated_brier_score
from workbench.survival.calibration import (
    Calibration,
    CurvePoints,
    RiskBin,
    calibration,
)
from workbench.survival.censoring import CensoringCurve, censoring_curve
from workbench.survival.concordance import dynamic_auc, harrell_c, uno_c
from workbench.survival.follow_up import follow_up
from workbench.survival.group_curves import GroupCurves, kaplan_meier_by_group
from workbench.survival.kaplan_meier import KaplanMeier, Median, kaplan_meier
from workbench.survival.landmark import Landmark, landmark
from workbench.survival.logrank import LogRank, log_rank
from workbench.survival.nelson_aalen import NelsonAalen, nelson_aalen
from workbench.survival.pairwise import PairTest, pairwise_log_rank
from workbench.survival.quantiles import SurvivalQuantile
from workbench.survival.rmst import (
    RestrictedMean,
    RestrictedMeanComparison,
    rmst,
    rmst_comparison,
)
from workbench.survival.standardised_curves import StandardisedCurves, g_computation

__all__ = [
    "AdjustedCurves",
    "Calibration",
    "CensoringCurve",
    "CurvePoints",
    "GroupCurves",
    "KaplanMeier",
    "Landmark",
    "LogRank",
    "Median",
    "NelsonAalen",
    "PairTest",
    "RestrictedMean",
    "RestrictedMeanComparison",
    "RiskBin",
    "StandardisedCurves",
    "SurvivalQuantile",
    "adjusted_kaplan_meier",
    "brier_score",
    "calibration",
    "censoring_curve",
    "dynamic_auc",
    "follow_up",
    "g_computation",
    "harrell_c",
    "integrated_brier_score",
    "kaplan_meier",
    "kaplan_meier_by_group",
    "landmark",
    "log_rank",
    "nelson_aalen",
    "pairwise_log_rank",
    "propensity_weights",
    "rmst",
    "rmst_comparison",
    "uno_c",
]
