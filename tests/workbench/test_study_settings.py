"""What a study file may say, and how it is told that it may not."""

import json
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import workbench as wb
from fusion.encoders.patches import PatchConfig
from fusion.models import FusionNet
from fusion.training import TrainingConfig
from workbench import study_checks
from workbench import study_steps as steps
from workbench.data.open_card import list_datasets, open_card
from workbench.errors import StudyError
from workbench.predict import predict
from workbench.study_settings import NetworkSettings, SplitSettings, Study

STUDY: dict[str, Any] = {
    "schema": 1,
    "card": "simulated_glioma",
    "outcome": "os",
    "modalities": ["clinical", "rna"],
    "split": {"kind": "kfold", "k": 3},
    "models": ["null", "clinical", "selected"],
    "horizons": [365, 1095],
}


def read(path: Path, **entries: Any) -> Study:
    path.write_text(yaml.safe_dump({**STUDY, **entries}), encoding="utf-8")
    return Study.from_file(path)


def test_a_study_file_is_read_and_repeated_without_paths(tmp_path: Path) -> None:
    study = read(tmp_path / "study.yaml", groups=["grade"], seed=7)
    repeated = study.resolved(open_card("simulated_glioma"))
    assert repeated["card"] == "simulated_glioma"
    assert repeated["horizons"] == [365.0, 1095.0]
    assert str(tmp_path) not in json.dumps(repeated)
    assert Study.model_validate(repeated) == study


def test_the_usual_image_encoder_is_not_repeated_and_another_is(tmp_path: Path) -> None:
    card = open_card("simulated_glioma")
    usual = read(tmp_path / "study.yaml", image_encoder="outlines")
    assert usual.resolved(card) == read(tmp_path / "study.yaml").resolved(card)
    other = read(tmp_path / "study.yaml", image_encoder="patches").resolved(card)
    assert other["image_encoder"] == "patches"
    assert isinstance(steps.embedder(Study.model_validate(other).image_encoder).config, PatchConfig)


def test_a_card_beside_the_study_is_found_from_anywhere(tmp_path: Path) -> None:
    assert read(tmp_path / "study.yaml", card="mine.md").card == str(tmp_path / "mine.md")
    absolute = str(tmp_path / "other" / "mine.md")
    assert read(tmp_path / "study.yaml", card=absolute).card == absolute


