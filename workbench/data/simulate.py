"""A simulated glioma cohort whose truth is known.

Images, expression, mutations and health records each carry their own part of a log hazard. Event
times are Weibull with proportional hazards, so the true log hazard is the best risk score there
is, and its C-index is the ceiling (the oracle) that a model can approach but not pass.
"""

import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from workbench.data.simulated_images import SITES, draw_images
from workbench.errors import DataCardError

N_GENES = 500
PATHWAY_SIZES = {
    "cell_cycle": 25,
    "hypoxia": 24,
    "dna_repair": 15,
    "apoptosis": 14,
    "angiogenesis": 12,
    "invasion": 18,
    "neural_development": 23,
    "oligodendrocyte": 12,
    "astrocyte": 13,
    "synapse": 25,
    "immune_infiltration": 25,
    "interferon": 15,
    "antigen_presentation": 11,
    "glycolysis": 16,
    "oxidative_phosphorylation": 20,
    "lipid_metabolism": 10,
    "chromatin": 17,
    "growth_factor": 18,
    "translation": 24,
    "ion_channel": 13,
}
# Pathways whose genes move closely together. Not all of them carry risk.
TIGHT_PATHWAYS = ("cell_cycle", "hypoxia", "synapse", "immune_infiltration", "translation")
PATHWAY_LOG_HAZARD = {"cell_cycle": 0.58, "hypoxia": 0.45, "synapse": -0.38}
MUTATION_FREQUENCY = {
    "MUT01": 0.42,
    "MUT02": 0.35,
    "MUT03": 0.30,
    "MUT04": 0.22,
    "MUT05": 0.18,
    "MUT06": 0.15,
    "MUT07": 0.12,
    "MUT08": 0.25,
    "MUT09": 0.10,
    "MUT10": 0.08,
    "MUT11": 0.06,
    "MUT12": 0.05,
}
MUTATION_LOG_HAZARD = {"MUT03": 0.45, "MUT08": -0.45}
IMAGE_LOG_HAZARD = {"size": 0.76, "texture": 0.46}
CLINICAL_LOG_HAZARD = {
    "decade": 0.52,
    "G3": 0.80,
    "G4": 1.65,
    "performance": 0.32,
    "log_ldh": 0.75,
}

SHAPE = 1.25
OS_SCALE_DAYS = 1600.0
PROGRESSION_RATE = 0.2
FOLLOW_UP_DAYS = (700.0, 1825.0)
RNA_MISSING = MUTATIONS_MISSING = 0.11


@dataclass(frozen=True)
class Truth:
    """What was simulated and no real study would know.

    Parameters
    ----------
    log_hazard
        Index patient_id; columns ``clinical``, ``imaging``, ``genomics`` and their sum
        ``total``. It holds for patients whose image or genes are missing, too.
    causal_genes, causal_pathways, causal_mutations
        Names of what carries risk; all others carry none.
    oracle_c
        Harrell's C of ``total`` on the realised data, by outcome.
    """

    log_hazard: pd.DataFrame
    causal_genes: tuple[str, ...]
    causal_pathways: tuple[str, ...]
    causal_mutations: tuple[str, ...]
    oracle_c: dict[str, float]


@dataclass(frozen=True)
class SimulatedCohort:
    """The files of the cohort, in memory.

    Parameters
    ----------
    clinical
        One row a patient, index patient_id: health record, site and both outcomes.
    rna, mutations
        Rows of the patients who have them; log2 expression, and 0/1.
    images, masks
        (patient, 64, 64, 3) uint8 and (patient, 64, 64) bool, in the order of ``clinical``; also
        of patients whose image the study lacks.
    has_image
        (patient,) bool.
    truth
        The parts of the log hazard, and what causes them.
    """

    clinical: pd.DataFrame
    rna: pd.DataFrame
    mutations: pd.DataFrame
    images: np.ndarray
    masks: np.ndarray
    has_image: np.ndarray
    truth: Truth


def pathways() -> dict[str, tuple[str, ...]]:
    """The genes of each pathway; the last genes stand in none."""
    ends = np.cumsum(list(PATHWAY_SIZES.values()))
    genes = _gene_names()
    return {
        name: genes[end - size : end]
        for (name, size), end in zip(PATHWAY_SIZES.items(), ends, strict=True)
    }


def _gene_names() -> tuple[str, ...]:
    return tuple(f"SIM{i:03d}" for i in range(1, N_GENES + 1))


