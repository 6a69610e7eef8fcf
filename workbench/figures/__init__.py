"""Figures of results: drawn for the report, and for the notebook and the journal.

The report's five (``plot_calibration, plot_claims, plot_contributions, plot_kaplan_meier,
plot_ladder``) return a matplotlib ``Figure``, drawn as SVG by ``to_svg``. The others return a
:class:`Drawing`: in a notebook it shows itself, ``static()`` and ``interactive()`` draw it with
matplotlib and plotly, ``save()`` writes SVG, PNG, PDF or HTML without a browser.

Nothing here computes a statistic, and nothing touches pyplot or its global state.
"""

from workbench.figures.accuracy_over_time import plot_accuracy_over_time
from workbench.figures.attrition import plot_attrition
from workbench.figures.balance import plot_balance
from workbench.figures.calibration import plot_calibration
from workbench.figures.calibration_curves import plot_calibration_curves
from workbench.figures.claims import plot_claims
from workbench.figures.contributions import plot_contributions
from workbench.figures.cox_checks import plot_influence, plot_schoenfeld
from workbench.figures.cumulative_curves import plot_cumulative_hazard, plot_cumulative_incidence
from workbench.figures.decision_curves import plot_decision_curves
from workbench.figures.drawing import Drawing
from workbench.figures.effect import plot_effect
from workbench.figures.feature_contributions import (
    plot_beeswarm,
    plot_dependence,
    plot_feature_sizes,
)
from workbench.figures.group_forests import plot_fairness, plot_subgroups
from workbench.figures.hazard_ratios import plot_hazard_ratios
from workbench.figures.kaplan_meier import plot_kaplan_meier
from workbench.figures.ladder import plot_ladder
from workbench.figures.mean_contributions import (
    plot_contributions_over_time,
    plot_mean_contributions,
)
from workbench.figures.modality_patterns import plot_modalities
from workbench.figures.model_comparison import plot_gains, plot_model_comparison
from workbench.figures.patient_contributions import plot_patient_contributions
from workbench.figures.patient_survival import plot_patient_survival
from workbench.figures.style import to_svg
from workbench.figures.survival_curves import plot_standardised_curves, plot_survival_curves
from workbench.figures.timeline import FollowUp, plot_timeline
from workbench.figures.training_curves import plot_training
from workbench.figures.view_bars import plot_bars, plot_histogram

__all__ = [
    "Drawing",
    "FollowUp",
    "plot_accuracy_over_time",
    "plot_attrition",
    "plot_balance",
    "plot_bars",
    "plot_beeswarm",
    "plot_calibration",
    "plot_calibration_curves",
    "plot_claims",
    "plot_contributions",
    "plot_contributions_over_time",
    "plot_cumulative_hazard",
    "plot_cumulative_incidence",
    "plot_decision_curves",
    "plot_dependence",
    "plot_effect",
    "plot_fairness",
    "plot_feature_sizes",
    "plot_gains",
    "plot_hazard_ratios",
    "plot_histogram",
    "plot_influence",
    "plot_kaplan_meier",
    "plot_ladder",
    "plot_mean_contributions",
    "plot_modalities",
    "plot_model_comparison",
    "plot_patient_contributions",
    "plot_patient_survival",
    "plot_schoenfeld",
    "plot_standardised_curves",
    "plot_subgroups",
    "plot_survival_curves",
    "plot_timeline",
    "plot_training",
    "to_svg",
]
