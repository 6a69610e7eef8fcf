"""A dataset and health records for the tests of cohort widgets; neither is read from disk twice."""

from dataclasses import replace
from functools import cache

import pandas as pd

import workbench as wb
from tests.workbench.cohort.small_records import records_of
from workbench.cohort.cohort import Cohort
from workbench.data.concepts import Vocabulary
from workbench.data.open_card import DataCard
from workbench.data.records import Records


@cache
def everyone() -> Cohort:
    """600 simulated patients; nothing is withheld."""
    return wb.open_card("simulated_glioma").cohort(outcome="os")


def guarded(cohort: Cohort, minimum: int = 10) -> Cohort:
    """The same patients, of whom counts below ``minimum`` are withheld."""
    return replace(cohort, card=guarded_card(cohort.card, minimum))


def guarded_card(card: DataCard, minimum: int = 10) -> DataCard:
    """The same dataset with a minimum cell."""
    privacy = card.spec.privacy.model_copy(update={"minimum_cell": minimum})
    return replace(card, spec=card.spec.model_copy(update={"privacy": privacy}))


def restricted(cohort: Cohort, minimum: int = 10) -> Cohort:
    """The same patients of a dataset that remembers what was shown of it."""
    card = guarded_card(cohort.card, minimum)
    privacy = card.spec.privacy.model_copy(update={"restricted": True})
    spec = card.spec.model_copy(update={"privacy": privacy})
    return replace(cohort, card=replace(card, spec=spec))


NAMES = {"1": "Diabetes", "2": "Type 2 diabetes", "3": "Poor control", "4": "Type 1 diabetes"}
NAMES |= {"7": "HbA1c", "9": "Heart failure"}


@cache
def register(minimum: int = 0) -> Records:
    """40 patients of whom 30 have diabetes, at known days; identifiers that must never be seen."""
    events, births = [], {}
    for at in range(40):
        who = f"SECRET-{at:05d}"
        births[who] = f"19{40 + at}-06-01"
        events += [(who, "2015-01-01", "visit//1"), (who, "2024-01-01", "visit//1")]
        if at < 30:
            code = "condition//3" if at % 3 == 0 else "condition//2"
            events += [(who, "2018-03-01", code), (who, "2019-03-01", code)]
        if at % 2 == 0:
            events.append((who, "2018-01-15", "lab//7", 5.0 + at / 10))
        if at % 5 == 0:
            events.append((who, "2020-06-01", "condition//9"))
        if at in (1, 2):
            events.append((who, "2016-06-01", "condition//4"))
    records = records_of(events, births, minimum_cell=minimum)
    parents = [("1", "2"), ("2", "3"), ("1", "4")]
    return replace(records, vocabulary=Vocabulary.from_parents(parents, NAMES, "v1"))


def counts(rows: tuple[tuple[str, ...], ...]) -> list[tuple[str, ...]]:
    """Rows of a table without their first column."""
    return [row[1:] for row in rows]


def exact(flow: pd.DataFrame) -> list[tuple[str, ...]]:
    """What rows of the rules say of an attrition: left, left out, missing, back without it."""
    names = ["n_after", "n_removed", "n_unknown", "n_regained"]
    rules = flow[flow["n_regained"].notna()]
    return [tuple(f"{int(n):,}" for n in row) for row in rules[names].to_numpy()]