@pytest.mark.parametrize("name", list_datasets())
def test_the_default_study_of_each_card_is_valid(name: str) -> None:
    card = open_card(name)
    if not card.spec.outcomes:
        with pytest.raises(StudyError, match=f"{name} names no outcome"):
            Study.of_card(card)
        return
    study = Study.of_card(card)
    assert study.card == name
    other = next(o for o in card.spec.outcomes if o != study.outcome)
    assert Study.of_card(card, other) == study.with_outcome(other)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"sead": 3}, "sead is no entry of a study; did you mean 'seed'?"),
        ({"model": ["null"]}, "model is no entry of a study; did you mean 'models'?"),
        ({"split": {"kind": "kfold", "folds": 3}}, "split.folds is no entry of a study"),
        ({"split": {"kind": "k-fold"}}, "expected 'given', 'kfold', 'site' or 'time'"),
        ({"split": {"kind": "kfold", "repeats": 0}}, "split.repeats: should be greater"),
        ({"split": None}, "split: expected `name: value` entries"),
        ({"models": ["null", "Clinical", "selected"]}, "did you mean 'clinical'?"),
        ({"models": [None, "clinical", "selected"]}, 'put it in quotes, "null"'),
        ({"models": ["null", 5]}, "models.1: expected 'null'"),
        ({"models": ["null", "clinical", "selected", "stack", "stack"]}, "name each once"),
        ({"modalities": []}, "modalities: "),
        ({"modalities": "clinical"}, "modalities: "),
        ({"seed": -1}, "seed: should be greater than or equal to 0"),
        ({"seed": 2**32}, "seed: should be less than"),
        ({"seed": 0.5}, "seed: "),
        ({"horizons": [1, 1]}, "horizons must ascend"),
        ({"horizons": [-1]}, "horizons.0: should be greater than 0"),
        ({"horizons": 365}, "horizons: "),
        ({"image_encoder": "patch"}, "image_encoder: expected 'outlines' or 'patches'; did you"),
        ({"card": None}, "card: expected text"),
        ({"outcome": 1}, "outcome: expected text"),
        ({"select": {"has": "rna"}}, "select: "),
        ({"network": "gated"}, "network: expected `name: value` entries"),
        ({"network": None}, "network: expected `name: value` entries"),
        ({"network": {"fusser": "gated"}}, "network.fusser is no entry of a study; did you mean"),
        ({"network": {"fuser": "gatted"}}, "network.fuser: expected 'concatenation', 'gated'"),
        ({"network": {"fuser": "crossattention"}}, "did you mean 'cross_attention'?"),
        ({"network": {"fuser": None}}, "network.fuser: expected 'concatenation', 'gated'"),
        ({"network": {"genomics": "pathway"}}, "network.genomics: expected 'components' or"),
        ({"network": {"ehr": 3}}, "network.ehr: expected 'columns' or 'tokens'"),
        ({"network": {"fuser": "tensor"}}, "network shapes fusion_net: add it to models, or"),
        ({"also_split": [{"kind": "site"}, {"kind": "site"}]}, "each once"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path: Path, entries: dict[str, Any], message: str) -> None:
    with pytest.raises(StudyError) as refused:
        read(tmp_path / "study.yaml", **entries)
    assert message in str(refused.value)
    assert str(refused.value).startswith("study.yaml: ")
    assert "\n" not in str(refused.value)


def test_every_wrong_entry_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="seed: .*; sead is no entry"):
        read(tmp_path / "study.yaml", sead=3, seed=-1)


NETWORK = {"fuser": "cross_attention", "genomics": "pathways", "ehr": "tokens"}
WITH_NETWORK = ["null", "clinical", "fusion_net", "selected"]


def test_the_network_has_the_choices_and_the_defaults_of_fusion() -> None:
    from fusion import network

    fields = NetworkSettings.model_fields
    choices = {
        "fuser": network.FuserName,
        "genomics": network.GenomicsInput,
        "ehr": network.EhrInput,
    }
    assert {name: field.annotation for name, field in fields.items()} == choices
    usual = network.NetworkConfig()
    assert {name: field.default for name, field in fields.items()} == {
        name: getattr(usual, name) for name in choices
    }


def test_a_study_repeats_its_network_and_keeps_its_hash_without_one(tmp_path: Path) -> None:
    card = open_card("simulated_glioma")
    plain = read(tmp_path / "plain.yaml", models=WITH_NETWORK)
    assert "network" not in plain.resolved(card)
    usual = read(tmp_path / "usual.yaml", models=WITH_NETWORK, network={"fuser": "gated"})
    assert usual.resolved(card) == plain.resolved(card)
    tokens = read(tmp_path / "tokens.yaml", models=WITH_NETWORK, network={"ehr": "tokens"})
    repeated = tokens.resolved(card)
    assert repeated.pop("network") == {
        "fuser": "gated",
        "genomics": "components",
        "ehr": "tokens",
    }
    assert repeated == plain.resolved(card)
    assert Study.model_validate(tokens.resolved(card)) == tokens


def test_the_network_of_a_study_is_the_one_that_is_trained(tmp_path: Path) -> None:
    from fusion.models import Selected
    from fusion.network import NetworkConfig

    study = read(tmp_path / "study.yaml", models=WITH_NETWORK, network=NETWORK)
    card = open_card("simulated_glioma")
    cohort = study.split.apply(card.cohort("os"))
    ladder = steps.models(study, steps.load(study, cohort))
    shape = NetworkConfig(fuser="cross_attention", genomics="pathways", ehr="tokens")
    assert isinstance(ladder["fusion_net"], FusionNet)
    assert ladder["fusion_net"].network == shape
    selected = ladder["selected"]
    assert isinstance(selected, Selected)
    assert ladder["fusion_net"] in selected.candidates


