"""What a network sees of each patient, on whichever device it runs."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True)
class LazyFeatures:
    """Features that are read when a batch needs them, such as images that do not fit in memory.

    Parameters
    ----------
    read
        From positions of patients, (patient,) on the CPU, to their features, (patient, …). Rows
        of patients without the modality may hold anything.
    n_patients
        How many patients it can be asked for.
    fingerprint
        What identifies the content, such as the hash of the files behind it: a run is resumed
        only on the data that it started with.
    """

    read: Callable[[Int[Tensor, " patient"]], Tensor]
    n_patients: int
    fingerprint: str

    def take(self, positions: Int[Tensor, " chosen"]) -> "LazyFeatures":
        """The patients at ``positions``, in that order."""
        chosen = positions.cpu()
        return LazyFeatures(
            lambda asked: self.read(chosen[asked]),
            len(chosen),
            f"{self.fingerprint}/{hashlib.sha256(chosen.numpy().tobytes()).hexdigest()}",
        )


@dataclass(frozen=True)
class NetworkInputs:
    """Features and presence of one set of patients, by modality, in one order.

    Parameters
    ----------
    features
        (patient, …) floating point; tensors lie on the device as a whole, lazy ones batch by batch.
    present
        Which patients have each modality, (patient,).
    clinical
        The modality that training never drops.

    Raises
    ------
    ValueError
        If modalities or numbers of patients differ, or there is no clinical modality.
    """

    features: Mapping[str, Tensor | LazyFeatures]
    present: Mapping[str, Bool[Tensor, " _"]]
    clinical: str

    def __post_init__(self) -> None:
        if list(self.features) != list(self.present):
            raise ValueError(
                f"features are of {', '.join(self.features)}, present of "
                f"{', '.join(self.present)}: pass both for the same modalities, in one order"
            )
        if self.clinical not in self.features:
            raise ValueError(
                f"clinical modality {self.clinical!r} is not among {', '.join(self.features)}"
            )
        for name, values in self.features.items():
            n = values.n_patients if isinstance(values, LazyFeatures) else len(values)
            for what, length in ((f"features of {name}", n), (name, len(self.present[name]))):
                if length != self.n_patients:
                    raise ValueError(f"{what}: {length} rows for {self.n_patients} patients")

    @property
    def n_patients(self) -> int:
        return len(self.present[self.clinical])

    def to(self, device: torch.device) -> "NetworkInputs":
        """The same, its tensors on a device."""
        return replace(
            self,
            features={
                name: values if isinstance(values, LazyFeatures) else values.to(device)
                for name, values in self.features.items()
            },
            present={name: here.to(device) for name, here in self.present.items()},
        )

    def take(self, positions: Int[Tensor, " chosen"]) -> "NetworkInputs":
        """The patients at ``positions``, in that order."""
        return replace(
            self,
            features={
                name: values.take(positions)
                if isinstance(values, LazyFeatures)
                else values[positions.to(values.device)]
                for name, values in self.features.items()
            },
            present={name: here[positions.to(here.device)] for name, here in self.present.items()},
        )

    def batch(
        self, positions: Int[Tensor, " batch"]
    ) -> tuple[dict[str, Float[Tensor, "batch *_"]], dict[str, Bool[Tensor, " batch"]]]:
        """Features and presence of the patients at ``positions`` (on the CPU), on the device."""
        device = self.present[self.clinical].device
        there = positions.to(device)
        features = {
            name: _transfer(values.read(positions), device)
            if isinstance(values, LazyFeatures)
            else values[there]
            for name, values in self.features.items()
        }
        return features, {name: here[there] for name, here in self.present.items()}

    def fingerprint(self) -> str:
        """Hash of everything the network may see, hexadecimal."""
        digest = hashlib.sha256(self.clinical.encode())
        for name, values in self.features.items():
            digest.update(name.encode())
            if isinstance(values, LazyFeatures):
                digest.update(values.fingerprint.encode())
            else:
                digest.update(tensor_bytes(values))
            digest.update(tensor_bytes(self.present[name]))
        return digest.hexdigest()


def tensor_bytes(tensor: Tensor) -> bytes:
    """Type, shape and content of a tensor, for a hash."""
    content = tensor.detach().cpu().contiguous()
    header = f"{content.dtype}{tuple(content.shape)}".encode()
    return header + content.flatten().view(torch.uint8).numpy().tobytes()


def _transfer(values: Tensor, device: torch.device) -> Tensor:
    """Copy to the device; from pinned memory, so that the copy runs beside the computation."""
    if device.type != "cuda":
        return values.to(device)
    return values.pin_memory().to(device, non_blocking=True)
