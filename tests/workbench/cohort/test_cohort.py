from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.cohort.cohort import Cohort
from workbench.cohort.criteria import Criterion, col, has
from workbench.cohort.definition import Definition
from workbench.cohort.time_zero import cut_late_values
from workbench.data.open_card import DataCard
from workbench.errors import CohortError

Make = Callable[..., DataCard]

RULES = [
    col("age") >= 40,
    ~(col("grade") == "low") | (col("crp") < 20),
    col("smoker").isin([True, False]),
    (col("site") != "C").named("Two sites", "C closed"),
]


@pytest.fixture
def cohort(make_card: Make) -> Cohort:
    return make_card().cohort("os")


def test_the_attrition_accounts_for_every_patient(cohort: Cohort) -> None:
    chosen = cohort.select(*RULES)
    attrition = chosen.attrition
    assert (attrition["n_before"] - attrition["n_removed"] == attrition["n_after"]).all()
    assert (attrition["n_before"].to_numpy()[1:] == attrition["n_after"].to_numpy()[:-1]).all()
    assert attrition["n_after"].iloc[-1] == chosen.n_patients == len(chosen.patients)
    assert attrition["events_after"].iloc[-1] == chosen.n_events
    assert attrition["step"].tolist()[:3] == ["population", "outcome known", "followed up"]
    assert attrition["n_removed"].tolist()[:3] == [0, 1, 1]
    assert attrition.iloc[3][["sentence", "n_unknown"]].tolist() == ["age ≥ 40", 4]
    assert attrition.iloc[6]["sentence"] == "Two sites: site is not C"


def test_order_of_criteria_changes_the_account_and_not_the_members(cohort: Cohort) -> None:
    members = [set(cohort.select(*order).patients.index) for order in permutations(RULES)]
    assert all(m == members[0] for m in members)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.sampled_from(RULES), max_size=4))
def test_select_never_adds_patients(cohort: Cohort, rules: list[Criterion]) -> None:
    chosen = cohort.select(*rules)
    assert set(chosen.patients.index) <= set(cohort.patients.index)
    assert chosen.select(*rules).n_patients == chosen.n_patients
    again = Definition.from_json(chosen.definition.to_json())
    assert again.hash == chosen.definition.hash
    assert cohort.select(*again.select).patients.equals(chosen.patients)


def test_the_definition_is_canonical(cohort: Cohort) -> None:
    definition = cohort.select(col("age") >= 18).split("kfold", k=4, seed=2).definition
    assert definition.to_json() == (
        '{"card":"small_hospital","card_version":"1.0","outcome":"os","schema":1,'
        '"select":[{"column":"age","op":">=","value":18}],'
        '"split":{"k":4,"kind":"kfold","seed":2}}'
    )
    assert definition.hash == cohort.select(col("age") >= 18.0).split(k=4, seed=2).definition.hash
    assert definition.hash != cohort.select(col("age") >= 19).split(k=4, seed=2).definition.hash
    assert definition.sentences()[2:] == (
        "age ≥ 18",
        "4 folds at random, stratified by event, seed 2",
    )
    with pytest.raises(CohortError, match="not JSON"):
        Definition.from_json("{")
    with pytest.raises(CohortError, match="schema 1"):
        Definition.from_json('{"schema": 2}')


def test_nobody_stands_in_two_folds_and_every_fold_has_events(cohort: Cohort) -> None:
    for split in (cohort.split("kfold", k=4), cohort.split("site"), cohort.split("given")):
        fold = split.patients["fold"]
        assert split.patients.index.is_unique
        assert fold.notna().all()
        assert split.patients.groupby(fold)["event"].sum().min() > 0


def test_kfold_is_even_seeded_and_blind_to_the_order_of_the_file(make_card: Make) -> None:
    cohort = make_card().cohort()
    split = cohort.split(k=5)
    by_fold = split.patients.groupby("fold")["event"]
    assert np.ptp(by_fold.size()) <= 1
    assert np.ptp(by_fold.sum()) <= 1
    assert split.patients["fold"].equals(cohort.split(k=5).patients["fold"])
    assert not split.patients["fold"].equals(cohort.split(k=5, seed=1).patients["fold"])


def test_a_site_never_spans_folds(cohort: Cohort) -> None:
    for k, n_folds in ((None, 3), (2, 2)):
        split = cohort.split("site", k=k)
        assert split.patients.groupby("site", observed=True)["fold"].nunique().max() == 1
        assert split.patients["fold"].nunique() == n_folds
        assert split.definition.split == {"kind": "site", "column": "site", "k": n_folds}


def test_patients_of_unknown_site_leave_and_it_is_said(
    make_card: Make, table: pd.DataFrame
) -> None:
    table.loc[20:22, "site"] = None
    split = make_card(table).cohort().split("site")
    assert split.attrition.iloc[-1][["step", "n_removed", "n_unknown"]].tolist() == [
        "site known",
        3,
        3,
    ]