def test_a_study_runs_with_a_network_of_its_own(
    small_study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the file to predictions of new patients, on tokens of variables and of gene sets."""
    short = partial(FusionNet, n_seeds=1, training=TrainingConfig(max_epochs=10))
    monkeypatch.setattr("fusion.models.FusionNet", short)
    small_study.study |= {
        "modalities": ["clinical", "rna"],
        "models": WITH_NETWORK,
        "network": NETWORK,
        "split": {"kind": "kfold", "k": 2},
    }
    small_study.save()
    study = Study.from_file(small_study.study_file)
    result = wb.run(study, tmp_path / "run")
    report = json.loads(result.report.with_name("report.json").read_text(encoding="utf-8"))
    assert report["study"]["network"] == NETWORK
    network, clinical = (result.predictions[name] for name in ("fusion_net", "clinical"))
    assert list(network.contributions) == ["clinical", "rna"]
    assert_allclose(sum(network.contributions.values()), network.risk_score, atol=1e-9)
    assert not np.allclose(network.risk_score, clinical.risk_score)
    risk = predict(tmp_path / "run", result.cohort.card)
    assert np.isfinite(risk["risk_score"]).all()


@pytest.mark.parametrize(
    ("modalities", "said"),
    [
        (["clinical", "rna"], "the card names none for rna: add pathways to the modality"),
        (["clinical", "mri"], "no modality of the study is of kind genomics"),
    ],
)
def test_a_network_of_gene_sets_is_refused_before_any_training_where_there_are_none(
    call: Callable[..., tuple[int, str, str]],
    small_study: Any,
    tmp_path: Path,
    modalities: list[str],
    said: str,
) -> None:
    del small_study.spec["modalities"]["rna"]["pathways"]
    small_study.study |= {
        "modalities": modalities,
        "models": WITH_NETWORK,
        "network": {"genomics": "pathways"},
    }
    small_study.save()
    out = tmp_path / "run"
    code, shown, err = call("run", small_study.study_file, "--out", out)
    assert (code, shown) == (1, "")
    assert f"network.genomics: pathways reads gene sets, and {said}" in err
    assert len(err.splitlines()) == 1
    assert not out.exists()


def test_gene_sets_of_one_modality_are_enough(small_study: Any) -> None:
    """What has none beside it is read as components."""
    modalities = small_study.spec["modalities"]
    modalities["more"] = {k: v for k, v in modalities["rna"].items() if k != "pathways"}
    small_study.study |= {
        "modalities": ["clinical", "rna", "more"],
        "models": WITH_NETWORK,
        "network": {"genomics": "pathways"},
    }
    study = Study.from_file(small_study.save().study_file)
    study_checks.check(study, study.split.apply(open_card(study.card).cohort("os")))


def test_each_way_to_split_has_its_own_title() -> None:
    ways = (
        SplitSettings(kind="kfold"),
        SplitSettings(kind="kfold", repeats=10),
        SplitSettings(kind="given", column="fold"),
        SplitSettings(kind="site"),
        SplitSettings(kind="time", column="year"),
    )
    assert [way.title for way in ways] == [
        "random folds",
        "repeated random folds",
        "published folds (fold)",
        "whole sites held out",
        "the latest patients held out (year)",
    ]


@given(text=st.text(max_size=60))
def test_any_text_is_a_study_or_is_refused(
    text: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(StudyError):
        Study.from_file(path)
    path.write_bytes(yaml.safe_dump(STUDY).encode() + b"\n" + text.encode("utf-8", "surrogatepass"))
    with suppress(StudyError):
        assert Study.from_file(path).outcome == "os"
