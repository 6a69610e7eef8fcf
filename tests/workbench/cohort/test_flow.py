import numpy as np
import pandas as pd
import pytest

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
