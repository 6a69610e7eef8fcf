"""Small cells, and an attacker who knows what is published and that counts are not negative."""

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from workbench.cohort.criteria import col
from workbench.cohort.privacy import (
    SUPPRESSED,
    suppress,
    suppress_attrition,
    suppress_blocks,
)
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
    few = (counts > 0) & (counts < MINIMUM)
    assert (hidden | ~few).all()
    assert hidden.any() == few.any()
    for row, column in np.argwhere(few):
        # Where a total itself is that count, nothing more can be done than to withhold all beside.
        if not (hidden[row].all() and hidden[:, column].all()):
            assert len(possible(counts, hidden, (row, column))) > 1


@given(st.lists(st.integers(0, 40), min_size=12, max_size=12))
def test_larger_tables_leave_no_equation_with_one_unknown(cells: list[int]) -> None:
    counts = np.array(cells).reshape(4, 3)
    hidden = suppress(counts, MINIMUM, row_totals=True)
    for line_counts, line in [
        *zip(counts, hidden, strict=True),
        *zip(counts.T, hidden.T, strict=True),
    ]:
        if not line.all() and line_counts[line].sum() > 0:
            assert (line & (line_counts > 0)).sum() >= 2
            assert line_counts[line].sum() >= MINIMUM


def test_a_bridge_between_two_blocks_is_not_enough() -> None:
    # Two blocks of small cells, joined by one: block totals would give the joint away.
    counts = np.array([[1, 2, 30, 30], [2, 1, 3, 30], [30, 30, 2, 1], [30, 30, 1, 2]]) * 2
    hidden = suppress(counts, 10, row_totals=True)
    assert hidden[1, 2]
    assert hidden.sum() > ((counts > 0) & (counts < 10)).sum()


def test_zero_is_no_small_cell_and_a_minimum_of_zero_hides_nothing() -> None:
    assert not suppress(np.array([[0], [30]]), 10, row_totals=False).any()
    assert not suppress(np.array([[1, 2], [3, 4]]), 0, row_totals=True).any()


def equations(n_levels: int, blocks: Sequence[slice], n_groups: int) -> np.ndarray:
    """What holds of (level + 1, 1 + group) cells, sizes in the last row and totals in the first
    column: levels add up to sizes, the groups of a block to totals."""
    shape = (n_levels + 1, 1 + n_groups)
    rows = []
    for column in range(1 + n_groups):
        equation = np.zeros(shape)
        equation[:-1, column], equation[-1, column] = 1, -1
        rows.append(equation)
    for block in blocks:
        for level in range(n_levels + 1):
            equation = np.zeros(shape)
            equation[level, block], equation[level, 0] = 1, -1
            rows.append(equation)
    return np.array(rows).reshape(len(rows), -1)


def bounds(
    counts: np.ndarray,
    hidden: np.ndarray,
    hidden_sizes: np.ndarray,
    blocks: Sequence[slice],
    places: Sequence[tuple[int, int]],
) -> np.ndarray:
    """Least and largest value that each place can have, (place, 2)."""
    full = np.vstack([counts, counts.sum(axis=0)]).astype(float)
    unknown = np.vstack([hidden, hidden_sizes]).ravel()
    system = equations(len(counts), blocks, counts.shape[1] - 1)
    known_part = system[:, ~unknown] @ full.ravel()[~unknown]
    position = np.cumsum(unknown) - 1
    found = []
    for row, column in places:
        aim = np.zeros(unknown.sum())
        aim[position[row * full.shape[1] + column]] = 1
        ends = [
            linprog(sign * aim, A_eq=system[:, unknown], b_eq=-known_part, bounds=(0, None))
            for sign in (1, -1)
        ]
        assert all(end.success or end.status == 3 for end in ends)
        found.append(
            [
                sign * end.fun if end.success else np.inf
                for end, sign in zip(ends, (1, -1), strict=True)
            ]
        )
    return np.array(found).reshape(-1, 2)


