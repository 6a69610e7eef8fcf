"""Table one of any patients: numbers against pandas, SciPy and hand."""

import json
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from workbench.cohort.table_one import describe
from workbench.errors import CohortError


@pytest.fixture(scope="module")
def patients() -> pd.DataFrame:
    """400 patients: numbers, a skewed one, levels, yes and no, and dates, some missing."""
    rng = np.random.default_rng(3)
    n = 400
    frame = pd.DataFrame(
        {
            "arm": pd.Categorical(rng.choice(["placebo", "drug"], n), ["placebo", "drug"]),
            "sex": rng.choice(["female", "male"], n),
            "age": rng.normal(60, 10, n).round(1),
            "crp": rng.lognormal(1, 1, n),
            "visits": rng.integers(0, 3, n),
            "stage": pd.Categorical(rng.choice(["I", "II", "III"], n), ["I", "II", "III", "IV"]),
            "smoker": pd.array(rng.random(n) < 0.3, dtype="boolean"),
            "diagnosed": pd.Timestamp("2015-01-01") + pd.to_timedelta(rng.integers(0, 900, n), "D"),
        }
    )
    frame.loc[rng.random(n) < 0.1, ["crp", "smoker", "diagnosed"]] = None
    frame.loc[rng.random(n) < 0.1, ["age"]] = np.nan
    return frame


def test_summaries_are_those_of_pandas(patients: pd.DataFrame) -> None:
    table = describe(patients, by="arm", minimum_cell=0)
    by_arm = patients.groupby("arm", observed=True)
    assert [group.title for group in table.groups] == ["all", "placebo", "drug"]
    age = table["age"].rows[0].cells
    assert [c.estimate for c in age] == pytest.approx(
        [patients["age"].mean(), *by_arm["age"].mean()]
    )
    assert [c.spread for c in age] == pytest.approx([patients["age"].std(), *by_arm["age"].std()])
    assert [c.n for c in age] == [patients["age"].count(), *by_arm["age"].count()]
    crp = table["crp"]
    assert crp.kind == "skewed"
    assert abs(patients["crp"].skew()) > 1
    for level, value in ((0.25, "lower"), (0.5, "estimate"), (0.75, "upper")):
        expected = [patients["crp"].quantile(level), *by_arm["crp"].quantile(level)]
        assert [getattr(c, value) for c in crp.rows[0].cells] == pytest.approx(expected)
    missing = [
        patients["crp"].isna().sum(),
        *patients["crp"].isna().groupby(patients["arm"], observed=True).sum(),
    ]
    assert [count.n for count in crp.missing] == missing
    assert table["visits"].kind == "normal"
    assert table["stage"].rows[3].level == "IV"
    assert [c.n for c in table["stage"].rows[3].cells] == [0, 0, 0]
    smoker = table["smoker"].rows[1]
    assert smoker.level == "True"
    assert smoker.cells[0].n == patients["smoker"].sum()
    assert smoker.cells[0].percent == pytest.approx(100 * patients["smoker"].sum() / 400)


@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=60))
def test_skewness_is_that_of_pandas(values: list[float]) -> None:
    from workbench.cohort.table_one.numbers import Order, moments

    x = np.array(values)
    found = moments(Order(None, len(x)).parts(x, None)).skewness()
    if x.std() > 1e-3 * max(1, abs(x.mean())):
        assert found == pytest.approx(pd.Series(x).skew(), rel=1e-6, abs=1e-6)


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_moments_of_groups_add_up_to_those_of_everyone(seed: int) -> None:
    rng = np.random.default_rng(seed)
    patients = pd.DataFrame({"group": rng.integers(0, 4, 50), "x": rng.lognormal(size=50)})
    cell = (
        describe(patients, by="group", kinds={"x": "normal"}, minimum_cell=0)["x"].rows[0].cells[0]
    )
    assert (cell.estimate, cell.spread) == pytest.approx(
        (patients["x"].mean(), patients["x"].std())
    )


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_the_order_of_patients_does_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    patients = pd.DataFrame(
        {
            "group": rng.choice(["a", "b"], 60),
            "x": rng.normal(size=60),
            "y": rng.choice(list("pq"), 60),
        }
    )
    shuffled = patients.sample(frac=1, random_state=rng)
    assert describe(patients, by="group").frame().equals(describe(shuffled, by="group").frame())


