"""Grey values inside a lesion, wherever they lie.

Names in brackets are identifiers of the Image Biomarker Standardisation Initiative.

References
----------
Zwanenburg, A. et al. (2020). The Image Biomarker Standardization Initiative. Radiology 295:328.
"""

import numpy as np
from jaxtyping import Float


def intensity_features(values: Float[np.ndarray, " voxel"]) -> dict[str, float]:
    """Statistics of the grey values of a lesion, by name, in the unit of the values.

    Where all values are equal, skewness and kurtosis are 0.

    Parameters
    ----------
    values
        Of the voxels inside the mask, in any order.

    Raises
    ------
    ValueError
        If there is none, or one is not finite.
    """
    if not len(values) or not np.isfinite(values).all():
        raise ValueError(
            f"{len(values)} grey values, {int((~np.isfinite(values)).sum())} of them not finite: "
            "pass the finite values inside a mask that is not empty"
        )
    mean, variance = values.mean(), values.var()
    deviation = (values - mean) / np.sqrt(variance) if variance > 0 else np.zeros_like(values)
    p10, p25, median, p75, p90 = np.percentile(values, [10, 25, 50, 75, 90])
    middle = values[(values >= p10) & (values <= p90)]
    features = {
        "mean (Q4LE)": mean,
        "variance (ECT3)": variance,
        "skewness (KE2M)": (deviation**3).mean(),
        "excess kurtosis (IPH6)": (deviation**4).mean() - 3 if variance > 0 else 0.0,
        "median (Y12H)": median,
        "minimum (1GSF)": values.min(),
        "10th percentile (QG58)": p10,
        "90th percentile (8DWT)": p90,
        "maximum (84IY)": values.max(),
        "interquartile range (SALO)": p75 - p25,
        "range (2OJQ)": np.ptp(values),
        "mean absolute deviation (4FUA)": np.abs(values - mean).mean(),
        "robust mean absolute deviation (1128)": np.abs(middle - middle.mean()).mean(),
        "median absolute deviation (N72L)": np.abs(values - median).mean(),
        "energy (N8CA)": (values**2).sum(),
        "root mean square (5ZWQ)": np.sqrt((values**2).mean()),
    }
    return {name: float(value) for name, value in features.items()}
