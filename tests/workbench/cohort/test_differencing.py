"""Selections that give a small group away together."""

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.cohort.privacy import DisclosureLog
from workbench.errors import CohortError

MINIMUM = 5


def first(n_selected: int, n_patients: int = 200) -> np.ndarray:
    """The first so many patients."""
    return np.arange(n_patients) < n_selected


def isolated(shown: list[np.ndarray], n_patients: int, size: int) -> list[int]:
    """Sizes of small groups that an attacker counts by adding and subtracting ``size`` counts."""
    masks = [np.ones(n_patients, int), *(mask.astype(int) for mask in shown)]
    found = []
    for chosen in combinations(masks, size):
        for signs in product((1, -1), repeat=size - 1):
            total = chosen[0] + sum(s * m for s, m in zip(signs, chosen[1:], strict=True))
            low, high = int(np.min(total)), int(np.max(total))
            if (low, high) in ((0, 1), (-1, 0)) and 0 < abs(np.sum(total)) < MINIMUM:
                found.append(abs(int(np.sum(total))))
    return found


def test_two_large_counts_that_differ_by_two_patients() -> None:
    log = DisclosureLog(200, 10)
    assert log.show(first(100), "60 and older").allowed
    answer = log.show(first(98), "60 and older, treated")
    assert not answer.allowed
    assert "60 and older" in answer.sentence
    assert "at least 10 patients" in answer.sentence
    assert not any(number in answer.sentence for number in ("98", "100", " 2 "))
    assert log.show(first(90), "60 and older, early").allowed


def test_small_selections_and_all_but_a_few() -> None:
    log = DisclosureLog(200, 10)
    assert not log.ask(first(9)).allowed
    assert not log.ask(first(195)).allowed
    assert log.ask(first(0)).allowed
    assert log.ask(first(10)).allowed
    assert log.ask(first(200)).allowed


def test_patients_swapped_for_others_count_as_a_difference() -> None:
    log = DisclosureLog(200, 10)
    log.show(first(100), "before")
    swapped = first(100)
    swapped[[0, 150]] = [False, True]
    assert not log.ask(swapped).allowed


def test_what_was_shown_may_be_shown_again_and_what_was_refused_leaves_no_trace() -> None:
    log = DisclosureLog(200, 10)
    log.show(first(100), "one")
    assert log.show(first(100), "one, again").allowed
    assert not log.show(first(95), "two").allowed
    assert log.ask(first(85)).allowed
    assert log.ask(first(110)).allowed
    assert repr(log) == "DisclosureLog(200 patients, 1 surfaces remembered)"


def women_and_men() -> tuple[np.ndarray, np.ndarray]:
    """Of 200 patients, 3 have neither recorded."""
    position = np.arange(200)
    return position < 90, (position >= 93)


def test_a_rest_of_everyone_in_two_parts_is_refused() -> None:
    log = DisclosureLog(200, MINIMUM)
    women, men = women_and_men()
    assert log.show(women, "women").allowed
    answer = log.show(men, "men")
    assert not answer.allowed
    assert "“all patients” and “women”" in answer.sentence


def test_the_attacker_catches_a_log_that_looks_at_pairs_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(DisclosureLog, "_isolating", lambda self, asked: [])
    log = DisclosureLog(200, MINIMUM)
    women, men = women_and_men()
    shown = [mask for mask in (women, men) if log.show(mask, "sex").allowed]
    assert isolated(shown, 200, 3) == [3]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_nobody_is_isolated_by_sums_of_two_three_or_four_counts(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n_patients = int(rng.integers(20, 40))
    age, sex = rng.integers(0, 6, n_patients), rng.integers(0, 3, n_patients)
    log, shown = DisclosureLog(n_patients, MINIMUM), []
    for _ in range(14):
        mask = (age >= rng.integers(0, 6)) & np.isin(sex, rng.choice(3, rng.integers(1, 4)))
        mask = mask if rng.random() < 0.7 else ~mask
        if log.show(mask, "some").allowed and mask.any():
            shown.append(mask)
    distinct = list({mask.tobytes(): mask for mask in shown}.values())
    distinct = [mask for mask in distinct if not mask.all()]
    for size in (1, 2, 3, 4):
        assert isolated(distinct, n_patients, size) == []


def test_only_the_last_surfaces_are_remembered() -> None:
    log = DisclosureLog(1000, 10, keep=2)
    for n in (100, 200, 300):
        assert log.show(first(n, 1000), str(n)).allowed
    assert not log.ask(first(305, 1000)).allowed
    assert log.ask(first(105, 1000)).allowed


def test_a_minimum_of_zero_allows_everything() -> None:
    log = DisclosureLog(200, 0)
    assert log.show(first(100), "a").allowed
    assert log.show(first(99), "b").allowed
    assert log.show(first(1), "c").allowed


def test_selections_are_one_bool_a_patient() -> None:
    log = DisclosureLog(200, 10)
    with pytest.raises(CohortError, match="got int64 of shape"):
        log.ask(np.arange(200))
    with pytest.raises(CohortError, match="200 of them; got bool of shape"):
        log.ask(first(5, 20))


def test_a_population_whose_number_is_not_known_gives_nothing_away() -> None:
    log = DisclosureLog(200, 10, population=None)
    assert log.show(first(195), "followed up").allowed
    assert not log.show(first(200), "everyone").allowed
    assert DisclosureLog(200, 10, population=None).ask(first(200)).allowed


def test_what_is_recalled_was_shown() -> None:
    log = DisclosureLog(200, 10, population=None)
    log.recall(first(100), "of another day")
    assert "of another day" in log.ask(first(95)).sentence
    ((surface, selection),) = log.shown
    assert (surface, int(selection.sum())) == ("of another day", 100)


def test_bits_are_counted_as_patients_are() -> None:
    rng = np.random.default_rng(0)
    for n in (1, 7, 8, 9, 16, 17, 1001):
        a, b = rng.random(n) < 0.5, rng.random(n) < 0.5
        log = DisclosureLog(n, n + 1)
        near = log._near(log._read("a", a), log._read("b", b))
        assert near == (max((a & ~b).sum(), (b & ~a).sum()) < n + 1)
