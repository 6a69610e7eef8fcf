"""Two overlapping queries of a restricted dataset: the second is refused, before any training."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.data.open_card import open_card
from workbench.errors import PrivacyError
from workbench.study import run
from workbench.study_settings import Study

OLDER = [{"column": "age", "op": ">=", "value": 40}]
FEW_LESS = [{"column": "age", "op": ">=", "value": 44}]


@pytest.fixture
def restricted(small_study: Any) -> Any:
    small_study.spec["privacy"] = {"minimum_cell": 10, "restricted": True}
    small_study.study |= {"modalities": ["clinical"], "models": ["null", "clinical", "selected"]}
    return small_study


def asking(restricted: Any, select: list[Mapping[str, Any]], **entries: Any) -> Path:
    restricted.study |= {"select": select, **entries}
    return restricted.save().study_file


def test_the_planted_pair_differs_by_fewer_than_the_minimum(restricted: Any) -> None:
    asking(restricted, OLDER)
    age = open_card(restricted.card).cohort("os").patients["age"]
    assert 0 < int(((age >= 40) & (age < 44)).sum()) < 10
    assert int((age >= 44).sum()) > 50


def test_the_command_line_refuses_the_second_of_two_overlapping_cohorts(
    call: Any, restricted: Any
) -> None:
    code, shown, _ = call("cohort", asking(restricted, OLDER))
    assert code == 0
    assert "Table one by sex" in shown
    code, shown, error = call("cohort", asking(restricted, FEW_LESS))
    assert code == 1
    assert shown == ""
    assert "differs from “patients of os, age ≥ 40" in error
    assert "change it until at least 10 patients differ" in error
    assert call("cohort", asking(restricted, OLDER))[0] == 0
    code, shown, _ = call("data", "released", restricted.card)
    assert code == 0
    assert "patients of os, age ≥ 40" in shown
    assert "age ≥ 44" not in shown
    assert "delete it only if none of them left the room" in shown


def test_what_the_command_line_showed_a_study_may_not_narrow_a_little(
    call: Any, restricted: Any, tmp_path: Path
) -> None:
    assert call("cohort", asking(restricted, OLDER))[0] == 0
    with pytest.raises(PrivacyError, match="differs from “patients of os, age ≥ 40"):
        run(Study.from_file(asking(restricted, FEW_LESS)), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_groups_of_table_one_that_give_few_away_are_left_out(call: Any, restricted: Any) -> None:
    study = asking(restricted, [])
    cohort = open_card(restricted.card).cohort("os")
    women = (cohort.patients["sex"] == "f").to_numpy()
    women[np.flatnonzero(women)[:2]] = False
    cohort.release_log.show(cohort.patients.index.to_numpy(object), {"women, but two": women})
    code, shown, _ = call("cohort", study)
    assert code == 0
    assert "Table one by sex" not in shown
    said = " ".join(shown.split())
    assert "table one by sex is withheld: This selection differs from “women, but two”" in said