def test_dates_show_no_single_patient_where_small_cells_are_withheld(
    patients: pd.DataFrame,
) -> None:
    open_table = describe(patients, by="arm", columns=["diagnosed"], minimum_cell=0)["diagnosed"]
    assert open_table.statistic == "median [range]"
    everyone = open_table.rows[0].cells[0]
    assert everyone.lower == patients["diagnosed"].min().to_pydatetime()
    assert everyone.upper == patients["diagnosed"].max().to_pydatetime()
    assert everyone.estimate == patients["diagnosed"].median().to_pydatetime()
    withheld = describe(patients, by="arm", columns=["diagnosed"])["diagnosed"]
    assert withheld.statistic == "median [IQR]"
    assert withheld.rows[0].cells[0].lower == patients["diagnosed"].quantile(0.25).to_pydatetime()


def test_every_pair_of_groups_is_compared_and_the_largest_named(patients: pd.DataFrame) -> None:
    table = describe(patients, by="stage", columns=["age", "sex"], minimum_cell=0)
    by_stage = patients.groupby("stage", observed=True)["age"]
    mean, variance = by_stage.mean(), by_stage.var()
    expected = {
        (a, b): abs(mean[a] - mean[b]) / np.sqrt((variance[a] + variance[b]) / 2)
        for a, b in combinations(["I", "II", "III"], 2)
    }
    found = {(d.first, d.second): d.smd for d in table["age"].differences or ()}
    assert found == pytest.approx(expected)
    largest = table["age"].largest_difference
    assert largest is not None
    assert (largest.first, largest.second) == max(expected, key=lambda pair: expected[pair])
    share = (patients["sex"] == "male").groupby(patients["stage"], observed=True).mean()
    p, q = share["I"], share["III"]
    by_hand = abs(p - q) / np.sqrt((p * (1 - p) + q * (1 - q)) / 2)
    found = {(d.first, d.second): d.smd for d in table["sex"].differences or ()}
    assert found["I", "III"] == pytest.approx(by_hand)


def test_the_order_of_levels_does_not_matter_and_groups_wholly_apart_have_no_number() -> None:
    arm = ["a"] * 50 + ["b"] * 50
    named = ["x"] * 25 + ["y"] * 24 + ["z"] * 2 + ["x"] + ["z"] * 48
    apart = ["x"] * 25 + ["y"] * 25 + ["z"] * 50
    turned = {"x": "3", "y": "1", "z": "2"}
    table = pd.DataFrame(
        {"arm": arm, "near": named, "far": apart, "yes": [False] * 50 + [True] * 50}
    )
    for name in ("near", "far"):
        table[f"{name}_turned"] = [turned[level] for level in table[name]]
    found = describe(table, by="arm", minimum_cell=0)
    near = [found[name].largest_difference.smd for name in ("near", "near_turned")]
    assert near[0] == pytest.approx(near[1])
    assert near[0] > 3
    for name in ("far", "far_turned", "yes"):
        assert found[name].largest_difference is None


def test_groups_nested_and_side_by_side(patients: pd.DataFrame) -> None:
    nested = describe(patients, by=["arm", "sex"], columns=["age"], minimum_cell=0)
    assert nested.groups[2].path == (("arm", "placebo"), ("sex", "male"))
    means = patients.groupby(["arm", "sex"], observed=True)["age"].mean()
    assert [c.estimate for c in nested["age"].rows[0].cells][1:] == pytest.approx(means.tolist())
    apart = describe(
        patients, by=["arm", "sex"], arrangement="side by side", columns=["age"], minimum_cell=0
    )
    titles = ["all", "arm: placebo", "arm: drug", "sex: female", "sex: male"]
    assert [group.title for group in apart.groups] == titles
    means = patients.groupby("sex")["age"].mean()
    assert [c.estimate for c in apart["age"].rows[0].cells][3:] == pytest.approx(means.tolist())
    assert {(d.first[:3], d.second[:3]) for d in apart["age"].differences or ()} == {
        ("arm", "arm"),
        ("sex", "sex"),
    }
    headed = apart.to_html()
    assert '<th scope="colgroup" colspan="2">arm</th>' in headed