@st.composite
def blocked_tables(draw: st.DrawFn) -> tuple[np.ndarray, list[slice]]:
    """Levels by everyone and by one or two divisions of the same patients."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_patients, n_levels = draw(st.integers(20, 150)), draw(st.integers(2, 4))
    level = rng.choice(n_levels, n_patients, p=rng.dirichlet(np.full(n_levels, 0.7)))
    columns, blocks = [np.bincount(level, minlength=n_levels)], []
    for n_groups in draw(st.lists(st.integers(2, 3), min_size=1, max_size=2)):
        group = rng.choice(n_groups, n_patients, p=rng.dirichlet(np.full(n_groups, 0.7)))
        counts = np.bincount(level * n_groups + group, minlength=n_levels * n_groups)
        blocks.append(slice(len(columns), len(columns) + n_groups))
        columns += list(counts.reshape(n_levels, n_groups).T)
    return np.array(columns).T, blocks


def exposed(
    counts: np.ndarray, hidden: np.ndarray, hidden_sizes: np.ndarray, blocks: list[slice]
) -> list[tuple[int, int]]:
    """Small counts that an attacker learns exactly, or that are shown."""
    full, unknown = np.vstack([counts, counts.sum(axis=0)]), np.vstack([hidden, hidden_sizes])
    places = [(int(i), int(j)) for i, j in np.argwhere((full > 0) & (full < 10))]
    shown = [place for place in places if not unknown[place]]
    within = [place for place in places if unknown[place]]
    found = bounds(counts, hidden, hidden_sizes, blocks, within)
    return shown + [
        p for p, (low, high) in zip(within, found, strict=True) if high - low < 1 - 1e-6
    ]


@settings(max_examples=25, deadline=None)
@given(blocked_tables())
def test_an_attacker_with_all_totals_learns_no_small_count(
    table: tuple[np.ndarray, list[slice]],
) -> None:
    counts, blocks = table
    hidden, hidden_sizes = suppress_blocks(counts, blocks, 10)
    assert exposed(counts, hidden, hidden_sizes, blocks) == []
    for block in blocks:
        lost = np.where(hidden[:, block], counts[:, block], 0)
        in_rows, in_columns = (
            lost.sum(axis=1)[~hidden[:, 0]],
            lost.sum(axis=0)[~hidden_sizes[block]],
        )
        assert not ((in_rows > 0) & (in_rows < 10)).any()
        assert not ((in_columns > 0) & (in_columns < 10)).any()


def test_the_attacker_finds_what_primary_suppression_gives_away() -> None:
    counts = np.array([[53, 50, 3], [100, 50, 50]])
    few = (counts > 0) & (counts < 10)
    blocks = [slice(1, 3)]
    assert exposed(counts, few, np.zeros(3, bool), blocks) == [(0, 2)]
    assert exposed(counts, *suppress_blocks(counts, blocks, 10), blocks) == []


def test_the_attacker_finds_a_total_that_its_parts_give_away() -> None:
    # The total of the first level is 3, and hides with that of the second; the parts of the second
    # are shown, add up to it, and give the first away.
    counts = np.array([[3, 3, 0], [50, 40, 10], [60, 10, 50]])
    hidden = np.array([[True, True, False], [True, False, False], [False, True, False]])
    assert (0, 0) in exposed(counts, hidden, np.zeros(3, bool), [slice(1, 3)])


@example(111969, True)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_what_is_withheld_does_not_depend_on_names_of_rows(seed: int, row_totals: bool) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.permutation(30).reshape(6, 5)
    order = rng.permutation(6)
    hidden = suppress(counts, 8, row_totals=row_totals)
    assert suppress(counts[order], 8, row_totals=row_totals).sum() == hidden[order].sum()


def test_a_large_table_is_protected_whole() -> None:
    counts = np.random.default_rng(0).integers(0, 60, (400, 12))
    hidden = suppress(counts, 10, row_totals=True)
    lost = np.where(hidden, counts, 0)
    for along in (0, 1):
        sums, n_withheld = lost.sum(axis=along), (lost > 0).sum(axis=along)
        assert not ((sums > 0) & (sums < 10)).any()
        assert not (n_withheld == 1).any()
    assert hidden.sum() < 1.3 * ((counts > 0) & (counts < 10)).sum()


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


def test_few_who_are_left_are_withheld_whatever_was_lost() -> None:
    table = attrition([0, 40, 255, 0]).assign(n_regained=[None, 40, 255, 0])
    shown = suppress_attrition(table, 10)
    assert shown["n_after"].tolist() == [300, 260, SUPPRESSED, SUPPRESSED]
    assert shown["n_removed"].tolist() == [0, 40, SUPPRESSED, SUPPRESSED]
    assert shown["n_before"].tolist() == [300, 300, 260, SUPPRESSED]
    assert shown["n_regained"].tolist()[1:] == [40, SUPPRESSED, SUPPRESSED]


def test_who_would_come_back_is_withheld_where_the_loss_is() -> None:
    table = attrition([0, 3, 40]).assign(n_regained=[None, 12, 40])
    shown = suppress_attrition(table, 10)
    assert shown["n_removed"].tolist() == [0, SUPPRESSED, SUPPRESSED]
    assert shown["n_regained"].tolist()[1:] == [SUPPRESSED, SUPPRESSED]


@pytest.mark.parametrize("name", ["n_unknown", "n_regained"])
@pytest.mark.parametrize(
    ("n", "shown"), [(25, 25), (22, SUPPRESSED), (28, SUPPRESSED), (15, 15), (35, 35), (0, 0)]
)
def test_the_rest_of_a_loss_is_as_large_as_the_minimum(name: str, n: int, shown: int | str) -> None:
    # Of several records a patient, one who is lost at another step may come back here.
    table = attrition([0, 25, 40]).assign(**{name: [0, n, 0]})
    assert suppress_attrition(table, 10)[name].tolist() == [0, shown, 0]


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
