"""The report's sections, in the order in which they are read."""

from workbench.report.sections import (
    availability,
    calibration,
    cohort_flow,
    contributions,
    definition,
    folds,
    follow_up,
    inventory,
    limits,
    methods,
    modality_value,
    model_comparison,
    other_splits,
    risk_groups,
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
    risk_groups.SECTION,
    modality_value.SECTION,
    contributions.SECTION,
    other_splits.SECTION,
    folds.SECTION,
    inventory.SECTION,
    limits.SECTION,
    methods.SECTION,
)

OBLIGATORY = frozenset({"summary", "model-comparison", "calibration", "limits"})
"""Claims, all models, calibration and limits: a report without one of them says so."""
