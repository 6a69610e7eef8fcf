"""Expression and mutations of the simulated cohort, and the part of the log hazard they carry."""

import numpy as np
import pandas as pd

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


def draw_expression(
    rng: np.random.Generator, patient_id: pd.Index
) -> tuple[pd.DataFrame, np.ndarray]:
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


def draw_mutations(
    rng: np.random.Generator, patient_id: pd.Index
) -> tuple[pd.DataFrame, np.ndarray]:
    """Mutated (1) or not (0), and the log hazard."""
    frequency = np.array(list(MUTATION_FREQUENCY.values()))
    mutated = (rng.random((len(patient_id), len(frequency))) < frequency).astype(int)
    table = pd.DataFrame(mutated, index=patient_id, columns=pd.Index(MUTATION_FREQUENCY))
    log_hazard = sum(
        effect * (table[name].to_numpy() - MUTATION_FREQUENCY[name])
        for name, effect in MUTATION_LOG_HAZARD.items()
    )
    return table, np.asarray(log_hazard)
