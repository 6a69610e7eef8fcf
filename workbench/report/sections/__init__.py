"""The report's sections, in the order in which they are read."""

from workbench.report.sections import (
    availability,
    calibration,
    checklists,
    cohort_flow,
    contributions,
    data_card,
    decision_curve,
    definition,
    failure_cases,
    folds,
    folds_compared,
    follow_up,
    inventory,
    limits,
    methods,
    modality_value,
    model_card,
    model_comparison,
    other_splits,
    risk_groups,
    sample_size,
    subgroups,
    summary,
    table_one,
)
from workbench.report.sections.section import Section

SECTIONS: tuple[Section, ...] = (
    summary.SECTION,
    definition.SECTION,
    cohort_flow.SECTION,
    table_one.SECTION,
    availability.SECTION,
    follow_up.SECTION,
    model_comparison.SECTION,
    calibration.SECTION,
    decision_curve.SECTION,
    risk_groups.SECTION,
    subgroups.SECTION,
    modality_value.SECTION,
    contributions.SECTION,
    failure_cases.SECTION,
    other_splits.SECTION,
    folds.SECTION,
    folds_compared.SECTION,
    inventory.SECTION,
    sample_size.SECTION,
    limits.SECTION,
    data_card.SECTION,
    model_card.SECTION,
    methods.SECTION,
    checklists.SECTION,
)

OBLIGATORY = frozenset({"summary", "model-comparison", "calibration", "limits"})
"""Claims, all models, calibration and limits: a report without one of them says so."""
