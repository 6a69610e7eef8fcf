"""Survival statistics: pure functions of arrays, ``time, event, risk_score`` first.

Nothing here knows a cohort, a model or a file.
"""

from workbench.survival.adjusted_curves import (
    AdjustedCurves,
    adjusted_kaplan_meier,
    propensity_weights,
)
from workbench.survival.bootstrap import (
    bootstrap_draws,
)
from workbench.survival.brier import (
    brier_score,
    integrated_brier_score,
)
from workbench.survival.calibration import (
    Calibration,
    CalibrationIntervals,
    CurvePoints,
    RiskBin,
    calibration,
    competing_calibration,
)
from workbench.survival.calibration_bins import (
    RiskBin,
)
from workbench.survival.calibration_curve import (
    CalibrationError,
    CurvePoints,
)
from workbench.survival.censoring import (
    CensoringCurve,
    censoring_curve,
)
from workbench.survival.concordance import (
    dynamic_auc,
    harrell_c,
    uno_c,
)
from workbench.survival.decision_curve import (
    competing_decision_curve,
    decision_curve,
)
from workbench.survival.follow_up import (
    follow_up,
)
from workbench.survival.group_curves import (
    GroupCurves,
    kaplan_meier_by_group,
)
from workbench.survival.kaplan_meier import (
    KaplanMeier,
    Median,
    kaplan_meier,
)
from workbench.survival.landmark import (
    Landmark,
    landmark,
)
from workbench.survival.logrank import (
    LogRank,
    log_rank,
)
from workbench.survival.nelson_aalen import (
    NelsonAalen,
    nelson_aalen,
)
from workbench.survival.net_benefit import (
    Band,
    DecisionCurve,
)
from workbench.survival.optimism import (
    Optimism,
    correct_optimism,
)
from workbench.survival.pairwise import (
    PairTest,
    pairwise_log_rank,
)
from workbench.survival.quantiles import (
    SurvivalQuantile,
)
from workbench.survival.rmst import (
    RestrictedMean,
    RestrictedMeanComparison,
    rmst,
    rmst_comparison,
)
from workbench.survival.sample_size import (
    Criterion,
    SampleSize,
    r_squared_from_c,
    sample_size,
)
from workbench.survival.standardised_curves import (
    StandardisedCurves,
    g_computation,
)

__all__ = [
    "AdjustedCurves",
    "Band",
    "Calibration",
    "CalibrationError",
    "CalibrationIntervals",
    "CensoringCurve",
    "Criterion",
    "CurvePoints",
    "DecisionCurve",
    "GroupCurves",
    "KaplanMeier",
    "Landmark",
    "LogRank",
    "Median",
    "NelsonAalen",
    "Optimism",
    "PairTest",
    "RestrictedMean",
    "RestrictedMeanComparison",
    "RiskBin",
    "SampleSize",
    "StandardisedCurves",
    "SurvivalQuantile",
    "adjusted_kaplan_meier",
    "bootstrap_draws",
    "brier_score",
    "calibration",
    "censoring_curve",
    "competing_calibration",
    "competing_decision_curve",
    "correct_optimism",
    "decision_curve",
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
    "r_squared_from_c",
    "rmst",
    "rmst_comparison",
    "sample_size",
    "uno_c",
]
