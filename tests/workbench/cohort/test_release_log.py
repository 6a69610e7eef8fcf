"""What was released is remembered on disk, outside the data, and asked before more is."""

import itertools
import stat
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench import col
from workbench.cohort.flow import Flow, Step
from workbench.cohort.privacy import SUPPRESSED, ReleaseLog, release_attrition
from workbench.cohort.privacy import release_log as module
from workbench.cohort.privacy.attrition import _counted
from workbench.data.open_card import DataCard
from workbench.errors import PrivacyError, RecordsError

Make = Callable[..., DataCard]
EVERYONE = np.array([f"P{i:03d}" for i in range(200)], object)


def log(name: str = "hospital", minimum: int = 10) -> ReleaseLog:
    return ReleaseLog(name, minimum)


def first(n: int) -> np.ndarray:
    """The first so many patients."""
    return np.arange(200) < n


def allowed(n: int, words: str = "some", **of: Any) -> bool:
    return log(**of).show(EVERYONE, {words: first(n)})[words].allowed


def restricted(card: dict[str, Any]) -> None:
    card["privacy"] = {"minimum_cell": 10, "restricted": True}


def test_a_release_is_remembered_by_everyone_who_asks_later() -> None:
    assert allowed(100, "60 and older")
    answer = log().show(EVERYONE, {"treated": first(97)})["treated"]
    assert not answer.allowed
    assert "“60 and older”" in answer.sentence
    assert "at least 10 patients" in answer.sentence
    assert allowed(100)
    assert allowed(80)
    assert allowed(97, name="another hospital")
    assert [words for _, words in log().surfaces()] == ["60 and older", "some"]


def test_patients_who_came_later_are_told_apart_too() -> None:
    assert allowed(100)
    newer = np.append("Q1", EVERYONE)
    assert not log().show(newer, {"one more": np.append(True, first(100))})["one more"].allowed
    assert log().show(newer, {"others": np.append(True, ~first(150))})["others"].allowed
    assert not allowed(95)


def test_the_order_of_patients_does_not_matter() -> None:
    assert allowed(100)
    assert log().show(EVERYONE[::-1], {"turned": first(100)[::-1]})["turned"].allowed
    assert len(log().surfaces()) == 1


def test_asking_leaves_no_trace_and_all_or_none_is_shown() -> None:
    assert log().ask(EVERYONE, {"one": first(100)})["one"].allowed
    assert log().surfaces() == []
    parts = {"all": first(100), "almost all": first(98)}
    assert not log().show_all(EVERYONE, parts).allowed
    assert log().surfaces() == []
    assert log().show_all(EVERYONE, {"all": first(100), "half": first(50)}).allowed
    assert len(log().surfaces()) == 2


def test_an_open_dataset_keeps_no_log() -> None:
    assert allowed(100, minimum=0)
    assert allowed(99, minimum=0)
    assert not log().folder.exists()


def test_the_log_holds_no_identifier_and_is_its_owners_alone() -> None:
    allowed(100)
    kept = b"".join(file.read_bytes() for file in log().folder.iterdir())
    with np.load(log().folder / "released.npz", allow_pickle=False) as stored:
        kept += b"".join(stored[name].tobytes() for name in stored.files)
    assert b"P001" not in kept
    for file in log().folder.iterdir():
        assert not stat.S_IMODE(file.stat().st_mode) & 0o077


def test_the_oldest_are_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 2)
    assert [allowed(n, str(n)) for n in (50, 100, 150)] == [True, True, True]
    assert [words for _, words in log().surfaces()] == ["100", "150"]
    assert allowed(52, "after the first")
    assert not allowed(148)


def test_a_damaged_log_is_refused_not_begun_anew() -> None:
    allowed(100)
    file = log().folder / "released.npz"
    file.write_bytes(file.read_bytes()[:50])
    with pytest.raises(PrivacyError, match="nobody knows what was released of hospital"):
        allowed(99)


def test_a_log_among_the_data_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_STATE", str(tmp_path / "data" / "state"))
    with pytest.raises(RecordsError, match="keep it elsewhere"):
        ReleaseLog("hospital", 10, (tmp_path / "data",)).show(EVERYONE, {"all": first(100)})


def flow(*lost: Sequence[int]) -> Flow:
    """200 patients, every second with an event, and a step for each range of them that leaves."""
    steps = []
    for i, left in enumerate(lost, 1):
        holds = np.ones(200, bool)
        holds[list(left)] = False
        steps.append(Step(f"step {i}", f"rule {i}", holds, np.zeros(200, bool)))
    event = np.arange(200) % 2 == 0
    return Flow(np.arange(200), event, 200, "everyone", before=tuple(steps))


