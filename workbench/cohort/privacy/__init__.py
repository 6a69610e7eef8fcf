"""What may leave the room: small cells, differences of selections, rare combinations."""

from workbench.cohort.privacy.attrition import (
    release_attrition,
    suppress_attrition,
    withheld_losses,
)
from workbench.cohort.privacy.differencing import Answer, DisclosureLog
from workbench.cohort.privacy.k_anonymity import Classes, Driver, KAnonymity, k_anonymity
from workbench.cohort.privacy.release_log import ReleaseLog, card_log, records_log
from workbench.cohort.privacy.small_cells import COUNTS_ELSEWHERE, SUPPRESSED, small
from workbench.cohort.privacy.suppression import suppress, suppress_blocks, suppress_sizes

__all__ = [
    "COUNTS_ELSEWHERE",
    "SUPPRESSED",
    "Answer",
    "Classes",
    "DisclosureLog",
    "Driver",
    "KAnonymity",
    "ReleaseLog",
    "card_log",
    "k_anonymity",
    "records_log",
    "release_attrition",
    "small",
    "suppress",
    "suppress_attrition",
    "suppress_blocks",
    "suppress_sizes",
    "withheld_losses",
]