def test_published_folds_are_kept_and_those_in_none_leave(
    cohort: Cohort, table: pd.DataFrame
) -> None:
    split = cohort.split("given")
    published = table.set_index("id")["part"]
    assert (split.patients["fold"] == published[split.patients.index]).all()
    assert split.attrition.iloc[-1][["step", "n_removed"]].tolist() == ["published folds", 1]
    assert "part" not in cohort.patients


def test_splits_that_cannot_be_judged_are_refused(
    make_card: Make, table: pd.DataFrame, cohort: Cohort
) -> None:
    with pytest.raises(CohortError, match="k must be from 2"):
        cohort.split("kfold", k=1)
    with pytest.raises(CohortError, match="there are 3 sites"):
        cohort.split("site", k=4)
    with pytest.raises(CohortError, match="no split is called"):
        cohort.split("random")  # pyright: ignore[reportArgumentType]
    with pytest.raises(CohortError, match="called 'fold' to split by: the card has part"):
        cohort.split("given", column="fold")
    with pytest.raises(CohortError, match="already split"):
        cohort.split().split()
    with pytest.raises(CohortError, match="select before split"):
        cohort.split().select(col("age") > 18)
    with pytest.raises(CohortError, match="part: folds must be whole numbers"):
        make_card(table.assign(part=0.5)).cohort()
    table.loc[table["site"] == "C", "dead"] = 0
    with pytest.raises(CohortError, match="no event in fold"):
        make_card(table).cohort().split("site")


def test_values_observed_after_the_index_date_are_cut_and_counted(cohort: Cohort) -> None:
    assert cohort.patients.loc[[f"P{i:03d}" for i in range(6)], "crp"].isna().all()
    assert cohort.patients["crp"].notna().sum() == cohort.n_patients - 6
    assert cohort.warnings == (
        "crp: of 80 values, 5 observed after the index date and 1 observed on no known day "
        "are left out",
    )


@pytest.mark.parametrize(
    ("n_late", "n_undated", "n_kept", "said"),
    [
        (3, 0, 97, "a few values observed {either}, are left out"),
        (97, 0, 3, "all but a few values are left out, observed {either}"),
        (4, 94, 2, "all but a few values are left out, observed {either}"),
        (3, 40, 57, "of 100 values, 43 observed {either}, are left out"),
        (30, 40, 30, "of 100 values, 30 {late} and 40 {undated} are left out"),
        (100, 0, 0, "of 100 values, 100 {late} are left out"),
    ],
)
def test_what_is_cut_tells_of_few_neither_cut_nor_kept(
    make_card: Make, n_late: int, n_undated: int, n_kept: int, said: str
) -> None:
    spec = make_card(change=lambda card: card["privacy"].update(minimum_cell=10)).spec
    day = np.repeat([5.0, np.nan, 0.0], [n_late, n_undated, n_kept])
    cut, warnings = cut_late_values(spec, pd.DataFrame({"crp": 1.0, "crp_day": day}))
    assert cut["crp"].notna().sum() == n_kept
    some_missing = pd.DataFrame({"crp": [1.0] * 100 + [np.nan] * 3, "crp_day": [*day, *[0.0] * 3]})
    assert "100" not in cut_late_values(spec, some_missing)[1][0].replace("100 observed", "")
    late, undated = "observed after the index date", "observed on no known day"
    either = "after the index date, or on no known day"
    assert warnings == (f"crp: {said.format(either=either, late=late, undated=undated)}",)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("response", "response cannot be a feature of clinical: it is known only after"),
        ("undated", "undated cannot be a feature of clinical: it has no observed_at"),
        ("relapse_lab", "relapse_lab cannot be a feature of clinical: it is observed 30 days"),
    ],
)
def test_what_is_known_too_late_is_no_feature(make_card: Make, column: str, message: str) -> None:
    cohort = make_card(
        change=lambda card: card["modalities"]["clinical"]["columns"].append(column)
    ).cohort()
    with pytest.raises(CohortError, match=message):
        cohort.features("clinical")


def test_the_outcome_under_another_name_is_no_feature(make_card: Make) -> None:
    def change(card: dict) -> None:
        card["columns"]["status"] = {
            **card["columns"]["smoker"],
            "source": "dead",
            "meaning": "alive or dead",
        }
        card["modalities"]["clinical"]["columns"].append("status")

    cohort = make_card(change=change).cohort()
    with pytest.raises(CohortError, match="status cannot be a feature of clinical: it is the out"):
        cohort.features("clinical")
    with pytest.raises(CohortError, match="status cannot be a criterion"):
        cohort.select(col("status") == True)  # noqa: E712