def released(of: Flow, words: str) -> tuple[list[list[Any]], tuple[str, ...]]:
    shown, notes = release_attrition(of.table(), of, EVERYONE, log=log(), words=words)
    return shown[["n_before", "n_removed", "n_after"]].to_numpy().tolist(), notes


def test_a_count_on_the_way_is_withheld_with_what_gives_it_away() -> None:
    assert released(flow(range(40)), "A")[1] == ()
    shown, notes = released(flow(range(37), range(37, 100)), "B")
    assert shown == [
        [200, 0, 200],
        [200, SUPPRESSED, SUPPRESSED],
        [SUPPRESSED, SUPPRESSED, 100],
    ]
    assert "“A”" in notes[0]


def test_a_population_that_an_earlier_release_nearly_was_is_withheld() -> None:
    shown, _ = released(flow(range(4)), "with an outcome")
    assert shown[-1][-1] == 196
    shown, notes = released(flow(range(4), range(4, 100)), "older")
    assert shown[0] == [SUPPRESSED, 0, SUPPRESSED]
    assert shown[1][2] == SUPPRESSED
    assert shown[-1][-1] == 100
    assert "with an outcome" in notes[0]


def two_rules() -> Flow:
    """The first rule alone loses forty patients, the second alone fifty, and both twenty."""
    made = flow(range(60), range(40, 110))
    return replace(made, before=(), rules=made.before)


def test_who_would_come_back_is_asked_for_as_those_without_the_rule() -> None:
    of, without_first = two_rules(), np.r_[np.arange(40), np.arange(113, 200)]
    near = {"near": np.isin(np.arange(200), without_first)}
    assert log().ask(EVERYONE, near)["near"].allowed
    shown, notes = release_attrition(of.table(), of, EVERYONE, log=log(), words="A and B")
    assert (shown["n_regained"].tolist()[1:], notes) == ([40, 50], ())
    answer = log().ask(EVERYONE, near)["near"]
    assert not answer.allowed
    assert "“rule 1”: without this rule" in answer.sentence


def test_who_would_come_back_is_withheld_where_an_earlier_release_forbids_it() -> None:
    released(flow(range(40, 113)), "near to those without the first rule")
    of = two_rules()
    shown, notes = release_attrition(of.table(), of, EVERYONE, log=log(), words="A and B")
    assert shown["n_after"].tolist() == [200, 140, 90]
    assert shown["n_regained"].tolist()[1:] == [SUPPRESSED, 50]
    assert "near to those without the first rule" in notes[0]


def lacking(left: Sequence[int], without: Sequence[int]) -> Flow:
    """A step that loses some patients, of whom these have no value."""
    made = flow(left)
    unknown = np.zeros(200, bool)
    unknown[list(without)] = True
    return replace(made, before=(replace(made.before[0], unknown=unknown),))


def test_who_lacks_a_value_is_withheld_where_an_earlier_release_nearly_counted_them() -> None:
    one, other = lacking(range(100), range(30)), lacking(range(120), range(33))
    shown, _ = release_attrition(one.table(), one, EVERYONE, log=log(), words="A")
    assert shown["n_unknown"].tolist() == [0, 30]
    shown, notes = release_attrition(other.table(), other, EVERYONE, log=log(), words="B")
    assert shown["n_after"].tolist() == [200, 80]
    assert shown["n_unknown"].tolist() == [0, SUPPRESSED]
    assert "“A: lost with a value missing”" in notes[0]


def test_a_loss_between_two_withheld_counts_is_withheld() -> None:
    """Else the losses of both would tell whether the three patients between them left too."""
    released(flow(range(40), range(40, 80), range(80, 120)), "A")
    shown, _ = released(flow(range(37), range(37, 77), range(77, 140)), "B")
    assert shown[2] == [SUPPRESSED, SUPPRESSED, SUPPRESSED]


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_what_is_asked_for_is_what_the_attrition_counts(seed: int) -> None:
    rng, n = np.random.default_rng(seed), 60
    patient, holds = rng.integers(0, 25, n), rng.random((5, n)) < 0.7
    unknown = ~holds & (rng.random((5, n)) < 0.5)
    steps = [Step(f"{i}", f"{i}", holds[i], unknown[i]) for i in range(5)]
    of = Flow(patient, rng.random(n) < 0.5, 30, "everyone", "entry", before=tuple(steps[:1]))
    of = replace(of, rules=tuple(steps[1:4]), after=tuple(steps[4:]))
    table = of.table()
    asked = {(column, row): int(who.sum()) for row, column, who in _counted(of, 30)}
    for row, n in table["n_after"].items():
        assert asked["n_after", row] == n
    for row, n in table["n_unknown"].items():
        assert asked.get(("n_unknown", row), 0) == n
    regained = table["n_regained"].dropna() + table["n_after"].iloc[-1]
    found = {row: n for (column, row), n in asked.items() if column == "n_regained"}
    assert found == regained.to_dict()


