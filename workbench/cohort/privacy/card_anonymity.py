"""k-anonymity of a dataset, by the columns that its card calls quasi-identifiers."""

from typing import TYPE_CHECKING

from workbench.cohort.privacy.k_anonymity import KAnonymity, k_anonymity
from workbench.data.problem import Problem
from workbench.data.store import read_patients

if TYPE_CHECKING:
    from workbench.data.open_card import DataCard

PLACE = "privacy.quasi_identifiers"


def card_anonymity(card: "DataCard") -> KAnonymity | None:
    """How well the patients of a card hide among each other; None where it names no such columns.

    Raises
    ------
    DataCardError
        If a file is not as the card says.
    """
    privacy = card.spec.privacy
    if not privacy.quasi_identifiers:
        return None
    return k_anonymity(
        read_patients(card),
        list(privacy.quasi_identifiers),
        bins={name: edges for name, edges in privacy.quasi_identifiers.items() if edges},
        asked_k=privacy.k,
        minimum_cell=privacy.minimum_cell,
    )


def anonymity_problems(anonymity: KAnonymity) -> list[Problem]:
    """A warning where too few patients share a combination; it names the column that matters."""
    if anonymity.fulfilled:
        return []
    best = anonymity.drivers[0]
    remedy = (
        f"coarsen the bins of {best.column}, which drives it most, or do not publish it by patient"
    )
    return [
        Problem(
            "warning",
            PLACE,
            f"the smallest group of patients who share {', '.join(anonymity.columns)} has "
            f"{anonymity.classes.k}, at least {anonymity.asked_k} are asked: {remedy}",
        )
    ]