def simulate(n_patients: int = 600, seed: int = 0) -> SimulatedCohort:
    """Draw a cohort.

    Parameters
    ----------
    n_patients
        At least 20, so that each site and grade occurs.
    seed
        The same seed gives the same cohort.

    Raises
    ------
    DataCardError
        With fewer than 20 patients.
    """
    if n_patients < 20:
        raise DataCardError(f"a simulated cohort needs at least 20 patients, got {n_patients}")
    draw = [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(6)]
    patient_id = pd.Index([f"SIM-{i:04d}" for i in range(1, n_patients + 1)], name="patient_id")

    record, clinical_part = _health_record(draw[0], patient_id)
    images, masks, size, texture = draw_images(draw[1], record["site"].to_numpy())
    rna, rna_part = _expression(draw[2], patient_id)
    mutations, mutation_part = _mutations(draw[3], patient_id)

    log_hazard = pd.DataFrame(
        {
            "clinical": clinical_part,
            "imaging": IMAGE_LOG_HAZARD["size"] * size + IMAGE_LOG_HAZARD["texture"] * texture,
            "genomics": rna_part + mutation_part,
        },
        index=patient_id,
    )
    log_hazard["total"] = log_hazard.sum(axis=1)
    outcomes = _outcomes(draw[4], log_hazard["total"].to_numpy())
    clinical = pd.concat([record, outcomes.set_index(patient_id)], axis=1)

    rng = draw[5]
    has_image = _has_image(rng, record)
    has_rna = rng.random(n_patients) >= RNA_MISSING
    has_mutations = rng.random(n_patients) >= MUTATIONS_MISSING
    return SimulatedCohort(
        clinical=clinical,
        rna=rna[has_rna],
        mutations=mutations[has_mutations],
        images=images,
        masks=masks,
        has_image=has_image,
        truth=_truth(log_hazard, clinical),
    )


def _health_record(
    rng: np.random.Generator, patient_id: pd.Index
) -> tuple[pd.DataFrame, np.ndarray]:
    """Age, sex, grade, performance status and laboratory values, and their log hazard."""
    n = len(patient_id)
    site = rng.permutation(np.resize(SITES, n))
    age = np.clip(np.round(rng.normal(54, 13, n)), 18, 88)
    # The share of high grades rises with age, and West treats more of them: case mix by site.
    severity = 0.35 * (age - 54) / 13 + 0.3 * (site == "West") + rng.standard_normal(n)
    grade = np.array(["G2", "G3", "G4"])[np.digitize(severity, [-0.45, 0.45])]
    performance = np.digitize(0.4 * severity + rng.standard_normal(n), [-0.3, 0.8, 1.8])
    ldh = np.round(210 * np.exp(0.28 * rng.standard_normal(n)))
    crp = np.round(4 * np.exp(0.9 * rng.standard_normal(n)), 1)
    crp_day = np.where(rng.random(n) < 0.05, rng.integers(1, 8, n), rng.integers(-14, 1, n))

    effect = CLINICAL_LOG_HAZARD
    log_hazard = (
        effect["decade"] * (age - 54) / 10
        + np.select([grade == "G3", grade == "G4"], [effect["G3"], effect["G4"]], 0.0)
        + effect["performance"] * performance
        + effect["log_ldh"] * np.log(ldh / 210)
    )
    record = pd.DataFrame(
        {
            "age": age,
            "sex": rng.choice(["female", "male"], n),
            "grade": grade,
            "performance_status": performance,
            "ldh": np.where(rng.random(n) < 0.06, np.nan, ldh),
            "crp": np.where(rng.random(n) < 0.15, np.nan, crp),
            "site": site,
        },
        index=patient_id,
    )
    record.insert(6, "crp_day", pd.Series(crp_day, patient_id).where(record["crp"].notna()))
    return record, log_hazard - log_hazard.mean()


def _expression(rng: np.random.Generator, patient_id: pd.Index) -> tuple[pd.DataFrame, np.ndarray]:
    """Log2 expression driven by one latent activity a pathway, and its log hazard."""
    n, genes = len(patient_id), _gene_names()
    standard = rng.standard_normal((n, N_GENES))
    position = {gene: i for i, gene in enumerate(genes)}
    log_hazard = np.zeros(n)
    for name, members in pathways().items():
        activity = rng.standard_normal(n)
        bounds = (0.85, 0.97) if name in TIGHT_PATHWAYS else (0.30, 0.55)
        loading = rng.uniform(*bounds, len(members))
        index = [position[gene] for gene in members]
        standard[:, index] *= np.sqrt(1 - loading**2)
        standard[:, index] += activity[:, None] * loading
        log_hazard += PATHWAY_LOG_HAZARD.get(name, 0.0) * activity
    mean, spread = rng.uniform(3, 9, N_GENES), rng.uniform(0.5, 1.5, N_GENES)
    values = (mean + spread * standard).astype(np.float32)
    return pd.DataFrame(values, index=patient_id, columns=pd.Index(genes)), log_hazard


def _mutations(rng: np.random.Generator, patient_id: pd.Index) -> tuple[pd.DataFrame, np.ndarray]:
    """Mutated (1) or not (0), and the log hazard."""
    frequency = np.array(list(MUTATION_FREQUENCY.values()))
    mutated = (rng.random((len(patient_id), len(frequency))) < frequency).astype(int)
    table = pd.DataFrame(mutated, index=patient_id, columns=pd.Index(MUTATION_FREQUENCY))
    log_hazard = sum(
        effect * (table[name].to_numpy() - MUTATION_FREQUENCY[name])
        for name, effect in MUTATION_LOG_HAZARD.items()
    )
    return table, np.asarray(log_hazard)