def test_whole_weights_are_repeated_patients(patients: pd.DataFrame) -> None:
    times = np.random.default_rng(0).integers(0, 4, len(patients))
    weighted = describe(patients, by="arm", weights=times, minimum_cell=0)
    repeated = describe(patients.loc[patients.index.repeat(times)], by="arm", minimum_cell=0)
    for name in ("age", "visits"):
        found, expected = (t[name].rows[0].cells for t in (weighted, repeated))
        assert [c.estimate for c in found] == pytest.approx([c.estimate for c in expected])
    for row, other in zip(weighted["stage"].rows, repeated["stage"].rows, strict=True):
        assert [c.percent for c in row.cells] == pytest.approx([c.percent for c in other.cells])
        assert [c.weight for c in row.cells] == pytest.approx([c.n for c in other.cells])
    found, expected = (t["stage"].differences for t in (weighted, repeated))
    assert [d.smd for d in found or ()] == pytest.approx([d.smd for d in expected or ()])
    known = patients["crp"].notna() & (times > 0)
    at = np.quantile(
        patients.loc[known, "crp"],
        [0.25, 0.5, 0.75],
        weights=times[known].astype(float),
        method="inverted_cdf",
    )
    cell = describe(patients, weights=times, kinds={"crp": "skewed"}, minimum_cell=0)["crp"].rows[0]
    assert [cell.cells[0].lower, cell.cells[0].estimate, cell.cells[0].upper] == pytest.approx(at)


def test_equal_weights_change_nothing_but_the_effective_sample_size(patients: pd.DataFrame) -> None:
    plain = describe(patients, by="arm", minimum_cell=0)
    equal = describe(patients, by="arm", weights=np.full(len(patients), 2.5), minimum_cell=0)
    first, second = (t["age"].rows[0].cells for t in (plain, equal))
    assert [c.spread for c in first] == pytest.approx([c.spread for c in second])
    sizes = [group.size.n for group in plain.groups]
    assert [group.effective_n for group in equal.groups] == pytest.approx(sizes)
    text = equal.frame().set_index("variable")
    assert text.loc["effective sample size", "all"] == "400"


def test_weighting_by_inverse_probability_balances() -> None:
    rng = np.random.default_rng(1)
    severity = rng.normal(size=4000)
    probability = 1 / (1 + np.exp(-severity))
    treated = rng.random(4000) < probability
    frame = pd.DataFrame({"severity": severity, "treated": treated})
    weights = np.where(treated, 1 / probability, 1 / (1 - probability))
    before = describe(frame, by="treated")["severity"].largest_difference
    after = describe(frame, by="treated", weights=weights)["severity"].largest_difference
    assert before is not None
    assert after is not None
    assert before.smd > 0.7
    assert after.smd < 0.1


def test_p_values_are_off_and_name_their_test(patients: pd.DataFrame) -> None:
    assert "p" not in describe(patients, by="arm").frame()
    table = describe(patients, by="arm", minimum_cell=0, p_values=True)
    arms = [group for _, group in patients.groupby("arm", observed=True)]
    found = {v.name: v.tests[0] for v in table.variables if v.tests}
    assert found["age"].name == "Welch’s t"
    welch = stats.ttest_ind(*(a["age"].dropna() for a in arms), equal_var=False).pvalue
    assert found["age"].p == pytest.approx(welch)
    assert found["crp"].name == "Wilcoxon rank-sum"
    ranks = stats.mannwhitneyu(*(a["crp"].dropna() for a in arms)).pvalue
    assert found["crp"].p == pytest.approx(ranks)
    counts = pd.crosstab(patients["sex"], patients["arm"])
    chi = stats.chi2_contingency(counts, correction=False).pvalue
    assert found["sex"].p == pytest.approx(chi)
    three = describe(patients, by="stage", minimum_cell=0, p_values=True)
    assert {v.tests[0].name for v in three.variables if v.tests} == {
        "one-way ANOVA",
        "Kruskal–Wallis",
        "chi-squared",
    }
    few = patients.head(12).assign(sex=["female"] * 9 + ["male"] * 3)
    fisher = describe(few, by="arm", columns=["sex"], minimum_cell=0, p_values=True)["sex"].tests
    assert fisher is not None
    assert fisher[0].name == "Fisher’s exact"
    with pytest.raises(CohortError, match="leave p_values out"):
        describe(patients, by="arm", p_values=True, weights=np.ones(len(patients)))


def test_a_group_of_few_known_values_is_no_rest_of_everyone() -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"arm": ["a"] * 60 + ["b"] * 60 + ["c"] * 60, "crp": rng.normal(size=180)})
    frame.loc[4:59, "crp"] = np.nan
    cells = describe(frame, by="arm")["crp"].rows[0].cells
    assert [c.suppressed for c in cells] == [False, True, True, False]
    assert describe(frame, by="arm")["crp"].differences is None