def test_the_future_selects_nobody_and_groups_nobody(cohort: Cohort) -> None:
    with pytest.raises(CohortError, match="response cannot be a criterion"):
        cohort.select(col("response") == "full")
    with pytest.raises(CohortError, match="relapse_lab cannot be a criterion"):
        cohort.select(~(col("relapse_lab") > 0.5))
    with pytest.raises(CohortError, match="response cannot be a group"):
        cohort.group_masks(["response"])
    with pytest.raises(CohortError, match="response cannot be a group"):
        cohort.table_one(by="response")
    assert cohort.select(col("undated") >= 0).warnings[-1] == (
        "undated is a criterion, but the card does not say when it was observed"
    )


def test_a_modality_of_later_on_selects_nobody_and_groups_nobody(
    make_card: Make, table: pd.DataFrame, tmp_path: Path
) -> None:
    late = {
        "kind": "genomics",
        "title": "RNA of the relapse",
        "file": "genes",
        "columns": "g_(.+)",
        "unit": "counts",
        "observed_at": {"days": 180, "basis": "the biopsy of the relapse"},
    }
    genes = table[["id"]].assign(g_A=1.0, g_B=2.0).iloc[:40]
    genes.to_csv(tmp_path / "genes.csv", index=False)

    def add(card: dict[str, Any]) -> None:
        card["files"]["genes"] = card["files"]["record"] | {"path": "genes.csv"}
        card["modalities"]["relapse_rna"] = late
        card["groups"]["relapsed"] = {"title": "Relapsed", "criteria": [{"has": "relapse_rna"}]}

    cohort = make_card(table, add).cohort()
    for rule in (has("relapse_rna"), ~has("relapse_rna") | (col("age") > 50)):
        with pytest.raises(CohortError, match="relapse_rna cannot be a criterion: it is observed"):
            cohort.select(rule)
    with pytest.raises(CohortError, match="relapse_rna cannot be the group relapsed"):
        cohort.group_masks(["relapsed"])


def test_losing_a_whole_group_is_said(make_card: Make, table: pd.DataFrame) -> None:
    table["age"] = np.where(table["grade"] == "low", 30.0, 70.0)
    cohort = make_card(table).cohort()
    n_low = int((cohort.patients["grade"] == "low").sum())
    assert cohort.select(col("age") > 50).warnings[-1] == (
        f"age > 50 removes all {n_low} patients with grade = low"
    )
    assert cohort.select(col("grade") == "high").warnings == cohort.warnings


def test_groups(cohort: Cohort) -> None:
    masks = cohort.group_masks(["grade", "older_smokers", "smoker"])
    assert list(masks) == ["low", "high", "Older smokers", "smoker: False", "smoker: True"]
    patients = cohort.patients
    assert (masks["low"] == (patients["grade"] == "low")).all()
    expected = ((patients["age"] >= 60) & patients["smoker"]).fillna(False)
    assert masks["Older smokers"].tolist() == expected.tolist()
    with pytest.raises(CohortError, match="age is a number"):
        cohort.group_masks(["age"])
    with pytest.raises(CohortError, match="two groups are called"):
        cohort.group_masks(["grade", "grade"])


def test_what_cannot_be_chosen_is_refused(cohort: Cohort) -> None:
    with pytest.raises(CohortError, match="nobody is left after 'age ≥ 200'"):
        cohort.select(col("age") >= 200)
    with pytest.raises(CohortError, match="did you mean 'age'"):
        cohort.select(col("aeg") > 3)
    with pytest.raises(CohortError, match="no column is called 'event'"):
        cohort.select(col("event") == True)  # noqa: E712
    with pytest.raises(CohortError, match="no modality is called 'mri'"):
        cohort.select(has("mri"))
    with pytest.raises(CohortError, match="takes criteria such as"):
        cohort.select({"has": "mri"})  # pyright: ignore[reportArgumentType]


def test_a_column_may_not_hide_behind_the_cohorts_own(make_card: Make) -> None:
    def change(card: dict) -> None:
        card["columns"]["time"] = {**card["columns"]["age"], "source": "age"}

    with pytest.raises(CohortError, match="'time' is the cohort's own"):
        make_card(change=change).cohort()


def test_what_a_notebook_shows_holds_no_patient(cohort: Cohort) -> None:
    assert repr(cohort.split()) == (
        f"Cohort(small_hospital, os: 78 patients, {cohort.n_events} events, split by kfold)"
    )


def test_the_same_patients_can_be_split_another_way(cohort: Cohort) -> None:
    first = cohort.split("kfold", k=3)
    again = first.unsplit().split("kfold", k=4)
    assert again.patients.index.equals(first.patients.index)
    assert again.definition.split == {"kind": "kfold", "k": 4, "seed": 0}
    assert first.unsplit().definition == cohort.definition
