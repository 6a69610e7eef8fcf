"""PET: activity as standardised uptake value, from what DICOM says of the injection."""

import math
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class Injection:
    """What was given to whom, and when; each field is one DICOM attribute.

    Parameters
    ----------
    weight
        Patient's Weight (0010,1030), kg.
    dose
        Radionuclide Total Dose (0018,1074), Bq.
    half_life
        Radionuclide Half Life (0018,1075), seconds.
    injected
        Radiopharmaceutical Start DateTime (0018,1078).
    decay_corrected_to
        Moment to which activity was corrected: Series Date and Time (0008,0021), (0008,0031), where
        Decay Correction (0054,1102) is START; the injection, where it is ADMIN.

    Raises
    ------
    ValueError
        If a number is not positive, or the image is older than the injection.
    """

    weight: float
    dose: float
    half_life: float
    injected: datetime
    decay_corrected_to: datetime

    def __post_init__(self) -> None:
        for name in ("weight", "dose", "half_life"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise ValueError(f"{name} must be positive: without it there is no SUV")
        if self.decay_corrected_to < self.injected:
            raise ValueError(
                "activity is corrected to a moment before the injection: one of both times is "
                "wrong, often by a date that was shifted for one and not for the other"
            )
        if self.weight > 500:
            raise ValueError("weight is above 500 kg: DICOM counts kilograms")

    @property
    def remaining(self) -> float:
        """Dose that is left at the moment of the image, Bq."""
        seconds = (self.decay_corrected_to - self.injected).total_seconds()
        return self.dose * 0.5 ** (seconds / self.half_life)


def body_weight_suv(
    activity: Float[np.ndarray, "*space"], injection: Injection
) -> Float[np.ndarray, "*space"]:
    """Standardised uptake value by body weight, g/ml: 1 where the dose is spread evenly.

    Parameters
    ----------
    activity
        Bq/ml, after rescale slope and intercept (Units (0054,1001) is BQML).

    Raises
    ------
    ValueError
        If an activity is not finite.

    References
    ----------
    Kinahan, P. and Fletcher, J. (2010). PET/CT standardized uptake values in clinical practice and
    assessing response to therapy. Semin Ultrasound CT MR 31:496.
    """
    if not np.isfinite(activity).all():
        raise ValueError(f"{int((~np.isfinite(activity)).sum())} activities are not finite")
    return (activity * (1000 * injection.weight / injection.remaining)).astype(np.float32)
