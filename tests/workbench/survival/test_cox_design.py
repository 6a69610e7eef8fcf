"""Designs with reference levels, their tables, and effects along a spline."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from workbench.errors import SurvivalError
from workbench.survival import (
    CoxRegression,
    cox,
    design,
    effect_curve,
    nonlinearity_test,
    proportional_hazards,
    restricted_cubic_spline,
)

RNG = np.random.default_rng(11)
TABLE = pd.DataFrame(
    {
        "age": RNG.normal(60, 10, 160).round(1),
        "stage": RNG.choice(["I", "II", "III"], 160, p=[0.5, 0.3, 0.2]),
        "smoker": RNG.random(160) < 0.4,
    }
)
TIME = RNG.exponential(10 / np.exp(0.03 * TABLE["age"] + 0.5 * (TABLE["stage"] == "III")))
EVENT = RNG.random(160) < 0.8
STATED = {"stage": "I"}


@pytest.fixture(scope="module")
def model() -> CoxRegression:
    return cox(TIME, EVENT, design(TABLE, reference=STATED, splines={"age": 4}))


def test_the_table_keeps_reference_rows_and_counts(model) -> None:
    table = model.table()
    assert table["term"].tolist() == ["age"] * 3 + ["stage"] * 3 + ["smoker"]
    assert table["level"].tolist() == ["age", "age'", "age''", "I", "II", "III", ""]
    stage = table[table["term"] == "stage"].set_index("level")
    assert stage["n_rows"].to_dict() == TABLE["stage"].value_counts().to_dict()
    assert stage["n_events"].to_dict() == TABLE["stage"][EVENT].value_counts().to_dict()
    assert stage.loc["I", "hazard_ratio"] == 1
    assert stage.loc["I", ["lower", "upper", "p_value"]].isna().all()
    assert ((stage["lower"] < stage["hazard_ratio"]) | stage["lower"].isna()).all()
    assert table.iloc[-1][["n_rows", "n_events"]].tolist() == [160, EVENT.sum()]


def test_another_reference_turns_the_ratio_round() -> None:
    ratios = {}
    for level in ("I", "III"):
        table = cox(TIME, EVENT, design(TABLE[["stage"]], reference={"stage": level})).table()
        ratios[level] = table.set_index("level")["hazard_ratio"]
    assert_allclose(ratios["I"]["III"], 1 / ratios["III"]["I"])
    assert_allclose(ratios["I"]["III"] / ratios["I"]["II"], 1 / ratios["III"]["II"])


def test_levels_keep_the_order_of_categories_else_are_sorted() -> None:
    ordered = pd.Categorical(TABLE["stage"], ["III", "I", "II"])
    made = design(TABLE.assign(stage=ordered), reference=STATED)
    assert made.names == ("age", "stage: III", "stage: II", "smoker")
    assert design(TABLE, reference=STATED).names[1:3] == ("stage: II", "stage: III")


def test_the_same_columns_for_other_patients() -> None:
    made = design(TABLE, reference=STATED, splines={"age": 4})
    assert_allclose(made.columns_of(TABLE[:7]), made.features[:7])
    assert_allclose(made.columns_of(TABLE[TABLE["stage"] == "I"]).sum(0)[3:5], 0)


def test_a_spline_is_straight_beyond_its_outer_knots() -> None:
    made = design(TABLE[["age"]], splines={"age": 5})
    knots = made.terms[0].knots
    for outside in (np.linspace(0, knots[0], 5), np.linspace(knots[-1], 200, 5)):
        columns = made.columns_of(pd.DataFrame({"age": outside}))
        assert_allclose(np.diff(columns, n=2, axis=0), 0, atol=1e-9)


def test_the_effect_is_nothing_at_the_reference_and_additive(model) -> None:
    curve = effect_curve(model, "age", np.array([50.0, 65.0, 80.0]), reference=65.0)
    assert (curve.log_hazard_ratio[1], curve.lower[1], curve.upper[1]) == (0, 0, 0)
    back = effect_curve(model, "age", np.array([65.0]), reference=80.0)
    assert_allclose(back.log_hazard_ratio[0], -curve.log_hazard_ratio[2])
    assert_allclose(back.upper[0], -curve.lower[2])
    assert nonlinearity_test(model, "age").degrees_of_freedom == 2


def test_a_straight_effect_is_found_straight() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=4000)
    time = rng.exponential(1 / np.exp(0.5 * x))
    bent = rng.exponential(1 / np.exp(0.5 * x**2))
    made = design(pd.DataFrame({"x": x}), splines={"x": 4})
    every = np.ones(4000, dtype=bool)
    assert nonlinearity_test(cox(time, every, made), "x").p_value > 0.01
    assert nonlinearity_test(cox(bent, every, made), "x").p_value < 1e-10


def test_a_hazard_ratio_that_fades_is_found_out() -> None:
    rng = np.random.default_rng(3)
    x = np.arange(2000) % 2
    early = rng.exponential(1 / np.where(x == 1, 3.0, 1.0))
    time = np.where(early < 0.3, early, 0.3 + rng.exponential(1.0, 2000))
    every = np.ones(2000, dtype=bool)
    model = cox(time, every, x[:, None].astype(float), names=["treated"])
    result = proportional_hazards(model)
    assert result.tests[0].p_value < 1e-6
    curve = result.smooth("treated")
    assert curve.lower[0] > 0.7
    assert abs(curve.coefficient[30]) < 0.3
    steady = rng.exponential(1 / np.where(x == 1, 3.0, 1.0))
    model = cox(steady, every, x[:, None].astype(float))
    assert proportional_hazards(model).overall.p_value > 0.01


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: design(TABLE), r"need a stated reference, \['stage'\] have none"),
        (lambda: design(TABLE, reference={"stage": "IV"}), r"one of its 3 levels"),
        (lambda: design(TABLE, reference={**STATED, "age": "60"}), r"got one for \['age'\]"),
        (lambda: design(TABLE, reference={**STATED, "sex": "F"}), r"\['sex'\] are none"),
        (lambda: design(TABLE, reference=STATED, splines={"stage": 3}), r"levels no spline"),
        (lambda: design(TABLE[[]]), r"one or more columns"),
        (
            lambda: design(
                TABLE.assign(age=TABLE["age"].where(TABLE["age"] > 50)), reference=STATED
            ),
            r"missing are 'age' \d+ of 160 rows",
        ),
        (
            lambda: design(
                TABLE.assign(stage=pd.Categorical(TABLE["stage"], ["I", "II", "III", "IV"])),
                reference=STATED,
            ),
            r"every level of 'stage' needs patients, 1 have none",
        ),
        (
            lambda: design(TABLE, reference=STATED).columns_of(TABLE.assign(stage="IV")),
            r"does not know in 160 rows \(first in row 0\)",
        ),
        (lambda: design(TABLE, reference=STATED).columns_of(TABLE[["age"]]), r"lacks the columns"),
        (
            lambda: design(TABLE[["age"]]).columns_of(TABLE[["age"]].astype(str)),
            r"'age' must be numbers",
        ),
        (lambda: restricted_cubic_spline(np.arange(50.0), 2), r"n_knots must be 3 to 7"),
        (lambda: restricted_cubic_spline(np.arange(50.0) % 5, 3), r"more than 5 distinct values"),
        (
            lambda: restricted_cubic_spline(np.append(np.full(300, 15.0), np.arange(30.0)), 4),
            r"4 knots fall together",
        ),
    ],
)
def test_an_unclear_design_is_refused(call, message) -> None:
    with pytest.raises(SurvivalError, match=message):
        call()


def test_questions_to_the_wrong_characteristic_are_refused(model) -> None:
    with pytest.raises(SurvivalError, match="is none of the regression's characteristics"):
        effect_curve(model, "sex", np.array([1.0]), reference=0.0)
    with pytest.raises(SurvivalError, match="has levels and no curve"):
        effect_curve(model, "stage", np.array([1.0]), reference=0.0)
    with pytest.raises(SurvivalError, match="is no spline"):
        nonlinearity_test(model, "smoker")
    with pytest.raises(SurvivalError, match="none of the characteristics"):
        proportional_hazards(model).smooth("sex")
