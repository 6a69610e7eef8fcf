"""Where events are withheld, no curve and no share of the same patients gives them back."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.report.withheld_events import coarse_curve
from workbench.report.withhold import withhold_counts
from workbench.survival import kaplan_meier


def evaluation_of(strata: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    empty = {"settings": {"censoring_strata": []}, "ladder": [], "calibration_curves": []}
    return {**empty, "risk_groups": {"strata": strata}, **more}


TICKS = [0.0, 365.0, 730.0, 1095.0]


def curve_of(label: str, time: np.ndarray, event: np.ndarray) -> dict[str, Any]:
    curve = kaplan_meier(time, event)
    survival = [1.0, *curve.survival.tolist()]
    return {
        "label": label,
        "n": len(time),
        "n_events": int(event.sum()),
        "time": [0.0, *curve.time.tolist()],
        "survival": survival,
        "lower": survival,
        "upper": survival,
        "censored": curve.time[curve.n_censored > 0].tolist(),
        "n_at_risk": [int((time >= tick).sum()) for tick in TICKS],
        "median": {"estimate": 500.0, "lower": 400.0, "upper": None},
    }


def curves_of_thirds() -> list[dict[str, Any]]:
    """Three events of forty patients, thirty of sixty, and thirty-five of sixty."""
    early, late = np.linspace(10, 360, 30), np.linspace(400, 1000, 35)
    few = np.array([200.0, 300.0, 500.0])
    return [
        curve_of("low", np.append(few, np.full(37, 1200.0)), np.arange(40) < 3),
        curve_of("middle", np.append(early, np.full(30, 1200.0)), np.arange(60) < 30),
        curve_of("high", np.append(late, np.full(25, 1200.0)), np.arange(60) < 35),
    ]


def test_a_curve_gives_no_withheld_events_back() -> None:
    curves = curves_of_thirds()
    content = evaluation_of([{"group": "all", "at_risk_times": TICKS, "curves": curves}])
    low, middle, high = withhold_counts(content, 10)["risk_groups"]["strata"][0]["curves"]
    assert high == curves[2]
    assert (low["n_events"], middle["n_events"]) == ("withheld", "withheld")
    # Of the low, two and one were lost before the next times; of the middle thirty, then nobody.
    assert (low["time"], low["survival"], low["n_at_risk"]) == (
        [0.0],
        [1.0],
        [40, "withheld", "withheld", "withheld"],
    )
    assert (middle["time"], middle["n_at_risk"]) == (TICKS, [60, 30, 30, 30])
    # Ten patients are a sixth.
    assert middle["survival"] == pytest.approx([1.0, 0.5, 0.5, 0.5])
    for curve in (low, middle):
        assert curve["lower"] == curve["upper"] == [None] * len(curve["time"])
        assert (curve["censored"], curve["median"]) == ([], "withheld")
        assert curve["survival"][-1] not in curves[0]["survival"][1:]


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32))
def test_a_coarse_curve_tells_no_step_of_few(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, n_events = int(rng.integers(20, 80)), int(rng.integers(1, 10))
    time = np.append(rng.uniform(1, 1000, n_events), rng.uniform(1, 2000, n - n_events))
    coarse = coarse_curve(curve_of("low", time, np.arange(n) < n_events), TICKS, 10)
    left = [at for at in coarse["n_at_risk"] if at != "withheld"]
    lost = -np.diff(left)
    assert ((lost == 0) | (lost >= 10) | (np.array(left[1:]) == 0)).all()
    assert coarse["survival"][0] == 1
    rounded = (1 - np.array(coarse["survival"])) * n / 10
    assert rounded == pytest.approx(np.round(rounded))


def test_what_a_whole_withholds_its_parts_withhold_too() -> None:
    rows = [
        {"model": "selected", "group": group, "n": n, "n_events": n_events}
        for group, n, n_events in (("a", 60, 40), ("b", 160, 68), ("c", 25, 7))
    ]
    bins = [
        {"n": 80, "n_events": 34, "observed": 0.4, "lower": 0.3, "upper": 0.5, "predicted": 0.4}
    ]
    content = evaluation_of(
        [{"group": g, "at_risk_times": TICKS, "curves": curves_of_thirds()[1:]} for g in "ab"],
        settings={"censoring_strata": ["a", "b", "c"]},
        ladder=rows,
        calibration_curves=[{"group": "a", "bins": bins * 2}, {"group": "b", "bins": bins * 2}],
    )
    # The events of a hide those of c.
    found = withhold_counts(content, 10, refused=["b"])
    a, b = found["risk_groups"]["strata"]
    assert {curve["n_events"] for curve in (*a["curves"], *b["curves"])} == {"withheld"}
    assert [curve["n"] for curve in a["curves"]] == [60, 60]
    for curve in b["curves"]:
        assert (curve["n"], curve["survival"]) == ("withheld", [1.0])
        assert set(curve["n_at_risk"]) == {"withheld"}
    parts = [part for curve in found["calibration_curves"] for part in curve["bins"]]
    assert {part["n_events"] for part in parts} == {"withheld"}
    assert {part["observed"] for part in parts} == {None}
    assert [part["n"] for part in parts] == [80, 80, "withheld", "withheld"]
