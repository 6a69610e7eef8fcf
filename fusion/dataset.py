"""Aligned arrays of one cohort: what every encoder and risk model takes."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

Kind = Literal["ehr", "genomics", "image", "embedding"]


@dataclass(frozen=True)
class Modality:
    """One kind of input, one row a patient.

    Parameters
    ----------
    name
        As the card calls it, such as ``"rna"``.
    kind
        What the values are: ``ehr`` (patient, column), ``genomics`` (patient, gene), ``image``
        (patient, slice, channel, height, width) or ``embedding`` (patient, embed).
    values
        float32 for images, else float64. Rows of patients without the modality are zero. Within
        ``ehr`` and ``genomics`` rows that are present, NaN marks a missing measurement; models
        fill it from their training fold.
    present
        Whether the patient has the modality, (patient,) bool.
    names
        Name of each feature (``age``, ``grade=G4``), or of each channel of an image.
    groups
        Feature sets by name: the columns of one categorical variable, the genes of a pathway.
        Genes absent from ``names`` may not appear.
    scaling
        ``standardise`` brings features to unit variance inside the training fold; ``centre``
        only centres them, which is right for 0/1 features whose frequency carries meaning.
    masks
        For images with an annotated region, (patient, slice, height, width) bool; else None.
    direction
        For a score that was learned elsewhere, (feature,): models see one column, the sum of the
        features by these weights once they are ranked and scaled inside the training fold. None
        where models see the features themselves.
    """

    name: str
    kind: Kind
    values: np.ndarray
    present: np.ndarray
    names: tuple[str, ...]
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    scaling: Literal["standardise", "centre"] = "standardise"
    masks: np.ndarray | None = None
    direction: np.ndarray | None = None

    def __post_init__(self) -> None:
        n_dimensions = {"ehr": 2, "genomics": 2, "embedding": 2, "image": 5}[self.kind]
        if self.values.ndim != n_dimensions:
            raise ValueError(
                f"{self.name}: {self.kind} values must have {n_dimensions} dimensions, "
                f"got shape {self.values.shape}"
            )
        if self.present.shape != self.values.shape[:1] or self.present.dtype != bool:
            raise ValueError(
                f"{self.name}: present must be bool of shape {self.values.shape[:1]}, "
                f"got {self.present.dtype} of shape {self.present.shape}"
            )
        axis = 2 if self.kind == "image" else 1
        if len(self.names) != self.values.shape[axis]:
            raise ValueError(
                f"{self.name}: {self.values.shape[axis]} features but {len(self.names)} names"
            )
        unknown = {n for members in self.groups.values() for n in members} - set(self.names)
        if unknown:
            raise ValueError(
                f"{self.name}: {len(unknown)} members of groups are not features, "
                f"such as {sorted(unknown)[0]!r}"
            )
        if self.masks is not None and (self.kind != "image" or self.masks.shape != self._space()):
            raise ValueError(
                f"{self.name}: masks must have shape {self._space()}, got {self.masks.shape}"
            )
        if self.direction is not None and self.direction.shape != (len(self.names),):
            raise ValueError(
                f"{self.name}: direction must have one weight a feature ({len(self.names)},), "
                f"got {self.direction.shape}"
            )
        if self.kind == "image" and np.isnan(self.values).any():
            raise ValueError(f"{self.name}: images hold NaN; a damaged image is an absent one")
        if np.isinf(self.values).any():
            raise ValueError(f"{self.name}: infinite values; pass NaN for a missing measurement")
        if self.values[~self.present].any():
            raise ValueError(f"{self.name}: rows of patients without it must be zero")

    @property
    def n_patients(self) -> int:
        return len(self.present)

    def _space(self) -> tuple[int, ...]:
        return (*self.values.shape[:2], *self.values.shape[3:])

    def take(self, index: np.ndarray) -> "Modality":
        """The same modality for the patients at ``index`` (positions or a bool mask)."""
        return replace(
            self,
            values=self.values[index],
            present=self.present[index],
            masks=None if self.masks is None else self.masks[index],
        )


@dataclass(frozen=True)
class PatientDataset:
    """Outcome and modalities of one cohort, aligned by row.

    Parameters
    ----------
    patient_id
        (patient,) str, unique.
    time
        Time from the index date to event or censoring, (patient,) float64, positive. Of an outcome
        without a time only an order: those with the event before all others.
    event
        True where the event was observed, (patient,) bool.
    time_unit
        Unit of ``time``, such as ``"days"``; None where the event is there or not, without a time.
    modalities
        By name, in the order of the study.
    clinical
        Name of the modality that anchors every comparison.
    strata
        Label of the group that a stratified null uses, (patient,) str; None without groups.
    """

    patient_id: np.ndarray
    time: np.ndarray
    event: np.ndarray
    time_unit: str | None
    modalities: Mapping[str, Modality]
    clinical: str = "clinical"
    strata: np.ndarray | None = None

    def __post_init__(self) -> None:
        n = len(self.patient_id)
        if len(np.unique(self.patient_id)) != n:
            raise ValueError("patient_id must be unique")
        if self.event.dtype != bool:
            raise ValueError(f"event must be boolean, got {self.event.dtype}: pass `event == 1`")
        for what, length in {
            "time": len(self.time),
            "event": len(self.event),
            "strata": n if self.strata is None else len(self.strata),
            **{name: m.n_patients for name, m in self.modalities.items()},
        }.items():
            if length != n:
                raise ValueError(f"{what}: {length} rows for {n} patients")
        if not (np.isfinite(self.time).all() and (self.time > 0).all()):
            bad = int((~(np.isfinite(self.time) & (self.time > 0))).sum())
            raise ValueError(f"time must be positive and finite; {bad} of {n} are not")
        if self.clinical not in self.modalities:
            raise ValueError(
                f"clinical modality {self.clinical!r} is not among {list(self.modalities)}"
            )

    @property
    def n_patients(self) -> int:
        return len(self.patient_id)

    @property
    def n_events(self) -> int:
        return int(self.event.sum())

    @property
    def has_time(self) -> bool:
        """Whether the outcome is a time; else the event is there or not, and nobody is censored."""
        return self.time_unit is not None

    def take(self, index: np.ndarray) -> "PatientDataset":
        """The patients at ``index`` (positions or a bool mask), in that order."""
        return replace(
            self,
            patient_id=self.patient_id[index],
            time=self.time[index],
            event=self.event[index],
            modalities={name: m.take(index) for name, m in self.modalities.items()},
            strata=None if self.strata is None else self.strata[index],
        )

    def replace_modality(self, modality: Modality) -> "PatientDataset":
        """The same patients, with one modality exchanged for another of the same name."""
        return replace(self, modalities={**self.modalities, modality.name: modality})
