"""Survival statistics: pure functions of arrays, ``time, event, risk_score`` first.

Nothing here knows a cohort, a model or a file.
"""

from workbench.survival.adjusted_curves import (
    AdjustedCurves,
    adjusted_kaplan_meier,
    propensity_weights,
)
from workbench.survival.auc_interval import dynamic_auc_interval
from workbench.survival.binary_sample_size import binary_sample_size
from workbench.survival.bootstrap import bootstrap_draws
from workbench.survival.brier import brier_score, integrated_brier_score
from workbench.survival.brier_interval import (
    brier_score_interval,
    index_of_prediction_accuracy,
    integrated_brier_score_interval,
)
from workbench.survival.calibration import (
    Calibration,
    CalibrationIntervals,
    calibration,
    competing_calibration,
)
from workbench.survival.calibration_bins import RiskBin
from workbench.survival.calibration_curve import CalibrationError, CurvePoints
from workbench.survival.censoring import CensoringCurve, censoring_curve
from workbench.survival.competing.aalen_johansen import AalenJohansen, aalen_johansen
from workbench.survival.competing.accuracy import competing_auc, competing_brier, competing_ipa
from workbench.survival.competing.cause_specific import cause_specific, incidence_from_hazards
from workbench.survival.competing.fine_gray import FineGray, fine_gray
from workbench.survival.competing.gray import GrayTest, gray_test
from workbench.survival.competing.overstatement import Overstatement, kaplan_meier_overstatement
from workbench.survival.concordance import dynamic_auc, harrell_c, uno_c
from workbench.survival.concordance_interval import (
    Concordance,
    ConcordanceDifference,
    compare_concordance,
    harrell_c_interval,
    uno_c_interval,
)
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
from workbench.survival.decision_curve import competing_decision_curve, decision_curve
from workbench.survival.follow_up import follow_up
from workbench.survival.group_curves import GroupCurves, kaplan_meier_by_group
from workbench.survival.horizon_estimates import (
    HorizonDifferences,
    HorizonEstimates,
    compare_at_horizons,
)
from workbench.survival.kaplan_meier import KaplanMeier, Median, kaplan_meier
from workbench.survival.landmark import Landmark, landmark
from workbench.survival.logrank import LogRank, log_rank
from workbench.survival.nelson_aalen import NelsonAalen, nelson_aalen
from workbench.survival.net_benefit import Band, DecisionCurve
from workbench.survival.optimism import Optimism, correct_optimism
from workbench.survival.pairwise import PairTest, pairwise_log_rank
from workbench.survival.quantiles import SurvivalQuantile
from workbench.survival.rmst import RestrictedMean, RestrictedMeanComparison, rmst, rmst_comparison
from workbench.survival.sample_size import Criterion, SampleSize, r_squared_from_c, sample_size
from workbench.survival.splines import Spline, restricted_cubic_spline
from workbench.survival.standardised_curves import StandardisedCurves, g_computation
from workbench.survival.time_dependent_c import antolini_c, antolini_c_interval

__all__ = [
    "AalenJohansen",
    "AdjustedCurves",
    "Band",
    "BaselineHazard",
    "Calibration",
    "CalibrationError",
    "CalibrationIntervals",
    "CensoringCurve",
    "ChiSquareTest",
    "Concordance",
    "ConcordanceDifference",
    "CoxRegression",
    "Criterion",
    "CurvePoints",
    "DecisionCurve",
    "Design",
    "EffectCurve",
    "FineGray",
    "GrayTest",
    "GroupCurves",
    "HorizonDifferences",
    "HorizonEstimates",
    "KaplanMeier",
    "Landmark",
    "LogRank",
    "Median",
    "NelsonAalen",
    "Optimism",
    "Overstatement",
    "PairTest",
    "ParametricRegression",
    "ProportionalHazards",
    "RestrictedMean",
    "RestrictedMeanComparison",
    "RiskBin",
    "SampleSize",
    "SchoenfeldResiduals",
    "Smooth",
    "Spline",
    "StandardisedCurves",
    "SurvivalQuantile",
    "Term",
    "aalen_johansen",
    "adjusted_kaplan_meier",
    "antolini_c",
    "antolini_c_interval",
    "binary_sample_size",
    "bootstrap_draws",
    "brier_score",
    "brier_score_interval",
    "calibration",
    "cause_specific",
    "censoring_curve",
    "compare_at_horizons",
    "compare_concordance",
    "competing_auc",
    "competing_brier",
    "competing_calibration",
    "competing_decision_curve",
    "competing_ipa",
    "correct_optimism",
    "cox",
    "decision_curve",
    "design",
    "deviance_residuals",
    "dfbeta",
    "dynamic_auc",
    "dynamic_auc_interval",
    "effect_curve",
    "fine_gray",
    "follow_up",
    "g_computation",
    "gray_test",
    "harrell_c",
    "harrell_c_interval",
    "incidence_from_hazards",
    "index_of_prediction_accuracy",
    "integrated_brier_score",
    "integrated_brier_score_interval",
    "kaplan_meier",
    "kaplan_meier_by_group",
    "kaplan_meier_overstatement",
    "landmark",
    "log_rank",
    "martingale_residuals",
    "nelson_aalen",
    "nonlinearity_test",
    "pairwise_log_rank",
    "parametric",
    "propensity_weights",
    "proportional_hazards",
    "r_squared_from_c",
    "restricted_cubic_spline",
    "rmst",
    "rmst_comparison",
    "sample_size",
    "scaled_schoenfeld_residuals",
    "schoenfeld_residuals",
    "score_residuals",
    "uno_c",
    "uno_c_interval",
]
