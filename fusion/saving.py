"""Records on disk: numbers as safetensors, everything else as JSON. Nothing on disk is executed.

A record is a frozen dataclass of this package. Its arrays go to one safetensors file under the path
of the field that holds them; the rest goes to a JSON file that names the class of each record.
"""

import json
import math
import os
import shutil
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from fusion.baseline_hazard import BaselineHazard
from fusion.baseline_odds import BaselineOdds
from fusion.components import Components
from fusion.embeddings import FittedEmbedder
from fusion.encoders.image import ImageEncoder, ImageEncoderConfig
from fusion.encoders.patches import PatchConfig, PatchEncoder
from fusion.explanation.attribution import Attribution, FeatureAttribution, ImageAttribution
from fusion.explanation.checks import Check
from fusion.models.blend import FittedBlend
from fusion.models.fusion_net import FittedNet
from fusion.models.linear import FittedLinear
from fusion.models.network_features import NetworkReader
from fusion.models.null import FittedNull
from fusion.models.task_net import FittedTaskNet
from fusion.network import ModalityInputs, NetworkConfig
from fusion.outcome_losses import CensoringCurve
from fusion.predictions import Predictions, Ranking
from fusion.tasks import (
    CompetingRisksTask,
    ContinuousTask,
    CoxTask,
    DiscreteHazardTask,
    FittedCompetingRisks,
    FittedContinuous,
    FittedCox,
    FittedDiscreteHazard,
    FittedHorizonRisk,
    HorizonRiskTask,
)

FORMAT = 1
RECORDS = {
    record.__name__: record
    for record in (
        Attribution,
        BaselineHazard,
        BaselineOdds,
        CensoringCurve,
        Check,
        CompetingRisksTask,
        Components,
        ContinuousTask,
        CoxTask,
        DiscreteHazardTask,
        FeatureAttribution,
        FittedBlend,
        FittedCompetingRisks,
        FittedContinuous,
        FittedCox,
        FittedDiscreteHazard,
        FittedEmbedder,
        FittedHorizonRisk,
        FittedLinear,
        FittedNet,
        FittedNull,
        FittedTaskNet,
        HorizonRiskTask,
        ImageAttribution,
        ImageEncoderConfig,
        ModalityInputs,
        NetworkConfig,
        NetworkReader,
        PatchConfig,
        Predictions,
        Ranking,
    )
}
ENTRIES = ("record.json", "numbers.safetensors")


def save_record(record: Any, folder: Path) -> None:
    """Write a record, or a dict of records, to a new folder, whole or not at all.

    Raises
    ------
    ValueError
        If the folder exists, or a value is none that a record may hold.
    """
    if folder.exists():
        raise ValueError(f"{folder.name} exists already: choose another folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    try:
        numbers: dict[str, torch.Tensor] = {}
        content = {"format": FORMAT, "record": _encode(record, "", numbers)}
        # Unsorted: the order of the modalities is the order of a network's weights.
        text = json.dumps(content, indent=1, allow_nan=False)
        (part / ENTRIES[0]).write_text(text, encoding="utf-8")
        save_file(numbers, part / ENTRIES[1])
        os.chmod(part, 0o755)
        os.rename(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def load_record(folder: Path) -> Any:
    """Read what :func:`save_record` wrote.

    Raises
    ------
    ValueError
        If the folder holds no record, a damaged one, or one of another format.
    """
    missing = [name for name in ENTRIES if not (folder / name).is_file()]
    if missing:
        raise ValueError(f"{folder} holds no saved record: {', '.join(missing)} missing")
    try:
        content = json.loads((folder / ENTRIES[0]).read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{folder / ENTRIES[0]} is not JSON: {error}") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(f"{folder} is not of format {FORMAT}, which this version reads")
    try:
        return _decode(content["record"], load_file(folder / ENTRIES[1]))
    except (KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise ValueError(f"{folder} holds a damaged record: {error}") from None


def _encode(value: Any, path: str, numbers: dict[str, torch.Tensor]) -> Any:
    match value:
        case float() if not math.isfinite(value):  # JSON has no such number.
            return {"float": repr(value)}
        case None | bool() | int() | float() | str():
            return value
        case np.ndarray() if value.dtype.kind == "U":
            return {"texts": value.tolist()}
        case np.ndarray():
            numbers[path] = torch.as_tensor(value.copy())
            return {"array": path}
        case torch.Tensor():
            numbers[path] = value.detach().cpu().contiguous().clone()
            return {"tensor": path}
        case ImageEncoder():
            return _encode_encoder(value, path, numbers)
        case PatchEncoder():
            parts = {"n_channels": value.n_channels, "config": value.config}
            return {"patch_encoder": _encode({**parts, "state": value.state_dict()}, path, numbers)}
        case Mapping():
            return {"dict": {k: _encode(v, f"{path}/{k}", numbers) for k, v in value.items()}}
        case tuple() | list():
            return {"tuple": [_encode(v, f"{path}/{i}", numbers) for i, v in enumerate(value)]}
    if is_dataclass(value) and type(value).__name__ in RECORDS:
        parts = {
            f.name: _encode(getattr(value, f.name), f"{path}/{f.name}", numbers)
            for f in fields(value)
            if f.metadata.get("saved", True)
        }
        return {"class": type(value).__name__, "fields": parts}
    raise ValueError(f"a {type(value).__name__} at {path or 'the top'} cannot be saved")


def _encode_encoder(encoder: ImageEncoder, path: str, numbers: dict[str, torch.Tensor]) -> Any:
    return {
        "image_encoder": {
            "n_channels": encoder.n_channels,
            "outlines": encoder.outlines,
            "config": _encode(encoder.config, path, numbers),
            "state": _encode(encoder.state_dict(), path, numbers),
        }
    }


def _decode(content: Any, numbers: Mapping[str, torch.Tensor]) -> Any:
    if not isinstance(content, dict):
        return content

    def again(part: Any) -> Any:
        return _decode(part, numbers)

    match content:
        case {"float": text}:
            return float(text)
        case {"texts": texts}:
            return np.array(texts, dtype=str)
        case {"array": path}:
            return numbers[path].numpy()
        case {"tensor": path}:
            return numbers[path]
        case {"dict": items}:
            return {key: again(part) for key, part in items.items()}
        case {"tuple": parts}:
            return tuple(again(part) for part in parts)
        case {"image_encoder": parts}:
            encoder = ImageEncoder(parts["n_channels"], parts["outlines"], again(parts["config"]))
            encoder.load_state_dict(again(parts["state"]))
            return encoder.to(memory_format=torch.channels_last).eval()
        case {"patch_encoder": content}:
            parts = again(content)
            dictionary = PatchEncoder(parts["n_channels"], parts["config"])
            dictionary.load_state_dict(parts["state"])
            return dictionary.eval()
        case {"class": name, "fields": parts} if name in RECORDS:
            _require_fields(RECORDS[name], parts)
            return RECORDS[name](**{key: again(part) for key, part in parts.items()})
    raise ValueError(f"unknown content in a saved record: {sorted(content)[:3]}")


def _require_fields(record: type, saved: Collection[str]) -> None:
    """Raise TypeError unless a saved record has every field that has no default."""
    needed = [
        f.name for f in fields(record) if f.default is MISSING and f.default_factory is MISSING
    ]
    lacking = [name for name in needed if name not in saved]
    if lacking:
        raise TypeError(
            f"a {record.__name__} without {', '.join(lacking)}. If an earlier version wrote it, "
            "its predictions are not those of this one: fit the model again"
        )
