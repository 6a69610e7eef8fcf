"""Shapes of lower-grade gliomas by molecular cluster, as published for the same outlines.

Buda, Saha and Mazurowski (2019), Comput Biol Med 109:218 found bounding-ellipsoid ratio and angular
standard deviation to differ between clusters of gene expression. R2 is the one near glioblastoma.
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.stats import kruskal

from fusion.mask_features.shape import shape_features

FOLDER = Path(os.environ.get("WORKBENCH_DATA", "")) / "lgg_mri"
NEAR_GLIOBLASTOMA = 2
pytestmark = [
    pytest.mark.shared_data,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="no shared data"),
]


@pytest.fixture(scope="module")
def shapes() -> pd.DataFrame:
    """Shape and cluster of each patient; every second pixel of a slice."""
    slices = pd.read_csv(FOLDER / "slices_index.csv").sort_values("slice")
    cluster = pd.read_csv(FOLDER / "data.csv", index_col="Patient")["RNASeqCluster"].dropna()
    found = {}
    for barcode, rows in slices.groupby(slices.barcode.str.replace("-", "_")):
        if barcode not in cluster.index:
            continue
        names = [f"{folder}_{n}.png" for folder, n in zip(rows.folder, rows.slice, strict=True)]
        mask = np.stack([np.asarray(Image.open(FOLDER / "masks" / name)) > 0 for name in names])
        found[barcode] = shape_features(mask[:, ::2, ::2], (1.0, 2.0, 2.0))
    return pd.DataFrame(found).T.assign(cluster=cluster).dropna()


def interval(values: np.ndarray, chosen: np.ndarray, *, draws: int = 2000) -> tuple[float, float]:
    """95 % bootstrap interval of the mean of those chosen less that of the others."""
    random = np.random.default_rng(0)
    means = [
        part[random.integers(len(part), size=(draws, len(part)))].mean(axis=1)
        for part in (values[chosen], values[~chosen])
    ]
    low, high = np.quantile(means[0] - means[1], [0.025, 0.975])
    return float(low), float(high)


@pytest.mark.parametrize(
    ("name", "sign"),
    [("bounding-ellipsoid volume ratio", -1), ("angular standard deviation", 1)],
)
def test_shape_goes_with_the_cluster_of_gene_expression(
    shapes: pd.DataFrame, name: str, sign: int
) -> None:
    values, chosen = shapes[name].to_numpy(), shapes.cluster.to_numpy() == NEAR_GLIOBLASTOMA
    assert len(shapes) == 92
    assert kruskal(*(part for _, part in shapes.groupby("cluster")[name])).pvalue < 0.01
    low, high = interval(values, chosen)
    assert low * sign > 0
    assert high * sign > 0
    # Clusters dealt out anew tell of no shape.
    dealt = [np.random.default_rng(seed).permutation(chosen) for seed in range(20)]
    none = [low <= 0 <= high for low, high in (interval(values, d) for d in dealt)]
    assert sum(none) >= 16
