"""Table one, and who has which modality: counts and summaries without small cells."""

from workbench.cohort.table_one.asking import require_tables
from workbench.cohort.table_one.availability import availability, shown_groups
from workbench.cohort.table_one.description import describe
from workbench.cohort.table_one.earlier import Earlier
from workbench.cohort.table_one.grouping import ALL, MISSING, Division
from workbench.cohort.table_one.of_cohort import (
    EVALUATED,
    ONLY_TRAIN,
    table_one,
    table_one_record,
)
from workbench.cohort.table_one.record import (
    Count,
    Difference,
    Group,
    Row,
    Summary,
    TableOne,
    Test,
    Variable,
)

__all__ = [
    "ALL",
    "EVALUATED",
    "MISSING",
    "ONLY_TRAIN",
    "Count",
    "Difference",
    "Division",
    "Earlier",
    "Group",
    "Row",
    "Summary",
    "TableOne",
    "Test",
    "Variable",
    "availability",
    "describe",
    "require_tables",
    "shown_groups",
    "table_one",
    "table_one_record",
]
