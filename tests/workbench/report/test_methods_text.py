"""The methods in sentences: what they say of studies that are not the usual one."""

import copy
from typing import Any

import pytest

from fusion.network import NetworkConfig
from workbench.report.evidence import holds
from workbench.report.methods_models import NETWORK_INPUTS, USUAL_NETWORK
from workbench.report.methods_text import methods_sentences
from workbench.report.reporting_checklists import fill, reporting_checklist

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


def test_sites_held_out_are_known_by_the_kind_of_the_folds_and_not_by_a_title(
    document: Document, changed: Document
) -> None:
    assert document["other_splits"][0]["kind"] == "site"
    methods = told(document)
    assert (
        "whole hospitals show how models fare in sites" in (methods["Training and evaluation data"])
    )
    assert "folds with whole hospitals" in methods["Sites"]
    assert holds("clusters", {**document, "subgroups": []})
    split = changed["other_splits"][0]
    split.update(kind="given", title="published folds (composite_fold)")
    methods = told(changed)
    assert "sites" not in methods["Training and evaluation data"]
    assert "composite_fold" not in methods["Sites"]
    assert not holds("clusters", {**changed, "subgroups": []})


def test_the_network_is_told_as_the_study_shaped_it(changed: Document) -> None:
    usual = told(changed)
    assert "leading 16 directions alone" in usual["Preparation"]
    assert "token" not in usual["Preparation"] + usual["Missing data"]
    changed["study"]["network"] = {
        "fuser": "cross_attention",
        "genomics": "pathways",
        "ehr": "tokens",
    }
    methods = told(changed)
    assert "each set is one token" in methods["Preparation"]
    assert "reads each clinical variable" in methods["Preparation"]
    assert "a missing clinical value has a learned token" in methods["Missing data"]
    assert "fuser: cross attention" in methods["Models"]


def test_what_the_methods_say_of_the_usual_network_is_what_it_is() -> None:
    config = NetworkConfig()
    assert {name: getattr(config, name) for name in USUAL_NETWORK} == USUAL_NETWORK
    assert config.max_inputs == NETWORK_INPUTS


def test_without_a_network_nothing_is_said_of_one(changed: Document) -> None:
    assert "Penalties, epochs and the selected model" in told(changed)["Models"]
    changed["ladder"] = [row for row in changed["ladder"] if row["model"] != "fusion_net"]
    methods = told(changed)
    assert "Penalties and the selected model" in methods["Models"]
    own = " ".join(methods[topic] for topic in ("Preparation", "Missing data", "Models"))
    assert "epochs" not in own
    assert "The fusion network" not in own


def test_it_is_told_how_parameters_were_initialised(changed: Document) -> None:
    whole = told(changed)["Initial weights"]
    assert "regressions are initialised at 0" in whole
    assert "each fusion network of the ensemble are initialised at random" in whole
    assert "drawn with seed 0; nothing is pretrained" in whole
    assert "image encoder" not in whole
    changed["modalities"][2]["kind"] = "image"
    assert "Weights of the image encoder" in told(changed)["Initial weights"]
    changed["study"]["image_encoder"] = "patches"
    assert "dictionary of patches is initialised" in told(changed)["Initial weights"]
    assert claim(changed)["24"] == "auto"
    changed["ladder"] = [row for row in changed["ladder"] if row["model"].startswith("null")]
    assert claim(changed)["24"] == "missing"


def claim(document: Document) -> dict[str, str]:
    return {each.item.id: each.status for each in fill(reporting_checklist("claim"), document)}


def test_a_chosen_model_that_is_none_of_those_compared_is_explained(changed: Document) -> None:
    assert "Blend of models" not in told(changed)["Models"]
    changed["chosen"][0]["model"] = "blend"
    models = told(changed)["Models"]
    assert "blend of models in 1" in models
    assert "Blend of models: a Cox model on the out-of-fold scores of the models" in models
