"""What may leave the room: small cells, differences of selections, rare combinations."""

from workbench.cohort.privacy.attrition import suppress_attrition
from workbench.cohort.privacy.differencing import Answer, DisclosureLog, disclosure_log
from workbench.cohort.privacy.k_anonymity import Classes, Driver, KAnonymity, k_anonymity
from workbench.cohort.privacy.small_cells import SUPPRESSED, small
from workbench.cohort.privacy.suppression import suppress, suppress_blocks

__all__ = [
    "SUPPRESSED",
    "Answer",
    "Classes",
    "DisclosureLog",
    "Driver",
    "KAnonymity",
    "disclosure_log",
    "k_anonymity",
    "small",
    "suppress",
    "suppress_attrition",
    "suppress_blocks",
]
