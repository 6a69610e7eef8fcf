"""Simulated patients, R's answers about some of them, and one thread for torch."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from fusion.dataset import Modality, PatientDataset

REFERENCE = Path(__file__).parents[1] / "reference" / "cox"
N_GENES = 30


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Keep sums in one order, so that equal means equal."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def cox_inputs() -> pd.DataFrame:
    """What R saw: tests/reference/cox/inputs.csv."""
    table = pd.read_csv(REFERENCE / "inputs.csv")
    return table.assign(event=table["event"] == 1)


@pytest.fixture(scope="session")
def cox_reference() -> Callable[[str], pd.Series]:
    """R's values of a name, indexed by where they hold (cox.R, versions.txt)."""
    table = pd.read_csv(REFERENCE / "reference.csv")

    def values(name: str) -> pd.Series:
        found = table[table["name"] == name].set_index("at")["value"]
        assert len(found), f"cox.R wrote nothing named {name}"
        return found

    return values


@pytest.fixture(scope="session")
def simulate() -> Callable[..., PatientDataset]:
    """Patients whose hazard comes from clinical variables and, where asked, from genes."""
    return _simulate


def _simulate(
    n_patients: int = 160,
    seed: int = 0,
    *,
    clinical_effect: float = 0.8,
    gene_effect: float = 0.8,
    censored: float = 0.35,
) -> PatientDataset:
    rng = np.random.default_rng(seed)
    clinical = np.column_stack(
        [rng.normal(60, 12, n_patients), rng.random((n_patients, 2)) < [0.4, 0.2]]
    )
    genes = rng.normal(8, 2, (n_patients, N_GENES))
    mutations = (rng.random((n_patients, 12)) < 0.2).astype(float)
    risk = clinical_effect * (clinical[:, 0] - 60) / 12 + gene_effect * (genes[:, 0] - 8) / 2
    survived = rng.exponential(900 * np.exp(-risk))
    end = rng.exponential(900 * (1 - censored) / censored, n_patients)
    clinical[rng.random(clinical.shape) < 0.05] = np.nan
    genes[rng.random(genes.shape) < 0.02] = np.nan
    has_rna, has_mutations = rng.random((2, n_patients)) < 0.8
    return PatientDataset(
        patient_id=np.array([f"patient {i:03d}" for i in range(n_patients)]),
        time=np.minimum(survived, end) + 1,
        event=survived <= end,
        time_unit="days",
        modalities={
            "clinical": Modality(
                "clinical", "ehr", clinical, np.ones(n_patients, bool), ("age", "grade", "sex")
            ),
            "rna": Modality(
                "rna",
                "genomics",
                np.where(has_rna[:, None], genes, 0.0),
                has_rna,
                tuple(f"gene {i}" for i in range(N_GENES)),
            ),
            "mutations": Modality(
                "mutations",
                "genomics",
                np.where(has_mutations[:, None], mutations, 0.0),
                has_mutations,
                tuple(f"mutation {i}" for i in range(12)),
                scaling="centre",
            ),
        },
        strata=np.where(rng.random(n_patients) < 0.5, "north", "south"),
    )


@pytest.fixture(scope="session")
def discs() -> Callable[..., Modality]:
    """Images of 32 pixels with one bright disc each, and its outline; some patients lack them."""
    return _discs


def _discs(
    n_patients: int = 48, seed: int = 0, *, masks: bool = True, lacking: int = 4
) -> Modality:
    rng = np.random.default_rng(seed)
    row, column = np.mgrid[:32, :32]
    center = rng.uniform(9, 23, (n_patients, 2))
    radius = rng.uniform(3, 8, n_patients)
    distance = np.hypot(row - center[:, :1, None], column - center[:, 1:, None])
    inside = distance < radius[:, None, None]
    images = 0.3 + 0.4 * inside + 0.1 * rng.normal(size=(2, n_patients, 32, 32))
    present = np.arange(n_patients) >= lacking
    values = np.moveaxis(images, 0, 1)[:, None].clip(0, 1).astype(np.float32)
    values[~present] = 0
    inside[~present] = False
    return Modality(
        name="mri",
        kind="image",
        values=values,
        present=present,
        names=("t1", "flair"),
        masks=inside[:, None] if masks else None,
    )
