"""The account of a circe cohort as it may leave the room."""

import itertools
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from workbench.cohort.circe import CommonDataModel, read_circe, run_circe
from workbench.cohort.circe.attrition import suppress_losses
from workbench.cohort.privacy import SUPPRESSED

MINIMUM = 10


def account(losses: list[int], left: int) -> pd.DataFrame:
    """Of patients with two records each."""
    lost = np.array([0, *losses])
    n = left + lost.sum() - np.cumsum(lost)
    return pd.DataFrame(
        {
            "step": [f"step {i}" for i in range(len(lost))],
            "n_records": 2 * n,
            "n_patients": n,
            "records_removed": 2 * lost,
            "patients_removed": lost,
        }
    )


def test_large_counts_are_shown_and_small_ones_hide_in_others() -> None:
    table = account([40, 60], 100)
    assert suppress_losses(table, MINIMUM).equals(table.astype(object))
    assert suppress_losses(account([3], 2), 0).equals(account([3], 2))
    shown = suppress_losses(account([40, 3, 60], 100), MINIMUM)
    assert shown["n_patients"].tolist() == [203, SUPPRESSED, 160, 100]
    assert shown["patients_removed"].tolist() == [0, SUPPRESSED, SUPPRESSED, 60]
    assert set(shown["n_records"]) == {SUPPRESSED}


@given(st.lists(st.integers(0, 40), min_size=1, max_size=6), st.integers(0, 60))
def test_no_small_loss_can_be_had_by_subtraction(losses: list[int], left: int) -> None:
    table = account(losses, left)
    shown = suppress_losses(table, MINIMUM)
    counts = shown.drop(columns="step").to_numpy().ravel()
    assert not {n for n in counts if n != SUPPRESSED} & set(range(1, MINIMUM))
    known = [i for i, n in enumerate(shown["n_patients"]) if n != SUPPRESSED]
    for first, last in itertools.pairwise(known):
        between = range(first + 1, last + 1)
        hidden = [i for i in between if shown["patients_removed"][i] == SUPPRESSED]
        together = int(table["patients_removed"][hidden].sum())
        assert together == 0 or together >= MINIMUM


def test_a_cohort_of_few_patients_shows_none(
    small_cdm: CommonDataModel, small_definition: Callable[..., dict[str, Any]]
) -> None:
    cohort = run_circe(read_circe(json.dumps(small_definition())), small_cdm)
    exported = cohort.attrition_for_export()
    assert set(exported["n_patients"]) | set(exported["n_records"]) == {SUPPRESSED}
    assert exported["step"].equals(cohort.attrition["step"])
    assert cohort.attrition_for_export(0).equals(cohort.attrition)
