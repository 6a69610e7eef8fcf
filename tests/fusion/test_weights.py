"""Weights from safetensors: as they were, with their norms, and with what is known of them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

from fusion.encoders.mobilenet import MobileNetBackbone
from fusion.norms import FixedNorm, group_normed
from fusion.weights import WeightsSource, WeightsWarning, pretrained, save_weights

KNOWN = WeightsSource("tiny", "Apache-2.0", "1,000 simulated radiographs")


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.rand(4, 1, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def pretrained_backbone(images: torch.Tensor) -> MobileNetBackbone:
    """With batch norms that have seen images."""
    torch.manual_seed(0)
    backbone = MobileNetBackbone("small", 1)
    with torch.no_grad():
        for _ in range(3):
            backbone(images)
    return backbone.eval()


@torch.no_grad()
def test_a_folder_gives_back_what_was_pretrained_with_its_statistics(
    tmp_path, pretrained_backbone, images
):
    written = save_weights(pretrained_backbone, tmp_path, KNOWN)
    loaded, source = pretrained(MobileNetBackbone("small", 1), tmp_path)
    assert source == written
    assert len(source.sha256) == 64
    assert loaded.training
    # Constants: in training mode too, and whoever else is in the batch.
    assert_close(loaded(images), pretrained_backbone(images), atol=1e-5, rtol=1e-4)
    assert_close(loaded(images[:1]), loaded(images)[:1], atol=1e-5, rtol=1e-4)
    assert any(isinstance(module, FixedNorm) for module in loaded.modules())


@torch.no_grad()
def test_weights_with_group_norm_and_other_names_load_too(tmp_path, images):
    torch.manual_seed(1)
    own = group_normed(MobileNetBackbone("small", 1)).eval()
    save_weights(own, tmp_path, KNOWN)
    loaded, _ = pretrained(
        MobileNetBackbone("small", 1), tmp_path, names={"features.": "features."}
    )
    assert_close(loaded.eval()(images), own(images))
    with pytest.raises(
        ValueError, match=r"lacks 1\d\d of the 1\d\d weights .* features.0.0.weight"
    ):
        pretrained(MobileNetBackbone("small", 1), tmp_path, names={"encoder.": "features."})
    with pytest.raises(ValueError, match="in another shape, such as features.0.0.weight"):
        pretrained(MobileNetBackbone("small", 2), tmp_path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"licence": None}, "nobody says under which licence"),
        ({"licence": "CC-BY-NC-4.0"}, "allows no commercial use"),
        ({"cohort": None}, "nobody says whom"),
        ({"cohort": "slides of TCGA and CPTAC"}, "pretrained on TCGA, from which this study"),
    ],
)
def test_what_a_reader_has_to_know_is_warned_about(tmp_path, pretrained_backbone, changes, words):
    save_weights(pretrained_backbone, tmp_path, replace(KNOWN, **changes))
    with pytest.warns(WeightsWarning, match=words):
        pretrained(MobileNetBackbone("small", 1), tmp_path, collections=["TCGA"])
    assert len(replace(KNOWN, **changes).concerns(["TCGA"])) == 1
    assert not KNOWN.concerns(["TCGA"])


def test_what_is_not_safe_or_not_described_is_refused(tmp_path, pretrained_backbone):
    def load(folder: Path) -> None:
        pretrained(MobileNetBackbone("small", 1), folder)

    with pytest.raises(ValueError, match="is no folder"):
        load(tmp_path / "nowhere")
    (tmp_path / "weights.pt").write_bytes(b"\x80\x04.")
    with pytest.raises(ValueError, match=r"but weights\.pt, which could run code"):
        load(tmp_path)
    save_weights(pretrained_backbone, tmp_path, KNOWN)
    record = tmp_path / "source.json"
    described = json.loads(record.read_text())
    record.write_text(json.dumps(described | {"sha256": "0" * 64}))
    with pytest.raises(ValueError, match="its sha256 differs"):
        load(tmp_path)
    record.write_text("{}")
    with pytest.raises(ValueError, match="is no record of weights"):
        load(tmp_path)
    record.unlink()
    with pytest.raises(ValueError, match=r"has no source\.json: weights need a record"):
        load(tmp_path)
