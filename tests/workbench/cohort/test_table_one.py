from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from workbench.cohort.table_one import table_one_record
from workbench.data.open_card import DataCard
from workbench.errors import CohortError

Make = Callable[..., DataCard]


@pytest.fixture
def rows(make_card: Make, table: pd.DataFrame) -> pd.DataFrame:
    """Table one by grade, indexed by variable and level."""
    table["crp"] = np.where(table["grade"] == "low", 1.0, 2.0)
    table.loc[13, "crp"] = 400
    cohort = make_card(table).cohort()
    return cohort.table_one(by="grade").set_index(["variable", "level"])


def test_counts_and_summaries_agree_with_the_patients(
    rows: pd.DataFrame, make_card: Make, table: pd.DataFrame
) -> None:
    patients = make_card(table).cohort().patients
    low = patients[patients["grade"] == "low"]
    assert rows.loc[("patients", ""), ["all", "low"]].tolist() == ["78", str(len(low))]
    age = rows.loc[("age, years", "")]
    assert age["statistic"] == "mean (SD)"
    assert age["low"] == f"{low['age'].mean():.1f} ({low['age'].std():.1f})"
    assert age["missing"] == "4 (5.1)"
    n_dead = int(low["event"].sum())
    assert rows.loc[("event", "yes"), "low"] == f"{n_dead} ({100 * n_dead / len(low):.1f})"
    assert list(rows.columns) == ["statistic", "all", "low", "high", "missing", "smd"]
    assert "response" not in rows.index.get_level_values("variable")


def test_a_skewed_number_is_given_by_its_quartiles(rows: pd.DataFrame) -> None:
    crp = rows.loc[("crp", "")]
    assert crp["statistic"] == "median [IQR]"
    assert crp["low"] == "1.00 [1.00, 1.00]"


def test_standardised_mean_differences(make_card: Make, table: pd.DataFrame) -> None:
    cohort = make_card(table).cohort()
    rows = cohort.table_one(by="grade").set_index(["variable", "level"])
    by_grade = cohort.patients.groupby("grade", observed=True)
    mean, variance = by_grade["age"].mean(), by_grade["age"].var()
    expected = abs(mean["low"] - mean["high"]) / np.sqrt(variance.mean())
    assert rows.loc[("age, years", ""), "smd"] == f"{expected:.2f}"
    # With two levels the distance is the difference of proportions over its standard deviation.
    p = by_grade["smoker"].mean()
    expected = abs(p["low"] - p["high"]) / np.sqrt((p * (1 - p)).mean())
    assert float(rows.loc[("smoker", "False"), "smd"]) == pytest.approx(expected, abs=0.006)


def test_missing_levels_stand_in_a_row_of_their_own(make_card: Make, table: pd.DataFrame) -> None:
    table.loc[30:34, "smoker"] = None
    cohort = make_card(table).cohort()
    rows = cohort.table_one(columns=["smoker"]).set_index(["variable", "level"])
    assert rows.loc[("smoker", "missing"), "all"] == "5 (6.4)"
    assert list(rows.columns) == ["statistic", "all", "missing"]


def test_tables_by_what_the_cohort_made(make_card: Make) -> None:
    cohort = make_card().cohort()
    assert "fold 0" in cohort.split(k=3).table_one(by="fold")
    latest = cohort.split("time", column="age", k=3)
    columns = latest.table_one(by="fold").columns
    assert list(columns[3:]) == ["all", "evaluated", "only train", "missing", "smd"]
    assert latest.compared_by(["grade"]) == "fold"
    assert latest.evaluated.compared_by(["older_smokers", "grade"]) == "grade"
    assert cohort.split(k=3).compared_by(["older_smokers"]) is None
    assert "with event" in cohort.table_one(by="event")
    assert "with clinical" in cohort.table_one(by="has_clinical")
    with pytest.raises(CohortError, match="split the cohort first"):
        cohort.table_one(by="fold")
    with pytest.raises(CohortError, match="age is a number"):
        cohort.table_one(by="age")
    with pytest.raises(CohortError, match="no column is called 'aeg'"):
        cohort.table_one(columns=["aeg"])


def test_availability_counts_what_was_observed(make_card: Make, table: pd.DataFrame) -> None:
    table.loc[40:44, ["age", "grade", "smoker", "crp"]] = np.nan
    cohort = make_card(table).cohort()
    everyone = cohort.availability().iloc[0]
    assert everyone.tolist()[:5] == ["clinical", "all", 78, 73, 93.6]
    by_site = cohort.availability(by="site")
    assert by_site.loc[by_site["level"] != "all", "n_available"].sum() == 73
    assert by_site.loc[by_site["level"] != "all", "n_events"].sum() == cohort.n_events


def test_the_record_behind_the_text_holds_its_numbers(make_card: Make) -> None:
    cohort = make_card().cohort()
    record = table_one_record(cohort, by="grade")
    assert record.frame().equals(cohort.table_one(by="grade"))
    assert record["age"].unit == "years"
    assert record["age"].rows[0].cells[0].estimate == pytest.approx(cohort.patients["age"].mean())
    assert "age (years)" in record.to_html()
