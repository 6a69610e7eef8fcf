from collections.abc import Callable
from itertools import product

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from workbench.cohort.criteria import col
from workbench.cohort.privacy import SUPPRESSED, suppress, suppress_attrition
from workbench.data.open_card import DataCard

MINIMUM = 5


def possible(counts: np.ndarray, hidden: np.ndarray, cell: tuple[int, int]) -> set[int]:
    """What ``cell`` could be, by trying every table with the published numbers and totals."""
    top = int(counts.sum())
    places = [tuple(place) for place in np.argwhere(hidden)]
    found = set()
    for values in product(range(top + 1), repeat=len(places)):
        guess = counts.copy()
        for place, value in zip(places, values, strict=True):
            guess[place] = value
        same = (guess.sum(axis=0) == counts.sum(axis=0)).all()
        if same and (guess.sum(axis=1) == counts.sum(axis=1)).all():
            found.add(int(guess[cell]))
    return found


@given(st.lists(st.integers(0, 12), min_size=4, max_size=4))
def test_no_small_count_can_be_had_by_subtraction(cells: list[int]) -> None:
    counts = np.array(cells).reshape(2, 2)
    hidden = suppress(counts, MINIMUM, row_totals=True)
    small = (counts > 0) & (counts < MINIMUM)
    assert (hidden | ~small).all()
    assert hidden.any() == small.any()
    for place in np.argwhere(small):
        if not hidden.all():
            assert len(possible(counts, hidden, tuple(place))) > 1


@given(st.lists(st.integers(0, 40), min_size=12, max_size=12))
def test_larger_tables_leave_no_equation_with_one_unknown(cells: list[int]) -> None:
    counts = np.array(cells).reshape(4, 3)
    hidden = suppress(counts, MINIMUM, row_totals=True)
    for line_counts, line in [
        *zip(counts, hidden, strict=True),
        *zip(counts.T, hidden.T, strict=True),
    ]:
        if 0 < line.sum() < len(line):
            assert line.sum() >= 2
            assert line_counts[line].sum() == 0 or line_counts[line].sum() >= MINIMUM


def test_a_bridge_between_two_blocks_is_not_enough() -> None:
    # Two blocks of small cells, joined by one: block totals would give the joint away.
    counts = np.array([[1, 2, 30, 30], [2, 1, 3, 30], [30, 30, 2, 1], [30, 30, 1, 2]]) * 2
    hidden = suppress(counts, 10, row_totals=True)
    assert hidden[1, 2]
    assert hidden.sum() > ((counts > 0) & (counts < 10)).sum()


def test_zero_is_no_small_cell_and_a_minimum_of_zero_hides_nothing() -> None:
    assert not suppress(np.array([[0], [30]]), 10, row_totals=False).any()
    assert not suppress(np.array([[1, 2], [3, 4]]), 0, row_totals=True).any()


def attrition(removed: list[int], start: int = 300) -> pd.DataFrame:
    before = start - np.concatenate([[0], np.cumsum(removed)[:-1]])
    after = start - np.cumsum(removed)
    return pd.DataFrame(
        {
            "step": [f"step {i}" for i in range(len(removed))],
            "sentence": "",
            "n_before": before,
            "n_removed": removed,
            "n_after": after,
            "n_unknown": 0,
            "events_removed": [n // 2 for n in removed],
            "events_after": 150 - np.cumsum([n // 2 for n in removed]),
        }
    )


def test_a_small_loss_hides_in_another() -> None:
    shown = suppress_attrition(attrition([0, 3, 40, 60]), 10)
    assert shown["n_removed"].tolist() == [0, SUPPRESSED, SUPPRESSED, 60]
    assert shown["n_after"].tolist() == [300, SUPPRESSED, 257, 197]
    assert shown["n_before"].tolist() == [300, 300, SUPPRESSED, 257]
    assert (shown[["events_removed", "events_after"]] == SUPPRESSED).all(axis=None)


def test_a_small_loss_that_stands_alone_hides_the_counts_before_it() -> None:
    shown = suppress_attrition(attrition([0, 3, 0]), 10)
    visible = set(shown[["n_before", "n_after"]].to_numpy().ravel()) - {SUPPRESSED}
    assert visible == {297}
    assert shown["n_removed"][1] == SUPPRESSED


def test_large_losses_and_open_cards_are_shown_as_they_are() -> None:
    table = attrition([0, 40, 60])
    assert (suppress_attrition(table, 10) == table).all(axis=None)
    table = attrition([0, 3, 1])
    assert suppress_attrition(table, 0).equals(table)


def test_every_surface_of_a_cohort_keeps_the_minimum(make_card: Callable[..., DataCard]) -> None:
    cohort = make_card(change=lambda card: card["privacy"].update(minimum_cell=10)).cohort()
    chosen = cohort.select(col("age") >= 25)
    exported = chosen.attrition_for_export()
    assert set(exported["n_removed"]) & set(range(1, 10)) == set()
    for table in (
        cohort.table_one(by="grade", columns=["age", "grade", "smoker", "site"]),
        cohort.table_one(by="site", columns=["age", "grade", "smoker"]),
    ):
        assert SUPPRESSED in table.to_numpy()
        counted = table[table["statistic"].isin(["n", "n (%)"])]
        shown = counted.drop(columns=["variable", "statistic", "level", "smd"]).to_numpy().ravel()
        counts = {int(text.split(" ")[0]) for text in shown if text not in ("", SUPPRESSED)}
        assert len(counts) > 3
        assert not counts & set(range(1, 10))
    assert "a few values" in cohort.warnings[0]
    counts = cohort.availability(by="site").drop(columns=["modality", "level", "percent"])
    assert not set(counts.to_numpy().ravel()) & set(range(1, 10))
