"""Any vision backbone of ``transformers``, from a folder or by its hub name.

``transformers`` comes with the extra ``encoders``.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
import transformers
from huggingface_hub import ModelCard, snapshot_download
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from fusion.backbone import Backbone, mean_over_space
from fusion.norms import fixed_normed
from fusion.weights import WeightsSource, require_safetensors, sha256_of

WANTED = ("*.json", "*.safetensors", "README.md")


class HubBackbone(Backbone):
    """A pretrained vision model, such as DINOv2, ViT, Swin or ConvNeXt.

    Images in [0, 1] are brought to the size, mean and spread that the model was pretrained with;
    a grey image stands in all three colours. The features are the model's class token, or the mean
    over its tokens or space where it has none.

    Parameters
    ----------
    model
        Of ``transformers``.
    n_channels
        Of an image: 1, or as many as the model takes.
    mean, spread
        By which each of the model's channels is standardised.

    Raises
    ------
    ValueError
        If the model takes another number of channels.
    """

    mean: Tensor
    spread: Tensor

    def __init__(
        self,
        model: transformers.PreTrainedModel,
        n_channels: int,
        *,
        mean: Iterable[float],
        spread: Iterable[float],
    ) -> None:
        config = model.config
        takes = getattr(config, "num_channels", 3)
        if n_channels not in (1, takes):
            raise ValueError(
                f"the model takes {takes} channels, the images have {n_channels}: choose 1 or "
                f"{takes} of them"
            )
        widths = getattr(config, "hidden_sizes", None)
        super().__init__(2, n_channels, widths[-1] if widths else config.hidden_size)
        self.model = fixed_normed(model)
        size = config.image_size
        self.size = (size, size) if isinstance(size, int) else tuple(size)
        self.register_buffer("mean", torch.tensor(tuple(mean)).view(1, -1, 1, 1), persistent=False)
        self.register_buffer(
            "spread", torch.tensor(tuple(spread)).view(1, -1, 1, 1), persistent=False
        )
        self.has_class_token = any(
            name.endswith("cls_token") for name, _ in model.named_parameters()
        )

    def forward(
        self, images: Float[Tensor, "image channel height width"]
    ) -> Float[Tensor, "image feature"]:
        """Features of each image."""
        sized = functional.interpolate(
            images, self.size, mode="bilinear", align_corners=False, antialias=True
        )
        hidden = self.model((sized - self.mean) / self.spread).last_hidden_state
        if hidden.ndim == 4:
            return mean_over_space(hidden)
        # (image, token, feature) → (image, feature)
        return hidden[:, 0] if self.has_class_token else hidden.mean(dim=1)

    def stages(self) -> tuple[nn.Module, ...]:
        """The model's blocks, those of its longest list of modules."""
        lists = [m for m in self.model.modules() if isinstance(m, nn.ModuleList)]
        blocks = list(max(lists, key=len))
        return (*blocks[:-1], nn.ModuleList([blocks[-1], *_last_norms(self.model)]))


def open_hub_backbone(
    place: Path | str,
    *,
    n_channels: int = 3,
    revision: str | None = None,
    collections: Iterable[str] = (),
) -> tuple[HubBackbone, WeightsSource]:
    """A backbone and where its weights come from; nothing that comes with it is executed.

    Licence and pretraining data are what the model's card says (``license``, ``datasets``). What it
    leaves out is warned about.

    Parameters
    ----------
    place
        A folder (:class:`~pathlib.Path`), or the name of a model on the hub (``str``), which is
        fetched once into the hub's own cache.
    n_channels
        Of an image.
    revision
        Commit on the hub; pin it for a study.
    collections
        Names by which the study's patients may be known to others.

    Raises
    ------
    ValueError
        If there are no safetensors, or the model asks to run code of its own.
    """
    folder = (
        place
        if isinstance(place, Path)
        else Path(snapshot_download(place, revision=revision, allow_patterns=list(WANTED)))
    )
    require_safetensors(folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if "auto_map" in config:
        raise ValueError(f"{folder.name} asks to run code of its own, which is refused")
    with _no_progress_bar():
        model = transformers.AutoModel.from_pretrained(
            folder, use_safetensors=True, local_files_only=True, dtype=torch.float32
        )
    source = _source(folder, str(place) if isinstance(place, str) else folder.name)
    source.warn(collections)
    n_taken = config.get("num_channels", 3)
    preparation = _preparation(folder)
    return (
        HubBackbone(
            model,
            n_channels,
            mean=preparation.get("image_mean") or [0.0] * n_taken,
            spread=preparation.get("image_std") or [1.0] * n_taken,
        ),
        source,
    )


def _preparation(folder: Path) -> dict[str, list[float]]:
    path = folder / "preprocessor_config.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _source(folder: Path, name: str) -> WeightsSource:
    licence = cohort = None
    card = folder / "README.md"
    if card.is_file():
        said = ModelCard.load(card).data.to_dict()
        licence = said.get("license")
        datasets = said.get("datasets")
        cohort = ", ".join([datasets] if isinstance(datasets, str) else datasets or ()) or None
    files = sorted(folder.glob("*.safetensors"))
    return WeightsSource(name, licence, cohort, sha256=" ".join(map(sha256_of, files)))


def _last_norms(model: nn.Module) -> list[nn.Module]:
    return [
        module
        for name, module in model.named_children()
        if name in ("layernorm", "layer_norm", "norm", "post_layernorm")
    ]


@contextmanager
def _no_progress_bar() -> Iterator[None]:
    shown = transformers.utils.logging.is_progress_bar_enabled()
    transformers.utils.logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            transformers.utils.logging.enable_progress_bar()