def _outcomes(rng: np.random.Generator, log_hazard: np.ndarray) -> pd.DataFrame:
    """Death and progression, whole days, and two columns known only afterwards.

    Both hazards are proportional to ``exp(log_hazard)`` with one Weibull shape, so that the time
    to the first of them is so too, and one log hazard is the truth for both outcomes.
    """
    n = len(log_hazard)
    relative = np.exp(log_hazard)
    death = OS_SCALE_DAYS * (rng.exponential(size=n) / relative) ** (1 / SHAPE)
    progression = OS_SCALE_DAYS * (rng.exponential(size=n) / (PROGRESSION_RATE * relative)) ** (
        1 / SHAPE
    )
    follow_up = rng.uniform(*FOLLOW_UP_DAYS, n)
    first = np.minimum(death, progression)
    progressed = (progression < death) & (progression <= follow_up)
    confirmed = np.ceil(progression) + rng.integers(7, 60, n)
    response = np.where(
        first < 180,
        "progressive disease",
        rng.choice(["stable disease", "response"], n),
    )
    return pd.DataFrame(
        {
            "os_days": np.ceil(np.minimum(death, follow_up)).astype(int),
            "vital_status": np.where(death <= follow_up, "dead", "alive"),
            "pfi_days": np.ceil(np.minimum(first, follow_up)).astype(int),
            "progressed": (first <= follow_up).astype(int),
            "best_response": response,
            "days_to_progression_confirmed": np.where(progressed, confirmed, np.nan),
        }
    )


def _has_image(rng: np.random.Generator, record: pd.DataFrame) -> np.ndarray:
    """Not at random: West images fewer patients, and the old are imaged less everywhere."""
    logit = -2.05 + 1.3 * (record["site"] == "West") + 0.035 * (record["age"] - 54)
    return rng.random(len(record)) >= 1 / (1 + np.exp(-logit.to_numpy()))


def _truth(log_hazard: pd.DataFrame, clinical: pd.DataFrame) -> Truth:
    total = log_hazard["total"].to_numpy()
    members = pathways()
    return Truth(
        log_hazard=log_hazard,
        causal_genes=tuple(gene for name in PATHWAY_LOG_HAZARD for gene in members[name]),
        causal_pathways=tuple(PATHWAY_LOG_HAZARD),
        causal_mutations=tuple(MUTATION_LOG_HAZARD),
        oracle_c={
            "os": _oracle_c(
                clinical["os_days"].to_numpy(),
                (clinical["vital_status"] == "dead").to_numpy(),
                total,
            ),
            "pfi": _oracle_c(
                clinical["pfi_days"].to_numpy(),
                (clinical["progressed"] == 1).to_numpy(),
                total,
            ),
        },
    )


def _oracle_c(time: np.ndarray, event: np.ndarray, risk_score: np.ndarray) -> float:
    """Harrell's C by counting every pair: usable if the earlier time is an event.

    Written out here, apart from ``workbench.survival``, so that the truth does not rest on the
    code that it judges.
    """
    usable = event[:, None] & (time[:, None] < time[None, :])
    difference = risk_score[:, None] - risk_score[None, :]
    concordant = (difference > 0) + 0.5 * (difference == 0)
    return float(concordant[usable].mean())


def write(folder: str | Path, *, n_patients: int = 600, seed: int = 0) -> Path:
    """Write the cohort as ordinary files that a card describes.

    The folder appears whole or not at all.

    Parameters
    ----------
    folder
        Where to; it must not exist yet.
    n_patients, seed
        As in :func:`simulate`.

    Returns
    -------
    Path
        ``folder``, with ``clinical.csv``, ``rna.parquet``, ``mutations.csv``, ``images/*.png``,
        ``masks/*.png``, and the truth: ``truth.csv`` (log hazard by patient) and ``truth.json``.

    Raises
    ------
    DataCardError
        If ``folder`` exists.
    """
    folder = Path(folder)
    if folder.exists():
        raise DataCardError(f"{folder} exists: name a new folder, or remove it first")
    cohort = simulate(n_patients, seed)
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        _write_files(cohort, draft)
        draft.chmod(0o755)
        os.replace(draft, folder)
    except BaseException:
        # Also on Ctrl-C: nothing half-written stays behind.
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return folder


def _write_files(cohort: SimulatedCohort, folder: Path) -> None:
    cohort.clinical.to_csv(folder / "clinical.csv")
    cohort.rna.to_parquet(folder / "rna.parquet")
    cohort.mutations.to_csv(folder / "mutations.csv")
    (folder / "images").mkdir()
    (folder / "masks").mkdir()
    for i in np.flatnonzero(cohort.has_image):
        name = f"{cohort.clinical.index[i]}.png"
        Image.fromarray(cohort.images[i]).save(folder / "images" / name)
        Image.fromarray(255 * cohort.masks[i].astype(np.uint8)).save(folder / "masks" / name)
    truth = cohort.truth
    truth.log_hazard.round(6).to_csv(folder / "truth.csv")
    facts = {
        "simulated": True,
        "causal_genes": truth.causal_genes,
        "causal_pathways": truth.causal_pathways,
        "causal_mutations": truth.causal_mutations,
        "oracle_c": truth.oracle_c,
    }
    (folder / "truth.json").write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n")
