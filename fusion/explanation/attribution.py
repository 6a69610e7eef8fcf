"""Why a model said what it said: the record that every explanation method returns."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from fusion.dataset import PatientDataset
from fusion.explanation.checks import Check

Target = Literal["log_hazard", "log_odds", "survival", "risk"]
SCORES: tuple[Target, ...] = ("log_hazard", "log_odds")
"""Risk scores, which do not depend on time."""

TOLERANCE = 1e-6


def score_target(dataset: PatientDataset) -> Target:
    """What a risk score of these patients is called."""
    return "log_hazard" if dataset.has_time else "log_odds"


@dataclass(frozen=True)
class FeatureAttribution:
    """Contributions of the features of one modality.

    Parameters
    ----------
    names
        Name of each feature.
    values
        (horizon, patient, feature) float64, in the unit of the attribution's target.
    groups
        Feature sets by name, such as the levels of a categorical variable or a pathway.
    """

    names: tuple[str, ...]
    values: np.ndarray
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.values.ndim != 3 or self.values.shape[2] != len(self.names):
            raise ValueError(
                f"values must have shape (horizon, patient, {len(self.names)}), "
                f"got {self.values.shape}"
            )
        unknown = {n for members in self.groups.values() for n in members} - set(self.names)
        if unknown:
            raise ValueError(
                f"{len(unknown)} members of groups are not features, such as {min(unknown)!r}"
            )


@dataclass(frozen=True)
class ImageAttribution:
    """Contributions of the places of one image modality.

    Parameters
    ----------
    values
        (horizon, patient, \\*space) float64, in the unit of the attribution's target.
    affine
        (4, 4) float64 from array position to millimetres; None where the images have no space.
    """

    values: np.ndarray
    affine: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.values.ndim < 4:
            raise ValueError(
                f"values must have shape (horizon, patient, *space), got {self.values.shape}"
            )
        if self.affine is not None and self.affine.shape != (4, 4):
            raise ValueError(f"affine must have shape (4, 4), got {self.affine.shape}")


@dataclass(frozen=True)
class Spread:
    """How much one modality moves the model's output over a set of patients.

    ``mean_absolute``, ``standard_deviation`` and the quantiles ``lower`` (5 %), ``median`` and
    ``upper`` (95 %) are in the unit of the attribution's target.
    """

    modality: str
    n_patients: int
    mean_absolute: float
    standard_deviation: float
    lower: float
    median: float
    upper: float


@dataclass(frozen=True)
class Attribution:
    """What each part of the input contributed to a model's output, patient by patient.

    Parameters
    ----------
    method
        How it was computed, such as ``"linear terms of the combined model"``.
    target
        The output that is explained: ``log_hazard``, ``log_odds`` where the outcome has no time, or
        ``survival`` or ``risk`` at horizons.
    horizons
        Ascending times, (horizon,) float64. A log hazard does not depend on time: it has no
        horizons, and arrays then have a first axis of length one.
    reference
        Where contributions start from, in words, such as ``"the mean training patient"``.
    patient_id
        (patient,) str.
    modality_names
        Name of each modality, in the order of the last axis of ``modalities``.
    modalities
        (horizon, patient, modality) float64, in the unit of ``target``.
    total
        f(x) − f(reference), (horizon, patient) float64; None where the method is not additive.
    features, images
        Finer parts, by modality, where the method has them.
    checks
        How the method fared on its own axiom.

    Raises
    ------
    ValueError
        If a shape does not fit, a value is not finite, or an additive method's parts differ from
        their total by more than 1e-6 (relative to totals above one).

    Examples
    --------
    >>> import numpy as np
    >>> a = Attribution(
    ...     method="linear terms",
    ...     target="log_hazard",
    ...     horizons=np.array([]),
    ...     reference="the mean training patient",
    ...     patient_id=np.array(["p1", "p2"]),
    ...     modality_names=("clinical", "rna"),
    ...     modalities=np.array([[[0.5, 0.25], [-0.5, 0.0]]]),
    ...     total=np.array([[0.75, -0.5]]),
    ... )
    >>> [round(s.mean_absolute, 3) for s in a.spread()]
    [0.5, 0.125]
    """

    method: str
    target: Target
    horizons: np.ndarray
    reference: str
    patient_id: np.ndarray
    modality_names: tuple[str, ...]
    modalities: np.ndarray
    total: np.ndarray | None = None
    features: Mapping[str, FeatureAttribution] = field(default_factory=dict)
    images: Mapping[str, ImageAttribution] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()

    def __post_init__(self) -> None:
        if not self.reference.strip():
            raise ValueError("say in words what the contributions start from: reference is empty")
        if (self.target in SCORES) != (len(self.horizons) == 0):
            raise ValueError(
                f"{self.target}: a risk score has no horizons, survival and risk have at least "
                f"one; got {len(self.horizons)}"
            )
        if (np.diff(self.horizons) <= 0).any():
            raise ValueError("horizons must ascend")
        self._check_shapes()
        self._check_sums()

    def _check_shapes(self) -> None:
        rows = (max(len(self.horizons), 1), len(self.patient_id))
        shapes = {
            "modalities": (self.modalities.shape, (*rows, len(self.modality_names))),
            **{f"features[{k}]": (v.values.shape[:2], rows) for k, v in self.features.items()},
            **{f"images[{k}]": (v.values.shape[:2], rows) for k, v in self.images.items()},
        }
        if self.total is not None:
            shapes["total"] = (self.total.shape, rows)
        for what, (got, expected) in shapes.items():
            if got != expected:
                raise ValueError(f"{what} must have shape {expected}, got {got}")
        unknown = {*self.features, *self.images} - set(self.modality_names)
        if unknown:
            raise ValueError(f"{sorted(unknown)} are not among {list(self.modality_names)}")
        if len(np.unique(self.patient_id)) != len(self.patient_id):
            raise ValueError("patient_id must be unique")
        arrays = [self.modalities, *([] if self.total is None else [self.total])]
        arrays += [part.values for part in (*self.features.values(), *self.images.values())]
        if not all(np.isfinite(a).all() for a in arrays):
            raise ValueError("contributions must be finite")

    def _check_sums(self) -> None:
        """An additive method leaves nothing over: neither in the whole, nor in a modality."""
        if self.total is None:
            return
        _refuse_gap("modalities", self.modalities.sum(axis=2), self.total)
        for name, part in self.features.items():
            whole = self.modalities[:, :, self.modality_names.index(name)]
            _refuse_gap(f"features of {name}", part.values.sum(axis=2), whole)

    @property
    def n_patients(self) -> int:
        return len(self.patient_id)

    def take(self, index: np.ndarray) -> "Attribution":
        """The same of the patients at ``index`` (positions or a bool mask), in that order."""
        return replace(
            self,
            patient_id=self.patient_id[index],
            modalities=self.modalities[:, index],
            total=None if self.total is None else self.total[:, index],
            features={n: replace(p, values=p.values[:, index]) for n, p in self.features.items()},
            images={n: replace(p, values=p.values[:, index]) for n, p in self.images.items()},
        )

    def of(self, modality: str) -> np.ndarray:
        """Contribution of one modality, (horizon, patient)."""
        if modality not in self.modality_names:
            raise ValueError(f"no modality {modality!r} among {list(self.modality_names)}")
        return self.modalities[:, :, self.modality_names.index(modality)]

    def spread(
        self, present: Mapping[str, np.ndarray] | None = None, *, position: int = 0
    ) -> tuple[Spread, ...]:
        """Size and spread of each modality's contribution, over the patients who have it.

        Parameters
        ----------
        present
            Which patients have a modality, (patient,) bool each; a modality that is not named is
            summarised over all. A patient without a modality gets no contribution from it, so
            counting such patients would make a rare modality look weak.
        position
            Which horizon; 0 for a log hazard.
        """
        everyone = np.ones(self.n_patients, dtype=bool)
        return tuple(
            _spread(name, self.of(name)[position][(present or {}).get(name, everyone)])
            for name in self.modality_names
        )


def _refuse_gap(what: str, parts: np.ndarray, total: np.ndarray) -> None:
    gap = np.abs(parts - total) / np.maximum(1.0, np.abs(total))
    if gap.size and gap.max() > TOLERANCE:
        raise ValueError(
            f"{what} sum to something else than their total for {int((gap > TOLERANCE).sum())} "
            f"of {gap.size} values (largest gap {gap.max():.2g}): pass total=None if the method "
            "is not additive"
        )


def _spread(name: str, values: np.ndarray) -> Spread:
    if not len(values):
        raise ValueError(f"{name}: no patient has it; leave it out of the attribution")
    lower, median, upper = np.quantile(values, (0.05, 0.5, 0.95))
    return Spread(
        modality=name,
        n_patients=len(values),
        mean_absolute=float(np.abs(values).mean()),
        standard_deviation=float(values.std()),
        lower=float(lower),
        median=float(median),
        upper=float(upper),
    )