def test_kinds_are_what_is_asked(patients: pd.DataFrame) -> None:
    table = describe(
        patients,
        kinds={"visits": "categorical", "crp": "normal", "age": "skewed"},
        titles={"crp": "C-reactive protein"},
        units={"crp": "mg/L"},
        minimum_cell=0,
    )
    assert [row.level for row in table["visits"].rows] == ["0", "1", "2"]
    assert (table["crp"].statistic, table["age"].statistic) == ("mean (SD)", "median [IQR]")
    assert "C-reactive protein, mg/L" in set(table.frame()["variable"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"columns": ["agee"]}, "no column is called 'agee'.*did you mean 'age'"),
        ({"by": "age"}, "age is a number or a date"),
        ({"by": ["arm", "arm"]}, "name each once"),
        ({"by": "ward"}, "no column is called 'ward'"),
        ({"kinds": {"sex": "normal"}}, "sex was to be a number"),
        ({"kinds": {"age": "date"}}, "age was to be a date"),
        ({"kinds": {"stage": "boolean"}}, "stage was to be boolean, got 4 levels"),
        ({"weights": np.ones(3)}, "one a patient, 400; got shape"),
        ({"weights": np.full(400, -1.0)}, "400 of 400 are unfit"),
    ],
)
def test_what_cannot_be_described_is_said(
    patients: pd.DataFrame, change: dict[str, object], said: str
) -> None:
    with pytest.raises(CohortError, match=said):
        describe(patients, **change)  # pyright: ignore[reportArgumentType]


def test_neither_nobody_nor_names_of_patients_nor_the_infinite_are_described() -> None:
    with pytest.raises(CohortError, match="got none"):
        describe(pd.DataFrame({"age": []}))
    names = pd.DataFrame({"name": [f"Patient {k}" for k in range(80)]})
    with pytest.raises(CohortError, match="it would list patients"):
        describe(names)
    with pytest.raises(CohortError, match="1 infinite values"):
        describe(pd.DataFrame({"age": [1.0, np.inf]}))


def test_json_holds_every_number_and_nothing_withheld(patients: pd.DataFrame) -> None:
    frame = patients.assign(rare=np.where(np.arange(400) < 3, "yes", "no"))
    written = json.loads(json.dumps(describe(frame, by="arm").to_json(), allow_nan=False))
    variables = {variable["name"]: variable for variable in written["variables"]}
    assert variables["age"]["rows"][0]["cells"][0]["estimate"] == pytest.approx(frame["age"].mean())
    assert variables["diagnosed"]["rows"][0]["cells"][0]["estimate"].startswith("20")
    rare = [cell for row in variables["rare"]["rows"] for cell in row["cells"]]
    assert all(
        cell["suppressed"] and cell["n"] is None and cell["percent"] is None for cell in rare
    )
    assert variables["rare"]["differences"] is None


@pytest.mark.parametrize("dtype", ["object", "string", "category"])
def test_levels_of_any_type_are_counted_alike(patients: pd.DataFrame, dtype: str) -> None:
    frame = patients.assign(sex=patients["sex"].astype(dtype).where(patients["age"] < 70))
    table = describe(frame, columns=["sex"], minimum_cell=0)["sex"]
    expected = frame["sex"].value_counts()
    assert {row.level: row.cells[0].n for row in table.rows} == expected.to_dict()
    assert table.missing[0].n == frame["sex"].isna().sum()


def test_whole_numbers_and_time_zones_are_read() -> None:
    moments = pd.to_datetime(["2020-01-01 23:30", "2020-01-02 00:30", None])
    frame = pd.DataFrame(
        {
            "count": pd.array([1, 2, None], dtype="Int64"),
            "at": moments.tz_localize("Europe/Berlin"),
            "yes": pd.Series([True, None, False], dtype=object),
        }
    )
    table = describe(frame, minimum_cell=0)
    assert table["count"].rows[0].cells[0].estimate == 1.5
    assert str(table["at"].rows[0].cells[0].estimate) == "2020-01-01 23:00:00"
    assert table["yes"].kind == "boolean"
    assert [row.cells[0].n for row in table["yes"].rows] == [1, 1]


def test_several_threads_find_what_one_does(
    patients: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = describe(patients, by="arm")
    monkeypatch.setattr("workbench.cohort.table_one.description.WORTH_THREADS", 0)
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    assert describe(patients, by="arm") == one
