"""Weights that somebody pretrained: read from safetensors, with their licence and whom they saw.

Weights carry rights and memories. A licence may forbid the use at hand; a network that was
pretrained on the patients of a study has seen those whom the study holds out. Neither can be told
from the numbers, so both stand in a record beside them, and what is unknown is warned about.
"""

import hashlib
import json
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeVar

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from fusion.backbone import Backbone
from fusion.norms import fixed_normed, group_normed

NUMBERS, RECORD = "model.safetensors", "source.json"
_NOT_COMMERCIAL = ("-nc", "noncommercial", "non-commercial")
SomeBackbone = TypeVar("SomeBackbone", bound=Backbone)


class WeightsWarning(UserWarning):
    """Something about the origin of weights that a reader of the results has to know."""


@dataclass(frozen=True)
class WeightsSource:
    """Where weights come from.

    Parameters
    ----------
    name
        What they are called, such as a hub name or the title of a release.
    licence
        SPDX identifier or the publisher's words; None where nobody says.
    cohort
        Whom they were pretrained on, in words; None where nobody says.
    reference
        Paper or address.
    sha256
        Of the file, hexadecimal; empty before it is written.
    """

    name: str
    licence: str | None
    cohort: str | None
    reference: str = ""
    sha256: str = ""

    def concerns(self, collections: Iterable[str] = ()) -> tuple[str, ...]:
        """What a reader of the results has to know, one sentence each.

        Parameters
        ----------
        collections
            Names by which the study's patients may be known to others, such as ``TCGA``.
        """
        found = []
        if self.licence is None:
            found.append(f"{self.name}: nobody says under which licence these weights are")
        elif any(word in self.licence.lower() for word in _NOT_COMMERCIAL):
            found.append(f"{self.name}: the licence {self.licence} allows no commercial use")
        if self.cohort is None:
            found.append(
                f"{self.name}: nobody says whom these weights were pretrained on; if they saw "
                "patients of this study, its held-out results are too good"
            )
        else:
            seen = [each for each in collections if each.lower() in self.cohort.lower()]
            if seen:
                found.append(
                    f"{self.name}: pretrained on {', '.join(seen)}, from which this study takes "
                    "patients: its held-out results are too good"
                )
        return tuple(found)

    def warn(self, collections: Iterable[str] = ()) -> None:
        """Issue each of the :meth:`concerns` as a :class:`WeightsWarning`."""
        for concern in self.concerns(collections):
            warnings.warn(concern, WeightsWarning, stacklevel=3)


def save_weights(backbone: Backbone, folder: Path, source: WeightsSource) -> WeightsSource:
    """Write weights and their record to a folder; the record with the file's hash is returned."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {
        name: value.detach().cpu().contiguous() for name, value in backbone.state_dict().items()
    }
    save_file(state, folder / NUMBERS)
    written = replace(source, sha256=sha256_of(folder / NUMBERS))
    (folder / RECORD).write_text(json.dumps(asdict(written), indent=1), encoding="utf-8")
    return written


def pretrained(
    backbone: SomeBackbone,
    folder: Path,
    *,
    names: Mapping[str, str] | None = None,
    collections: Iterable[str] = (),
) -> tuple[SomeBackbone, WeightsSource]:
    """Load weights into a backbone as its class builds it, and warn of what their record says.

    Batch norms keep the statistics in the file, as constants; a file without statistics is one of
    group norms.

    Parameters
    ----------
    backbone
        As its class builds it; changed in place and returned.
    folder
        With ``model.safetensors`` and ``source.json``, as :func:`save_weights` writes them.
    names
        How names in the file begin → how they begin here, such as ``{"swinViT.": "network."}``;
        what begins otherwise is left out. None takes every name as it is.
    collections
        Names by which the study's patients may be known to others.

    Raises
    ------
    ValueError
        If there are no such files, they are damaged, or they lack weights of this backbone.
    """
    source = _read_source(folder)
    path = folder / NUMBERS
    if sha256_of(path) != source.sha256:
        raise ValueError(f"{path} is not the file that {RECORD} describes: its sha256 differs")
    try:
        found = load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged: {error}") from None
    if names is not None:
        found = {
            here + name.removeprefix(there): value
            for there, here in names.items()
            for name, value in found.items()
            if name.startswith(there)
        }
    if not any(name.endswith("running_mean") for name in found):
        group_normed(backbone)
    wanted = {k: v for k, v in backbone.state_dict().items() if not k.endswith("batches_tracked")}
    unlike = [k for k, v in wanted.items() if k not in found or found[k].shape != v.shape]
    if unlike:
        raise ValueError(
            f"{path} lacks {len(unlike)} of the {len(wanted)} weights of this backbone, or has "
            f"them in another shape, such as {unlike[0]}: build the backbone that the weights "
            "belong to, or say with `names` how the file calls them"
        )
    backbone.load_state_dict({name: found[name] for name in wanted}, strict=False)
    source.warn(collections)
    return fixed_normed(backbone), source


def sha256_of(path: Path) -> str:
    """Hash of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def require_safetensors(folder: Path) -> None:
    """Refuse a folder without weights that can be read without executing anything.

    Raises
    ------
    ValueError
        If it holds no safetensors.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder: give one that holds {NUMBERS}")
    if not any(folder.glob("*.safetensors")):
        others = sorted(
            path.name
            for path in folder.iterdir()
            if path.suffix in (".bin", ".pt", ".pth", ".ckpt")
        )
        raise ValueError(
            f"{folder} holds no safetensors"
            + (
                f", but {others[0]}, which could run code when it is read: convert it where you "
                "trust it"
                if others
                else ""
            )
        )


def _read_source(folder: Path) -> WeightsSource:
    require_safetensors(folder)
    try:
        return WeightsSource(**json.loads((folder / RECORD).read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ValueError(
            f"{folder} has no {RECORD}: weights need a record of their name, licence and "
            "pretraining cohort (null where unknown), and sha256"
        ) from None
    except (json.JSONDecodeError, TypeError) as error:
        raise ValueError(f"{folder / RECORD} is no record of weights: {error}") from None
