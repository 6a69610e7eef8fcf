"""Groups that lack a modality are said, and no small cell with them."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from workbench.cohort.composition import composition_warnings
from workbench.data.open_card import DataCard

Make = Callable[..., DataCard]


def with_laboratory(minimum: int) -> Callable[[dict[str, Any]], None]:
    """A second modality, which rests on CRP alone."""

    def change(card: dict[str, Any]) -> None:
        card["modalities"]["laboratory"] = {
            "kind": "ehr",
            "title": "Laboratory",
            "columns": ["crp"],
        }
        card["privacy"] = {"minimum_cell": minimum, "restricted": minimum > 0}

    return change


@pytest.mark.parametrize(("minimum", "removed"), [(0, "all {n} high"), (60, "all high patients")])
def test_a_group_without_a_modality_is_said(
    make_card: Make, table: pd.DataFrame, minimum: int, removed: str
) -> None:
    table.loc[table["grade"] == "high", "crp"] = None
    cohort = make_card(table, with_laboratory(minimum)).cohort()
    n = int((cohort.patients["grade"] == "high").sum())
    assert composition_warnings(cohort, ["clinical", "laboratory"]) == (
        "No patient with grade = high has laboratory (Laboratory): it can be judged in low only; "
        f"selecting has('laboratory') would remove {removed.format(n=n)}.",
    )
    assert composition_warnings(cohort, ["clinical"]) == ()


def test_a_modality_that_is_merely_rare_in_a_group_is_no_warning(
    make_card: Make, table: pd.DataFrame
) -> None:
    kept = table.index[table["grade"] == "high"][:3]
    table.loc[(table["grade"] == "high") & ~table.index.isin(kept), "crp"] = None
    table.loc[:13, "crp_day"] = 0
    cohort = make_card(table, with_laboratory(0)).cohort()
    assert composition_warnings(cohort, ["laboratory"]) == ()
    none = make_card(table.assign(crp=None), with_laboratory(0)).cohort()
    assert composition_warnings(none, ["laboratory"]) == ()
