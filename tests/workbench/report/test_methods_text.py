"""The methods in sentences: what they say of studies that are not the usual one."""

import copy
from typing import Any

import pytest

from workbench.report.methods_text import methods_sentences

Document = dict[str, Any]


@pytest.fixture
def changed(document: Document) -> Document:
    return copy.deepcopy(document)


def told(document: Document) -> dict[str, str]:
    return {topic: " ".join(sentences) for topic, sentences in methods_sentences(document).items()}


def test_a_cut_in_time_divides_those_who_train_from_those_who_are_predicted(
    changed: Document,
) -> None:
    changed["definition"]["split"] = {"kind": "time", "column": "year", "k": 5, "from": 2015.0}
    changed["evaluation_settings"]["n_folds"] = 1
    changed["chosen"] = changed["chosen"][:1]
    methods = told(changed)
    assert (
        "developed in 288 earlier patients with 150 events and evaluated in 360 patients"
        in (methods["Patients and outcome"])
    )
    assert "each part" not in methods["Division of the data"]
    assert (
        "(year from 2015 on is held out): models of the earlier patients predict the later"
        in (methods["Division of the data"])
    )
    assert "outer folds" not in methods["Models"]
    assert "The selected model is combined model." in methods["Models"]
    del changed["chosen"][0]["n_train"]
    assert "Models were evaluated in 360 patients" in told(changed)["Patients and outcome"]
