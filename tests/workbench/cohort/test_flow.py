from dataclasses import replace
from random import Random

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.cohort.flow import Flow, Step
from workbench.errors import CohortError


def step(name: str, holds: list[int], unknown: list[int] | None = None) -> Step:
    lacking = [0] * len(holds) if unknown is None else unknown
    return Step(name, name, np.array(holds, bool), np.array(lacking, bool))


def flow() -> Flow:
    """Patients 0 and 1 with two records each, 2 with one, 3 with none."""
    patient, event = np.array([0, 0, 1, 1, 2]), np.array([1, 0, 0, 1, 0], bool)
    start = Flow(patient, event, 4, "everyone", "has an entry")
    return start.rule(step("one", [1, 0, 0, 0, 1], [0, 0, 1, 0, 0])).rule(
        step("two", [1, 1, 1, 0, 0])
    )


def column(counted: Flow, name: str) -> list[int]:
    return counted.table()[name].fillna(-1).tolist()


def test_patients_records_and_events_are_counted_apart() -> None:
    assert column(flow(), "n_after") == [4, 3, 2, 1]
    assert column(flow(), "n_removed") == [0, 1, 1, 1]
    assert column(flow(), "records_after") == [5, 5, 2, 1]
    assert column(flow(), "events_removed") == [0, 0, 1, 0]
    assert column(flow(), "n_unknown") == [0, 0, 1, 0]


def test_regained_are_those_who_fail_this_rule_alone() -> None:
    assert column(flow(), "n_regained") == [-1, -1, 1, 1]


def test_any_order_ends_with_the_same_records() -> None:
    turned = flow().reordered([1, 0])
    assert turned.kept.tolist() == flow().kept.tolist()
    assert column(turned, "n_after") == [4, 3, 2, 1]
    assert turned.table()["step"].tolist()[2:] == ["two", "one"]
    for order in ([0], [0, 0], [1, 2], [0, 1, 2]):
        with pytest.raises(CohortError, match="names each of 2 rules once"):
            flow().reordered(order)


def test_rules_come_before_later_losses() -> None:
    ended = flow().later(step("unreadable", [0, 1, 1, 1, 1]))
    assert column(ended, "n_after")[-1] == 0
    with pytest.raises(CohortError, match="rules come before"):
        ended.rule(step("three", [1] * 5))
    with pytest.raises(CohortError, match="expected one value for each of 5 records"):
        flow().rule(step("short", [1, 1]))


def test_records_may_lie_in_any_order() -> None:
    order = np.array([4, 2, 0, 3, 1])
    mixed = Flow(flow().patient[order], flow().event[order], 4, "everyone", "has an entry")
    for one in flow().rules:
        mixed = mixed.rule(Step(one.name, one.sentence, one.holds[order], one.unknown[order]))
    pd.testing.assert_frame_equal(mixed.table(), flow().table())


def test_a_flow_may_have_no_records() -> None:
    nobody = Flow(np.zeros(0, int), np.zeros(0, bool), 3, "everyone", "has an entry")
    assert column(nobody.rule(step("one", [])), "n_after") == [3, 0, 0]


@st.composite
def flows(draw: st.DrawFn) -> Flow:
    """Few records of few patients, in any order, and steps that know, deny or lack a value."""
    n_steps, n = draw(st.integers(1, 5)), draw(st.integers(0, 12))
    few = st.lists(st.integers(0, 4), min_size=n, max_size=n)
    patient = np.array(draw(few), int)
    event = np.array(draw(few), int) > 2
    started = Flow(patient, event, 5, "everyone", "has an entry")
    for i in range(n_steps):
        answer = np.array(draw(few), int)
        started = started.rule(Step(f"{i}", f"{i}", answer > 1, answer == 0))
    first = draw(st.integers(0, 2))
    return replace(started, before=started.rules[:first], rules=started.rules[first:])


def counted_one_by_one(counted: Flow) -> list[list[int]]:
    """After each step: patients, records, events, lost for want of a value, regained if a rule."""
    left, rows = set(range(len(counted.patient))), []
    everyone = [{i for i in left if step.holds[i]} for step in counted.steps]
    for k, step in enumerate(counted.steps):
        before, left = left, left & everyone[k]
        who = {counted.patient[i] for i in left}
        lost = {counted.patient[i] for i in before if step.unknown[i]} - who
        others = [held for j, held in enumerate(everyone) if j != k]
        whole = set(range(len(counted.patient)))
        dropped = {counted.patient[i] for i in whole.intersection(*others)}
        stay = {counted.patient[i] for i in whole.intersection(*everyone)}
        events = sum(int(counted.event[i]) for i in left)
        regained = len(dropped - stay) if k >= len(counted.before) else -1
        rows.append([len(who), len(left), events, len(lost), regained])
    return rows


@given(flows(), st.randoms(use_true_random=False))
def test_every_order_is_counted_as_if_one_by_one(counted: Flow, random: Random) -> None:
    """Once from the masks, and once from the counts of another order."""
    order = list(range(len(counted.rules)))
    random.shuffle(order)
    turned = counted.reordered(order)
    names = ["n_after", "records_after", "events_after", "n_unknown", "n_regained"]
    for each in (counted, turned):
        table = each.table().iloc[2:]
        assert table[names].fillna(-1).to_numpy(int).tolist() == counted_one_by_one(each)
        assert (table["n_before"] - table["n_removed"] == table["n_after"]).all()
    fresh = replace(turned, counted=None)
    pd.testing.assert_frame_equal(fresh.table(), turned.table())


def test_counts_of_other_steps_are_not_used() -> None:
    turned = flow().reordered([1, 0])
    assert column(turned.rule(step("three", [0, 1, 1, 1, 1])), "n_after") == [4, 3, 2, 1, 0]
    other = replace(turned, rules=(step("none", [0] * 5), turned.rules[1]))
    assert column(other, "n_after") == [4, 3, 0, 0]


def test_more_steps_than_fit_into_a_number() -> None:
    """Each of fifty steps loses one patient."""
    many = Flow(np.arange(60), np.zeros(60, bool), 60, "everyone")
    for i in range(50):
        many = many.rule(step(f"{i}", [int(k != i) for k in range(60)]))
    assert column(many, "n_after") == [60, *range(59, 9, -1)]
    assert column(many, "n_regained")[1:] == [1] * 50
