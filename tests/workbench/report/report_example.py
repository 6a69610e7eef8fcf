"""A finished study on made-up files: fifteen models, six groups, long names.

Predictions are the known risk plus noise, so no model has to be trained to look at a report.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fusion.explanation.attribution import Attribution, Check, FeatureAttribution
from fusion.predictions import Predictions
from workbench.cohort.cohort import Cohort
from workbench.data.croissant import croissant
from workbench.data.open_card import open_card
from workbench.evaluation import Evaluation, evaluate
from workbench.evaluation.explained_cohort import ExplainedCohort
from workbench.evaluation.fold_balance import fold_balance
from workbench.evaluation.in_practice import decision_curves, failure_cases, subgroup_tables
from workbench.materialisation import materialise
from workbench.report import OtherSplit, ReportContent
from workbench.study_practice import sample_size_record

MODALITIES = ("clinical", "rna", "imaging")
NOISE = {
    "clinical": 0.8,
    "clinical_markers": 0.7,
    "rna": 0.9,
    "imaging": 2.5,
    "concatenation": 0.75,
    "stack": 0.55,
    "without_rna": 0.7,
    "without_imaging": 0.56,
    "fusion_net": 0.7,
    "a_second_fusion_network_with_a_rather_long_name": 0.8,
    "boosted_trees": 0.9,
    "early_fusion": 1.0,
    "selected": 0.5,
}
HORIZONS = [365.0, 1095.0]


def example_content(
    folder: Path,
    *,
    n_patients: int = 360,
    minimum_cell: int = 0,
    simulated: bool = True,
    words: Mapping[str, str] | None = None,
) -> ReportContent:
    """Records of a whole study; ``words`` replaces texts of the card, to try hostile ones."""
    patients = _write_table(folder / "example", n_patients)
    card_file = folder / "example.md"
    card = _card(minimum_cell, simulated, dict(words or {}))
    front_matter = json.dumps(card)  # JSON is YAML
    card_file.write_text(f"---\n{front_matter}\n---\n\nMade up.\n", encoding="utf-8")
    cohort = open_card(card_file, data_dir=folder).cohort("os").split("kfold", k=5)
    risk = patients.set_index("patient_id")["risk"].loc[cohort.patients.index].to_numpy()
    names = ("kind", "young_low_grade")
    masks = cohort.group_masks(names)
    masks["with imaging of sufficient quality for segmentation"] = cohort.available["imaging"]
    masks["patients with imaging"] = cohort.available["imaging"]
    return ReportContent(
        study={
            "schema": 1,
            "card": "example",
            "outcome": "os",
            "select": [],
            "modalities": list(MODALITIES),
            "split": {"kind": "kfold", "k": 5, "seed": 0},
            "models": ["null", "clinical", "each", "concatenation", "stack", "selected"],
            "horizons": HORIZONS,
            "groups": list(names),
            "seed": 0,
        },
        card=cohort.card,
        cohort=cohort,
        evaluation=_evaluation(cohort, risk, masks, seed=0),
        other_splits={
            "whole hospitals": OtherSplit("site", _evaluation(cohort, risk, masks, seed=1))
        },
        chosen=tuple(
            {
                "fold": fold,
                "model": "stack",
                "n_train": 288,
                "events_train": 150,
                "held_out_log_likelihood": {"clinical": -812.3, "stack": -799.96},
                "penalties": {"clinical": 0.1, "rna": 31.6},
                "outline_dice_imaging": 0.711,
            }
            for fold in range(5)
        ),
        attribution=_attribution(cohort, risk),
        provenance={
            "definition_hash": cohort.definition.hash,
            "data_hash": cohort.card.data_hash(),
            "code_version": "0.1.0",
            "seed": 0,
            "environment": {
                "python": "3.11.2",
                "packages": {"numpy": "2.3.5"},
                "processor": "x86_64",
                "threads": 1,
                "device": "cpu",
            },
        },
        explanation=_explanation(cohort, cohort.group_masks(names), minimum_cell),
        practice=_practice(cohort, risk, cohort.group_masks(names)),
        saved_model={
            "files": [{"name": "record.json", "bytes": 12, "sha256": "0" * 64}],
            "sha256": "f" * 64,
        },
        croissant=croissant(cohort.card),
        warnings=((words or {}).get("warning", "Few hospitals hold most of the patients."),),
    )


def _write_table(folder: Path, n: int) -> pd.DataFrame:
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    high = rng.random(n) < 0.3
    risk = 1.6 * high + rng.normal(0, 0.8, n)
    event_time, censoring = rng.exponential(2600 * np.exp(-risk)), rng.exponential(1800, n) + 60
    table = pd.DataFrame(
        {
            "patient_id": [f"P{i:04d}" for i in range(n)],
            "time": np.ceil(np.minimum(event_time, censoring)),
            "event": (event_time <= censoring).astype(int),
            "age": (50 + 9 * risk + rng.normal(0, 9, n)).clip(18, 95).round(1),
            "kind": np.where(high, "high", "low"),
            "site": rng.choice(["01", "02", "03", "04"], n, p=[0.5, 0.3, 0.15, 0.05]),
            "marker": rng.choice(["wildtype", "mutant"], n),
            "risk": risk,
        }
    )
    table.loc[rng.random(n) < 0.04, "age"] = np.nan
    table.drop(columns="risk").to_csv(folder / "patients.csv", index=False)
    genes = pd.DataFrame(rng.normal(size=(n, 4)), columns=[f"gene{i}_rna" for i in range(4)])
    genes.insert(0, "patient_id", table["patient_id"])
    genes.to_csv(folder / "rna.csv", index=False)
    images = genes.rename(columns=lambda name: name.replace("_rna", "_shape"))
    images[rng.random(n) < 0.4].to_csv(folder / "imaging.csv", index=False)
    return table


def _card(minimum_cell: int, simulated: bool, words: dict[str, str]) -> dict[str, Any]:
    at_index = {"days": 0, "basis": "measured at diagnosis"}

    def column(meaning: str, role: str, **more: Any) -> dict[str, Any]:
        kind = {"type": "categorical", **more}
        return {
            "file": "patients",
            "meaning": meaning,
            "role": role,
            "observed_at": at_index,
        } | kind

    def omics(file: str, title: str, suffix: str) -> dict[str, Any]:
        return {
            "kind": "genomics",
            "title": title,
            "file": file,
            "columns": f"(.+)_{suffix}",
            "unit": "standardised",
            "observed_at": {"assumed": True, "basis": "by the word of the laboratory"},
        }

    key = {"column": "patient_id"}
    return {
        "schema": 1,
        "name": "example",
        "title": words.get("title", "An example of glioma: expression, shape and clinic"),
        "version": "1.0",
        "simulated": simulated,
        "licence": "CC0",
        "citation": words.get("citation", "Nobody 2020; doi:10.0000/none"),
        "source": "made up",
        "index_date": "initial diagnosis",
        "files": {
            name: {"path": f"{name}.csv", "key": key} for name in ("patients", "rna", "imaging")
        },
        "population": ["patients"],
        "columns": {
            "age": column("Age at diagnosis", "feature", type="numeric", unit="years"),
            "kind": column("Kind of tumour", "group", levels=["low", "high"]),
            "site": column(words.get("meaning", "Hospital"), "site"),
            "marker": column("Known marker", "marker", levels=["wildtype", "mutant"]),
        },
        "outcomes": {
            "os": {
                "title": words.get("outcome", "Overall survival"),
                "file": "patients",
                "time": "time",
                "unit": "days",
                "event": {"column": "event", "event": 1, "censored": 0},
                "time_zero": "initial diagnosis",
                "note": "Death of any cause.",
            }
        },
        "modalities": {
            "clinical": {"kind": "ehr", "title": "Clinical variables", "columns": ["age"]},
            "rna": omics("rna", "Gene expression", "rna"),
            "imaging": omics("imaging", words.get("modality", "MRI, two key slices"), "shape"),
        },
        "groups": {
            "young_low_grade": {
                "title": words.get("group", "Low-grade, under sixty"),
                "criteria": [
                    {"column": "kind", "op": "==", "value": "low"},
                    {"column": "age", "op": "<", "value": 60},
                ],
            }
        },
        "markers": ["marker"],
        "inventory_title": "What an expert asks for",
        "inventory": [
            {"item": words.get("item", "Age"), "status": "used"},
            {"item": "Treatment", "status": "unavailable", "note": "not recorded"},
        ],
        "limits": [words.get("limit", "Nothing here was measured in a patient.")] * 5,
        "privacy": {"minimum_cell": minimum_cell, "restricted": minimum_cell > 0},
        "study": {"outcome": "os"},
    }


def _predictions(cohort: Cohort, risk: np.ndarray, *, seed: int) -> dict[str, Predictions]:
    rng = np.random.default_rng(seed)
    patient_id = cohort.patients.index.to_numpy(str)
    fold = cohort.patients["fold"].to_numpy(int)
    grid = np.unique(np.append(np.linspace(60, 1500, 25).round(), HORIZONS))
    scores = {"null": np.zeros(len(risk)), "null_by_group": np.zeros(len(risk))} | {
        name: (risk - risk.mean() + rng.normal(0, noise, len(risk))) / (1 + 0.4 * noise**2)
        for name, noise in NOISE.items()
    }
    return {
        name: Predictions(
            name, patient_id, fold, score, grid, np.exp(-np.outer(np.exp(score), grid / 1600))
        )
        for name, score in scores.items()
    }


def _practice(cohort: Cohort, risk: np.ndarray, groups: dict[str, np.ndarray]) -> dict[str, Any]:
    predictions = _predictions(cohort, risk, seed=0)
    age = cohort.patients[["age"]].to_numpy(float)
    has = cohort.available["imaging"]
    asked = {"horizons": HORIZONS}
    return {
        "decision_curves": decision_curves(
            cohort,
            predictions,
            models=["clinical", "clinical_markers", "selected"],
            groups=groups,
            n_bootstrap=20,
            **asked,
        ),
        "subgroups": subgroup_tables(
            cohort,
            predictions["selected"],
            null=predictions["null"],
            groups=groups | {"patients with imaging": has, "patients without imaging": ~has},
            site=cohort.patients["site"].to_numpy(str),
            n_bootstrap=20,
            **asked,
        ),
        "failure_cases": failure_cases(cohort, predictions["selected"], groups=groups, **asked),
        "fold_balance": fold_balance(
            cohort.folds[0], cohort.patients["event"].to_numpy(bool), age, names=["age"]
        ),
        "sample_size": sample_size_record(cohort, 1, HORIZONS[-1]),
    }


def _evaluation(
    cohort: Cohort, risk: np.ndarray, masks: dict[str, np.ndarray], *, seed: int
) -> Evaluation:
    predictions = _predictions(cohort, risk, seed=seed)
    return evaluate(
        cohort,
        predictions,
        horizons=HORIZONS,
        groups=masks,
        markers="clinical_markers",
        modality_value={
            "rna": ("stack", "without_rna", "all"),
            "imaging": ("stack", "without_imaging", "patients with imaging"),
        },
        n_bootstrap=20,
        seed=seed,
    )


def _attribution(cohort: Cohort, risk: np.ndarray) -> Attribution:
    parts = np.stack([risk - risk.mean(), 0.4 * risk, 0.2 * risk], axis=-1)[None]
    parts[:, ~cohort.available["imaging"], 2] = 0
    return Attribution(
        method="linear terms of the combined model",
        target="log_hazard",
        horizons=np.array([]),
        reference="the mean training patient of each fold",
        patient_id=cohort.patients.index.to_numpy(str),
        modality_names=MODALITIES,
        modalities=parts,
        total=parts.sum(axis=2),
        checks=(Check("largest gap between the sum of parts and the total", 3e-12, 1e-6, True),),
    )


def _explanation(
    cohort: Cohort, groups: dict[str, np.ndarray], minimum_cell: int
) -> Mapping[str, Any]:
    """Genes and variables that move the risk by their own value, in the models of five folds."""
    dataset = materialise(cohort, MODALITIES)
    features = {}
    for name, modality in dataset.modalities.items():
        spread = np.nanstd(modality.values[modality.present], axis=0)
        centred = modality.values - np.nanmean(modality.values[modality.present], axis=0)
        weight = 0.5 ** np.arange(1, len(modality.names) + 1) / spread
        values = np.nan_to_num(np.where(modality.present[:, None], centred * weight, 0.0))
        groups_of = {"ONE": modality.names[:2]} if name == "rna" else {}
        features[name] = FeatureAttribution(modality.names, values[None], groups_of)
    parts = np.stack([part.values.sum(axis=2) for part in features.values()], axis=-1)
    whole = Attribution(
        method="linear terms",
        target="log_hazard",
        horizons=np.array([]),
        reference="the mean training patient of each fold",
        patient_id=dataset.patient_id,
        modality_names=MODALITIES,
        modalities=parts,
        total=parts.sum(axis=2),
        features=features,
    )
    over_time = Attribution(
        method="Shapley values",
        target="survival",
        horizons=np.array(HORIZONS),
        reference="a patient of whom nothing is known",
        patient_id=dataset.patient_id,
        modality_names=MODALITIES,
        modalities=np.concatenate([-0.1 * parts, -0.2 * parts]),
    )
    held_out = [cohort.folds[0] == fold for fold in range(5)]
    return ExplainedCohort(
        whole=whole,
        over_time=over_time,
        dataset=dataset,
        runs=tuple(whole.take(rows) for rows in held_out),
        patients=tuple(dataset.take(rows) for rows in held_out),
        minimum=minimum_cell,
        single_patients=minimum_cell == 0,
    ).summary(groups=groups, horizon=HORIZONS[-1], seed=0)
