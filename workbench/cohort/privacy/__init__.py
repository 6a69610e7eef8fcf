"""What may leave the room: small cells, and what would give them away."""

from workbench.cohort.privacy.attrition import suppress_attrition
from workbench.cohort.privacy.small_cells import SUPPRESSED, small
from workbench.cohort.privacy.suppression import suppress, suppress_blocks

__all__ = ["SUPPRESSED", "small", "suppress", "suppress_attrition", "suppress_blocks"]
