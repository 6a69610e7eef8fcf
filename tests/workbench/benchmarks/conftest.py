"""A small simulated collection in the layout of ``tcga_omics``."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

MEMBERS = ("xaca", "xbca")
N_PATIENTS = 100
GENES = {"rnaseq": 12, "mut": 6, "cnv": 4}


def write_member(folder: Path, name: str, first: int, seed: int) -> pd.DataFrame:
    """Write one cancer's table, in which age and one gene carry risk; give its endpoints.

    Parameters
    ----------
    first
        Number in the barcode of its first patient.
    """
    generator = np.random.default_rng(seed)
    ids = [f"TCGA-{'AB'[i % 2]}A-{first + i:04}" for i in range(N_PATIENTS)]
    age = generator.integers(40, 85, N_PATIENTS)
    genes = {
        f"G{i}_{kind}": generator.normal(size=N_PATIENTS)
        if kind == "rnaseq"
        else generator.integers(0, 2, N_PATIENTS).astype(float)
        for kind, n_genes in GENES.items()
        for i in range(n_genes)
    }
    risk = 0.05 * (age - 60) + 0.8 * genes["G0_rnaseq"]
    event_time = generator.exponential(40 * np.exp(-risk)) + 0.1
    censored = generator.uniform(10, 120, N_PATIENTS)
    table = {
        "age": age,
        "is_female": generator.integers(0, 2, N_PATIENTS),
        "oncotree_code": "XXX",
        "survival_months": np.minimum(event_time, censored).round(2),
        "censorship": (event_time > censored).astype(int),
        "fold": np.arange(N_PATIENTS) % 5,
        **genes,
    }
    frame = pd.DataFrame(table, index=pd.Index(ids, name="patient_id"))
    frame.to_parquet(folder / f"{name}.parquet")
    return pd.DataFrame(
        {
            "bcr_patient_barcode": ids,
            "type": name.upper(),
            "ajcc_pathologic_tumor_stage": generator.choice(["Stage I", "Stage II"], N_PATIENTS),
            "clinical_stage": "[Not Available]",
            "histological_grade": generator.choice(["G2", "G3"], N_PATIENTS),
            "race": "WHITE",
            "initial_pathologic_dx_year": 2008,
            "vital_status": np.where(frame["censorship"] == 1, "Alive", "Dead"),
            "tumor_status": "TUMOR FREE",
            "treatment_outcome_first_course": "[Unknown]",
            "new_tumor_event_type": "[Unknown]",
            "new_tumor_event_dx_days_to": "[Unknown]",
            "last_contact_days_to": 100,
            "death_days_to": 100,
            "PFI": 1 - frame["censorship"].to_numpy(),
            "PFI.time": (frame["survival_months"] * 30.4).round().astype(int).to_numpy(),
        }
    )


@pytest.fixture(scope="session")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that holds two small cancers of ``tcga_omics``; to be left as it is."""
    root = tmp_path_factory.mktemp("data")
    folder = root / "tcga_omics"
    folder.mkdir()
    endpoints = [
        write_member(folder, name, first=1000 * i, seed=i) for i, name in enumerate(MEMBERS)
    ]
    pd.concat(endpoints).to_csv(folder / "clinical_endpoints.csv.gz", index=False)
    return root


@pytest.fixture(scope="session")
def wide_collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three cancers, one of hardly a death, and published risks of the first."""
    root = tmp_path_factory.mktemp("wide")
    folder = root / "tcga_omics"
    folder.mkdir()
    names = ("xaca", "xbca", "xcca", "xdca")
    endpoints = [
        write_member(folder, name, first=1000 * i, seed=10 + i) for i, name in enumerate(names)
    ]
    hardly = pd.read_parquet(folder / "xdca.parquet")
    hardly["censorship"] = (np.arange(N_PATIENTS) > 1).astype(int)
    hardly.to_parquet(folder / "xdca.parquet")
    pd.concat(endpoints).to_csv(folder / "clinical_endpoints.csv.gz", index=False)
    first = pd.read_parquet(folder / "xaca.parquet")
    risks = [
        pd.DataFrame(
            {
                "cancer": "xaca",
                "model": model,
                "fold": first["fold"],
                "patient_id": first.index,
                # Folds on scales of their own, as networks of different folds have.
                "risk_score": weight * first["G0_rnaseq"] * (1 + first["fold"]) - first["fold"],
            }
        )
        for model, weight in {"SNN": -1.0, "AMIL": 1.0, "AMIL_concat": 1.0, "MCAT": 2.0}.items()
    ]
    pd.concat(risks).to_csv(folder / "published_slide_risks.csv.gz", index=False)
    return root
