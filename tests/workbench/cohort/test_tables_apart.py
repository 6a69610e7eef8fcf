"""Two tables of nested cohorts, each allowed: what subtracting one from the other tells of few."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from workbench import col
from workbench.cohort.privacy import SUPPRESSED, ReleaseLog
from workbench.cohort.privacy.apart import tell_apart
from workbench.cohort.table_one import TableOne, describe, require_tables
from workbench.cohort.table_one.grouping import by_levels
from workbench.cohort.table_one.people import people_of
from workbench.data.open_card import DataCard
from workbench.errors import PrivacyError

Make = Callable[..., DataCard]
MINIMUM = 10
LEVELS = ("a", "b", "c", "d")
NUMBER = count()


def patients(seed: int, n: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "level": pd.Categorical(rng.choice(LEVELS, n, p=rng.dirichlet(np.ones(4))), LEVELS),
            "sex": pd.Categorical(rng.choice(["f", "m", "x"], n, p=[0.5, 0.4, 0.1])),
            "size": np.where(rng.random(n) < 0.1, np.nan, rng.normal(0, 1, n)),
        },
        [f"P{i:03d}" for i in range(n)],
    )


def new_log() -> ReleaseLog:
    return ReleaseLog(f"hospital {next(NUMBER)}", MINIMUM)


def table(
    everyone: pd.DataFrame, who: np.ndarray, log: ReleaseLog | None, by: Sequence[str] = ()
) -> TableOne:
    asking: dict[str, Any] = {}
    if log is not None:
        ask = partial(require_tables, log, f"{who.sum()} patients", everyone)
        asking["ask"] = lambda found: ask(ids=everyone.index, described=who, divisions=found)
    return describe(everyone[who], by=by, columns=["level", "size"], minimum_cell=MINIMUM, **asking)


def shown_counts(shown: TableOne) -> dict[tuple[str, str], int | None]:
    """(level, group) → what is shown; sizes of groups under the level ""."""
    counts = {("", group.title): group.size.n for group in shown.groups}
    for row in shown["level"].rows:
        for group, cell in zip(shown.groups, row.cells, strict=True):
            counts[row.level, group.title] = cell.n
    return counts


def given_away(
    everyone: pd.DataFrame, many: np.ndarray, few: np.ndarray, pictures: Sequence[TableOne]
) -> list[tuple[str, str, float, float]]:
    """Cells of which an attacker knows for sure that 1 to 9 of those between have them.

    He knows that the second table's patients are among the first's, and every total that is shown.
    """
    groups = sorted({group.title for shown in pictures for group in shown.groups} - {"all"})
    names = [(level, group) for level in LEVELS for group in groups or ["all"]]
    place = {name: i for i, name in enumerate(names)}
    rows, sums = [], []
    for k, shown in enumerate(pictures):
        for (level, group), n in shown_counts(shown).items():
            terms = [
                place[name]
                for name in names
                if level in ("", name[0]) and (group in ("all", name[1]) or not groups)
            ]
            if n is not None:
                row = np.zeros(2 * len(names))
                row[np.array(terms) + k * len(names)] = 1
                rows.append(row)
                sums.append(n)
    between = everyone[many & ~few]
    nested = np.hstack([-np.eye(len(names)), np.eye(len(names))])
    found = []
    for level in LEVELS:
        for group in [*groups, "all"]:
            cell = (between["level"] == level) & ((between["sex"] == group) | (group == "all"))
            if not 0 < cell.sum() < MINIMUM:
                continue
            aim = np.zeros(2 * len(names))
            for name in names:
                if name[0] == level and (group in ("all", name[1]) or not groups):
                    aim[place[name]], aim[place[name] + len(names)] = 1, -1
            ends = [
                linprog(s * aim, nested, np.zeros(len(names)), np.array(rows), sums)
                for s in (1, -1)
            ]
            assert all(end.status in (0, 3) for end in ends)
            least = ends[0].fun
            most = np.inf if ends[1].status == 3 else -ends[1].fun
            if least > 0.5 and most < MINIMUM - 0.5:
                found.append((level, group, least, most))
    return found


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 2**32),
    st.integers(10, 120),
    st.sampled_from([(), ("sex",)]),
    st.booleans(),
)
def test_nobody_between_two_tables_is_told_of(
    seed: int, n_between: int, by: Sequence[str], larger_first: bool
) -> None:
    everyone, log = patients(seed), new_log()
    many = np.arange(200) < 190
    few = many & (np.arange(200) >= n_between)
    order = (many, few) if larger_first else (few, many)
    try:
        shown = {who.sum(): table(everyone, who, log, by) for who in order}
    except PrivacyError:
        return
    pictures = [shown[many.sum()], shown[few.sum()]]
    assert given_away(everyone, many, few, pictures) == []


def test_the_attacker_finds_what_each_table_alone_does_not_protect() -> None:
    everyone = patients(1)
    many, few = np.arange(200) < 190, np.arange(200) < 150
    alone = [table(everyone, who, None) for who in (many, few)]
    found = given_away(everyone, many, few, alone)
    n_between = int((everyone[many & ~few]["level"] == "a").sum())
    assert 0 < n_between < MINIMUM
    assert ("a", "all", n_between, n_between) in found
    log = new_log()
    assert given_away(everyone, many, few, [table(everyone, w, log) for w in (many, few)]) == []


def test_the_first_picture_is_whole_and_comes_again() -> None:
    everyone, log = patients(1), new_log()
    many, few = np.arange(200) < 190, np.arange(200) < 150
    first, second = (table(everyone, who, log) for who in (many, few))
    assert first == table(everyone, many, None)
    assert [cell.n for row in second["level"].rows for cell in row.cells].count(None) >= 2
    assert "was shown before" in second.to_html()
    assert "was shown before" not in first.to_html()
    assert table(everyone, many, log) == first
    assert table(everyone, few, log) == second


def test_a_third_table_tells_of_a_rest_too() -> None:
    rest = np.repeat([False, True], [180, 20])
    level = np.array([*["a", "b"] * 90, *["a"] * 17, *["b"] * 3])
    everyone = pd.DataFrame({"level": pd.Categorical(level, LEVELS), "size": 1.0})
    everyone.index = pd.Index([f"P{i:03d}" for i in range(200)])
    first, second = np.arange(200) < 90, (np.arange(200) >= 90) & ~rest
    log = new_log()
    for who in (first, second):
        assert table(everyone, who, log)["level"].rows[0].cells[0].n == 45
    whole = table(everyone, np.ones(200, bool), log)
    # Of all without the first and the second, three have level b.
    assert [row.cells[0].n for row in whole["level"].rows] == [None, None, 0, 0]


def test_a_mean_of_few_between_is_withheld() -> None:
    everyone, log = patients(2), new_log()
    everyone.loc[everyone.index[150:], "size"] = np.nan
    everyone.loc[everyone.index[150:154], "size"] = 3.0
    many, few = np.ones(200, bool), np.arange(200) < 150
    assert not table(everyone, many, log)["size"].rows[0].cells[0].suppressed
    assert table(everyone, few, log)["size"].rows[0].cells[0].suppressed
    assert not table(everyone, few, None)["size"].rows[0].cells[0].suppressed


def test_few_between_two_tables_of_records_are_few_patients() -> None:
    owner = np.repeat(np.arange(200), 2)
    everyone = pd.DataFrame({"level": pd.Categorical(["a"] * 400, LEVELS), "size": 1.0})
    everyone.index = pd.Index([f"P{i:03d}" for i in owner])
    # Of the twenty patients between, six have level b, in twelve records.
    everyone.loc[(owner >= 180) & (owner < 186) | (owner < 40), "level"] = "b"
    log = new_log()
    for who, withheld in ((np.ones(400, bool), False), (owner < 180, True)):
        shown = describe(
            everyone[who],
            columns=["level"],
            minimum_cell=MINIMUM,
            owner=owner[who],
            ask=lambda found, who=who: require_tables(
                log, f"{who.sum()}", everyone, ids=everyone.index, described=who, divisions=found
            ),
        )
        assert [row.cells[0].suppressed for row in shown["level"].rows[:2]] == [withheld] * 2


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_people_of_cells_are_counted_as_if_one_by_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    owner, codes = rng.integers(0, 12, 40), rng.integers(-1, 3, 40)
    division = by_levels("sex", pd.Series(rng.choice(["f", "m"], 40)))
    people = people_of(codes, 3, [division], owner)
    groups = [np.ones(40, bool), *(division.codes == k for k in range(len(division)))]
    for column, inside in enumerate(groups):
        for row, level in enumerate((0, 1, 2, -1)):
            there = set(owner[inside & (codes == level)])
            elsewhere = set(owner[~inside | (codes != level)])
            assert people.inside[row, column] == len(there)
            assert people.alone[row, column] == len(there - elsewhere)


def test_an_earlier_table_of_patients_elsewhere_is_a_refusal() -> None:
    everyone, log = patients(3), new_log()
    few = np.arange(200) < 150
    table(everyone, np.ones(200, bool), log)
    with pytest.raises(PrivacyError, match="whose values are not at hand"):
        table(everyone[few], np.ones(150, bool), log)
    assert len(log.surfaces()) == 1
    assert table(everyone, few, log).groups[0].size.n == 150


def test_counts_of_a_cohort_alone_withhold_no_cell_later() -> None:
    everyone, log = patients(4), new_log()
    many, few = np.ones(200, bool), np.arange(200) < 150
    log.show(everyone.index, {"in the attrition": many})
    assert table(everyone, few, log) == table(everyone, few, None)


def test_what_an_older_log_remembers_may_have_been_tables() -> None:
    everyone, log = patients(1), new_log()
    log.show(everyone.index, {"of an older version": np.arange(200) < 190})
    file = log.folder / "released.npz"
    with np.load(file, allow_pickle=False) as stored:
        kept = {name: stored[name] for name in stored.files if name != "described"}
    np.savez(file, **kept)
    assert table(everyone, np.arange(200) < 150, log).beside_earlier


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_differences_are_those_of_sets(seed: int) -> None:
    rng = np.random.default_rng(seed)
    part = rng.random(40) < 0.5
    inside, around = part & (rng.random(40) < 0.7), part | (rng.random(40) < 0.2)
    codes = rng.integers(0, 3, 40)
    apart = tell_apart({"part": part}, {"part": [inside, around]})
    counted = {tuple(row) for row in apart.counts(codes, 3).get("part", np.empty((0, 3)))}
    for one, other in ((part, inside), (around, part), (around & ~part | inside, inside)):
        between = one & ~other
        if between.any() and inside.any():
            assert tuple(np.bincount(codes[between], minlength=3)) in counted


def test_tables_of_a_restricted_cohort_know_each_other(make_card: Make) -> None:
    def restricted(card: dict[str, Any]) -> None:
        card["privacy"] = {"minimum_cell": 5, "restricted": True}

    cohort = make_card(change=restricted).cohort()
    ages = cohort.patients["age"].sort_values()
    fewer = cohort.select(col("age") > ages.iloc[2])
    assert 5 <= cohort.n_patients - fewer.n_patients < 10
    alone = make_card().cohort().select(col("age") > ages.iloc[2])
    assert SUPPRESSED not in set(cohort.table_one(columns=["smoker"])["all"])
    shown = fewer.table_one(columns=["smoker"])
    assert SUPPRESSED in set(shown["all"])
    assert SUPPRESSED not in set(alone.table_one(columns=["smoker"])["all"])
    assert fewer.table_one(columns=["smoker"]).equals(shown)
    assert SUPPRESSED in fewer.availability().to_numpy()
