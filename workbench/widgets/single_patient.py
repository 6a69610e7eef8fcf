"""What concerns one patient: shown under a number, kept only where the card allows it."""

from typing import TYPE_CHECKING

from workbench.errors import WorkbenchError
from workbench.widgets.blocks import Block, Private, Section

if TYPE_CHECKING:
    from workbench.cohort.cohort import Cohort


def may_keep(cohort: "Cohort | None") -> bool:
    """Whether pictures of single patients may be kept: the card's ``privacy.thumbnails``."""
    return cohort is not None and cohort.card.spec.privacy.thumbnails


def single_patient(
    name: str, title: str, blocks: tuple[Block, ...], *, keep: bool, version: int
) -> Block:
    """Blocks of one patient: kept in the notebook if ``keep``, else only sent to the page."""
    section = Section(name, title, blocks)
    return section if keep else Private(f"{name}-sent", (section,), version)


def check_ordinal(ordinal: int | None, n_patients: int) -> None:
    """Refuse a number that is no patient's.

    Raises
    ------
    WorkbenchError
        It is not from 1 to ``n_patients``.
    """
    if ordinal is not None and not 1 <= ordinal <= n_patients:
        raise WorkbenchError(f"patient: expected a number from 1 to {n_patients:,}")
