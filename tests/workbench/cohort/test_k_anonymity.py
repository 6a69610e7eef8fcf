"""Classes of patients who share what a reader may know."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.cohort.privacy import k_anonymity
from workbench.errors import CohortError


@pytest.fixture
def patients() -> pd.DataFrame:
    """600 patients by sex and ward, and a town that two of them alone live in."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": rng.integers(40, 80, 600).astype(float),
            "sex": rng.choice(["f", "m"], 600),
            "ward": rng.choice(["north", "south"], 600),
            "town": ["far"] * 2 + ["near"] * 598,
            "died": rng.random(600) < 0.3,
        }
    )
    frame.loc[5:20, "ward"] = None
    return frame


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_classes_are_those_of_groupby(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 80))
    frame = pd.DataFrame(
        {
            "a": rng.choice(["x", "y", None], n),
            "b": rng.integers(0, 4, n),
            "c": np.where(rng.random(n) < 0.2, np.nan, rng.integers(0, 50, n)),
            "outcome": rng.integers(0, 3, n),
        }
    )
    edges = [10, 30]
    found = k_anonymity(
        frame, ["a", "b", "c"], bins={"c": edges}, sensitive="outcome", asked_k=4, minimum_cell=0
    )
    binned = frame.assign(c=pd.cut(frame["c"], [-np.inf, *edges, np.inf], right=False).astype(str))
    groups = binned.groupby(["a", "b", "c"], dropna=False)
    sizes = groups.size()
    assert found.classes.k == sizes.min()
    assert found.classes.n_classes == len(sizes)
    assert found.classes.n_below == sizes[sizes < 4].sum()
    diverse = groups["outcome"].nunique()
    assert found.l == diverse.min()
    assert found.n_undiverse == sizes[diverse < 2].sum()
    without = {d.column: d.without.k for d in found.drivers}
    assert without["b"] == binned.groupby(["a", "c"], dropna=False).size().min()


def test_the_column_that_drives_it_comes_first(patients: pd.DataFrame) -> None:
    found = k_anonymity(patients, ["sex", "town", "ward"])
    assert found.classes.k <= 2
    assert not found.fulfilled
    assert found.drivers[0].column == "town"
    assert found.drivers[0].without.k >= 5


def test_few_patients_are_not_counted(patients: pd.DataFrame) -> None:
    found = k_anonymity(patients, ["sex", "town"])
    assert found.classes.n_below is None
    assert found.frame().set_index("columns").loc["all", "n_below"] == "suppressed"
    page = found.to_html()
    assert "suppressed" in page
    assert "k ≥ 5 is not met" in page
    assert k_anonymity(patients, ["sex", "town"], minimum_cell=0).classes.n_below == 2


def test_all_but_few_patients_are_not_counted_either() -> None:
    frame = pd.DataFrame({"id": [*range(95), *[1000] * 5]})
    assert k_anonymity(frame, ["id"], asked_k=3).classes.n_below is None
    assert k_anonymity(frame, ["id"], asked_k=3, minimum_cell=5).classes.n_below == 95


def test_a_class_of_one_outcome_gives_it_away(patients: pd.DataFrame) -> None:
    frame = patients.assign(died=patients["sex"] == "f")
    found = k_anonymity(frame, ["sex"], sensitive="died")
    assert found.classes.k > 5
    assert found.l == 1
    assert found.n_undiverse == 600
    assert not found.fulfilled
    assert "fewer than 2: 600" in found.to_html()
    assert k_anonymity(patients, ["sex"], sensitive="died").fulfilled


def test_bins_are_said_and_make_larger_classes(patients: pd.DataFrame) -> None:
    fine = k_anonymity(patients, ["age", "sex"])
    coarse = k_anonymity(patients, ["age", "sex"], bins={"age": [60]})
    assert coarse.classes.k > fine.classes.k
    assert coarse.columns == {"age": "cut at 60", "sex": ""}
    assert "age (cut at 60); sex" in coarse.to_html()


def test_what_cannot_be_judged_is_said(patients: pd.DataFrame) -> None:
    with pytest.raises(CohortError, match="no column is called 'towns'.*did you mean 'town'"):
        k_anonymity(patients, ["towns"])
    with pytest.raises(CohortError, match="edges must ascend"):
        k_anonymity(patients, ["age"], bins={"age": [60, 40]})
    with pytest.raises(CohortError, match="got 0 and 1"):
        k_anonymity(patients.head(0), ["age"])