def test_patients_who_are_too_near_to_earlier_ones_have_no_attrition() -> None:
    released(flow(range(40)), "A")
    with pytest.raises(PrivacyError, match="differs from “A”"):
        released(flow(range(43)), "B")
    assert not any(words.startswith("B") for _, words in log().surfaces())


def test_few_who_are_left_have_no_attrition() -> None:
    with pytest.raises(PrivacyError, match="Fewer than 10 patients"):
        released(flow(range(40), range(195)), "few")


def test_events_that_give_few_away_are_withheld_together() -> None:
    released(flow(range(40)), "A")
    # Thirty patients fewer, of whom two have an event.
    other = flow(range(40), [40, 42, *range(41, 99, 2)])
    shown, notes = release_attrition(other.table(), other, EVERYONE, log=log(), words="B")
    assert shown["n_after"].tolist() == [200, 160, 129]
    assert set(shown["events_after"]) | set(shown["events_removed"]) == {SUPPRESSED}
    assert notes == ()
    events = ~first(44) & (np.arange(200) % 2 == 0)
    assert not log().ask(EVERYONE, {"events": events})["events"].allowed


def test_a_restricted_cohort_asks_before_it_shows(make_card: Make) -> None:
    cohort = make_card(change=restricted).cohort()
    ages = cohort.patients["age"].sort_values()
    first, second = ages.iloc[20], ages.iloc[24]
    one, other = cohort.select(col("age") > first), cohort.select(col("age") > second)
    assert 0 < one.n_patients - other.n_patients < 10
    one.table_one(columns=["smoker"])
    for show in (other.table_one, other.availability, other.attrition_for_export):
        with pytest.raises(PrivacyError, match="age >"):
            show()
    assert not other.release().allowed
    assert one.attrition_for_export()["n_after"].iloc[-1] == one.n_patients
    open_card = make_card().cohort()
    open_card.select(col("age") > first).table_one()
    open_card.select(col("age") > second).table_one()


def test_groups_that_were_shown_protect_their_patients(make_card: Make) -> None:
    cohort = make_card(change=restricted).cohort()
    cohort.table_one(by="grade", columns=[])
    grown = cohort.select((col("grade") == "high") & (col("age") >= 26))
    group = cohort.patients["grade"] == "high"
    assert 0 < group.sum() - grown.n_patients < 10
    answer = grown.release()
    assert not answer.allowed
    assert "grade high" in answer.sentence


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1))
def test_attritions_one_after_the_other_isolate_nobody(seed: int) -> None:
    rng, n, minimum = np.random.default_rng(seed), 60, 5
    age, site = rng.integers(0, 8, n), rng.integers(0, 4, n)
    log, seen = ReleaseLog(f"{seed}", minimum), []
    for _ in range(5):
        holds = [age >= rng.integers(0, 4), site != rng.integers(0, 6), age <= rng.integers(5, 9)]
        nobody = np.zeros(n, bool)
        steps = tuple(Step(str(i), str(i), mask, nobody) for i, mask in enumerate(holds))
        of = Flow(np.arange(n), rng.random(n) < 0, n, "everyone", before=steps)
        try:
            shown, _ = release_attrition(of.table(), of, EVERYONE[:n], log=log, words="left")
        except PrivacyError:
            continue
        left = np.vstack([np.ones(n, bool), np.logical_and.accumulate(holds)])
        counts = shown["n_after"]
        seen += [mask for mask, n in zip(left, counts, strict=True) if n != SUPPRESSED]
        lost = (~left[1:] & left[:-1]).sum(axis=1)
        hidden = (shown["n_removed"][1:] == SUPPRESSED).to_numpy()
        assert not ((lost > 0) & (lost < minimum) & ~hidden).any()
    assert len(seen) > 2
    for one, other in itertools.combinations(seen, 2):
        apart = max((one & ~other).sum(), (other & ~one).sum())
        assert apart == 0 or apart >= minimum
