"""Vision models of transformers from a folder: tiny, random, and written by the test."""

import json
from pathlib import Path

import pytest
import torch
import transformers
from torch.testing import assert_close

from fusion.encoders.hub import open_hub_backbone
from fusion.weights import WeightsWarning

SMALL = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2}
MODELS = {
    "dinov2": lambda: transformers.Dinov2Model(
        transformers.Dinov2Config(image_size=28, patch_size=14, mlp_ratio=2, **SMALL)
    ),
    "vit": lambda: transformers.ViTModel(
        transformers.ViTConfig(image_size=32, patch_size=8, intermediate_size=48, **SMALL),
        add_pooling_layer=False,
    ),
    "swin": lambda: transformers.SwinModel(
        transformers.SwinConfig(
            image_size=32,
            patch_size=4,
            embed_dim=12,
            depths=[1, 1],
            num_heads=[2, 2],
            window_size=4,
        ),
        add_pooling_layer=False,
    ),
    "resnet": lambda: transformers.ResNetModel(
        transformers.ResNetConfig(
            embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], image_size=32
        )
    ),
}
CARD = "---\nlicense: apache-2.0\ndatasets:\n- imagenet-1k\n---\n# A model\n"


@pytest.fixture(params=MODELS)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    torch.manual_seed(0)
    MODELS[request.param]().save_pretrained(tmp_path)
    (tmp_path / "README.md").write_text(CARD)
    preparation = {"image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.2, 0.1]}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(preparation))
    return tmp_path


def test_a_folder_gives_features_with_the_models_own_preparation(folder):
    backbone, source = open_hub_backbone(folder)
    assert (source.licence, source.cohort) == ("apache-2.0", "imagenet-1k")
    assert len(source.sha256) == 64
    model = transformers.AutoModel.from_pretrained(folder).eval()
    size = backbone.size
    images = torch.rand(3, 3, *size, generator=torch.Generator().manual_seed(1))
    mean = torch.tensor([0.5, 0.4, 0.3]).view(3, 1, 1)
    spread = torch.tensor([0.2, 0.2, 0.1]).view(3, 1, 1)
    with torch.no_grad():
        features = backbone.eval()(images)
        hidden = model((images - mean) / spread).last_hidden_state
        expected = (
            hidden.mean(dim=(2, 3))
            if hidden.ndim == 4
            else hidden[:, 0]
            if backbone.has_class_token
            else hidden.mean(dim=1)
        )
        assert_close(features, expected, atol=1e-5, rtol=1e-4)
        even = torch.rand(2, 3, 1, 1, generator=torch.Generator().manual_seed(2))
        larger = even.expand(-1, -1, 2 * size[0], 3 * size[1])
        expected = backbone(even.expand(-1, -1, *size))
        assert_close(backbone(larger), expected, atol=1e-4, rtol=1e-3)
    assert features.shape == (3, backbone.n_features)
    assert backbone.has_class_token == (model.config.model_type in ("dinov2", "vit"))


def test_grey_images_stand_in_all_colours_and_others_are_refused(folder):
    grey, _ = open_hub_backbone(folder, n_channels=1)
    colour, _ = open_hub_backbone(folder)
    images = torch.rand(2, 1, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert_close(grey.eval()(images), colour.eval()(images.expand(-1, 3, -1, -1)))
    with pytest.raises(ValueError, match="takes 3 channels, the images have 2"):
        open_hub_backbone(folder, n_channels=2)


@pytest.mark.parametrize("model", ["vit"])
def test_what_is_unknown_is_warned_about_and_code_is_refused(model, tmp_path):
    torch.manual_seed(0)
    MODELS[model]().save_pretrained(tmp_path)
    with (
        pytest.warns(WeightsWarning, match="under which licence"),
        pytest.warns(WeightsWarning, match="whom these weights were pretrained on"),
    ):
        open_hub_backbone(tmp_path)
    config = tmp_path / "config.json"
    described = json.loads(config.read_text())
    config.write_text(json.dumps(described | {"auto_map": {"AutoModel": "own.Model"}}))
    with pytest.raises(ValueError, match="asks to run code of its own"):
        open_hub_backbone(tmp_path)
    (tmp_path / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    with pytest.raises(ValueError, match="could run code when it is read"):
        open_hub_backbone(tmp_path)
