"""Absence that tells the outcome is found and refused, and absence by chance is not."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench import study_checks
from workbench.data.card import Column
from workbench.data.check import check_card
from workbench.data.missingness import FEWEST, telling_absences, told_by_absence
from workbench.data.open_card import open_card
from workbench.errors import StudyError
from workbench.study_settings import Study

N = 300


def outcomes(seed: int) -> tuple[np.ndarray, np.ndarray, np.random.Generator]:
    rng = np.random.default_rng(seed)
    return rng.exponential(500, N), rng.random(N) < 0.6, rng


@pytest.mark.parametrize("seed", range(5))
def test_absence_by_chance_is_nobodys_business(seed: int) -> None:
    time, event, rng = outcomes(seed)
    values = pd.DataFrame({f"x{n}": rng.normal(size=N) for n in range(20)})
    values = values.mask(rng.random(values.shape) < 0.3)
    assert telling_absences(values, time, event) == {}


@pytest.mark.parametrize("late", [True, False])
def test_absence_that_goes_with_the_time_is_found_either_way(late: bool) -> None:
    time, event, rng = outcomes(0)
    kept = rng.normal(size=N)
    told = np.where((time > np.median(time)) == late, kept, np.nan)
    found = telling_absences(pd.DataFrame({"kept": kept, "told": told}), time, event)
    assert list(found) == ["told"]
    assert 0.65 < found["told"] <= 1


def test_a_few_patients_tell_nothing() -> None:
    time, event, _ = outcomes(1)
    told = np.where(np.argsort(np.argsort(time)) < FEWEST - 1, np.nan, 1.0)
    assert telling_absences(pd.DataFrame({"told": told}), time, event) == {}


def test_a_questionnaire_that_only_some_are_given_is_refused_in_one_sentence() -> None:
    rng = np.random.default_rng(2)
    ill = rng.random(N) < 0.4
    asked = ill | (rng.random(N) < 0.2)
    answers = pd.DataFrame({f"q{n}": np.where(asked, rng.normal(size=N), np.nan) for n in "abc"})
    values = answers.assign(age=rng.normal(60, 10, N))
    columns = {
        name: Column(file="f", meaning=name, type="numeric", role="feature") for name in values
    }
    told = told_by_absence(columns, values, np.where(ill, 1.0, 2.0), ill, measure="AUC")
    assert list(told) == [("qa", "qb", "qc")]
    reached = telling_absences(values, np.where(ill, 1.0, 2.0), ill)["qa"]
    assert reached >= 0.8
    (sentence,) = told.values()
    assert f"whether qa, qb and qc were recorded tells the outcome (AUC {reached:.2f}" in sentence
    known = columns["qa"].model_copy(update={"informative_missing": "asked before the visit"})
    again = told_by_absence({**columns, "qa": known}, values, np.where(ill, 1.0, 2.0), ill)
    assert list(again) == [("qb", "qc")]


def plant(study: Any) -> None:
    """Whoever lived long was asked for more."""
    table = pd.read_csv(study.folder / "visits.csv")
    table.loc[table["os_days"] > table["os_days"].median(), "age"] = np.nan
    table.to_csv(study.folder / "visits.csv", index=False)


def test_the_check_and_the_study_refuse_it_until_the_card_gives_a_reason(small_study: Any) -> None:
    study = Study.from_file(small_study.save().study_file)

    def refused() -> list[str]:
        problems = check_card(open_card(study.card))
        return [p.message for p in problems if "was recorded tells the outcome" in p.message]

    def checked() -> None:
        study_checks.check(study, study.split.apply(open_card(study.card).cohort("os")))

    assert refused() == []
    checked()
    plant(small_study)
    (message,) = refused()
    assert "whether age was recorded" in message
    with pytest.raises(StudyError, match="whether age was recorded tells the outcome"):
        checked()
    small_study.spec["columns"]["age"]["informative_missing"] = "asked before the index date"
    small_study.save()
    assert refused() == []
    checked()


@pytest.mark.shared_data
def test_the_absences_of_pad_ufes_tell_its_diagnosis(shared_data: Path) -> None:
    table = pd.read_csv(shared_data / "pad_ufes20" / "metadata.csv")
    table = table.drop_duplicates("patient_id")
    cancer = table["diagnostic"].isin(["BCC", "SCC", "MEL"]).to_numpy()
    found = telling_absences(table, np.where(cancer, 1.0, 2.0), cancer)
    assert found["smoke"] > 0.8
    assert {"smoke", "drink", "gender", "fitspatrick", "diameter_1"} <= set(found)
    assert not {"age", "region", "itch"} & set(found)
