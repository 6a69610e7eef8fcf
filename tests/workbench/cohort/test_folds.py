"""Who is held out together: random folds and their repeats, and the latest patients."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.cohort.definition import Definition
from workbench.cohort.folds import TRAINING_ONLY, check_folds, latest_fold, stratified_folds
from workbench.data.open_card import DataCard
from workbench.errors import CohortError

Make = Callable[..., DataCard]


@pytest.fixture
def dated(make_card: Make, table: pd.DataFrame) -> DataCard:
    """The small hospital with the year in which each patient came; of one it is not known."""
    table["year"] = 2000.0 + np.arange(len(table)) // 8
    table.loc[40, "year"] = np.nan

    def change(card: dict[str, Any]) -> None:
        card["columns"]["year"] = {**card["columns"]["age"], "meaning": "year", "unit": "year"}

    return make_card(table, change)


@given(
    st.lists(st.booleans(), min_size=8, max_size=60),
    st.integers(2, 8),
    st.integers(1, 4),
    st.integers(0, 99),
)
def test_each_repeat_is_even_and_more_repeats_change_no_earlier_one(
    events: list[bool], k: int, repeats: int, seed: int
) -> None:
    event = np.array(events)
    folds = stratified_folds(event, k, seed, repeats)
    assert folds.shape == (repeats, len(event))
    for fold in folds:
        sizes = np.bincount(fold, minlength=k)
        assert len(sizes) == k
        assert np.ptp(sizes) <= 1
        assert np.ptp(np.bincount(fold, weights=event, minlength=k)) <= 1
    assert (stratified_folds(event, k, seed, repeats + 1)[:repeats] == folds).all()


def test_repeats_are_dealt_differently() -> None:
    folds = stratified_folds(np.arange(60) % 3 == 0, 5, 0, repeats=10)
    assert len({tuple(fold) for fold in folds}) == 10
    with pytest.raises(CohortError, match="repeats must be at least 1, got 0"):
        stratified_folds(np.array([True, False]), 2, 0, repeats=0)


@given(st.lists(st.integers(1990, 2010), min_size=2, max_size=60), st.integers(2, 9))
def test_the_latest_are_held_out_and_one_time_stays_together(years: list[int], k: int) -> None:
    year = np.array(years, dtype=float)
    if len(set(years)) == 1:
        with pytest.raises(CohortError, match="entered at one time"):
            latest_fold(year, k)
        return
    fold, first = latest_fold(year, k)
    assert set(fold) == {0, TRAINING_ONLY}
    assert year[fold == 0].min() == first > year[fold == TRAINING_ONLY].max()
    off = abs((fold == 0).sum() - len(year) / k)
    assert all(abs((year >= y).sum() - len(year) / k) >= off for y in set(years) - {min(years)})


def test_of_two_starts_as_near_the_later_is_taken() -> None:
    fold, first = latest_fold(np.array([1.0, 1.0, 2.0, 2.0, 3.0, 3.0]), k=2)
    assert (fold.tolist(), first) == ([-1, -1, -1, -1, 0, 0], 3.0)


def test_a_fold_without_events_is_refused_but_not_training_without() -> None:
    event = np.array([True, False, False, True])
    check_folds(np.array([0, 0, TRAINING_ONLY, 0]), event)
    with pytest.raises(CohortError, match="no event in fold 0 of 1"):
        check_folds(np.array([TRAINING_ONLY, 0, 0, TRAINING_ONLY]), event)
    with pytest.raises(CohortError, match="at least 2 folds"):
        check_folds(np.zeros(4, int), event)


def test_one_repeat_is_the_split_that_it_always_was(make_card: Make) -> None:
    cohort = make_card().cohort()
    once, repeated = cohort.split(k=4, seed=2), cohort.split(k=4, repeats=3, seed=2)
    assert once.definition.split == {"kind": "kfold", "k": 4, "seed": 2}
    assert repeated.patients["fold"].equals(once.patients["fold"])
    assert once.folds.shape == (1, once.n_patients)
    assert list(repeated.patients.filter(regex="^fold")) == ["fold", "fold_2", "fold_3"]
    assert (repeated.folds[2] == repeated.patients["fold_3"]).all()
    assert repeated.evaluated is repeated
    assert list(repeated.unsplit().patients) == list(cohort.patients)


def test_the_definition_of_repeats(make_card: Make) -> None:
    split = make_card().cohort().split(k=4, repeats=3, seed=2)
    assert split.definition.split == {"kind": "kfold", "k": 4, "seed": 2, "repeats": 3}
    assert Definition.from_json(split.definition.to_json()).hash == split.definition.hash
    assert split.definition.sentences()[-1] == (
        "4 folds at random, dealt 3 times, stratified by event, seed 2"
    )


def test_a_temporal_split_trains_on_the_earlier_and_judges_the_later(dated: DataCard) -> None:
    cohort = dated.cohort().split("time", column="year", k=5)
    year, held_out = cohort.patients["year"], cohort.patients["fold"].notna()
    assert cohort.definition.split == {"kind": "time", "column": "year", "k": 5, "from": 2008}
    assert (held_out == (year >= 2008)).all()
    assert set(cohort.folds[0]) == {0, TRAINING_ONLY}
    assert cohort.evaluated.patients.index.equals(cohort.patients.index[held_out])
    assert cohort.evaluated.n_patients == 16
    assert cohort.attrition.iloc[-1][["step", "n_removed", "n_unknown"]].tolist() == [
        "time known", 1, 1,
    ]  # fmt: skip
    assert cohort.definition.sentences()[-1] == (
        "The latest patients held out, from year 2008 on (about one in 5); the earlier ones only "
        "train"
    )


def test_splits_that_make_no_sense_are_refused(dated: DataCard) -> None:
    cohort = dated.cohort()
    with pytest.raises(CohortError, match="needs the numeric column that orders patients$"):
        cohort.split("time")
    with pytest.raises(CohortError, match="got 'yaer'; did you mean 'year'"):
        cohort.split("time", column="yaer")
    with pytest.raises(CohortError, match="got 'site'"):
        cohort.split("time", column="site")
    with pytest.raises(CohortError, match="relapse_lab cannot be the order of a temporal split"):
        cohort.split("time", column="relapse_lab")
    with pytest.raises(CohortError, match="k must be at least 2"):
        cohort.split("time", column="year", k=1)
    with pytest.raises(CohortError, match="only random folds can be repeated, not .* 'site'"):
        cohort.split("site", repeats=2)
    with pytest.raises(CohortError, match="split it"):
        _ = cohort.folds


@pytest.mark.parametrize("name", ["fold", "fold_2"])
def test_a_column_may_not_hide_behind_a_fold(make_card: Make, name: str) -> None:
    def change(card: dict[str, Any]) -> None:
        card["columns"][name] = {**card["columns"]["age"], "source": "age"}

    with pytest.raises(CohortError, match=f"'{name}' is the cohort's own"):
        make_card(change=change).cohort()
